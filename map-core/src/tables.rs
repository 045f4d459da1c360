//! The old/new pair: which table holds the truth about a key, and what is done to it.
//!
//! ```text
//!               mark
//!  old table  ░░░░░│▓▓░▓▓▓▓▓      ░ evacuated   ▓ still holds its entries
//!                  │                 (above the mark: only with `EvacuationOrder::Go`)
//!  new table  ▓▓▓▓▓│··▓·····│▓▓▓▓▓│··▓·····      · untouched: no header yet, nobody looks
//! ```
//!
//! A key's **home** is the chain that holds it if any chain does: the chain of its old bucket while
//! that is not evacuated, else the chain of its new bucket. Every operation first finds the home,
//! so no entry is ever in two places and none is looked for in the wrong one. Writes first do the
//! growth work they owe ([`evacuate`](crate::evacuate)).
//!
//! # Invariants
//! - **home**: an entry is in the chain of its home, with the tophash of its hash; no key is there
//!   twice.
//! - **count**: `len` is the number of full slots in all homes.
//! - **overflow**: `overflow_buckets` is the number of overflow buckets of the new table.
//! # Not here
//! The public interface: see `map`. Inside a chain: see `chain`. Emptying old buckets: see
//! `evacuate`; all of them: see `clear`. Memory: see `table`.
//! # Checked by
//! `invariants::check`; the reference oracle of the operation fuzzers.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::bucket::{Handle, Slot};
use crate::chain::{Vacancy, erase, search, search_or_vacancy, vacancy};
use crate::evacuate::Growing;
use crate::growth::{self, EvacuationOrder};
use crate::health::GrowthCounts;
use crate::raw_iter::{Homes, RawIter};
use crate::table::Table;
use crate::tophash::{SLOTS, is_full, tophash};
use crate::trail::{Place, Trail};

/// Everything of a map but its hasher. Owned by [`Owned`](crate::owned::Owned), which frees it.
#[repr(C)]
pub(crate) struct Tables<K, V> {
    /// The table, or the new one while a growth is under way.
    pub(crate) table: Table<K, V>,
    pub(crate) len: usize,
    /// The old table, while a growth is under way.
    pub(crate) growing: Option<Box<Growing<K, V>>>,
    /// What cursors need to find entries again. `None` when there are no cursors.
    pub(crate) trail: Option<Box<Trail<K>>>,
    pub(crate) overflow_buckets: usize,
    /// The evacuation mark. Keeps its last value when a growth ends.
    pub(crate) mark: usize,
    /// Counts the tables this map has had: the current one's number.
    pub(crate) generation: u64,
    /// Counts the calls of `clear` that did something.
    pub(crate) clears: u64,
    pub(crate) counts: GrowthCounts,
    pub(crate) order: EvacuationOrder,
    /// How many cursors were opened: seeds the start of the next one.
    pub(crate) cursors_opened: u64,
    /// A cursor was opened on the table since it was made.
    pub(crate) cursor_on_table: bool,
    /// A cursor was opened while the old table was in use.
    pub(crate) cursor_on_old_table: bool,
    /// Scratch of an evacuation: the hashes of the bucket being emptied.
    pub(crate) hashes: Vec<u64>,
}

/// The chain where a key belongs, and where that is.
pub(crate) struct Home<K, V> {
    pub(crate) head: Handle<K, V>,
    /// The number of the table.
    pub(crate) generation: u64,
    /// The bucket in that table.
    pub(crate) bucket: usize,
}

impl<K, V> Clone for Home<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Home<K, V> {}

impl<K, V> Tables<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            table: Table::unallocated(),
            len: 0,
            growing: None,
            trail: None,
            overflow_buckets: 0,
            mark: 0,
            generation: 0,
            clears: 0,
            counts: GrowthCounts::NONE,
            order: EvacuationOrder::InOrder,
            cursors_opened: 0,
            cursor_on_table: false,
            cursor_on_old_table: false,
            hashes: Vec::new(),
        }
    }

    // --- Which table holds the truth ---

    /// The chain of the key that hashes to `hash`.
    ///
    /// # Safety
    /// - **allocated**: the table is.
    #[inline]
    pub(crate) unsafe fn home_head(&self, hash: u64) -> Handle<K, V> {
        debug_assert!(self.table.is_allocated());
        if self.growing.is_some() {
            return self.home_while_growing(hash);
        }
        // SAFETY: **touched**: **allocated** by the caller's promise, and no growth is filling it.
        unsafe { self.table.head(hash as usize) }
    }

    #[cold]
    #[inline(never)]
    fn home_while_growing(&self, hash: u64) -> Handle<K, V> {
        self.home(hash).head
    }

    /// The home of a hash, with its place.
    ///
    /// # Panics
    /// If the table is not allocated.
    pub(crate) fn home(&self, hash: u64) -> Home<K, V> {
        assert!(self.table.is_allocated(), "a home is in a table");
        let index = hash as usize;
        if let Some(growing) = &self.growing
            && let Some(head) = growing.unevacuated(index, self.mark)
        {
            let bucket = index & growing.old.mask();
            return Home { head, generation: self.generation - 1, bucket };
        }
        // SAFETY: **touched**: it is allocated, and no growth is filling it, or the old bucket that
        // feeds this one is evacuated.
        let head = unsafe { self.table.head(index) };
        Home { head, generation: self.generation, bucket: index & self.table.mask() }
    }

    /// The chain at a place of a table, if it is a home now.
    pub(crate) fn live_head(&self, generation: u64, bucket: usize) -> Option<Handle<K, V>> {
        if !self.table.is_allocated() {
            return None;
        }
        let home = self.home(bucket as u64);
        (home.generation == generation).then_some(home.head)
    }

    // --- Find ---

    /// The slot of the key for which `is_key` holds. Never writes.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_key: impl FnMut(&K) -> bool) -> Option<Slot<K, V>> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: **allocated**: there are entries in it.
        let head = unsafe { self.home_head(hash) };
        head.prefetch();
        search(head, tophash(hash), is_key)
    }

    // --- Insert ---

    /// The slot of the key, or where it would go. Does the growth work that a write owes.
    #[inline]
    pub(crate) fn find_for_write(
        &mut self,
        hash: u64,
        is_key: impl FnMut(&K) -> bool,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Result<Slot<K, V>, Vacancy<K, V>> {
        self.prune_trail();
        if !self.table.is_allocated() {
            self.table = Table::fresh(0).unwrap_or_else(|error| error.handle());
        }
        self.growth_work(hash, hash_of);
        // SAFETY: **allocated**: just seen to.
        let head = unsafe { self.home_head(hash) };
        head.prefetch();
        search_or_vacancy(head, tophash(hash), is_key)
    }

    /// Where a key that is not in the map goes, after starting the growth that is due, if one is.
    #[inline]
    pub(crate) fn make_room(
        &mut self,
        hash: u64,
        vacancy: Vacancy<K, V>,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Vacancy<K, V> {
        if self.growing.is_none()
            && growth::due(self.len, self.overflow_buckets, self.table.buckets_log2()).is_some()
        {
            return self.make_room_growing(hash, hash_of);
        }
        vacancy
    }

    #[cold]
    #[inline(never)]
    fn make_room_growing(&mut self, hash: u64, hash_of: &impl Fn(&K) -> u64) -> Vacancy<K, V> {
        self.start_due_growth();
        self.growth_work(hash, hash_of);
        vacancy(self.home(hash).head)
    }

    /// Inserts a key that is not in the map, where [`make_room`](Self::make_room) said.
    #[inline]
    pub(crate) fn fill_vacancy(
        &mut self,
        hash: u64,
        entry: (K, V),
        vacancy: Vacancy<K, V>,
    ) -> Slot<K, V> {
        let slot = match vacancy {
            Vacancy::Slot(slot) => slot,
            Vacancy::Full(tail) => Slot { bucket: self.append_overflow(hash, tail), index: 0 },
        };
        slot.bucket.fill(slot.index, tophash(hash), entry);
        self.len += 1;
        slot
    }

    /// Links a new overflow bucket behind the last bucket of the home of `hash`.
    #[cold]
    fn append_overflow(&mut self, hash: u64, tail: Handle<K, V>) -> Handle<K, V> {
        let bucket = Handle::allocate().unwrap_or_else(|error| error.handle());
        if self.home(hash).generation == self.generation {
            self.overflow_buckets += 1;
        }
        tail.set_overflow(Some(bucket));
        bucket
    }

    // --- Remove ---

    /// The slot of a key about to be removed. Does the growth work that a write owes; a removal from
    /// an empty map owes none and does not come here.
    #[inline]
    pub(crate) fn find_for_remove(
        &mut self,
        hash: u64,
        is_key: impl FnMut(&K) -> bool,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Option<Slot<K, V>> {
        self.prune_trail();
        self.growth_work(hash, hash_of);
        self.find(hash, is_key)
    }

    /// Empties a full slot of the home of `hash` and gives its entry away.
    #[inline]
    pub(crate) fn take(&mut self, hash: u64, slot: Slot<K, V>) -> (K, V) {
        if self.trail.is_some() {
            let home = self.home(hash);
            self.forget_at(&home, slot, None);
        }
        // SAFETY: **allocated**: it has a slot.
        let head = unsafe { self.home_head(hash) };
        self.take_from(head, slot)
    }

    /// Empties a full slot and drops its key, or keeps the key where a cursor may ask for it.
    #[inline]
    pub(crate) fn discard(&mut self, hash: u64, slot: Slot<K, V>) -> V {
        if self.trail.is_none() {
            return self.take(hash, slot).1;
        }
        let home = self.home(hash);
        let (key, value) = self.take_from(home.head, slot);
        self.forget_at(&home, slot, Some(key));
        value
    }

    /// Empties a full slot of the chain of `head`. Tells no cursor.
    ///
    /// # Panics
    /// If the slot is not full: what was taken is not there twice.
    #[inline]
    pub(crate) fn take_from(&mut self, head: Handle<K, V>, slot: Slot<K, V>) -> (K, V) {
        assert!(is_full(slot.tophash()), "an entry is taken out of a full slot");
        // SAFETY: **filled**: just seen; it is erased before anything can panic.
        let entry = unsafe { slot.read() };
        erase(head, slot);
        self.len -= 1;
        entry
    }

    /// Empties a full slot of the chain of `head` and drops its entry, where it is. Tells no cursor.
    ///
    /// # Panics
    /// As [`take_from`](Self::take_from); if the entry's `Drop` does, the slot is empty all the same.
    pub(crate) fn drop_from(&mut self, head: Handle<K, V>, slot: Slot<K, V>) {
        assert!(is_full(slot.tophash()), "an entry is taken out of a full slot");
        erase(head, slot);
        self.len -= 1;
        // SAFETY: **filled**: it was, and nobody takes it for full any more. The bucket stays.
        unsafe { slot.drop_in_place() };
    }

    /// Tells the cursors that the entry of a slot is gone. Its key, if given, stays for them to
    /// compare with.
    #[cold]
    pub(crate) fn forget_at(&mut self, home: &Home<K, V>, slot: Slot<K, V>, key: Option<K>) {
        let Some(trail) = &mut self.trail else { return };
        let depth = home.head.chain().take_while(|bucket| *bucket != slot.bucket).count();
        trail.removed(Place::new(home.generation, home.bucket, depth, slot.index), key);
    }

    /// Drops what the trail keeps for cursors that are gone. Runs the `Drop` of keys, which may panic, so
    /// every write begins with it.
    #[inline]
    pub(crate) fn prune_trail(&mut self) {
        if self.trail.is_some() {
            self.prune_trail_now();
        }
    }

    #[cold]
    #[inline(never)]
    fn prune_trail_now(&mut self) {
        if self.trail.as_mut().is_some_and(|trail| !trail.prune()) {
            self.trail = None;
        }
    }

    // --- Everything ---

    /// Has a chain more buckets than its entries need? Looks at all of them, if there are overflow buckets.
    pub(crate) fn has_loose_chains(&self) -> bool {
        self.overflow_buckets > 0
            && self.homes().any(|home| {
                let entries: usize =
                    home.head.chain().map(|bucket| bucket.word().full().count()).sum();
                home.head.chain().skip(1).count() > entries.saturating_sub(1) / SLOTS
            })
    }

    /// A walk over all homes: the old table's from the mark on, then the new table's.
    #[inline]
    pub(crate) fn homes(&self) -> Homes<K, V> {
        Homes::new(self)
    }

    /// A walk over all entries of both tables.
    #[inline]
    pub(crate) fn raw_iter(&self) -> RawIter<K, V> {
        RawIter::new(self)
    }
}
