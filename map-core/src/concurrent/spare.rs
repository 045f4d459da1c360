//! Drained segments on their way from an old table to a new one.
//!
//! ```text
//!   old table ──drain──► drained ──some at once──► retired ──grace period──► spare ──► new table
//!                                                                              └─────► freed, one per write, once nothing grows
//! ```
//!
//! Whoever's pin ends last reclaims what others retired, and that may be a reader. Freeing a segment
//! walks its overflow buckets and keeps the allocator busy for microseconds, at worst for tens of
//! them; pushing it onto a stack is one compare-exchange. So only writers free segments, and most are
//! not freed: a doubling takes two for each that it drains.
//!
//! # Invariants
//! - **out-of-reach**: nothing leads to a spare segment but the stack, so who takes it is alone with
//!   it. To one that is yet to be retired readers may still have a way, but only to its buckets.
//! - **no-aba**: a spare is taken by taking all of them, so no compare-exchange relies on what lies
//!   below the top.
//! # Not here
//! Whether a platform keeps segments, or frees them as soon as they may be: see
//! [`Platform::recycles_segments`].
//! # Checked by
//! The unit tests below; `tests/concurrent_stress.rs`, where segments are tiny and come round all the time.

use super::segment::Drained;
use crate::platform::{Atomic, AtomicNumber, Platform};
use alloc::boxed::Box;
use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A stack of drained segments that have no other owner: those to be retired, or those that nobody can reach any more.
pub(crate) struct Spares<K, V, P: Platform> {
    top: P::AtomicPtr<Drained<K, V, P>>,
    len: P::AtomicUsize,
}

/// A map's own spares, at an address that stays when the map moves. Not a `Box`: to move one claims
/// that no other pointer leads to what is in it, and every drained segment has one.
pub(crate) struct Kept<K, V, P: Platform>(NonNull<Spares<K, V, P>>);

impl<K, V, P: Platform> Kept<K, V, P> {
    pub(crate) fn new() -> Self {
        Kept(NonNull::from(Box::leak(Box::new(Spares::new()))))
    }
}

impl<K, V, P: Platform> Deref for Kept<K, V, P> {
    type Target = Spares<K, V, P>;

    #[inline(always)]
    fn deref(&self) -> &Spares<K, V, P> {
        // SAFETY: made by `new`, freed with `self`, and borrowed shared until then.
        unsafe { self.0.as_ref() }
    }
}

impl<K, V, P: Platform> Drop for Kept<K, V, P> {
    fn drop(&mut self) {
        // SAFETY: made by `new` from a box. The collector, dropped before, was the last to use the
        // segments' pointers.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<K, V, P: Platform> Spares<K, V, P> {
    pub(crate) fn new() -> Self {
        Spares { top: P::AtomicPtr::new(ptr::null_mut()), len: P::AtomicUsize::new(0) }
    }

    /// Adds a segment. Lock-free, O(1).
    pub(crate) fn push(&self, spare: Box<Drained<K, V, P>>) {
        // Relaxed, here and below: a report.
        self.len.fetch_add(1, Relaxed);
        let first = Box::into_raw(spare);
        self.push_list(first, first);
    }

    /// Puts a list on top, from its first to its last.
    fn push_list(&self, first: *mut Drained<K, V, P>, last: *mut Drained<K, V, P>) {
        // Relaxed: what is read is only linked to.
        let mut top = self.top.load(Relaxed);
        loop {
            // SAFETY: **out-of-reach**: the list is the caller's until the exchange succeeds.
            unsafe { Drained::link(last, top) };
            // Release (push-spare): the list becomes visible to the Acquire in `take`.
            match self.top.compare_exchange(top, first, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Whether there is nothing to take: a look that costs nothing.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: `take` looks again.
        !P::recycles_segments() || self.top.load(Relaxed).is_null()
    }

    /// How many segments are there, or on their way in or out.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Takes a segment out, if there is one. O(1), and O(spares) if another thread pushed meanwhile.
    pub(crate) fn take(&self) -> Option<Box<Drained<K, V, P>>> {
        if self.is_empty() {
            return None;
        }
        // Acquire (push-spare): pairs with the Release in `push_list`.
        let first = self.top.swap(ptr::null_mut(), Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: **out-of-reach**: made by `push` from a box, and just taken with all below it.
        let spare = unsafe { Box::from_raw(first) };
        let rest = spare.next();
        // Relaxed: nothing was written in the rest, and who takes it meets the pushes all the same: swap
        // and exchange go on with their release sequence.
        if !rest.is_null()
            && self.top.compare_exchange(ptr::null_mut(), rest, Relaxed, Relaxed).is_err()
        {
            let mut last = rest;
            // SAFETY: **out-of-reach**: the rest was taken as well; its last links to nothing.
            while let Some(next) = NonNull::new(unsafe { &*last }.next()) {
                last = next.as_ptr();
            }
            self.push_list(rest, last);
        }
        self.len.fetch_sub(1, Relaxed);
        Some(spare)
    }
}

impl<K, V, P: Platform> Drop for Spares<K, V, P> {
    fn drop(&mut self) {
        while let Some(spare) = self.take() {
            spare.free();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concurrent::segment::new_segment;
    use crate::concurrent::stages::Map;
    use crate::growth::entries_max;
    use crate::hashers::IDENTITY;
    use crate::platform::{Reclaim, Std};
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;
    use std::time::{Duration, Instant};

    fn drained(len: usize) -> Box<Drained<u64, u64, Std>> {
        let first = Box::into_raw(new_segment::<u64, u64, Std>(len)).cast();
        Drained::new(first, len, ptr::null())
    }

    #[test]
    fn spares_come_out_once_each_in_whatever_order() {
        let spares = Spares::<u64, u64, Std>::new();
        assert!(spares.is_empty());
        assert!(spares.take().is_none());
        for len in [1, 2, 4] {
            spares.push(drained(len));
        }
        assert_eq!(spares.len(), 3);
        let mut lens: Vec<usize> =
            (0..3).map(|_| spares.take().expect("three are in").free()).collect();
        lens.sort_unstable();
        assert_eq!(lens, [1, 2, 4]);
        assert!(spares.take().is_none());
        assert_eq!(spares.len(), 0);
    }

    /// A pin held through a whole growth lets go of all its segments at once.
    #[test]
    #[cfg_attr(miri, ignore = "takes long, and nothing new is done to memory")]
    fn taking_one_of_many_takes_no_longer() {
        let spares = Spares::<u64, u64, Std>::new();
        for _ in 0..60_000 {
            spares.push(drained(1));
        }
        let began = Instant::now();
        while let Some(spare) = spares.take() {
            spare.free();
        }
        // Milliseconds; were all of them walked each time, half a minute.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }

    /// Models announce and retire a segment by the address of its buckets.
    #[test]
    fn a_spare_is_known_by_its_buckets() {
        let spare = drained(2);
        let record = ptr::from_ref(&*spare);
        // SAFETY: it is this test's.
        let identity = unsafe { Drained::identity(record) };
        assert!(!identity.is_null() && identity != record.cast());
        assert_eq!(spare.free(), 2);
    }

    #[test]
    fn what_is_left_is_freed_with_the_stack() {
        // Miri and LeakSanitizer notice if not.
        let spares = Spares::<u64, u64, Std>::new();
        spares.push(drained(2));
        spares.push(drained(2));
    }

    /// For Miri: the segments know where the map's spares are.
    #[test]
    fn a_map_may_move_while_its_segments_await_their_grace_period() {
        let buckets_log2 = Std::SEGMENT_BUCKETS_LOG2 + 1;
        let full = entries_max(buckets_log2) as u64;
        let map = Map::with_capacity_and_hasher(full as usize, IDENTITY);
        (&map).extend((0..full + 8).map(|key| (key, key)));
        while map.health().growing.iter().any(|growth| growth.drained_segments == 0) {
            map.pin().insert(0, 0);
        }
        assert_eq!(map.health().growing.len(), 1, "one segment is drained, one is not");
        let map = core::hint::black_box(map);
        while !map.health().growing.is_empty() {
            map.pin().insert(0, 0);
        }
    }

    #[test]
    fn nothing_is_lost_or_doubled_between_threads() {
        let each: usize = if cfg!(miri) { 20 } else { 100_000 };
        let spares = Spares::<u64, u64, Std>::new();
        let sum = AtomicUsize::new(0);
        // At once, and for long enough that they meet between a taking and what is put back.
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    for len in 1..=each {
                        spares.push(drained(len % 7 + 1));
                        if len % 2 == 0 {
                            let freed: usize = spares.take().map_or(0, |spare| spare.free());
                            sum.fetch_add(freed, Relaxed);
                        }
                    }
                });
            }
        });
        while let Some(spare) = spares.take() {
            sum.fetch_add(spare.free(), Relaxed);
        }
        assert_eq!(spares.len(), 0, "each is counted in and out");
        assert_eq!(sum.into_inner(), 3 * (1..=each).map(|len: usize| len % 7 + 1).sum::<usize>());
    }
}
