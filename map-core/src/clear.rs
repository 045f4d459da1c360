//! Emptying a map: all entries dropped, whatever their `Drop` does, and memory kept or freed.
//!
//! # Invariants
//! - **regardless**: a drop that panics keeps no other entry from being dropped, and no memory from
//!   being freed.
//! # Not here
//! Taking the entries out one by one: see `iter`.
//! # Checked by
//! `map-core/tests/drops.rs`, `panics.rs`, `alloc.rs`; `clear` in the operation fuzzers.

use alloc::vec::Vec;
use core::mem;

use crate::raw_iter::{Found, RawIter};
use crate::spares::free_overflow;
use crate::table::Table;
use crate::tables::Tables;

impl<K, V> Tables<K, V> {
    /// Drops all entries and leaves any growth; the buckets of one table are kept. Does nothing to
    /// an empty map.
    ///
    /// If a drop panics, the rest is dropped and emptied all the same.
    pub(crate) fn clear(&mut self) {
        if self.len > 0 {
            self.empty();
        }
    }

    /// Drops all entries, leaves any growth, frees all overflow buckets.
    pub(crate) fn empty(&mut self) {
        let mut emptying = Emptying { entries: self.raw_iter(), tables: self, finish: Self::reset };
        // Keys that were kept for cursors are dropped here, which may panic as well.
        emptying.tables.prune_trail();
        emptying.drop_entries();
    }

    /// Makes the tables empty after their entries are gone. Keeps the buckets of one.
    fn reset(&mut self) {
        self.free_overflow_buckets();
        if self.growing.is_some()
            && let Some(trail) = &mut self.trail
        {
            trail.wiped(self.generation - 1);
        }
        self.abandon_growth();
        if self.table.is_allocated() {
            self.table.reset();
        }
        self.len = 0;
        self.mark = 0;
        self.clears += 1;
    }

    /// Frees the table of an empty map.
    pub(crate) fn discard_table(&mut self) {
        self.prune_trail();
        if self.len == 0 && self.table.is_allocated() {
            self.free_memory();
            self.mark = 0;
            // Cursors opened on the table that is gone find nothing.
            self.generation += 1;
            self.cursor_on_table = false;
            self.cursor_on_old_table = false;
        }
    }

    /// Drops all entries and frees everything, also when a drop panics. The tables are as new
    /// afterwards.
    pub(crate) fn free(&mut self) {
        // Keys kept for cursors go last; declared first, they also go when a drop below panics.
        let _kept = self.trail.take();
        if mem::needs_drop::<(K, V)>() && self.len > 0 {
            let finish = Self::free_memory;
            Emptying { entries: self.raw_iter(), tables: self, finish }.drop_entries();
        } else {
            self.free_memory();
        }
    }

    /// Frees the buckets of both tables after their entries are gone.
    fn free_memory(&mut self) {
        self.free_overflow_buckets();
        self.leave_growth();
        let table = mem::replace(&mut self.table, Table::unallocated());
        // SAFETY: it was just taken out of the tables, and with it every way to its buckets.
        unsafe { table.free() };
        self.hashes = Vec::new();
        self.len = 0;
    }

    /// Frees every overflow bucket of both tables. Nothing is in them any more.
    fn free_overflow_buckets(&mut self) {
        if self.growing.is_none() && self.overflow_buckets == 0 {
            return;
        }
        for home in self.homes() {
            free_overflow(home.head);
        }
        self.overflow_buckets = 0;
    }
}

/// Drops all entries, then does `finish`, also when a drop panics on the way.
struct Emptying<'t, K, V> {
    entries: RawIter<K, V>,
    tables: &'t mut Tables<K, V>,
    finish: fn(&mut Tables<K, V>),
}

impl<K, V> Emptying<'_, K, V> {
    fn drop_entries(&mut self) {
        for found in self.entries.by_ref() {
            if self.tables.trail.is_some() {
                drop_but_for_the_key(self.tables, &found);
            } else {
                // SAFETY: **filled**: the walk yields full slots; it does not come back, and `finish`
                // forgets them.
                unsafe { found.slot.drop_in_place() };
            }
        }
    }
}

/// Not inlined, so that it has the entry on the stack when it runs, and only then.
#[cold]
#[inline(never)]
fn drop_but_for_the_key<K, V>(tables: &mut Tables<K, V>, found: &Found<K, V>) {
    // SAFETY: **filled**: as in `drop_entries`.
    let (key, value) = unsafe { found.slot.read() };
    tables.forget_at(&found.home, found.slot, Some(key));
    drop(value);
}

impl<K, V> Drop for Emptying<'_, K, V> {
    fn drop(&mut self) {
        self.drop_entries();
        (self.finish)(self.tables);
    }
}
