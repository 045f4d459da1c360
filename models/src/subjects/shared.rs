//! The shared maps that ship with an adapter.
//!
//! # Checked by
//! `tests/threads.rs`.

#[cfg(feature = "dashmap")]
pub(super) mod dashmap;
#[cfg(feature = "flurry")]
pub(super) mod flurry;
pub mod locked;
mod map;
#[cfg(feature = "papaya")]
pub(super) mod papaya;
#[cfg(feature = "scc")]
pub(super) mod scc;
