//! Atomics that tell of each access.

use map_core::platform::{Atomic, AtomicNumber};
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

/// Who is told.
pub trait Hook {
    /// An atomic is about to be accessed.
    fn access();
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
