//! Room: how much there is, making it, giving it up.
//!
//! These move all entries at once; growth that inserts start does not come here.
//!
//! # Checked by
//! `map-core/tests/growth.rs`, `alloc.rs`, `alloc_failure.rs`, `std_api`.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use crate::growth;
use crate::{Map, TryReserveError};

impl<K, V, S> Map<K, V, S> {
    /// The number of entries the map can hold before it doubles: a lower bound.
    ///
    /// Chains that removals have left long are packed by a growth to the same size, which an insert may start at any
    /// number of entries.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        if self.tables.table.is_allocated() {
            growth::entries_max(self.tables.table.buckets_log2()).max(self.len())
        } else {
            0
        }
    }
}

impl<K, V, S> Map<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher,
{
    /// Makes room for `additional` more entries, so that inserting them starts no doubling.
    ///
    /// Moves all entries if the table must grow: O(len), unlike the growth that inserts start. What is inserted then may
    /// still need memory: see [`try_reserve`](Self::try_reserve).
    ///
    /// # Panics
    /// If no address space could hold them.
    #[inline]
    pub fn reserve(&mut self, additional: usize) {
        self.try_reserve(additional).unwrap_or_else(|error| error.handle());
    }

    /// Makes room for `additional` more entries, or says why that is not possible.
    ///
    /// `Ok` promises that no doubling starts, not, as std's does, that the inserts need no memory. They allocate an overflow
    /// bucket where a chain of eight is full, and, while a growth is under way that had room enough, what each write's old
    /// buckets need. [`evacuate`](Self::evacuate) ends that growth first.
    ///
    /// # Errors
    /// When the capacity overflows or the allocator refuses. The map holds what it held then, and
    /// has the room that it had; a growth that was under way may have come further. (What open
    /// cursors must know of entries that move is noted last, and memory refused for that aborts, as
    /// in an insert.)
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        if additional <= self.capacity() - self.len() {
            return Ok(());
        }
        let buckets_log2 = self
            .len()
            .checked_add(additional)
            .and_then(growth::buckets_log2_for)
            .ok_or(TryReserveError::CapacityOverflow)?;
        self.rebuild(buckets_log2)
    }

    /// Gives up memory that the present entries don't need: a growth under way comes to its end, so that
    /// there is one table, and its chains are packed if that frees a bucket. O(buckets).
    ///
    /// Calls `handle_alloc_error` if memory is refused. Where that unwinds, which it does not on stable Rust with std, the map
    /// holds all its entries, but iterators and cursors may pass over some until the shrink is ended by
    /// [`evacuate`](Self::evacuate).
    pub fn shrink_to_fit(&mut self) {
        self.shrink_to(0);
    }

    /// Gives up memory that the present entries, or `min_capacity` entries, don't need, as
    /// [`shrink_to_fit`](Self::shrink_to_fit) does. O(buckets).
    pub fn shrink_to(&mut self, min_capacity: usize) {
        let wanted = min_capacity.max(self.len());
        if wanted == 0 {
            self.tables.discard_table();
            return;
        }
        self.evacuate(usize::MAX);
        let buckets_log2 = self.tables.table.buckets_log2();
        let smaller =
            growth::buckets_log2_for(wanted).map_or(buckets_log2, |least| least.min(buckets_log2));
        if smaller < buckets_log2 || self.tables.has_loose_chains() {
            self.rebuild(smaller).unwrap_or_else(|error| error.handle());
        }
        self.tables.hashes = Vec::new();
    }

    fn rebuild(&mut self, buckets_log2: u32) -> Result<(), TryReserveError> {
        let hash_builder = &self.hash_builder;
        self.tables.rebuild(buckets_log2, &|key| hash_builder.hash_one(key))
    }
}
