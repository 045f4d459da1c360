//! Writing: search, decide, lock, land, unlock; then the work that a write owes.
//!
//! All user code (key comparison, closures, and, through retiring, `drop`) runs while no lock is
//! held: it may panic, and it may use the map. What was found and decided before locking still
//! holds afterwards, because the lock is taken from the very state that was read before the search.
//!
//! # Invariants
//! - **no-user-code-locked**: between `try_lock` and unlocking nothing of the user's runs.
//! - **one-lock**: a thread holds at most one bucket's lock, and waits for one only while it holds
//!   none: no deadlock.
//! - **barrier**: no write lands in a table while the bucket of the same hash in an older one is
//!   not evacuated.
//! # Checked by
//! **barrier**: [`Platform::EVACUATION_BARRIER`]; the rest: `tests/concurrent_closures.rs`,
//! `tests/concurrent_stress.rs`.

use super::bucket::{Bucket, Found, LOCKED, Locked};
use super::core::{Core, Located};
use super::entry::{Entry, Unpublished};
use super::table::Table;
use crate::platform::{Atomic, Guard, Platform, Point};
use crate::tophash::tophash;
use core::ptr;
use core::sync::atomic::Ordering::Relaxed;

/// What to do with a key, having seen its entry or its absence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Store the new entry, in the place of the one seen if there is one.
    Put,
    /// Remove the entry seen.
    Remove,
    /// Nothing.
    Keep,
}

/// What a write saw and left, each null if absent; valid under the pin.
pub(crate) struct Written<K, V, P: Platform> {
    pub(crate) before: *mut Entry<K, V, P>,
    pub(crate) after: *mut Entry<K, V, P>,
}

/// An entry to be stored, once there is one.
pub(crate) type New<K, V, P> = Option<Unpublished<K, V, P>>;

impl<K, V, P: Platform> Core<K, V, P> {
    /// One write of one key. `decide` is asked again when another thread wrote to the bucket
    /// meanwhile; on `Put`, `new` must be filled. Linearizes where the slot is stored (`Put`,
    /// `Remove`) or read (`Keep`).
    pub(crate) fn write<'g>(
        &'g self,
        pin: &'g impl Guard,
        hash: u64,
        mut is_key: impl FnMut(&Entry<K, V, P>, &New<K, V, P>) -> bool,
        mut new: New<K, V, P>,
        mut decide: impl FnMut(*mut Entry<K, V, P>, &mut New<K, V, P>) -> Decision,
    ) -> Written<K, V, P> {
        let mut spare = Spare::<K, V, P>(ptr::null_mut());
        let mut round = 0;
        loop {
            let at = self.locate(pin, hash);
            let found = at.bucket.search(tophash(hash), |entry| is_key(entry, &new));
            let decision = decide(found.entry, &mut new);
            if decision == Decision::Keep || decision == Decision::Remove && found.entry.is_null() {
                self.help(pin);
                return Written { before: found.entry, after: found.entry };
            }
            if at.state & LOCKED != 0 {
                P::point(Point::WaitForLock, at.table.place(at.index));
                P::wait(round);
                round += 1;
                continue;
            }
            if found.at.is_none() {
                spare.provide();
            }
            P::point(Point::AboutToLock, at.table.place(at.index));
            let Some(locked) = at.bucket.try_lock(at.state) else { continue };
            return self.land(pin, hash, &at, locked, &found, decision, new, spare);
        }
    }

    /// The second half of a write: what was found and decided holds, the bucket is locked.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn land<'g>(
        &'g self,
        pin: &'g impl Guard,
        hash: u64,
        at: &Located<'g, K, V, P>,
        locked: Locked<'g, K, V, P>,
        found: &Found<'g, K, V, P>,
        decision: Decision,
        new: New<K, V, P>,
        spare: Spare<K, V, P>,
    ) -> Written<K, V, P> {
        let place = at.table.place(at.index);
        P::point(Point::Locked, place);
        if P::EVACUATION_BARRIER {
            self.check_barrier(pin, at.table, hash);
        }
        if at.table.shape().generation > 0 {
            P::point(Point::AboutToWriteNewTable, place);
        }
        let before = found.entry;
        let mut after = ptr::null_mut();
        let mut appended = false;
        if decision == Decision::Put {
            after = new.expect("Put comes with an entry").into_raw();
            match found.at {
                Some((bucket, slot)) if !before.is_null() => {
                    P::point(Point::AboutToPublishEntry, place);
                    locked.replace(bucket, slot, after);
                }
                Some((bucket, slot)) => {
                    locked.put(bucket, slot, tophash(hash), after, || {
                        P::point(Point::AboutToPublishEntry, place)
                    });
                }
                None => {
                    let bucket = spare.fill(tophash(hash), after);
                    P::point(Point::AboutToLinkOverflow, place);
                    locked.append(found.last, bucket);
                    appended = true;
                }
            }
            P::point(Point::PublishedEntry, place);
        } else if let Some((bucket, slot)) = found.at {
            locked.clear_slot(bucket, slot, || P::point(Point::ClearedSlot, place));
        }
        P::point(Point::AboutToUnlock, place);
        drop(locked);
        self.settle(pin, at, before, after, appended);
        Written { before, after }
    }

    /// The accounts of a write that has landed: the count, the entry that it displaced, growth.
    #[inline(always)]
    fn settle<'g>(
        &'g self,
        pin: &'g impl Guard,
        at: &Located<'g, K, V, P>,
        before: *mut Entry<K, V, P>,
        after: *mut Entry<K, V, P>,
        appended: bool,
    ) {
        if appended {
            at.table.count_overflow_bucket();
        }
        if before.is_null() {
            let local_count = self.len.add_one();
            self.grow_if_due(at.table, at.index, appended, local_count, pin);
        } else {
            if after.is_null() {
                self.len.subtract(1);
            }
            P::point(Point::AboutToRetireEntry, at.table.place(at.index));
            // SAFETY: **one-owner**: the slot owned it, and this thread, under the bucket's lock,
            // replaced or cleared it there; no frozen slot leads to it for who pins
            // from now on, since those chains say EVACUATED.
            unsafe { pin.retire(before) };
        }
        self.help(pin);
    }

    /// **barrier**: panics unless the bucket of `hash` is evacuated in every table before `target`.
    #[cold]
    fn check_barrier<'g>(&'g self, pin: &'g impl Guard, target: &Table<K, V, P>, hash: u64) {
        let mut table = self.root(pin);
        while !ptr::eq(table, target) {
            let index = table.index_of(hash);
            assert!(
                table.is_evacuated(index),
                "evacuation barrier: a write of hash {hash:#x} is about to land in bucket {} of table {} ({} buckets) while bucket {index} of table {} ({} buckets, {} claimed) \
                 is not evacuated",
                target.index_of(hash),
                target.shape().generation,
                target.buckets(),
                table.shape().generation,
                table.buckets(),
                table.claimed().min(table.buckets()),
            );
            let generation = table.shape().generation;
            table = table.successor().unwrap_or_else(|| {
                panic!(
                    "evacuation barrier: a write of hash {hash:#x} is about to land in bucket {} of table {}, which is no longer in use: the newest is {generation}",
                    target.index_of(hash),
                    target.shape().generation,
                )
            });
        }
    }
}

/// An overflow bucket allocated before locking, in case the chain is full; freed if it was not
/// needed.
struct Spare<K, V, P: Platform>(*mut Bucket<K, V, P>);

impl<K, V, P: Platform> Spare<K, V, P> {
    #[cold]
    fn provide(&mut self) {
        if self.0.is_null() {
            self.0 = Bucket::new_overflow();
        }
    }

    /// Gives the bucket away, with one entry in it.
    fn fill(mut self, tophash: u8, entry: *mut Entry<K, V, P>) -> *mut Bucket<K, V, P> {
        let bucket = core::mem::replace(&mut self.0, ptr::null_mut());
        // SAFETY: made by `provide` when the search found the chain full; nobody else knows it.
        let spare = unsafe { &*bucket };
        // Relaxed: published by Release (link-overflow).
        spare.slots[0].store(entry, Relaxed);
        spare.tophashes.store(u64::from(tophash), Relaxed);
        bucket
    }
}

impl<K, V, P: Platform> Drop for Spare<K, V, P> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: made by `new_overflow`, and not given away.
            unsafe { Bucket::free_one(self.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::concurrent::stages::growing;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn the_barrier_stops_a_write_ahead_of_the_evacuation() {
        let map = growing();
        let pin = map.core.pin();
        let root = map.core.root(&pin);
        for hash in 0..16 {
            map.core.check_barrier(&pin, root, hash);
            let landing = || map.core.check_barrier(&pin, root.known_successor(), hash);
            let stopped = catch_unwind(AssertUnwindSafe(landing)).is_err();
            assert_eq!(stopped, hash % 8 >= 2, "of hash {hash}");
        }
    }
}
