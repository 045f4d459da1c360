//! What an operator wants to see of a concurrent map: O(stripes).
//!
//! # Checked by
//! `tests/concurrent_api.rs` (a growth under way), `tests/concurrent_drops.rs` (spare segments).

use super::core::Core;
use crate::growth::GrowthKind;
use crate::platform::{Guard, Platform};
use alloc::vec::Vec;

/// A report on a [`ConcurrentMap`](crate::ConcurrentMap). With writes under way, of values each
/// true at some moment meanwhile.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ConcurrentHealth {
    /// Entries.
    pub len: usize,
    /// Buckets of the newest table.
    pub buckets: usize,
    /// log2 of that.
    pub buckets_log2: u32,
    /// Entries per bucket of the newest table.
    pub load_factor: f64,
    /// Overflow buckets made for the newest table.
    pub overflow_buckets: usize,
    /// The number of the newest table, counted from 0.
    pub generation: u64,
    /// The growths under way, oldest first: none, one, or more while one is nested in another.
    pub growing: Vec<ConcurrentGrowth>,
    /// Doublings begun so far.
    pub doublings: usize,
    /// Same-size growths begun so far.
    pub same_size_growths: usize,
    /// Segments of drained tables that wait for a growth to use them again, or for writes to free
    /// them, one each. More than the newest table has, when one pin outlasted all growths to it.
    pub spare_segments: usize,
}

/// One growth under way.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConcurrentGrowth {
    /// Doubled or same-size.
    pub kind: GrowthKind,
    /// Buckets of the old table.
    pub old_buckets: usize,
    /// Every old bucket below was claimed, and is evacuated, or being evacuated, or waiting for
    /// another round.
    pub claimed: usize,
    /// Segments of the old table.
    pub old_segments: usize,
    /// Those that are evacuated and given back.
    pub drained_segments: usize,
}

impl<K, V, P: Platform> Core<K, V, P> {
    pub(crate) fn health<'g>(&'g self, pin: &'g impl Guard) -> ConcurrentHealth {
        let mut table = self.root(pin);
        let mut growing = Vec::new();
        while let Some(successor) = table.successor() {
            growing.push(ConcurrentGrowth {
                kind: successor.shape().kind.unwrap_or(GrowthKind::Doubled),
                old_buckets: table.buckets(),
                claimed: table.claimed().min(table.buckets()),
                old_segments: table.segments(),
                drained_segments: table.drained(),
            });
            table = successor;
        }
        let len = self.len.sum();
        let (doublings, same_size_growths) = self.growths();
        ConcurrentHealth {
            len,
            buckets: table.buckets(),
            buckets_log2: table.shape().buckets_log2,
            load_factor: len as f64 / table.buckets() as f64,
            overflow_buckets: table.overflow_buckets(),
            generation: table.shape().generation,
            growing,
            doublings,
            same_size_growths,
            spare_segments: self.spares.len(),
        }
    }
}
