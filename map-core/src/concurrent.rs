//! `ConcurrentMap`: Go's incremental growth, shared between threads.
//!
//! ```text
//!   root ─► Table g ──successor─► Table g+1 ──successor─► (nested growth) …
//!            bucket 0  EVACUATED ───► 0, n    live: the truth for their hashes
//!            bucket 1  live                   1, n+1 unborn: only bucket 1's evacuator touches them
//!            bucket 2  LOCKED                 2, n+2 unborn
//! ```
//!
//! **Reading** takes no lock and waits for nobody. **Writing** locks one bucket, for a few stores.
//! **Growth** is everybody's: a write evacuates up to [`WORK_PER_WRITE`](crate::growth::WORK_PER_WRITE)
//! old buckets of it, in order, whichever it wrote, and as many of a nested one. No user code runs
//! under a lock.
//!
//! # Which chain holds the truth for a hash
//! Start at the root. While the hash's bucket says EVACUATED, or its segment is drained, go to the
//! successor. A chain that is not evacuated when its state is read is the one. Tables double or
//! stay as large, so an old bucket i feeds i (and i + n) of the successor and nothing else does:
//! each hash has one such chain at any moment.
//!
//! # Who may write which word, when
//! | word | writer | when |
//! |---|---|---|
//! | `root` | who sees its table drained | by compare-exchange, to the successor |
//! | `successor` | who starts a growth | by compare-exchange, once, from null |
//! | directory entry | an evacuator, null to segment; who counts the segment's last bucket, segment to null | null again is for ever: **null-means-drained** |
//! | bucket `state` | anyone, unlocked to LOCKED; the holder, from LOCKED | not once EVACUATED is set |
//! | tophashes, slots, overflow link | the holder of the chain's lock; of an unborn chain, the holder of the feeding bucket's lock | not once EVACUATED is set: **frozen-chain** |
//! | an entry | nobody, once published: **frozen-entry** | |
//! | counters | anyone | they publish nothing, but for `evacuated` and `drained` |
//!
//! # The edges
//! Each is named at both ends in the code; this is the list. When one is weakened at its store, the
//! scenario of `models` fails with stale reads, or the test.
//!
//! | edge | from (Release) | to (Acquire) | carries | checked by |
//! |---|---|---|---|---|
//! | publish-entry | slot store | slot load | the entry's parts | `get_against_insert_of_the_same_key_sees_one_of_both` |
//! | empty-slot | slot store of null | slot load | that the lock was taken, for `check` | `models/tests/check_beside_writes.rs` |
//! | publish-tophashes | tophash store | tophash load | all that was done to the chain before: a reader that missed a removed key does not meet its old slot later | `key_missed_at_the_end_of_a_chain_is_missed_behind_it` |
//! | link-overflow | link store | link load | the overflow bucket and what it holds | `overflow_bucket_is_linked_filled` |
//! | unlock | state store | state load; lock | all that the last holder did: tophashes and slots are read under the lock as [owned](crate::platform::Atomic::load_owned) | `evacuator_copies_what_the_last_writer_left` |
//! | publish-evacuated | state store | state load | the successor, its segments, the new chains | `get_during_evacuation_finds_the_key` |
//! | publish-segment | directory compare-exchange | directory load | empty buckets | `write_to_the_new_table_while_the_old_one_empties` |
//! | drain-segment | directory swap | directory load | as publish-evacuated, for the whole segment | `segments_are_drained_once_each` |
//! | count-evacuated | counter add | counter add | the evacuations counted | `writer_rechecks_after_locking` |
//! | count-drained | counter add | counter load | the same, of the whole table | `evacuator_against_the_thread_that_finishes_the_growth` |
//! | publish-successor | compare-exchange | load | the new table's shape and directory | `one_growth_is_started_by_two` |
//! | swap-root | compare-exchange | load | the same | `get_across_a_whole_growth` |
//! | push-spare | compare-exchange | swap | a drained segment, to who retires it, or takes it when it is out of everybody's reach | `spare_segments_come_out_once_each` |
//!
//! Loads that lead to something retirable have the order
//! [`Collector::PROTECT`](crate::platform::Collector::PROTECT), which is at least Acquire and on
//! `Std` SeqCst: if our load comes first, then our pin, which came before it, is seen by the
//! retiring thread's barrier; if that comes first, the load sees the unlinking.
//!
//! # A write is optimistic about searching, pessimistic about landing
//! It reads the state, searches, asks the closure, and then locks by a compare-exchange from *the
//! state it read*. States carry a version that each unlocking raises, so success means that no lock
//! was held since: what was found still holds. Failure means that another write landed, and the
//! search starts over: lock-free up to the lock. Hence keys are compared, closures run, entries and
//! overflow buckets are allocated and entries are retired with no lock held, and a panic in any of
//! them finds nothing half done.
//!
//! # Where operations take effect
//! **slot-is-truth**: a key is in the map exactly if a slot of its chain holds its entry. An
//! insertion sets the tophash first and takes effect at the slot's store (for an overflow bucket,
//! at the link's); a removal empties the slot first, and takes effect there; an update is one
//! store. The other order is wrong: a reader with an old tophash word (the key removed, then
//! inserted into the same slot, its tophash not yet set) would find a key that a later reader does
//! not.
//!
//! A lookup that finds the key takes effect at its load of the slot; if the chain was frozen by
//! then, at the moment of freezing, which is after its load of the state. A lookup that finds
//! nothing: were the key in the chain throughout, it would be in one slot throughout (updates stay
//! in place), with its tophash set and no EMPTY_REST before it, and be found; so there was a moment
//! without it, in the chain, or when the chain was frozen.
//!
//! So operations are **linearizable**, those on all keys together, on processors where a store is seen by
//! all others at once, such as x86-64 and AArch64: nothing that a write did is still on its way when it
//! returns, since its unlocking takes part in the total order of SeqCst, as the lookups' loads of states
//! do. By the letter of the memory model they are so key by key and by happens-before, and who begins when
//! a write has returned sees it; but that one thread has seen a write which is still under way says
//! nothing of what others see. `len` sums counters. `iter`, `retain`,
//! `clear` and `reserve` are not one step; see each.
//!
//! # Growth
//! An insertion that finds the newest table too full, or with too many overflow buckets, publishes
//! a successor; nothing moves. Each write then draws tickets for the next old buckets. To
//! **evacuate** bucket i: lock it; copy its entries' *pointers* into the new buckets that it feeds,
//! allocating their segments if they are the first; publish EVACUATED. A late reader in the old
//! chain sees it as it was at that moment. Who finds the lock taken goes on: tickets run on modulo
//! n, and a later round meets the bucket again. So no helper waits, and a thread that stalls or
//! dies between two steps of an evacuation holds up at most that bucket's writers (if it has the
//! lock) and the end of this growth.
//!
//! The last bucket of a segment **drains** it: the directory forgets it, so that readers skip the old
//! bucket, and it is retired: together with those that other threads have drained, now and then, so that
//! none waits in the batch of a thread that retires nothing else. After its grace period the new table
//! takes it for one of its own, or a writer frees it; readers free no segments, see `spare`. The last
//! segment ends the growth: the root moves on, and the old table is retired.
//!
//! *Nested growth.* While one thread sits on an old bucket, the new table may fill up. It then gets
//! a successor of its own. Helpers that have been through the first growth once evacuate in the
//! second too, but only buckets that are *born*, that is whose feeding bucket in the root is
//! evacuated. The root moves over both tables when both are drained. A third growth waits for the
//! first.
//!
//! *Same-size growth* is the same protocol with one fed bucket; it packs chains that removals left
//! thin. It is started from the root only.
//!
//! *Growth and `clear`, `retain`, `reserve`, iteration.* All four walk the places of the root at
//! their start, and for an evacuated bucket walk those that it feeds: every hash once, whatever
//! grows meanwhile. `clear` empties a chain under its lock, so an evacuation sees all of it or
//! nothing. `retain` removes the very entry that it judged. `reserve` is an ordinary growth that
//! one thread helps on with more patience.
//!
//! # The evacuation barrier
//! No write lands in a table while the same hash's bucket in an older one is not evacuated: else
//! the evacuation would overwrite it. The protocol above gives that; a platform with
//! [`EVACUATION_BARRIER`](crate::platform::Platform::EVACUATION_BARRIER) has every write check it.
//!
//! # Not here
//! Primitives and reclamation: see `platform`. Shrinking: a table never does, as in Go.
//! # Checked by
//! [`ConcurrentMap::check`], `tests/concurrent_*.rs`; under AddressSanitizer, LeakSanitizer and
//! Miri.

mod bucket;
mod check;
mod core;
mod count;
mod entry;
mod evacuate;
mod health;
mod iter;
mod pinned;
mod segment;
mod spare;
#[cfg(test)]
mod stages;
mod table;
mod view;
mod write;

pub use self::check::Breach;
pub use self::health::{ConcurrentGrowth, ConcurrentHealth};
pub use self::iter::{Iter, Keys, Values};
pub use self::pinned::{Computed, Operation, Pinned};
pub use self::view::{BucketState, ConcurrentBucket, ConcurrentSlot, ConcurrentTable};

use self::core::Core;
use self::table::buckets_log2;
use crate::RandomState;
use crate::platform::{Platform, Std};
use ::core::fmt;
use ::core::hash::{BuildHasher, Hash};
use ::core::panic::{RefUnwindSafe, UnwindSafe};
use alloc::vec::Vec;

/// Of an `extend`: enough that a pin costs nothing, few enough that a growth can use its old segments again.
const INSERTS_PER_PIN: usize = 256;

/// A hash map that any number of threads read and write at once, and that grows a bucket or two at
/// a time while they do.
///
/// What is removed or replaced is dropped after a grace period, by whichever thread's pin ends last.
/// A grace period is for what a thread has removed in all: on [`Std`], it begins with every 512th
/// object, with a growth's end, or when [`Pinned::flush`] asks for it. What awaits one is dropped
/// with the map at the latest, unless a pin was leaked before, which keeps what it may have looked at for ever.
/// A `Drop` that panics then leaves a valid map, on [`Std`] when all else has been dropped; of several panics,
/// the first goes on, and none in a thread that is unwinding already. A thread that ends leaves up to 511 removed objects
/// behind, until another takes its number or the map is dropped, so [`flush`](Pinned::flush) before it does.
///
/// An empty map takes about 17 KB on [`Std`], as much again for each thread that has removed something from it: the
/// collector's batches.
pub struct ConcurrentMap<K, V, S = RandomState, P: Platform = Std> {
    core: Core<K, V, P>,
    hash_builder: S,
}

/// Whatever panics leaves the map as it was, or the operation done.
impl<K, V, S, P> UnwindSafe for ConcurrentMap<K, V, S, P>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    S: UnwindSafe,
    P: Platform,
{
}

/// See `UnwindSafe`.
impl<K, V, S, P> RefUnwindSafe for ConcurrentMap<K, V, S, P>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    S: RefUnwindSafe,
    P: Platform,
{
}

// SAFETY: moving the map moves its entries, also those retired; no other thread has a reference to
// any, since pins borrow the map.
unsafe impl<K: Send, V: Send, S: Send, P: Platform> Send for ConcurrentMap<K, V, S, P> {}
// SAFETY: through `&ConcurrentMap` entries are shared (`get`), moved in (`insert`) and dropped by
// other threads than made them; the hasher is shared. The words of the protocol are atomics of `P`,
// whose contract says that they may be.
unsafe impl<K: Send + Sync, V: Send + Sync, S: Sync, P: Platform> Sync
    for ConcurrentMap<K, V, S, P>
{
}

impl<K, V> ConcurrentMap<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty map with room for `capacity` entries.
    ///
    /// # Panics
    /// If the room exceeds the address space. Memory that is not there aborts, as in `Vec`.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, RandomState::default())
    }
}

impl<K, V, S, P: Platform> ConcurrentMap<K, V, S, P> {
    /// An empty map that hashes with `hash_builder`.
    #[must_use]
    pub fn with_hasher(hash_builder: S) -> Self {
        Self::with_capacity_and_hasher(0, hash_builder)
    }

    /// An empty map with room for `capacity` entries that hashes with `hash_builder`.
    ///
    /// # Panics
    /// If the room exceeds the address space. Memory that is not there aborts, as in `Vec`.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hash_builder: S) -> Self {
        ConcurrentMap { core: Core::new(buckets_log2::<K, V, P>(capacity)), hash_builder }
    }

    /// Pins the map for this thread: all operations are on the pin.
    ///
    /// # Panics
    /// On [`Std`], in the destructor of a thread-local that was there before the thread's first pin of any map: what that registered
    /// of the thread is gone by then. A pin that was kept in such a thread-local is still good for reading there, but panics when it
    /// is written through (what that displaced leaks), flushed or dropped; and a destructor of a thread-local that panics ends the
    /// process. In the destructor of one that came after the first pin, all is as before: so pin once before you first use what keeps
    /// a pin.
    #[inline(always)]
    #[track_caller]
    pub fn pin(&self) -> Pinned<'_, K, V, S, P> {
        Pinned::new(self)
    }

    /// The map's hasher.
    #[must_use]
    pub fn hasher(&self) -> &S {
        &self.hash_builder
    }

    /// How many entries the map has. With writes under way: between the least and the most that it
    /// may have had meanwhile, give or take one for each such write (for a `clear` or `retain`, the
    /// entries of the bucket it is at). O(stripes): adds up at most 64
    /// counters on [`Std`], two to four for each thread that the machine runs at once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len.sum()
    }

    /// Whether [`len`](Self::len) is 0, which it may say of a map that was never empty while others insert and remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What an operator wants to see.
    #[must_use]
    pub fn health(&self) -> ConcurrentHealth {
        self.pin().health()
    }

    /// A picture of every table, oldest first; `show` says what to keep of an entry. O(buckets +
    /// entries).
    #[must_use]
    pub fn view<T>(&self, show: impl FnMut(&K, &V) -> T) -> Vec<ConcurrentTable<T>> {
        self.core.view(&self.core.pin(), show)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher, P: Platform> ConcurrentMap<K, V, S, P> {
    /// Checks every structural claim, in time linear in the map's size. Other threads may write
    /// meanwhile: what they are at is passed over.
    ///
    /// # Errors
    /// The first claim found broken, by name.
    pub fn check(&self) -> Result<(), Breach> {
        let pin = self.core.pin();
        self.core.check(&pin, false, |key| self.hash_builder.hash_one(key))
    }

    /// As [`check`](Self::check), with nobody else there: also that the count is exact.
    ///
    /// # Errors
    /// The first claim found broken, by name.
    pub fn check_at_rest(&mut self) -> Result<(), Breach> {
        let pin = self.core.pin();
        self.core.check(&pin, true, |key| self.hash_builder.hash_one(key))
    }
}

impl<K, V, S: Default, P: Platform> Default for ConcurrentMap<K, V, S, P> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: Hash + Eq, V, S: BuildHasher, P: Platform> Extend<(K, V)> for ConcurrentMap<K, V, S, P> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        (&*self).extend(entries);
    }
}

impl<K: Hash + Eq, V, S: BuildHasher, P: Platform> Extend<(K, V)> for &ConcurrentMap<K, V, S, P> {
    /// Takes a new pin now and then, so that what any thread removes or drains meanwhile need not wait for the end of
    /// `entries`.
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        let mut entries = entries.into_iter().fuse().peekable();
        while entries.peek().is_some() {
            let pin = self.pin();
            for (key, value) in entries.by_ref().take(INSERTS_PER_PIN) {
                pin.insert(key, value);
            }
        }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher + Default, P: Platform> FromIterator<(K, V)>
    for ConcurrentMap<K, V, S, P>
{
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut map = Self::with_capacity_and_hasher(entries.size_hint().0, S::default());
        map.extend(entries);
        map
    }
}

impl<K: Hash + Eq, V, const N: usize> From<[(K, V); N]> for ConcurrentMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Clone + Hash + Eq, V: Clone, S: BuildHasher + Clone, P: Platform> Clone
    for ConcurrentMap<K, V, S, P>
{
    /// A copy of what [`Pinned::iter`] yields.
    fn clone(&self) -> Self {
        let mut map = Self::with_capacity_and_hasher(self.len(), self.hash_builder.clone());
        map.extend(self.pin().iter().map(|(key, value)| (key.clone(), value.clone())));
        map
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S, P: Platform> fmt::Debug for ConcurrentMap<K, V, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pin().fmt(f)
    }
}
