//! A bucket, the word that locks it, and searching a chain of them.
//!
//! ```text
//!   state       version ‥‥‥‥‥‥‥‥‥‥‥‥‥ EVACUATED LOCKED     the first bucket's governs the chain
//!   tophashes   t0 t1 t2 t3 t4 t5 t6 t7                  searched as one word
//!   overflow    ──► bucket or null
//!   slots       e0 e1 e2 e3 e4 e5 e6 e7                  entry or null
//! ```
//!
//! A writer searches first and locks afterwards, by a compare-exchange from the state it read
//! before the search: if that succeeds nobody wrote meanwhile, so what it found still holds, and
//! **no key is compared under a lock**.
//!
//! # Invariants
//! - **slot-is-truth**: a key is in the chain exactly if a slot holds its entry. A slot's tophash
//!   is set before its entry is stored and cleared after the entry is gone: a search that finds the
//!   tophash but no entry saw a removal or an insertion under way, and the key is absent.
//! - **rest**: when a tophash is `EMPTY_REST`, every later slot of the chain is empty; and of a chain
//!   that is not locked, the last slot that is not `EMPTY_REST` is full.
//! - **frozen-chain**: nothing in a chain is written once its state says EVACUATED, and nothing but
//!   by the lock's holder before.
//! - **links-grow**: an overflow link changes once, from null, and only to a bucket that is already
//!   filled.
//! # Checked by
//! `check`; `tests/concurrent_stress.rs`.

use super::entry::Entry;
use crate::platform::{Atomic, Collector, Object, Platform};
use crate::tophash::{EMPTY_ONE, EMPTY_REST, Probe, SLOTS, Word};
use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// The bucket is held by a writer or an evacuator.
pub(crate) const LOCKED: u64 = 1;
/// The chain's entries are in the successor; the chain is frozen.
pub(crate) const EVACUATED: u64 = 2;
/// Added at each unlock: two equal states mean that nothing happened between.
const VERSION: u64 = 4;

/// Eight slots.
#[repr(C)]
pub(crate) struct Bucket<K, V, P: Platform> {
    pub(crate) state: P::AtomicU64,
    pub(crate) tophashes: P::AtomicU64,
    pub(crate) overflow: P::AtomicPtr<Bucket<K, V, P>>,
    pub(crate) slots: [P::AtomicPtr<Entry<K, V, P>>; SLOTS],
}

/// The first bucket of a chain. 96 bytes: at most two cache lines, the header and the first slots in
/// one. Buckets behind it do without: allocators take several times as long over an alignment.
#[repr(align(32))]
pub(crate) struct First<K, V, P: Platform>(pub(crate) Bucket<K, V, P>);

/// A bucket behind it: 128 bytes. glibc keeps freed blocks of up to 120 bytes (15 words) apart, until a
/// request for a large one makes it merge all of them; that was one insert of 5 ms at the end of a growth.
#[repr(C)]
struct Overflow<K, V, P: Platform>(Bucket<K, V, P>, MaybeUninit<[u64; 5]>);

/// The order of loads that lead to something that may be retired.
#[inline(always)]
pub(crate) fn protect<P: Platform>() -> core::sync::atomic::Ordering {
    <P::Collector as Collector>::PROTECT
}

/// `word` as its eight tophashes.
#[inline(always)]
pub(crate) fn tophashes(word: u64) -> Word {
    Word::from_bits(word)
}

/// `word` with one tophash replaced.
#[inline(always)]
pub(crate) fn with_tophash(word: u64, slot: usize, tophash: u8) -> u64 {
    tophashes(word).with(slot, tophash).bits()
}

/// One tophash of `word`.
#[inline(always)]
pub(crate) fn tophash_at(word: u64, slot: usize) -> u8 {
    tophashes(word).tophash(slot)
}

/// `word` with the `EMPTY_ONE`s right before `slot` turned into `EMPTY_REST`s, and where these begin.
fn trimmed(mut word: u64, mut slot: usize) -> (u64, usize) {
    while slot > 0 && tophash_at(word, slot - 1) == EMPTY_ONE {
        slot -= 1;
        word = with_tophash(word, slot, EMPTY_REST);
    }
    (word, slot)
}

/// Where a key is, or where it could go.
pub(crate) struct Found<'g, K, V, P: Platform> {
    /// The slot with the key's entry, or the first empty one, or `None` when the chain is full.
    pub(crate) at: Option<(&'g Bucket<K, V, P>, usize)>,
    /// The key's entry, or null.
    pub(crate) entry: *mut Entry<K, V, P>,
    /// The last bucket that was looked at; the chain's last when `at` is `None`.
    pub(crate) last: &'g Bucket<K, V, P>,
}

impl<K, V, P: Platform> Bucket<K, V, P> {
    pub(crate) fn new() -> Self {
        Bucket {
            state: P::AtomicU64::new(0),
            tophashes: P::AtomicU64::new(0),
            overflow: P::AtomicPtr::new(ptr::null_mut()),
            slots: core::array::from_fn(|_| P::AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// A bucket for the end of a chain.
    pub(crate) fn new_overflow() -> *mut Self {
        const { assert!(size_of::<Overflow<K, V, P>>() > 15 * size_of::<usize>()) };
        let overflow = Box::new(Overflow(Self::new(), MaybeUninit::uninit()));
        let bucket = Box::into_raw(overflow).cast::<Self>();
        P::allocated(bucket.cast_const(), Object::OverflowBucket);
        bucket
    }

    /// Frees the overflow buckets behind this one. Entries are not touched: they have another
    /// owner.
    ///
    /// # Safety
    /// - No other thread can reach the chain.
    pub(crate) unsafe fn free_overflow(&self) {
        // Relaxed: the caller is alone with the chain.
        let mut next = self.overflow.swap(ptr::null_mut(), Relaxed);
        while !next.is_null() {
            // SAFETY: **links-grow**: a link holds what `new_overflow` made, and each is freed
            // where its only link was taken.
            next = unsafe { Self::free_one(next) };
        }
    }

    /// Frees an overflow bucket; returns what it links to.
    ///
    /// # Safety
    /// - It is from `new_overflow`, and nobody else can reach it.
    pub(crate) unsafe fn free_one(overflow: *mut Self) -> *mut Self {
        P::freed(overflow.cast_const());
        // SAFETY: the caller vouches for it; `new_overflow` made it as an `Overflow`.
        let overflow = unsafe { Box::from_raw(overflow.cast::<Overflow<K, V, P>>()) };
        // Relaxed: the caller is alone with it.
        overflow.0.overflow.load(Relaxed)
    }

    /// The buckets of the chain that starts here.
    pub(crate) fn chain<'g>(&'g self) -> impl Iterator<Item = &'g Self> + use<'g, K, V, P> {
        core::iter::successors(Some(self), |bucket| bucket.next())
    }

    /// The next bucket of the chain.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<&Self> {
        // Acquire (link-overflow): pairs with the Release in `append`; the bucket is seen filled.
        // Order `protect`: see `get`.
        let next = self.overflow.load(protect::<P>());
        if next.is_null() {
            return None;
        }
        P::touched(next.cast_const());
        // SAFETY: **links-grow**: a filled bucket; it is freed with the segment that `self` belongs
        // to, which the pin that gave `&self` keeps.
        Some(unsafe { &*next })
    }

    /// The entry of a key, or null: the reader's search. Never waits, writes nothing.
    #[inline(always)]
    pub(crate) fn find(
        &self,
        tophash: u8,
        mut is_key: impl FnMut(&Entry<K, V, P>) -> bool,
    ) -> *mut Entry<K, V, P> {
        let mut bucket = self;
        loop {
            // Acquire (publish-tophashes): pairs with the Release in `trim`; the rest of the chain
            // is seen at least as new.
            let mut probe = tophashes(bucket.tophashes.load(Acquire)).probe(tophash);
            if let Some((_, entry)) = bucket.find_here(&mut probe, &mut is_key) {
                return entry;
            }
            if probe.ends_chain() {
                return ptr::null_mut();
            }
            match bucket.next() {
                Some(next) => bucket = next,
                None => return ptr::null_mut(),
            }
        }
    }

    /// Where a key is or could go: the writer's search, before it locks.
    #[inline]
    pub(crate) fn search<'g>(
        &'g self,
        tophash: u8,
        mut is_key: impl FnMut(&Entry<K, V, P>) -> bool,
    ) -> Found<'g, K, V, P> {
        let mut vacancy = None;
        let mut bucket = self;
        loop {
            // Acquire (publish-tophashes), as in `find`.
            let word = tophashes(bucket.tophashes.load(Acquire));
            let mut probe = word.probe(tophash);
            if let Some((slot, entry)) = bucket.find_here(&mut probe, &mut is_key) {
                return Found { at: Some((bucket, slot)), entry, last: bucket };
            }
            if vacancy.is_none() {
                vacancy = word.empty().first().map(|slot| (bucket, slot));
            }
            let next = if probe.ends_chain() { None } else { bucket.next() };
            match next {
                Some(next) => bucket = next,
                None => return Found { at: vacancy, entry: ptr::null_mut(), last: bucket },
            }
        }
    }

    /// The slot of this bucket that holds a key's entry, and the entry; `probe` is of what the
    /// bucket's tophashes were.
    #[inline(always)]
    fn find_here(
        &self,
        probe: &mut Probe,
        is_key: &mut impl FnMut(&Entry<K, V, P>) -> bool,
    ) -> Option<(usize, *mut Entry<K, V, P>)> {
        for slot in probe {
            let entry = self.entry(slot);
            if !entry.is_null() {
                P::touched(entry.cast_const());
                // SAFETY: **one-owner**: loaded from a slot with order `protect` under the pin that
                // gave `&self`, so not reclaimed.
                if is_key(unsafe { &*entry }) {
                    return Some((slot, entry));
                }
            }
        }
        None
    }

    /// What a slot holds.
    #[inline(always)]
    pub(crate) fn entry(&self, slot: usize) -> *mut Entry<K, V, P> {
        // Acquire (publish-entry): pairs with the Release in `put`, `replace` and `append`; the
        // entry's parts are seen. Acquire (empty-slot): pairs with that in `clear_slot` and `clear`.
        self.slots[slot].load(protect::<P>())
    }

    /// Locks the chain if its state is still `seen` and that is not locked.
    pub(crate) fn lock_if_free(&self, seen: u64) -> Option<Locked<'_, K, V, P>> {
        if seen & LOCKED != 0 { None } else { self.try_lock(seen) }
    }

    /// Locks the chain if its state is still `seen`, which is neither locked nor evacuated.
    #[inline(always)]
    pub(crate) fn try_lock(&self, seen: u64) -> Option<Locked<'_, K, V, P>> {
        debug_assert_eq!(seen & (LOCKED | EVACUATED), 0);
        // Acquire (unlock): pairs with the Release in `Locked::drop`; what the last holder wrote is
        // seen.
        let locked = self.state.compare_exchange(seen, seen | LOCKED, Acquire, Relaxed);
        locked.ok().map(|_| Locked { head: self, state: seen })
    }
}

/// A chain that this thread has locked; unlocked when dropped, also by a panic. No user code runs
/// while one exists.
pub(crate) struct Locked<'g, K, V, P: Platform> {
    head: &'g Bucket<K, V, P>,
    state: u64,
}

impl<'g, K, V, P: Platform> Locked<'g, K, V, P> {
    /// Stores an entry in an empty slot of the chain.
    #[inline(always)]
    pub(crate) fn put(
        &self,
        bucket: &Bucket<K, V, P>,
        slot: usize,
        tophash: u8,
        entry: *mut Entry<K, V, P>,
        before: impl FnOnce(),
    ) {
        // Owned (unlock), as every tophash and slot read under the lock: what earlier holders wrote is seen.
        let word = bucket.tophashes.load_owned();
        // Release (publish-tophashes), as in `trim`. Before the entry, by **slot-is-truth**.
        bucket.tophashes.store(with_tophash(word, slot, tophash), Release);
        before();
        // Release (publish-entry): the entry's parts, and its tophash, become visible to the
        // Acquire in `entry`.
        bucket.slots[slot].store(entry, Release);
    }

    /// Replaces the entry of a full slot by another of the same key.
    #[inline(always)]
    pub(crate) fn replace(
        &self,
        bucket: &Bucket<K, V, P>,
        slot: usize,
        entry: *mut Entry<K, V, P>,
    ) {
        // Release (publish-entry), as in `put`.
        bucket.slots[slot].store(entry, Release);
    }

    /// Links a bucket, already filled, behind the chain's last.
    #[inline]
    pub(crate) fn append(&self, last: &Bucket<K, V, P>, bucket: *mut Bucket<K, V, P>) {
        // Release (link-overflow): the bucket and what it holds become visible to the Acquire in
        // `next`.
        last.overflow.store(bucket, Release);
    }

    /// Empties a full slot, and marks as the rest what now is.
    pub(crate) fn clear_slot(&self, bucket: &Bucket<K, V, P>, slot: usize, between: impl FnOnce()) {
        // Release (empty-slot): who finds the slot empty, by the Acquire in `entry`, and then reads
        // the state, finds it locked or changed.
        bucket.slots[slot].store(ptr::null_mut(), Release);
        between();
        let word = bucket.tophashes.load_owned();
        let later_in_bucket = word.checked_shr(8 * (slot as u32 + 1)).unwrap_or(0);
        let later_in_chain = bucket.next().map_or(0, |next| next.tophashes.load_owned());
        if later_in_bucket != 0 || later_in_chain != 0 {
            // Release (publish-tophashes), as in `trim`.
            bucket.tophashes.store(with_tophash(word, slot, EMPTY_ONE), Release);
        } else {
            self.trim(bucket, with_tophash(word, slot, EMPTY_REST), slot);
        }
    }

    /// Turns the `EMPTY_ONE`s before `slot` of `bucket`, behind which all is empty, into
    /// `EMPTY_REST`s; likewise in the buckets before. Goes over the chain twice at most.
    fn trim(&self, bucket: &Bucket<K, V, P>, word: u64, slot: usize) {
        let (word, slot) = trimmed(word, slot);
        if slot > 0 || ptr::eq(bucket, self.head) {
            // Release (publish-tophashes): who reads this word and then the rest of the chain (or,
            // told EMPTY_REST, does not) sees all that this and earlier lock holders
            // did there: a reader that once missed a removed key does not meet its old slot
            // later.
            bucket.tophashes.store(word, Release);
            return;
        }
        // Behind the last bucket with an entry, all that is before `bucket` is empty, and was: so **rest**
        // holds between any two of the stores.
        let before = || self.head.chain().take_while(|before| !ptr::eq(*before, bucket));
        let has_entry = |before: &&Bucket<K, V, P>| {
            tophashes(before.tophashes.load_owned()).full().first().is_some()
        };
        let from = before().filter(has_entry).last().unwrap_or(self.head);
        for before in before().skip_while(|before| !ptr::eq(*before, from)) {
            // Release (publish-tophashes), as above.
            before.tophashes.store(trimmed(before.tophashes.load_owned(), SLOTS).0, Release);
        }
        // Release (publish-tophashes), as above.
        bucket.tophashes.store(word, Release);
    }

    /// Empties the whole chain, handing each entry to `take`, which runs no user code.
    pub(crate) fn clear(&self, mut take: impl FnMut(*mut Entry<K, V, P>)) {
        for bucket in self.head.chain() {
            for slot in 0..SLOTS {
                let entry = bucket.slots[slot].load_owned();
                if !entry.is_null() {
                    // Release (empty-slot), as in `clear_slot`.
                    bucket.slots[slot].store(ptr::null_mut(), Release);
                    take(entry);
                }
            }
        }
        for bucket in self.head.chain() {
            // Release (publish-tophashes): every slot of the chain was emptied before; see `trim`.
            bucket.tophashes.store(0, Release);
        }
    }

    /// Unlocks the chain as evacuated: it is frozen from now on.
    pub(crate) fn publish_evacuated(self) {
        let state = (self.state + VERSION) | EVACUATED;
        // Release (publish-evacuated): the new buckets, their segments, and the successor become
        // visible to the Acquire of whoever reads EVACUATED and goes there. SeqCst (returned), as in
        // `Locked::drop`: who comes later does not take the old chain for live.
        self.head.state.store(state, SeqCst);
        core::mem::forget(self);
    }
}

impl<K, V, P: Platform> Drop for Locked<'_, K, V, P> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release (unlock): pairs with the Acquire in `try_lock` and that of a writer's load of the
        // state before it searches. SeqCst (returned): pairs with the load in `Core::locate`. In the
        // one order of both, if ours is first, what we wrote is seen there; if theirs is, their
        // operation began before ours returned.
        self.head.state.store(self.state + VERSION, SeqCst);
    }
}
