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
//! - **only-here**: `on_std` is the only file of the concurrent map that names a std primitive.
//! - **free-on-std**: `Std`'s hooks are empty and its wrappers are `#[inline(always)]`: a lookup
//!   compiles to what direct std atomics give.
//! # Not here
//! What the moments mean for the protocol: see the essay in `concurrent`.
//! # Checked by
//! `tests/concurrent_platform.rs` (a platform that is not `Std` hears every moment, every object's
//! birth and death).

mod on_std;
mod point;

pub use self::on_std::{Std, StdCollector, StdGuard};
pub use self::point::{Object, Place, Point};
use core::sync::atomic::Ordering;

/// An atomic value: the four operations that every engine offers, with the orderings as written.
/// Each may panic at an order that std's atomics refuse for it.
pub trait Atomic<T: Copy> {
    /// An atomic that holds `value`. Its making is no atomic access: it is published by another.
    fn new(value: T) -> Self;
    /// Returns the value.
    #[track_caller]
    fn load(&self, order: Ordering) -> T;
    /// Returns the value to a thread that alone may write it now, as a lock's holder. Relaxed: the lock
    /// orders it after every store before, and before every store to come. A model objects where
    /// nothing does.
    #[inline(always)]
    #[track_caller]
    fn load_owned(&self) -> T {
        self.load(Ordering::Relaxed)
    }
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
    /// Whether [`reclaim`](Self::reclaim) keeps the object for use again, where
    /// [`Platform::recycles_segments`]. A model, which frees nothing while a mistake could still read
    /// it, need not put that off.
    const IS_KEPT: bool = false;

    /// Whether [`reclaim`](Self::reclaim) may panic, as it runs code of the user's.
    const MAY_PANIC: bool = true;

    /// The address under which the object was announced by [`Platform::allocated`].
    ///
    /// # Safety
    /// - `object` is valid, and no other thread changes it.
    #[inline(always)]
    unsafe fn identity(object: *const Self) -> *const () {
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
/// - The end of such a guard, and of any that was gone by then, happens-before the reclaiming.
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

    /// Reclaims at once what was never retired. May put off a panic of its `drop` until the collector is dropped; else that
    /// goes on.
    ///
    /// # Safety
    /// - As of [`Reclaim::reclaim`].
    unsafe fn reclaim<T: Reclaim>(&self, object: *mut T) {
        // SAFETY: the caller's obligation.
        unsafe { T::reclaim(object) }
    }

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

    /// Whether [`prefetch`](Self::prefetch) does anything. If not, nothing is loaded just to know
    /// what to fetch, which to a model would be a step of the thread.
    const PREFETCHES: bool = false;

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

    /// Whether drained segments are kept for the growth to use again, once nobody can reach them. If
    /// not, reclaiming frees them. May turn from no to yes while a map lives, not back.
    #[inline(always)]
    fn recycles_segments() -> bool {
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
