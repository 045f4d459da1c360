//! A table: a directory of segments of buckets, and the link to its successor.
//!
//! ```text
//!   root ──► Table g ──successor──► Table g+1 ──► null
//!             │ directory                │
//!             ├─► drained (null)         ├─► segment: 2^7 buckets
//!             ├─► segment                ├─► segment
//!             └─► segment                └─► not needed yet (null)
//! ```
//!
//! No operation pays for a whole table: a growth allocates the directory, each segment is allocated
//! by the evacuation that first needs it, and unlinked by the one that empties it. An old bucket i
//! of n feeds the new buckets i and, when the table doubles, i + n: no two old buckets feed one new
//! bucket.
//!
//! # Invariants
//! - **born**: a bucket of a table with a predecessor is *born* when the old bucket that feeds it
//!   says EVACUATED (or its segment is drained). Before, only that evacuation touches it.
//! - **null-means-drained**: whoever looks for a born bucket and finds a null segment knows that it
//!   was drained.
//! - **one-successor**: `successor` changes once, from null.
//! - **overflow**: with nobody writing, the newest table counts as many overflow buckets as it has.
//! # Not here
//! Who evacuates and who retires: see `evacuate`.
//! # Checked by
//! `check`; `tests/concurrent_stress.rs`.

use super::bucket::{Bucket, EVACUATED, First, protect};
use super::segment::{Drained, free_segment, new_segment};
use super::spare::Spares;
use crate::growth::{GrowthKind, buckets_log2_for};
use crate::platform::{Atomic, AtomicNumber, Cell, Object, Place, Platform, Reclaim};
use alloc::boxed::Box;
use core::alloc::Layout;
use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// What a table is, fixed when it is made.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Counted from 0 along the successors.
    pub(crate) generation: u64,
    pub(crate) buckets_log2: u32,
    /// The bits of a hash that are its bucket's index: one less than there are buckets.
    mask: usize,
    /// log2 of the buckets in a segment.
    segment_log2: u32,
    /// How this table came out of the one before; `None` for the first.
    pub(crate) kind: Option<GrowthKind>,
}

/// One entry of a directory.
struct Segment<K, V, P: Platform> {
    /// The first of the segment's buckets, or null.
    buckets: P::AtomicPtr<First<K, V, P>>,
    /// How many of them are evacuated.
    evacuated: P::AtomicUsize,
}

/// A counter on a cache line of its own: writers add to it while readers read the table's shape.
#[repr(align(64))]
struct Apart<T>(T);

/// 2^`buckets_log2` buckets.
pub(crate) struct Table<K, V, P: Platform> {
    shape: P::Cell<Shape>,
    directory: Box<[Segment<K, V, P>]>,
    successor: P::AtomicPtr<Table<K, V, P>>,
    claims: Apart<P::AtomicUsize>,
    drained: P::AtomicUsize,
    overflow_buckets: P::AtomicUsize,
}

impl<K, V, P: Platform> Table<K, V, P> {
    /// A first table, every bucket born.
    pub(crate) fn first(buckets_log2: u32) -> *mut Self {
        let table = Self::allocate(0, buckets_log2, None);
        // SAFETY: made by `allocate` just now; nobody else knows it.
        let first = unsafe { &*table };
        for segment in 0..first.segments() {
            let segment_log2 = first.shape().segment_log2;
            first.provide_segment(segment << segment_log2, new_segment(1 << segment_log2));
        }
        table
    }

    /// A table to succeed this one, every bucket unborn.
    pub(crate) fn successor_of(&self, kind: GrowthKind) -> *mut Self {
        let shape = self.shape();
        let doubled = u32::from(kind != GrowthKind::SameSize);
        Self::allocate(shape.generation + 1, shape.buckets_log2 + doubled, Some(kind))
    }

    fn allocate(generation: u64, buckets_log2: u32, kind: Option<GrowthKind>) -> *mut Self {
        let segment_log2 = buckets_log2.min(P::SEGMENT_BUCKETS_LOG2);
        let segments = 1usize << (buckets_log2 - segment_log2);
        let no_segment = |_| Segment {
            buckets: P::AtomicPtr::new(ptr::null_mut()),
            evacuated: P::AtomicUsize::new(0),
        };
        let table = Box::into_raw(Box::new(Table {
            shape: P::Cell::new(Shape {
                generation,
                buckets_log2,
                mask: (1 << buckets_log2) - 1,
                segment_log2,
                kind,
            }),
            directory: (0..segments).map(no_segment).collect(),
            successor: P::AtomicPtr::new(ptr::null_mut()),
            claims: Apart(P::AtomicUsize::new(0)),
            drained: P::AtomicUsize::new(0),
            overflow_buckets: P::AtomicUsize::new(0),
        }));
        P::allocated(table.cast_const(), Object::Table);
        table
    }

    /// What the table is.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn shape(&self) -> Shape {
        // SAFETY: written by `allocate` only, before the table was published.
        self.shape.with(|shape| unsafe { *shape })
    }

    /// How many buckets the table has, unborn and drained ones included.
    #[inline(always)]
    pub(crate) fn buckets(&self) -> usize {
        self.shape().mask + 1
    }

    /// How many segments the table has.
    #[inline(always)]
    pub(crate) fn segments(&self) -> usize {
        self.directory.len()
    }

    /// The bucket that a hash belongs to.
    #[inline(always)]
    pub(crate) fn index_of(&self, hash: u64) -> usize {
        hash as usize & self.shape().mask
    }

    /// This place in the table, for messages and models.
    #[inline(always)]
    pub(crate) fn place(&self, bucket: usize) -> Place {
        Place { generation: self.shape().generation, bucket }
    }

    /// A born bucket, or `None` when its segment is drained.
    #[inline(always)]
    pub(crate) fn bucket(&self, index: usize) -> Option<&Bucket<K, V, P>> {
        debug_assert!(index < self.buckets());
        // Callers on the way to a key mask it as well; the compiler does it once.
        let index = index & self.shape().mask;
        // Here and below the constant does for `segment_log2`: where that is less, there is one
        // segment, and `index` is below its length.
        // SAFETY: below `buckets` by the line above, and `allocate` made a segment for every
        // 2^`segment_log2` of these.
        let segment = unsafe { self.directory.get_unchecked(index >> P::SEGMENT_BUCKETS_LOG2) };
        // Acquire (publish-segment): pairs with the Release in `provide_segment`; the buckets are
        // seen made. Acquire (drain-segment): pairs with the Release in `drain_segment`;
        // the successor is seen. Order `protect`: see `get`.
        let buckets = segment.buckets.load(protect::<P>());
        if buckets.is_null() {
            return None;
        }
        P::touched(buckets.cast_const());
        // SAFETY: the segment has 2^`segment_log2` buckets, and is not freed while the pin that
        // gave `&self` lasts.
        let bucket = unsafe { buckets.add(index & ((1 << P::SEGMENT_BUCKETS_LOG2) - 1)) };
        // SAFETY: see above.
        Some(unsafe { &(*bucket).0 })
    }

    /// Whether a bucket's entries are in the successor. The bucket must be born.
    #[inline]
    pub(crate) fn is_evacuated(&self, index: usize) -> bool {
        // Acquire (publish-evacuated): pairs with the Release in `publish_evacuated`.
        self.bucket(index).is_none_or(|bucket| bucket.state.load(protect::<P>()) & EVACUATED != 0)
    }

    /// The table's successor, or null.
    #[inline(always)]
    pub(crate) fn successor_ptr(&self) -> *mut Self {
        // Acquire (publish-successor): pairs with the Release in `publish_successor`. Order
        // `protect`: see `get`.
        self.successor.load(protect::<P>())
    }

    /// The table's successor, if a growth from here has begun.
    #[inline(always)]
    pub(crate) fn successor(&self) -> Option<&Self> {
        let successor = self.successor_ptr();
        if successor.is_null() {
            return None;
        }
        P::touched(successor.cast_const());
        // SAFETY: **one-successor**: made by `allocate`; a table is retired after its predecessor,
        // so a pin under which `self` was reached keeps its successor too.
        Some(unsafe { &*successor })
    }

    /// The successor, of a table known to have one: some bucket of it said EVACUATED, or a segment
    /// was drained.
    #[inline]
    pub(crate) fn known_successor(&self) -> &Self {
        self.successor().expect("born: an evacuated bucket has a successor to go to")
    }

    /// The buckets of the successor that old bucket `index` feeds: the first, and the second if the
    /// successor is larger.
    pub(crate) fn fed_buckets(&self, index: usize) -> (usize, Option<usize>) {
        let grown = self.known_successor().buckets() > self.buckets();
        (index, grown.then(|| index + self.buckets()))
    }

    /// Makes `successor` this table's, unless it has one. Gives it back in that case.
    pub(crate) fn publish_successor(&self, successor: *mut Self) -> Result<(), *mut Self> {
        // Release (publish-successor): the new table becomes visible to the Acquire in `successor`.
        // Relaxed on failure: the winner's table is not looked at.
        let published =
            self.successor.compare_exchange(ptr::null_mut(), successor, Release, Relaxed);
        published.map(drop).map_err(|_| successor)
    }

    /// The unborn bucket `index`, its segment a spare one or allocated if need be. Only for the
    /// evacuation that will bring it to life.
    pub(crate) fn provide_bucket(
        &self,
        index: usize,
        spares: &Spares<K, V, P>,
    ) -> &Bucket<K, V, P> {
        if let Some(bucket) = self.bucket(index) {
            return bucket;
        }
        let len = 1usize << self.shape().segment_log2;
        let spare = spares.take().and_then(|spare| spare.reuse(len));
        self.provide_segment(index, spare.unwrap_or_else(|| new_segment(len)));
        self.bucket(index).expect("null-means-drained: a segment with an unborn bucket was drained")
    }

    /// Makes `buckets` the segment of bucket `index`, unless another evacuation just gave it one.
    #[cold]
    fn provide_segment(&self, index: usize, buckets: Box<[First<K, V, P>]>) {
        let len = buckets.len();
        let first = Box::into_raw(buckets).cast::<First<K, V, P>>();
        P::allocated(first.cast_const(), Object::Segment);
        let segment = &self.directory[index >> self.shape().segment_log2];
        // Release (publish-segment): the buckets become visible to the Acquire in `bucket`.
        if segment.buckets.compare_exchange(ptr::null_mut(), first, Release, Relaxed).is_err() {
            // SAFETY: made above and not published.
            unsafe { free_segment(first, len) };
        }
    }

    /// The next `count` claim tickets: ticket t is for old bucket t mod n. Tickets run on after n:
    /// who finds a bucket locked, or gives it up, leaves it to a later round.
    #[inline]
    pub(crate) fn claim(&self, count: usize) -> usize {
        // Relaxed: a ticket gives no right, only a direction; the bucket's lock decides.
        self.claims.0.fetch_add(count, Relaxed)
    }

    /// How many claim tickets have been drawn.
    pub(crate) fn claimed(&self) -> usize {
        // Relaxed: a report.
        self.claims.0.load(Relaxed)
    }

    /// Counts bucket `index` as evacuated; true when it was the last of its segment.
    #[inline]
    pub(crate) fn count_evacuated(&self, index: usize) -> bool {
        let segment_log2 = self.shape().segment_log2;
        let segment = &self.directory[index >> segment_log2];
        // AcqRel (count-evacuated): who counts last has seen every evacuation of the segment
        // finish, and may drain it.
        segment.evacuated.fetch_add(1, AcqRel) + 1 == 1 << segment_log2
    }

    /// Unlinks the segment of bucket `index`, all evacuated, and returns it for retiring.
    pub(crate) fn drain_segment(
        &self,
        index: usize,
        spares: &Spares<K, V, P>,
    ) -> Box<Drained<K, V, P>> {
        let segment_log2 = self.shape().segment_log2;
        let segment = &self.directory[index >> segment_log2];
        // Release (drain-segment): whoever finds null sees the successor, and in it what the
        // segment held (all of its evacuations happened before, by count-evacuated).
        let first = segment.buckets.swap(ptr::null_mut(), Release);
        Drained::new(first, 1 << segment_log2, ptr::from_ref(spares))
    }

    /// Counts a drained segment; returns how many there are now.
    pub(crate) fn count_drained(&self) -> usize {
        // Release (count-drained): who sees the count complete, by the Acquire in `is_drained`, has
        // seen every segment unlinked: each addition continues the ones before.
        self.drained.fetch_add(1, Release) + 1
    }

    /// Whether every bucket's entries are in the successor.
    #[inline]
    pub(crate) fn is_drained(&self) -> bool {
        // Acquire (count-drained), see above.
        self.drained.load(Acquire) == self.segments()
    }

    /// How many segments are drained.
    pub(crate) fn drained(&self) -> usize {
        // Relaxed: a report.
        self.drained.load(Relaxed)
    }

    /// Counts a new overflow bucket.
    pub(crate) fn count_overflow_bucket(&self) {
        // Relaxed: only steers the growth policy.
        self.overflow_buckets.fetch_add(1, Relaxed);
    }

    /// How many overflow buckets were made for this table.
    pub(crate) fn overflow_buckets(&self) -> usize {
        // Relaxed: only steers the growth policy.
        self.overflow_buckets.load(Relaxed)
    }

    /// Frees the table's segments, their overflow buckets and the table. Entries have other owners.
    ///
    /// # Safety
    /// - The table came from `first` or `successor_of`, and no other thread can reach it.
    pub(crate) unsafe fn free(table: *mut Self) {
        // SAFETY: the caller vouches that it is a live table, made by `allocate` from a box.
        let table = unsafe { Box::from_raw(table) };
        P::freed(ptr::from_ref(&*table));
        for segment in &table.directory {
            // Relaxed: the caller is alone with the table.
            let first = segment.buckets.load(Relaxed);
            if !first.is_null() {
                // SAFETY: made by `provide_segment`, and not drained, so nobody else frees it.
                unsafe { free_segment(first, 1 << table.shape().segment_log2) };
            }
        }
    }
}

impl<K, V, P: Platform> Reclaim for Table<K, V, P> {
    const MAY_PANIC: bool = false;

    unsafe fn reclaim(object: *mut Self) {
        // SAFETY: the caller's obligation.
        unsafe { Table::free(object) }
    }
}

/// log2 of the buckets that hold `capacity` entries. Panics when no address space could hold them.
pub(crate) fn buckets_log2<K, V, P: Platform>(capacity: usize) -> u32 {
    buckets_log2_for(capacity)
        .filter(|&log2| Layout::array::<First<K, V, P>>(1 << log2).is_ok())
        .expect("capacity overflow")
}
