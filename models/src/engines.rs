//! Engines: ways to run a concurrent case.
//!
//! # Checked by
//! `tests/catalogue.rs`.

pub mod shuttle;
pub mod threads;
