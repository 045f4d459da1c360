//! The platform: every primitive whose behaviour a model checker must control.
//!
//! ```text
//!   ConcurrentMap<K, V, S, P>
//!        │  P::AtomicU64, P::AtomicPtr<T>, P::Cell<T>, P::Collector, P::point(…), …
//!        ▼
//!   P = Std            std's atomics, `seize`; every hook empty, everything inlines
//!   P = (a model's)    a scheduler's atomics, its own clocks, eager reclamation, every hook heard
//! ```
//!
//! A type parameter, not `--cfg`: one build holds every engine, and a std atomic that slipped into
//! the protocol is a type error. The concurrent map names no other primitive, thread-local or
//! clock.
//!
//! # Invariants
//! - **only-here**: no other file of the concurrent map names a std primitive.
//! - **free-on-std**: `Std`'s hooks are empty and its wrappers are `#[inline(always)]`: a lookup
//!   compiles to what direct std atomics give.
//! # Not here
//! What the moments mean for the protocol: see the essay in `concurrent`.
//! # Checked by
//! `tests/concurrent_platform.rs` (a platform that is not `Std` hears every moment, every object's
//! birth and death).

use core::cell::UnsafeCell;
use core::fmt;
use core::sync::atomic::{self, Ordering};
use std::sync::{Mutex as StdMutex, PoisonError};

/// An atomic value: the four operations that every engine offers, with the orderings as written.
/// Each may panic at an order that std's atomics refuse for it.
pub trait Atomic<T: Copy> {
    /// An atomic that holds `value`. Its making is no atomic access: it is published by another.
    fn new(value: T) -> Self;
    /// Returns the value.
    #[track_caller]
    fn load(&self, order: Ordering) -> T;
    /// Replaces the value.
    #[track_caller]
    fn store(&self, value: T, order: Ordering);
    /// Replaces the value; returns the one before.
    #[track_caller]
    fn swap(&self, value: T, order: Ordering) -> T;
    /// Replaces the value if it is `current`. Returns the one before: in `Err` exactly if it was
    /// another.
    #[track_caller]
    fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T>;
}

/// An atomic number that can be added to.
pub trait AtomicNumber<T: Copy>: Atomic<T> {
    /// Adds, wrapping; returns the value before.
    #[track_caller]
    fn fetch_add(&self, value: T, order: Ordering) -> T;
    /// Subtracts, wrapping; returns the value before.
    #[track_caller]
    fn fetch_sub(&self, value: T, order: Ordering) -> T;
}

/// Plain memory that is published by an atomic elsewhere: a checker sees each access and reports
/// the unordered pair.
pub trait Cell<T> {
    /// Wraps a value.
    fn new(value: T) -> Self;
    /// A read access. The pointer may outlive the call only if no write follows while it is used.
    #[track_caller]
    fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R;
    /// A write access.
    #[track_caller]
    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R;
    /// Takes the value out; the owner is alone.
    fn into_inner(self) -> T;
}

/// A mutual exclusion lock, without poisoning. The map needs none today; it belongs to the seam so
/// that a subject or an extension that does need one is under the model's control from the start.
pub trait Mutex<T> {
    /// Wraps a value.
    fn new(value: T) -> Self;
    /// Runs `body` with the lock held.
    #[track_caller]
    fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R;
}

/// Something that can be given to a [`Collector`], to be freed once no thread can still hold it.
pub trait Reclaim {
    /// The address under which the object was announced by [`Platform::allocated`].
    #[inline(always)]
    fn identity(object: *const Self) -> *const () {
        object.cast()
    }

    /// Frees the object and what it owns.
    ///
    /// # Safety
    /// - `object` is valid and unreachable for every thread, and this is the only call for it.
    unsafe fn reclaim(object: *mut Self);
}

/// Safe memory reclamation: an object retired while a thread is pinned is not reclaimed before that
/// thread's pin ends.
///
/// # Safety
/// - An object given to [`Guard::retire`] is reclaimed at most once, after every guard that existed
///   at that moment, *or that was made later but whose loads of order
///   [`PROTECT`](Collector::PROTECT) do not see the unlinking*, is gone.
/// - The end of such a guard happens-before the reclaiming.
pub unsafe trait Collector: Send + Sync + Sized {
    /// A pin.
    type Guard<'collector>: Guard
    where
        Self: 'collector;

    /// The order of a load that leads to an object which may be retired meanwhile; at least
    /// Acquire.
    const PROTECT: Ordering;

    /// A collector with nothing to collect.
    fn new() -> Self;

    /// Pins the calling thread. Nests.
    #[track_caller]
    fn pin(&self) -> Self::Guard<'_>;
}

/// A pin of one thread; ends when dropped.
pub trait Guard {
    /// Hands over an object that this thread has just made unreachable for threads that pin from
    /// now on. It is reclaimed by whichever thread's pin ends last, so no lock may be held here
    /// or where a guard is dropped: reclaiming runs user code.
    ///
    /// # Safety
    /// - `object` is valid for [`Reclaim::reclaim`], unlinked, and retired once.
    #[track_caller]
    unsafe fn retire<T: Reclaim>(&self, object: *mut T);

    /// Starts the grace period of what this thread has retired so far.
    fn flush(&self);
}

/// What a [`ConcurrentMap`](crate::ConcurrentMap) runs on.
///
/// # Safety
/// - The atomics are atomic, may be used from any thread, and give at least the orderings asked
///   for.
/// - [`Cell::with`] and [`Cell::with_mut`] pass a pointer to the wrapped value, for reading and for
///   writing it. It is valid until the cell is moved or dropped, also after the call.
/// - A cell may be sent to another thread, and read from any, if its value may be.
/// - `Mutex` excludes.
pub unsafe trait Platform: Sized + 'static {
    /// An atomic word.
    type AtomicU64: AtomicNumber<u64>;
    /// An atomic count.
    type AtomicUsize: AtomicNumber<usize>;
    /// An atomic pointer.
    type AtomicPtr<T>: Atomic<*mut T>;
    /// Plain memory.
    type Cell<T>: Cell<T>;
    /// A lock.
    type Mutex<T>: Mutex<T>;
    /// Reclamation.
    type Collector: Collector;

    /// Whether every write checks the evacuation barrier before it lands, and panics with both
    /// tables on a breach.
    const EVACUATION_BARRIER: bool = false;

    /// log2 of the buckets in a segment, the unit in which tables are allocated and freed. Small in
    /// models, so that a table of four buckets has segments to drain.
    const SEGMENT_BUCKETS_LOG2: u32 = 7;

    /// Whether a drained segment is kept for the growth to use again, once nobody can reach it. If
    /// not, it is freed at once, which a model notices when somebody still does.
    const RECYCLES_SEGMENTS: bool = false;

    /// A small number that tells this thread (task) from the others; may repeat, must not change.
    fn task() -> usize;

    /// How many stripes the entry counter has; about as many as threads run at once. Not 0.
    fn stripes() -> usize;

    /// Called in a loop that waits for another thread's store; `round` counts from 0. A model must
    /// let others run.
    fn wait(round: u32);

    /// A memory fence. The map needs none today, as [`Platform::Mutex`].
    fn fence(order: Ordering);

    /// The memory at this address is about to be read: worth fetching. May be nothing.
    #[inline(always)]
    fn prefetch<T>(_address: *const T) {}

    /// The calling thread has reached a named moment.
    #[inline(always)]
    #[track_caller]
    fn point(_point: Point, _place: Place) {}

    /// Whether the thread should drop what it is doing at this moment of an evacuation
    /// ([`Point::abandonable`]) and leave the bucket to others. Lets a model show that no
    /// growth depends on one thread's diligence.
    #[inline(always)]
    fn abandons(_point: Point, _place: Place) -> bool {
        false
    }

    /// Whether an insert should start a growth now although nothing asks for it.
    #[inline(always)]
    fn grows_early(_place: Place) -> bool {
        false
    }

    /// An object that will be retired or freed was allocated.
    #[inline(always)]
    #[track_caller]
    fn allocated<T>(_object: *const T, _kind: Object) {}

    /// An object is about to be read or written.
    #[inline(always)]
    #[track_caller]
    fn touched<T>(_object: *const T) {}

    /// An object's memory is about to be given back.
    #[inline(always)]
    #[track_caller]
    fn freed<T>(_object: *const T) {}
}

/// What an allocation is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Object {
    /// A key, its value and its hash.
    Entry,
    /// A table without its segments.
    Table,
    /// The first buckets of [`Platform::SEGMENT_BUCKETS_LOG2`] chains.
    Segment,
    /// A bucket further down a chain.
    OverflowBucket,
}

/// Where a moment happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// Which table, counted from 0 in the order in which they succeed each other.
    pub generation: u64,
    /// Which bucket: at the moments of a segment, the one whose evacuation was its last; at those of
    /// a whole table, the number of buckets.
    pub bucket: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} bucket {}", self.generation, self.bucket)
    }
}

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A named moment of the protocol.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Point { $($(#[doc = $doc])+ $name,)+ }

        impl Point {
            /// Every moment, in the order of the protocol.
            pub const ALL: &'static [Point] = &[$(Point::$name,)+];

            /// The moment's name in files and messages: stable, kebab-case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Point::$name => $text,)+ }
            }

            /// The moment with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Point> {
                match name { $($text => Some(Point::$name),)+ _ => None }
            }
        }
    };
}

points! {
    /// Read the root; about to look at the bucket there.
    ReadRoot = "read-root",
    /// Saw an evacuated bucket; about to look in the successor.
    FollowSuccessor = "follow-successor",
    /// A reader is about to search a chain that was not evacuated a moment ago.
    SearchChain = "search-chain",
    /// A writer has searched and is about to lock the bucket.
    AboutToLock = "about-to-lock",
    /// A writer found the bucket locked and waits.
    WaitForLock = "wait-for-lock",
    /// A writer holds the bucket.
    Locked = "locked",
    /// About to write a slot of a table that has a predecessor (the evacuation barrier's moment).
    AboutToWriteNewTable = "about-to-write-new-table",
    /// About to store an entry in a slot, whose tophash is there: a key that is new becomes findable,
    /// a value is replaced.
    AboutToPublishEntry = "about-to-publish-entry",
    /// Stored the entry pointer.
    PublishedEntry = "published-entry",
    /// About to link a filled overflow bucket.
    AboutToLinkOverflow = "about-to-link-overflow",
    /// Cleared the slot; about to clear its tophash.
    ClearedSlot = "cleared-slot",
    /// About to unlock a bucket.
    AboutToUnlock = "about-to-unlock",
    /// Unlinked an entry; about to retire it.
    AboutToRetireEntry = "about-to-retire-entry",
    /// Allocated a successor; about to publish it.
    AboutToPublishSuccessor = "about-to-publish-successor",
    /// A growth has begun.
    PublishedSuccessor = "published-successor",
    /// Drew a claim ticket for an old bucket.
    ClaimedBucket = "claimed-bucket",
    /// Holds an old bucket; about to copy it.
    AboutToCopyBucket = "about-to-copy-bucket",
    /// In the middle of copying an old bucket.
    CopyingBucket = "copying-bucket",
    /// Copied an old bucket; about to publish EVACUATED.
    AboutToPublishEvacuated = "about-to-publish-evacuated",
    /// Published EVACUATED; about to count it.
    PublishedEvacuated = "published-evacuated",
    /// The last bucket of an old segment was counted; about to unlink the segment.
    AboutToDrainSegment = "about-to-drain-segment",
    /// Unlinked a drained segment; about to retire it.
    AboutToRetireSegment = "about-to-retire-segment",
    /// Saw a table fully drained; about to move the root to its successor.
    AboutToSwapRoot = "about-to-swap-root",
    /// Moved the root; about to retire the old table.
    AboutToRetireTable = "about-to-retire-table",
    /// An iterator is about to copy a bucket's entries.
    AboutToVisitBucket = "about-to-visit-bucket",
    /// `clear` is about to lock a bucket.
    AboutToClearBucket = "about-to-clear-bucket",
}

impl Point {
    /// The moments at which [`Platform::abandons`] is asked.
    #[must_use]
    pub fn abandonable(self) -> bool {
        matches!(
            self,
            Point::ClaimedBucket
                | Point::AboutToCopyBucket
                | Point::CopyingBucket
                | Point::AboutToPublishEvacuated
        )
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The real thing: std's atomics, and reclamation by `seize`.
///
/// `seize` rather than `crossbeam-epoch`: its collector belongs to the map, so entries need not be
/// `'static` and are all freed when the map is; pinning is a store and a compiler fence (the
/// retiring side pays with a membarrier), where crossbeam's is a locked instruction; and nothing is
/// collected inside `pin`, where crossbeam frees every 128th time. Its price: a thread whose pin
/// ends last drops what others retired, in batches of 128: a batch costs a membarrier, which with
/// the default of 32 was half of the time of a mix of inserts and removes by two threads.
#[derive(Clone, Copy, Debug)]
pub struct Std;

// SAFETY: std's atomics and mutex are what the contract asks for.
unsafe impl Platform for Std {
    type AtomicU64 = atomic::AtomicU64;
    type AtomicUsize = atomic::AtomicUsize;
    type AtomicPtr<T> = atomic::AtomicPtr<T>;
    type Cell<T> = UnsafeCell<T>;
    type Mutex<T> = StdMutex<T>;
    type Collector = StdCollector;

    const RECYCLES_SEGMENTS: bool = true;

    #[inline(always)]
    fn task() -> usize {
        use core::cell::Cell;
        // Relaxed: the numbers need only differ.
        static NEXT: atomic::AtomicUsize = atomic::AtomicUsize::new(1);
        std::thread_local!(static TASK: Cell<usize> = const { Cell::new(0) });
        TASK.with(|task| {
            if task.get() == 0 {
                task.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            task.get()
        })
    }

    fn stripes() -> usize {
        static STRIPES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        *STRIPES.get_or_init(|| {
            let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
            (2 * threads).next_power_of_two().clamp(4, 64)
        })
    }

    #[inline]
    fn wait(round: u32) {
        // Critical sections are some tens of nanoseconds, unless their holder was descheduled: then
        // give up the processor.
        if round < 6 {
            for _ in 0..1 << round {
                core::hint::spin_loop();
            }
        } else {
            std::thread::yield_now();
        }
    }

    #[inline(always)]
    fn fence(order: Ordering) {
        atomic::fence(order);
    }

    #[inline(always)]
    fn prefetch<T>(_address: *const T) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing that the program can see, and never faults.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(_address.cast()) };
        }
    }
}

macro_rules! std_atomic {
    ([$($generics:tt)*] $atomic:ty, $value:ty) => {
        impl<$($generics)*> Atomic<$value> for $atomic {
            #[inline(always)]
            fn new(value: $value) -> Self {
                <$atomic>::new(value)
            }
            #[inline(always)]
            fn load(&self, order: Ordering) -> $value {
                self.load(order)
            }
            #[inline(always)]
            fn store(&self, value: $value, order: Ordering) {
                self.store(value, order);
            }
            #[inline(always)]
            fn swap(&self, value: $value, order: Ordering) -> $value {
                self.swap(value, order)
            }
            #[inline(always)]
            fn compare_exchange(&self, current: $value, new: $value, success: Ordering, failure: Ordering) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }
    };
}

macro_rules! std_number {
    ($atomic:ty, $value:ty) => {
        std_atomic!([] $atomic, $value);
        impl AtomicNumber<$value> for $atomic {
            #[inline(always)]
            fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.fetch_add(value, order)
            }
            #[inline(always)]
            fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.fetch_sub(value, order)
            }
        }
    };
}

std_number!(atomic::AtomicU64, u64);
std_number!(atomic::AtomicUsize, usize);
std_atomic!([T] atomic::AtomicPtr<T>, *mut T);

impl<T> Cell<T> for UnsafeCell<T> {
    #[inline(always)]
    fn new(value: T) -> Self {
        UnsafeCell::new(value)
    }
    #[inline(always)]
    fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.get())
    }
    #[inline(always)]
    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.get())
    }
    #[inline(always)]
    fn into_inner(self) -> T {
        self.into_inner()
    }
}

impl<T> Mutex<T> for StdMutex<T> {
    fn new(value: T) -> Self {
        StdMutex::new(value)
    }
    fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        body(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many retired objects a thread collects before it pays for a membarrier.
const BATCH: usize = 128;

/// Reclamation on [`Std`]: a `seize` collector.
#[derive(Debug)]
pub struct StdCollector(seize::Collector);

// SAFETY: this is seize's own contract: `enter`, then loads of order SeqCst, then `defer_retire`
// after unlinking.
unsafe impl Collector for StdCollector {
    type Guard<'collector> = StdGuard<'collector>;

    // seize's `Guard::protect` asks for SeqCst: if our load comes first in the total order, the
    // retiring thread's barrier comes after our `enter` and sees the pin; if the barrier comes
    // first, our load sees the unlinking. Free on x86-64.
    const PROTECT: Ordering = Ordering::SeqCst;

    fn new() -> Self {
        StdCollector(seize::Collector::new().batch_size(BATCH))
    }

    #[inline(always)]
    fn pin(&self) -> StdGuard<'_> {
        StdGuard(self.0.enter())
    }
}

/// A pin on [`Std`].
#[derive(Debug)]
pub struct StdGuard<'collector>(seize::LocalGuard<'collector>);

impl Guard for StdGuard<'_> {
    #[inline]
    unsafe fn retire<T: Reclaim>(&self, object: *mut T) {
        unsafe fn reclaim<T: Reclaim>(object: *mut T, _: &seize::Collector) {
            // SAFETY: seize calls this once, when nobody can hold `object` any more.
            unsafe { T::reclaim(object) }
        }
        // SAFETY: the caller's obligations are seize's.
        unsafe { seize::Guard::defer_retire(&self.0, object, reclaim) }
    }

    fn flush(&self) {
        seize::Guard::flush(&self.0);
    }
}
