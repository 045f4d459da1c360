//! Walking both tables: every home once, every entry once.
//!
//! The homes of a growing map are the old buckets that are not evacuated and the new buckets whose
//! old bucket is. A walk copies the tables' directories, so it borrows nothing; it stays valid
//! while entries are removed, and ends being so with the next growth work.
//!
//! # Invariants
//! - **steady**: no bucket is evacuated, allocated or freed while a walk is used.
//! # Not here
//! Iteration that survives a growth: see `cursor`. The public iterators: see `iter`.
//! # Checked by
//! `map-core/tests/iteration.rs`; the reference oracle after each operation.

use crate::bucket::{Handle, Slot};
use crate::evacuate::unevacuated;
use crate::table::Table;
use crate::tables::{Home, Tables};
use crate::tophash::Matches;

/// All homes: the old table's first.
pub(crate) struct Homes<K, V> {
    table: Table<K, V>,
    old: Option<Table<K, V>>,
    mark: usize,
    generation: u64,
    in_old: bool,
    next: usize,
}

impl<K, V> Clone for Homes<K, V> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<K, V> Homes<K, V> {
    pub(crate) fn new(tables: &Tables<K, V>) -> Self {
        let old = tables.growing.as_ref().map(|growing| growing.old);
        Self {
            table: tables.table,
            old,
            mark: tables.mark,
            generation: tables.generation,
            in_old: old.is_some(),
            next: if old.is_some() { tables.mark } else { 0 },
        }
    }

    /// The next old bucket that is not evacuated.
    #[cold]
    fn next_old(&mut self) -> Option<Home<K, V>> {
        let old = self.old?;
        while self.next < old.buckets() {
            let bucket = self.next;
            self.next += 1;
            if let Some(head) = unevacuated(&old, bucket, self.mark) {
                return Some(Home { head, generation: self.generation - 1, bucket });
            }
        }
        self.in_old = false;
        self.next = 0;
        None
    }
}

impl<K, V> Iterator for Homes<K, V> {
    type Item = Home<K, V>;

    #[inline]
    fn next(&mut self) -> Option<Home<K, V>> {
        if self.in_old
            && let Some(home) = self.next_old()
        {
            return Some(home);
        }
        if !self.table.is_allocated() {
            return None;
        }
        while self.next < self.table.buckets() {
            let bucket = self.next;
            self.next += 1;
            if let Some(old) = &self.old
                && unevacuated(old, bucket, self.mark).is_some()
            {
                continue;
            }
            // SAFETY: **touched**: no growth is filling the table, or the old bucket that feeds
            // this one is evacuated.
            let head = unsafe { self.table.head(bucket) };
            return Some(Home { head, generation: self.generation, bucket });
        }
        None
    }
}

/// All entries.
pub(crate) struct RawIter<K, V> {
    /// The bucket the walk is in, and its home. `None` before the first.
    at: Option<(Handle<K, V>, Home<K, V>)>,
    /// The slots of that bucket that are yet to be yielded.
    full: Matches,
    /// The bucket's link leads to others of its chain.
    goes_on: bool,
    /// Entries in buckets the walk has not come to.
    ahead: usize,
    homes: Homes<K, V>,
}

impl<K, V> Clone for RawIter<K, V> {
    fn clone(&self) -> Self {
        Self { homes: self.homes.clone(), ..*self }
    }
}

/// An entry that a walk has come to.
pub(crate) struct Found<K, V> {
    pub(crate) slot: Slot<K, V>,
    pub(crate) home: Home<K, V>,
}

impl<K, V> RawIter<K, V> {
    pub(crate) fn new(tables: &Tables<K, V>) -> Self {
        Self {
            at: None,
            full: Matches::NONE,
            goes_on: false,
            ahead: tables.len,
            homes: Homes::new(tables),
        }
    }

    /// Entries not yet yielded.
    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.ahead + self.full.count()
    }

    /// Goes to the next bucket; false when there are no more entries.
    ///
    /// Not inlined: once per bucket it costs less than it takes from the loop over slots.
    #[inline(never)]
    fn advance(&mut self) -> bool {
        if self.ahead == 0 {
            return false;
        }
        let next = match self.at {
            Some((bucket, home)) if self.goes_on => bucket.overflow().map(|next| (next, home)),
            _ => None,
        };
        let Some((bucket, home)) = next.or_else(|| self.homes.next().map(|home| (home.head, home)))
        else {
            return false;
        };
        let word = bucket.word();
        self.at = Some((bucket, home));
        self.full = word.full();
        // By **rest** nothing lies behind a bucket that ends its chain: its link is not touched.
        self.goes_on = !word.ends_chain();
        self.ahead = self.ahead.saturating_sub(self.full.count());
        true
    }
}

impl<K, V> Iterator for RawIter<K, V> {
    type Item = Found<K, V>;

    #[inline]
    fn next(&mut self) -> Option<Found<K, V>> {
        loop {
            if let Some(index) = self.full.next() {
                let (bucket, home) = self.at?;
                return Some(Found { slot: Slot { bucket, index }, home });
            }
            if !self.advance() {
                return None;
            }
        }
    }
}
