//! Evacuation: claim an old bucket, copy its pointers, publish, count; help; finish a growth.
//!
//! ```text
//!   claim a ticket ─► lock the old bucket ─► fill new buckets i, i+n ─► publish EVACUATED ─► count
//!                       │ busy? another ticket comes round              last of its segment? drain it
//!                       └────────────────────────────────               last of the table?   move the root
//! ```
//!
//! Helping **never waits** and does a fixed amount: [`WORK_PER_WRITE`] tickets per write, and as many
//! of a nested growth. A locked bucket is left to a later round of tickets, and so is one whose
//! evacuator gave up: no growth depends on one thread.
//!
//! # Invariants
//! - **evacuated-once**: EVACUATED is set under the bucket's lock, and by it alone a bucket is
//!   counted.
//! - **born-in-private**: the new buckets that old bucket i feeds are written by the holder of i's
//!   lock only, until EVACUATED is published; an evacuation given up half-way leaves them empty.
//! - **in-order**: a bucket of a nested growth is evacuated only once it is born.
//! # Not here
//! When to grow: `growth`. What readers and writers do meanwhile: `core`, `write`.
//! # Checked by
//! `check`; `tests/concurrent_stress.rs`; `tests/concurrent_platform.rs` (abandoned evacuations).

use super::bucket::{Bucket, EVACUATED, LOCKED, with_tophash};
use super::core::Core;
use super::entry::Entry;
use super::spare::Spares;
use super::table::Table;
use crate::growth::{GrowthKind, WORK_PER_WRITE, over_load_factor, too_many_overflow};
use crate::platform::{Atomic, Guard, Platform, Point};
use crate::tophash::{SLOTS, tophash};
use alloc::boxed::Box;
use core::ptr;
use core::sync::atomic::Ordering::Relaxed;

/// How many segments of a table of `segments` are drained between two grace periods that are started early, so that the
/// growth can use the memory again. The thread that drains the last of them starts it, for all, whoever drained them.
///
/// An eighth of the table, so that no more than that waits; but at least 64, as each time is a membarrier, which interrupts
/// readers: when it was 64 for any table, that hit one in ten thousand gets during a growth. And at most 512, as one write
/// retires them all.
fn drained_per_flush(segments: usize) -> usize {
    (segments / 8).clamp(64, 512)
}

impl<K, V, P: Platform> Core<K, V, P> {
    /// Does a write's share of the growth work, if any is due.
    #[inline(always)]
    pub(crate) fn help<'g>(&'g self, pin: &'g impl Guard) {
        let old = self.root(pin);
        if let Some(new) = old.successor() {
            self.help_growth(old, new, pin);
        } else if !self.spares.is_empty() {
            self.free_spare();
        }
    }

    /// Frees one of the segments that the last growth left over.
    #[cold]
    #[inline(never)]
    fn free_spare(&self) {
        if let Some(spare) = self.spares.take() {
            spare.free();
        }
    }

    #[cold]
    #[inline(never)]
    fn help_growth<'g>(
        &'g self,
        old: &'g Table<K, V, P>,
        new: &'g Table<K, V, P>,
        pin: &'g impl Guard,
    ) {
        self.evacuate_some(old, new, None, pin);
        // Every old bucket was claimed once, and some thread is slow: the growth from the new table
        // need not wait for it.
        if old.claimed() > old.buckets()
            && let Some(newer) = new.successor()
        {
            self.evacuate_some(new, newer, Some(old), pin);
        }
        self.advance_root(pin);
    }

    /// Draws tickets and evacuates their buckets. `feeder` is the table before `old`, if that may
    /// still hold entries.
    fn evacuate_some(
        &self,
        old: &Table<K, V, P>,
        new: &Table<K, V, P>,
        feeder: Option<&Table<K, V, P>>,
        pin: &impl Guard,
    ) {
        let first = old.claim(WORK_PER_WRITE);
        for ticket in first..first.wrapping_add(WORK_PER_WRITE) {
            let index = ticket & (old.buckets() - 1);
            P::point(Point::ClaimedBucket, old.place(index));
            // **in-order**: by Acquire (publish-evacuated) in `is_evacuated` the bucket is seen
            // filled.
            let born =
                feeder.is_none_or(|feeder| feeder.is_evacuated(index & (feeder.buckets() - 1)));
            if born && !P::abandons(Point::ClaimedBucket, old.place(index)) {
                self.evacuate(old, new, index, pin);
            }
        }
    }

    /// Evacuates one born old bucket, unless that is done or its lock is taken.
    fn evacuate(&self, old: &Table<K, V, P>, new: &Table<K, V, P>, index: usize, pin: &impl Guard) {
        let Some(bucket) = old.bucket(index) else { return };
        // Relaxed: `try_lock` acquires.
        let state = bucket.state.load(Relaxed);
        if state & (LOCKED | EVACUATED) != 0 {
            return;
        }
        let Some(locked) = bucket.try_lock(state) else { return };
        P::point(Point::AboutToCopyBucket, old.place(index));
        if P::abandons(Point::AboutToCopyBucket, old.place(index))
            || !copy(old, new, index, bucket, &self.spares)
        {
            return;
        }
        locked.publish_evacuated();
        P::point(Point::PublishedEvacuated, old.place(index));
        // **evacuated-once**: the count follows the publication, by the thread that made it.
        if old.count_evacuated(index) {
            self.drain_segment(old, index, pin);
        }
    }

    /// Unlinks the segment of `index`, whose buckets are all evacuated, and retires it. One to be used again is put with
    /// those of other threads first: in a thread's own batch it might wait for as long as the thread retires nothing else.
    #[cold]
    fn drain_segment(&self, old: &Table<K, V, P>, index: usize, pin: &impl Guard) {
        P::point(Point::AboutToDrainSegment, old.place(index));
        let drained = old.drain_segment(index, &self.spares);
        if P::recycles_segments() {
            // Before it is counted: who then moves the root retires it with the rest.
            self.drained.push(drained);
            let count = old.count_drained();
            P::point(Point::AboutToRetireSegment, old.place(index));
            if count.is_multiple_of(drained_per_flush(old.segments())) {
                self.flush(pin);
            }
            return;
        }
        old.count_drained();
        P::point(Point::AboutToRetireSegment, old.place(index));
        // SAFETY: **evacuated-once**: one thread counts the last bucket and gets here; the swap in
        // `drain_segment` unlinked it.
        unsafe { pin.retire(Box::into_raw(drained)) };
    }

    /// Starts the grace period of what this thread has retired so far, and of all drained segments.
    pub(crate) fn flush(&self, pin: &impl Guard) {
        while let Some(drained) = self.drained.take() {
            // SAFETY: **evacuated-once**, as above: it was unlinked before it was pushed, which is seen by push-spare.
            unsafe { pin.retire(Box::into_raw(drained)) };
        }
        pin.flush();
    }

    /// Moves the root over every drained table, retiring each.
    ///
    /// A thread that counts the last segment of the *second* table may find the root still at the
    /// first, and the thread that then moves the root may miss that count; the next write finds
    /// both. So no order between the two is needed.
    pub(crate) fn advance_root<'g>(&'g self, pin: &'g impl Guard) {
        loop {
            let old = self.root(pin);
            if old.successor().is_none() || !old.is_drained() {
                return;
            }
            P::point(Point::AboutToSwapRoot, old.place(old.buckets()));
            if let Some(drained) = self.swap_root(old) {
                P::point(Point::AboutToRetireTable, old.place(old.buckets()));
                // SAFETY: the swap unlinked it, for one thread only; older tables that link to it
                // were unlinked before.
                unsafe { pin.retire(drained) };
                self.flush(pin);
            }
        }
    }

    /// Starts a growth from `table` if the policy wants one, after an insertion of a new key into
    /// it.
    ///
    /// `local_count` is what the thread's stripe of the counter said: summing all stripes is left
    /// to every 2^(b-5)th insertion, and to those that had to append an overflow bucket.
    #[inline]
    pub(crate) fn grow_if_due<'g>(
        &'g self,
        table: &'g Table<K, V, P>,
        index: usize,
        appended: bool,
        local_count: usize,
        pin: &'g impl Guard,
    ) {
        let buckets_log2 = table.shape().buckets_log2;
        let every = 1usize << buckets_log2.saturating_sub(5);
        let early = P::grows_early(table.place(index));
        if (appended || early || local_count & (every - 1) == 0) && table.successor().is_none() {
            // Twice: a thread that is held up while it adds up may count what was inserted meanwhile here, and not
            // what was removed there.
            let is_over = || over_load_factor(self.len.sum(), buckets_log2);
            if early || is_over() && is_over() {
                self.grow(table, GrowthKind::Doubled, pin);
            } else if too_many_overflow(table.overflow_buckets(), buckets_log2) {
                self.grow(table, GrowthKind::SameSize, pin);
            }
        }
    }

    /// Starts a growth from `table`, unless one has begun or two are under way.
    #[cold]
    pub(crate) fn grow<'g>(
        &'g self,
        table: &'g Table<K, V, P>,
        kind: GrowthKind,
        pin: &'g impl Guard,
    ) {
        let ahead = table.shape().generation.saturating_sub(self.root(pin).shape().generation);
        // A nested growth makes room; packing chains can wait until the growth under way, which
        // packs them too, is done.
        let ahead_max = u64::from(kind != GrowthKind::SameSize);
        if ahead > ahead_max {
            return;
        }
        let successor = table.successor_of(kind);
        P::point(Point::AboutToPublishSuccessor, table.place(table.buckets()));
        match table.publish_successor(successor) {
            Ok(()) => {
                self.count_growth(kind);
                P::point(Point::PublishedSuccessor, table.place(table.buckets()));
            }
            // SAFETY: made above, and not published.
            Err(successor) => unsafe { Table::free(successor) },
        }
    }

    /// Grows until the root has 2^`buckets_log2` buckets. Gives up when another thread is slow to
    /// finish its part.
    pub(crate) fn grow_to(&self, buckets_log2: u32, pin: &impl Guard) {
        loop {
            let root = self.root(pin);
            if root.shape().buckets_log2 >= buckets_log2 {
                return;
            }
            if root.successor().is_none() {
                self.grow(root, GrowthKind::Doubled, pin);
            }
            // Two rounds of tickets: the second for those that found a bucket locked.
            for _ in 0..=2 * root.buckets() / WORK_PER_WRITE {
                if !ptr::eq(self.root(pin), root) {
                    break;
                }
                self.help(pin);
            }
            if ptr::eq(self.root(pin), root) {
                return;
            }
        }
    }
}

/// Copies the entry pointers of a locked old chain into the unborn buckets that it feeds. False
/// when given up half-way.
fn copy<K, V, P: Platform>(
    old: &Table<K, V, P>,
    new: &Table<K, V, P>,
    index: usize,
    chain: &Bucket<K, V, P>,
    spares: &Spares<K, V, P>,
) -> bool {
    prefetch_entries(old, (index + WORK_PER_WRITE) & (old.buckets() - 1));
    let (low, high) = old.fed_buckets(index);
    let mut low = Fill::new(new.provide_bucket(low, spares));
    let mut high = high.map(|high| Fill::new(new.provide_bucket(high, spares)));
    for bucket in chain.chain() {
        // Owned (unlock): the chain is seen as its last holder left it, and the entries with it.
        let entries: [_; SLOTS] = core::array::from_fn(|slot| bucket.slots[slot].load_owned());
        // All at once, as the choice between low and high below would fetch them one by one.
        for entry in entries {
            P::prefetch(entry.cast_const());
        }
        for entry in entries.into_iter().filter(|entry| !entry.is_null()) {
            P::touched(entry.cast_const());
            // SAFETY: **one-owner**: the slot of a locked chain owns it, so it is not retired
            // before we unlock.
            let hash = unsafe { (*entry).parts().hash };
            match &mut high {
                Some(high) if hash as usize & old.buckets() != 0 => high.push(hash, entry),
                _ => low.push(hash, entry),
            }
        }
        P::point(Point::CopyingBucket, old.place(index));
        if P::abandons(Point::CopyingBucket, old.place(index)) {
            return false;
        }
    }
    P::point(Point::AboutToPublishEvacuated, old.place(index));
    if P::abandons(Point::AboutToPublishEvacuated, old.place(index)) {
        return false;
    }
    for filled in [Some(low), high].into_iter().flatten() {
        for _ in 0..filled.finish() {
            new.count_overflow_bucket();
        }
    }
    true
}

/// Begins to fetch the entries of a bucket that the next write, probably, will evacuate: their hashes
/// are most of what [`copy`] waits for.
fn prefetch_entries<K, V, P: Platform>(old: &Table<K, V, P>, index: usize) {
    if !P::PREFETCHES {
        return;
    }
    // Of a nested growth it may not be born; then there is nothing to fetch yet.
    let Some(bucket) = old.bucket(index) else { return };
    for slot in &bucket.slots {
        // Relaxed: nobody looks at the entry, which may be gone.
        P::prefetch(slot.load(Relaxed).cast_const());
    }
}

/// An unborn bucket being filled, packed from slot 0. Emptied again when dropped unfinished.
struct Fill<'g, K, V, P: Platform> {
    head: &'g Bucket<K, V, P>,
    bucket: &'g Bucket<K, V, P>,
    word: u64,
    slot: usize,
    overflow_buckets: usize,
}

// Relaxed throughout: **born-in-private**, and Release (publish-evacuated) publishes it all at
// once.
impl<'g, K, V, P: Platform> Fill<'g, K, V, P> {
    fn new(head: &'g Bucket<K, V, P>) -> Self {
        Fill { head, bucket: head, word: 0, slot: 0, overflow_buckets: 0 }
    }

    #[inline]
    fn push(&mut self, hash: u64, entry: *mut Entry<K, V, P>) {
        if self.slot == SLOTS {
            self.bucket.tophashes.store(self.word, Relaxed);
            self.bucket.overflow.store(Bucket::new_overflow(), Relaxed);
            self.bucket = self.bucket.next().expect("links-grow: linked above");
            (self.word, self.slot) = (0, 0);
            self.overflow_buckets += 1;
        }
        self.word = with_tophash(self.word, self.slot, tophash(hash));
        self.bucket.slots[self.slot].store(entry, Relaxed);
        self.slot += 1;
    }

    /// Completes the chain; returns how many overflow buckets it has.
    fn finish(self) -> usize {
        self.bucket.tophashes.store(self.word, Relaxed);
        let overflow_buckets = self.overflow_buckets;
        core::mem::forget(self);
        overflow_buckets
    }
}

impl<K, V, P: Platform> Drop for Fill<'_, K, V, P> {
    fn drop(&mut self) {
        for slot in &self.head.slots {
            slot.store(ptr::null_mut(), Relaxed);
        }
        self.head.tophashes.store(0, Relaxed);
        // SAFETY: **born-in-private**: only this thread, which holds the old bucket's lock, can
        // reach the chain.
        unsafe { self.head.free_overflow() };
    }
}
