//! What only this map has: growth work on demand, in either order, and cursors. See also `health`,
//! `view` and `invariants`.
//!
//! # Checked by
//! `map-core/tests/growth.rs`, `iteration.rs`; the operation fuzzers.

use core::hash::{BuildHasher, Hash};

use crate::Map;
use crate::cursor::Cursor;
use crate::growth::EvacuationOrder;

impl<K, V, S> Map<K, V, S> {
    /// The order in which old buckets are evacuated.
    #[must_use]
    pub fn evacuation_order(&self) -> EvacuationOrder {
        self.tables.order
    }

    /// Changes the order in which old buckets are evacuated, for the growth under way as well.
    pub fn set_evacuation_order(&mut self, order: EvacuationOrder) {
        self.tables.order = order;
    }
}

impl<K, V, S> Map<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher,
{
    /// Does growth work now: evacuates up to `buckets` old buckets. Returns how many were
    /// evacuated: 0 when the map is not growing. O(1) for each bucket that the evacuation mark
    /// passes and each entry that moves.
    ///
    /// # Panics
    /// If `Hash` of a key does; the buckets evacuated by then stay so. If the `Drop` of a key does that was kept for a
    /// cursor that is gone.
    pub fn evacuate(&mut self, buckets: usize) -> usize {
        self.tables.prune_trail();
        let hash_builder = &self.hash_builder;
        self.tables
            .evacuate_at_mark(buckets, &|key| hash_builder.hash_one(key))
            .unwrap_or_else(|error| error.handle())
    }

    /// An iteration that does not borrow the map. See [`Cursor`].
    ///
    /// Each cursor starts elsewhere: in a bucket and at a slot drawn from the map's hasher. O(1),
    /// and, when cursors are gone, what it takes to forget what was kept for them.
    ///
    /// # Panics
    /// If the `Drop` of a key does that was kept for a cursor that is gone.
    pub fn cursor(&mut self) -> Cursor {
        self.tables.cursors_opened += 1;
        let random = self.hash_builder.hash_one(self.tables.cursors_opened);
        self.cursor_at(random as usize, (random >> 61) as usize)
    }

    /// A [`Cursor`] that starts at bucket `start_bucket` and slot `offset` of each bucket, both
    /// reduced to their range. Else as [`cursor`](Self::cursor).
    pub fn cursor_at(&mut self, start_bucket: usize, offset: usize) -> Cursor {
        self.tables.open_cursor(start_bucket, offset)
    }
}
