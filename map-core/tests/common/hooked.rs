//! Atomics that tell of each access, and a platform of them for one thread.

use map_core::platform::{Atomic, AtomicNumber, Object, Platform, Std};
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

/// Who is told.
pub trait Hook {
    /// An atomic is about to be accessed.
    fn access();
    /// An object was allocated, on [`Lone`].
    fn allocated(_: Object) {}
    /// Who the thread is, on [`Lone`], of two at the most.
    fn task() -> usize {
        0
    }
}

/// An `A` that tells `H`.
pub struct Hooked<A, H>(A, PhantomData<fn() -> H>);

impl<A, H: Hook> Hooked<A, H> {
    fn accessed(&self) -> &A {
        H::access();
        &self.0
    }
}

impl<T: Copy, A: Atomic<T>, H: Hook> Atomic<T> for Hooked<A, H> {
    fn new(value: T) -> Self {
        Hooked(A::new(value), PhantomData)
    }
    fn load(&self, order: Ordering) -> T {
        self.accessed().load(order)
    }
    fn store(&self, value: T, order: Ordering) {
        self.accessed().store(value, order);
    }
    fn swap(&self, value: T, order: Ordering) -> T {
        self.accessed().swap(value, order)
    }
    fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.accessed().compare_exchange(current, new, success, failure)
    }
}

impl<T: Copy, A: AtomicNumber<T>, H: Hook> AtomicNumber<T> for Hooked<A, H> {
    fn fetch_add(&self, value: T, order: Ordering) -> T {
        self.accessed().fetch_add(value, order)
    }
    fn fetch_sub(&self, value: T, order: Ordering) -> T {
        self.accessed().fetch_sub(value, order)
    }
}

/// What a map has whose only thread tells `H` of all that it does. Small tables have many segments, and drained ones are used again.
#[allow(dead_code, reason = "not every test has but one thread")]
pub struct Lone<H>(PhantomData<fn() -> H>);

// SAFETY: every primitive is that of `Std`.
unsafe impl<H: Hook + 'static> Platform for Lone<H> {
    type AtomicU64 = Hooked<<Std as Platform>::AtomicU64, H>;
    type AtomicUsize = Hooked<<Std as Platform>::AtomicUsize, H>;
    type AtomicPtr<T> = Hooked<<Std as Platform>::AtomicPtr<T>, H>;
    type Cell<T> = <Std as Platform>::Cell<T>;
    type Mutex<T> = <Std as Platform>::Mutex<T>;
    type Collector = <Std as Platform>::Collector;

    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        H::task()
    }
    fn stripes() -> usize {
        2
    }
    fn wait(_: u32) {
        panic!("one thread has nobody to wait for, or one that has been stopped");
    }
    fn fence(order: Ordering) {
        Std::fence(order);
    }
    fn recycles_segments() -> bool {
        Std::recycles_segments()
    }
    fn allocated<T>(_: *const T, kind: Object) {
        H::allocated(kind);
    }
}
