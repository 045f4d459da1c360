//! The contract over our map.
pub use map_core::{Map, RandomState, TryReserveError, hash_map};

#[path = "behaviour.rs"]
mod behaviour;
#[path = "entry.rs"]
mod entry;
#[path = "iterators.rs"]
mod iterators;
#[path = "signatures.rs"]
mod signatures;
