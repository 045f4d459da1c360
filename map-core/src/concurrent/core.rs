//! The map without its hasher: the root, finding the table that holds the truth for a hash, and
//! reading there.
//!
//! # Invariants
//! - **root-oldest**: the root is the oldest table that is not known to be drained; every entry is
//!   in a chain reached from the root by following EVACUATED (or a drained segment) to the
//!   successor.
//! - **growths**: with nobody writing, as many growths were counted as the newest table's number says.
//! # Checked by
//! `check`; `tests/concurrent_stress.rs`.

use super::bucket::{Bucket, EVACUATED, protect};
use super::count::Count;
use super::entry::Entry;
use super::spare::{Kept, Spares};
use super::table::Table;
use crate::growth::GrowthKind;
use crate::platform::{Atomic, AtomicNumber, Collector, Guard, Platform, Point};
use crate::tophash::{SLOTS, tophash};
use core::ptr;
use core::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

/// A pin of the map's collector.
pub(crate) type Pin<'map, P> = <<P as Platform>::Collector as Collector>::Guard<'map>;

/// A map of hashed entries.
pub(crate) struct Core<K, V, P: Platform> {
    root: P::AtomicPtr<Table<K, V, P>>,
    pub(crate) len: Count<P>,
    doublings: P::AtomicUsize,
    same_size_growths: P::AtomicUsize,
    /// Drained segments that are not retired yet, whoever drained them.
    pub(crate) drained: Spares<K, V, P>,
    // Dropped after all of the above: what it reclaims may be anything there.
    collector: P::Collector,
    // Dropped last: the collector adds to them.
    pub(crate) spares: Kept<K, V, P>,
}

/// A chain that was not evacuated when its state was read, and by **root-oldest** holds the truth
/// for a hash.
pub(crate) struct Located<'g, K, V, P: Platform> {
    pub(crate) table: &'g Table<K, V, P>,
    pub(crate) index: usize,
    pub(crate) bucket: &'g Bucket<K, V, P>,
    /// The state then.
    pub(crate) state: u64,
}

impl<K, V, P: Platform> Core<K, V, P> {
    pub(crate) fn new(buckets_log2: u32) -> Self {
        Core {
            root: P::AtomicPtr::new(Table::first(buckets_log2)),
            len: Count::new(),
            doublings: P::AtomicUsize::new(0),
            same_size_growths: P::AtomicUsize::new(0),
            drained: Spares::new(),
            collector: P::Collector::new(),
            spares: Kept::new(),
        }
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn pin(&self) -> Pin<'_, P> {
        self.collector.pin()
    }

    /// The oldest table in use. The pin keeps it, and every table that succeeds it.
    #[inline(always)]
    pub(crate) fn root<'g>(&'g self, _pin: &'g impl Guard) -> &'g Table<K, V, P> {
        // Acquire (swap-root): pairs with the Release in `swap_root`. Order `protect`: see `get`.
        let root = self.root.load(protect::<P>());
        P::touched(root.cast_const());
        // SAFETY: **root-oldest**: the root is never null, and a table is retired only after the
        // root has moved on; the pin was there before the load.
        unsafe { &*root }
    }

    /// Moves the root from a drained table to its successor; for the one thread that did, returns
    /// the drained table, to be retired.
    pub(crate) fn swap_root(&self, from: &Table<K, V, P>) -> Option<*mut Table<K, V, P>> {
        let to = from.successor_ptr();
        // Release (swap-root): the new root is seen made, and its buckets born, by the Acquire in
        // `root`. Relaxed on failure: the winner's root is not looked at.
        self.root.compare_exchange(ptr::from_ref(from).cast_mut(), to, Release, Relaxed).ok()
    }

    /// The chain that holds the truth for `hash`.
    #[inline(always)]
    pub(crate) fn locate<'g>(&'g self, pin: &'g impl Guard, hash: u64) -> Located<'g, K, V, P> {
        let mut table = self.root(pin);
        loop {
            let index = table.index_of(hash);
            P::point(Point::ReadRoot, table.place(index));
            if let Some(bucket) = table.bucket(index) {
                // The second of its two lines; the load below fetches the first.
                P::prefetch(&raw const bucket.slots[SLOTS - 1]);
                // Acquire (unlock): pairs with the Release in `Locked::drop`; the last writer's
                // stores are seen. Acquire (publish-evacuated): pairs with that in
                // `publish_evacuated`; the successor's bucket is seen filled. SeqCst (returned): pairs
                // with either; of a write that has returned, no later operation misses what it did,
                // whichever keys the two are about.
                let state = bucket.state.load(SeqCst);
                if state & EVACUATED == 0 {
                    return Located { table, index, bucket, state };
                }
            }
            P::point(Point::FollowSuccessor, table.place(index));
            table = table.known_successor();
        }
    }

    /// Begins to fetch the bucket that [`locate`](Self::locate) will probably want.
    #[inline(always)]
    pub(crate) fn prefetch<'g>(&'g self, pin: &'g impl Guard, hash: u64) {
        let table = self.root(pin);
        if let Some(bucket) = table.bucket(table.index_of(hash)) {
            P::prefetch(bucket);
            P::prefetch(&raw const bucket.slots[SLOTS - 1]);
        }
    }

    /// The entry of a key. Never waits, writes nothing.
    ///
    /// Every load on the way to an entry has the order `protect`, for the collector's sake: should
    /// one of them miss the unlinking of what it leads to, then our pin is seen by the thread
    /// that retires it.
    #[inline(always)]
    pub(crate) fn get<'g>(
        &'g self,
        pin: &'g impl Guard,
        hash: u64,
        mut is_key: impl FnMut(&K) -> bool,
    ) -> Option<&'g Entry<K, V, P>> {
        let at = self.locate(pin, hash);
        P::point(Point::SearchChain, at.table.place(at.index));
        let entry = at.bucket.find(tophash(hash), |entry| is_key(&entry.parts().key));
        // SAFETY: found in a slot under `pin`, which keeps it.
        (!entry.is_null()).then(|| unsafe { &*entry })
    }

    /// Counts a growth.
    pub(crate) fn count_growth(&self, kind: GrowthKind) {
        let counter =
            if kind == GrowthKind::SameSize { &self.same_size_growths } else { &self.doublings };
        // Relaxed: a report.
        counter.fetch_add(1, Relaxed);
    }

    /// How many growths have begun: doublings, same-size ones.
    pub(crate) fn growths(&self) -> (usize, usize) {
        // Relaxed: a report.
        (self.doublings.load(Relaxed), self.same_size_growths.load(Relaxed))
    }
}

impl<K, V, P: Platform> Drop for Core<K, V, P> {
    /// Frees what the map still owns. Should a key's or value's own `drop` panic, that is the
    /// collector's to put off, or what was not reached leaks.
    fn drop(&mut self) {
        // Relaxed, and the loads below as they come: `&mut self` means that nobody else is here.
        let mut table = self.root.load(Relaxed);
        while !table.is_null() {
            // SAFETY: **root-oldest**: reached from the root, and freed below, once.
            let this = unsafe { &*table };
            for index in 0..this.buckets() {
                free_owned(this, index, &self.collector);
            }
            let next = this.successor_ptr();
            // SAFETY: as above; the entries that it owned are gone.
            unsafe { Table::free(table) };
            table = next;
        }
    }
}

/// Frees the entries that bucket `index` owns: none when evacuated, drained, or not yet born (its
/// segment may be missing, else its slots are empty).
fn free_owned<K, V, P: Platform>(table: &Table<K, V, P>, index: usize, collector: &P::Collector) {
    let Some(bucket) = table.bucket(index) else { return };
    if bucket.state.load(Relaxed) & EVACUATED != 0 {
        return;
    }
    for bucket in bucket.chain() {
        for slot in &bucket.slots {
            let entry = slot.swap(ptr::null_mut(), Relaxed);
            if !entry.is_null() {
                // SAFETY: **one-owner**: the slot of a chain that is not evacuated owned it, and
                // was emptied.
                unsafe { collector.reclaim(entry) };
            }
        }
    }
}
