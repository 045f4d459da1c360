//! The contract over std's map, which wrote it.
pub use std::collections::{HashMap as Map, TryReserveError, hash_map};
pub use std::hash::RandomState;

#[path = "behaviour.rs"]
mod behaviour;
#[path = "entry.rs"]
mod entry;
#[path = "iterators.rs"]
mod iterators;
#[path = "signatures.rs"]
mod signatures;
