//! Engines: ways to run the threads of a case, each recording a history for the oracles.
//!
//! # Not here
//! Judging: see `oracles::whole_map::judge`.

pub mod threads;
