//! Generators: where cases come from. They draw randomness from a seed, and never assert.
//!
//! # Not here
//! Judging: see `oracles`.
//! # Checked by
//! `tests/generators.rs`: what they reach.

pub mod directed;
pub mod hashers;
pub mod histories;
pub mod keys;
pub mod mutate;
pub mod mutate_threads;
pub mod ops;
pub mod programs;
pub mod scenarios;
pub mod strategy;
