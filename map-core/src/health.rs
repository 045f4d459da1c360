//! What an operator wants to see: size, load, chains, and how a growth is going.
//!
//! # Not here
//! Whether the structure is right: see `invariants`. The slots themselves: see `view`.
//! # Checked by
//! `map-core/tests/growth.rs`.

use alloc::vec::Vec;

use crate::Map;
use crate::growth::GrowthKind;
use crate::tophash::{EMPTY_ONE, SLOTS, is_full};

/// How many growths a map has started, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrowthCounts {
    /// To twice as many buckets.
    pub doubled: u64,
    /// To as many buckets.
    pub same_size: u64,
    /// By `reserve`, `extend` or `shrink_to`.
    pub explicit: u64,
    /// Old buckets evacuated in all of them.
    pub evacuated_buckets: u64,
}

impl GrowthCounts {
    pub(crate) const NONE: Self =
        Self { doubled: 0, same_size: 0, explicit: 0, evacuated_buckets: 0 };

    /// Growths of all kinds.
    #[must_use]
    pub const fn started(&self) -> u64 {
        self.doubled + self.same_size + self.explicit
    }

    pub(crate) fn of(&mut self, kind: GrowthKind) -> &mut u64 {
        match kind {
            GrowthKind::Doubled => &mut self.doubled,
            GrowthKind::SameSize => &mut self.same_size,
            GrowthKind::Explicit => &mut self.explicit,
        }
    }
}

/// The growth of a map at a moment. O(1) to get: see [`Map::growth_state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrowthState {
    /// The (new) table has 2^`buckets_log2` buckets.
    pub buckets_log2: u32,
    /// Overflow buckets of the (new) table.
    pub overflow_buckets: usize,
    /// The growth under way.
    pub growing: Option<GrowthKind>,
    /// Buckets of the old table; 0 when no growth is under way.
    pub old_buckets: usize,
    /// Old buckets evacuated so far in this growth; 0 when no growth is under way.
    pub evacuated: usize,
    /// The evacuation mark. Keeps its last value when a growth ends.
    pub mark: usize,
    /// Growths started in the life of the map (which starts again when a `Drain` is leaked).
    pub growths_started: u64,
    /// Old buckets evacuated in the life of the map (as above).
    pub evacuated_buckets: u64,
    /// A cursor was opened since the (new) table was made.
    pub cursor_on_table: bool,
    /// A cursor was opened that may stand in the old table.
    pub cursor_on_old_table: bool,
}

/// The health of a map. O(buckets) to get: see [`Map::health`].
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Entries.
    pub len: usize,
    /// Buckets of the (new) table; 0 when none is allocated.
    pub buckets: usize,
    /// Entries per bucket of the (new) table.
    pub load_factor: f64,
    /// The growth at this moment.
    pub growth: GrowthState,
    /// Growths started in the life of the map, by kind: as many as [`GrowthState`] says.
    pub growths: GrowthCounts,
    /// Empty slots that a search must pass.
    pub tombstones: usize,
    /// How many chains there are of 1, 2, … buckets; both tables. Index 0 is for chains of one
    /// bucket.
    pub chain_lengths: Vec<usize>,
    /// How many buckets there are with 0, 1, … 8 full slots; both tables.
    pub slot_fill: [usize; SLOTS + 1],
}

impl<K, V, S> Map<K, V, S> {
    /// The growth of the map at this moment. O(1).
    #[inline]
    #[must_use]
    pub fn growth_state(&self) -> GrowthState {
        let tables = self.tables();
        let growing = tables.growing.as_ref();
        GrowthState {
            buckets_log2: tables.table.buckets_log2(),
            overflow_buckets: tables.overflow_buckets,
            growing: growing.map(|growing| growing.kind),
            old_buckets: growing.map_or(0, |growing| growing.old.buckets()),
            evacuated: growing.map_or(0, |growing| growing.evacuated),
            mark: tables.mark,
            growths_started: tables.counts.started(),
            evacuated_buckets: tables.counts.evacuated_buckets,
            cursor_on_table: tables.cursor_on_table,
            cursor_on_old_table: tables.cursor_on_old_table,
        }
    }

    /// The health of the map. O(buckets).
    #[must_use]
    pub fn health(&self) -> Health {
        let tables = self.tables();
        let buckets = if tables.table.is_allocated() { tables.table.buckets() } else { 0 };
        let mut health = Health {
            len: self.len(),
            buckets,
            load_factor: if buckets == 0 { 0.0 } else { self.len() as f64 / buckets as f64 },
            growth: self.growth_state(),
            growths: tables.counts,
            tombstones: 0,
            chain_lengths: Vec::new(),
            slot_fill: [0; SLOTS + 1],
        };
        for home in tables.homes() {
            let mut length = 0;
            for bucket in home.head.chain() {
                length += 1;
                let tophashes = bucket.tophashes();
                health.tombstones += tophashes.iter().filter(|t| **t == EMPTY_ONE).count();
                health.slot_fill[tophashes.iter().filter(|t| is_full(**t)).count()] += 1;
            }
            if health.chain_lengths.len() < length {
                health.chain_lengths.resize(length, 0);
            }
            health.chain_lengths[length - 1] += 1;
        }
        health
    }
}
