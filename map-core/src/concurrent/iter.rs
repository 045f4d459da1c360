//! Walking the map while others write it and it grows, any number of times.
//!
//! ```text
//!   table that was the root at the start:   0  1  2  3  …       one place after the other
//!                                              │ evacuated?
//!                                              ├─► 1     of its successor, evacuated?  ─► …
//!                                              └─► 1+n   of its successor
//! ```
//!
//! A bucket that is not evacuated is read as a whole: its state is the same before and after, so at
//! most one write was under way, and no key can have moved from one of its slots to another. An
//! evacuated one stands for the buckets that it feeds.
//!
//! # Invariants
//! - **never-twice**: the places still to visit and those visited are disjoint sets of hashes.
//! - **never-skipped**: an entry that is in the map throughout is, at any moment, in a chain below
//!   exactly one place visited or still to visit.
//! - **never-waits**: a read is repeated only when the bucket's state has changed meanwhile: another
//!   thread took its lock, or let go of it.
//! # Checked by
//! `tests/concurrent_iteration.rs`; `tests/concurrent_stress.rs`.

use super::bucket::{EVACUATED, protect};
use super::core::{Core, Located};
use super::entry::{Entry, Parts};
use super::table::Table;
use crate::platform::{Atomic, Guard, Platform, Point, Std};
use crate::tophash::SLOTS;
use alloc::vec::Vec;
use core::fmt;

/// The places of a map, each hash under exactly one of them.
pub(crate) struct Walk<'g, K, V, P: Platform> {
    root: &'g Table<K, V, P>,
    /// The next place of the root.
    next: usize,
    /// Places of later tables, in the stead of an evacuated one.
    pending: Vec<(&'g Table<K, V, P>, usize)>,
}

impl<'g, K, V, P: Platform> Walk<'g, K, V, P> {
    pub(crate) fn new(core: &'g Core<K, V, P>, pin: &'g impl Guard) -> Self {
        Walk { root: core.root(pin), next: 0, pending: Vec::new() }
    }

    /// The next place whose bucket was not evacuated a moment ago, with the bucket and its state
    /// then.
    pub(crate) fn next_bucket(&mut self) -> Option<Located<'g, K, V, P>> {
        loop {
            let (table, index) = match self.pending.pop() {
                Some(place) => place,
                None if self.next < self.root.buckets() => {
                    self.next += 1;
                    (self.root, self.next - 1)
                }
                None => return None,
            };
            if let Some(bucket) = table.bucket(index) {
                // Acquire (unlock), Acquire (publish-evacuated): as in `Core::locate`.
                let state = bucket.state.load(protect::<P>());
                if state & EVACUATED == 0 {
                    return Some(Located { table, index, bucket, state });
                }
            }
            let successor = table.known_successor();
            let (low, high) = table.fed_buckets(index);
            self.pending.extend(high.map(|high| (successor, high)));
            self.pending.push((successor, low));
        }
    }

    /// Puts a place back, to be visited (or what took its stead) next.
    pub(crate) fn put_back(&mut self, table: &'g Table<K, V, P>, index: usize) {
        self.pending.push((table, index));
    }
}

/// The entries of a map, bucket by bucket.
pub(crate) struct Entries<'g, K, V, P: Platform> {
    walk: Walk<'g, K, V, P>,
    /// What the bucket last visited held and was not yielded yet.
    bucket: Vec<*mut Entry<K, V, P>>,
}

impl<'g, K, V, P: Platform> Entries<'g, K, V, P> {
    pub(crate) fn new(core: &'g Core<K, V, P>, pin: &'g impl Guard) -> Self {
        Entries { walk: Walk::new(core, pin), bucket: Vec::new() }
    }

    /// Reads the next bucket as a whole; false when there is none.
    fn visit(&mut self) -> bool {
        let Some(Located { table, index, bucket, state }) = self.walk.next_bucket() else {
            return false;
        };
        P::point(Point::AboutToVisitBucket, table.place(index));
        for bucket in bucket.chain() {
            self.bucket
                .extend((0..SLOTS).map(|slot| bucket.entry(slot)).filter(|entry| !entry.is_null()));
        }
        // The loads above are Acquire, so this one comes after them. A key was read twice only if it
        // was removed and stored again by a later holder of the lock, whose lock's taking came with
        // its entry (publish-entry): equal states, also if locked, mean that none was.
        let after = bucket.state.load(protect::<P>());
        if after != state {
            self.bucket.clear();
            self.walk.put_back(table, index);
        }
        true
    }
}

impl<'g, K, V, P: Platform> Iterator for Entries<'g, K, V, P> {
    type Item = &'g Entry<K, V, P>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.bucket.pop() {
                P::touched(entry.cast_const());
                // SAFETY: loaded from a slot under the pin that `Entries::new` was given for `'g`.
                return Some(unsafe { &*entry });
            }
            if !self.visit() {
                return None;
            }
        }
    }
}

/// An iterator over the entries of a [`ConcurrentMap`](crate::ConcurrentMap), made by
/// [`Pinned::iter`](super::Pinned::iter).
pub struct Iter<'g, K, V, P: Platform = Std> {
    pub(crate) entries: Entries<'g, K, V, P>,
}

impl<'g, K, V, P: Platform> Iterator for Iter<'g, K, V, P> {
    type Item = (&'g K, &'g V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Parts { key, value, .. } = self.entries.next()?.parts();
        Some((key, value))
    }
}

/// An iterator over the keys of a [`ConcurrentMap`](crate::ConcurrentMap), made by
/// [`Pinned::keys`](super::Pinned::keys).
pub struct Keys<'g, K, V, P: Platform = Std>(pub(crate) Iter<'g, K, V, P>);

impl<'g, K, V, P: Platform> Iterator for Keys<'g, K, V, P> {
    type Item = &'g K;

    fn next(&mut self) -> Option<&'g K> {
        self.0.next().map(|(key, _)| key)
    }
}

/// An iterator over the values of a [`ConcurrentMap`](crate::ConcurrentMap), made by
/// [`Pinned::values`](super::Pinned::values).
pub struct Values<'g, K, V, P: Platform = Std>(pub(crate) Iter<'g, K, V, P>);

impl<'g, K, V, P: Platform> Iterator for Values<'g, K, V, P> {
    type Item = &'g V;

    fn next(&mut self) -> Option<&'g V> {
        self.0.next().map(|(_, value)| value)
    }
}

macro_rules! opaque {
    ($($name:ident),+) => {$(
        impl<K, V, P: Platform> fmt::Debug for $name<'_, K, V, P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}

opaque!(Iter, Keys, Values);
