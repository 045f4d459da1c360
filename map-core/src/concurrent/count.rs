//! Counting entries without a shared cache line: each thread adds to a stripe, a reader sums them.
//!
//! # Invariants
//! - **exact-at-rest**: with no write under way the sum is the number of entries; a stripe alone
//!   may be "negative".
//! # Checked by
//! `check`; `tests/concurrent_stress.rs`.

use crate::platform::{Atomic, AtomicNumber, Platform};
use alloc::boxed::Box;
use core::sync::atomic::Ordering::Relaxed;

/// One thread's share, on its own pair of cache lines (the prefetcher fetches pairs).
#[repr(align(128))]
struct Stripe<A>(A);

/// A striped counter.
pub(crate) struct Count<P: Platform> {
    stripes: Box<[Stripe<P::AtomicUsize>]>,
}

impl<P: Platform> Count<P> {
    pub(crate) fn new() -> Self {
        let stripes = P::stripes().max(1).next_power_of_two();
        Count { stripes: (0..stripes).map(|_| Stripe(P::AtomicUsize::new(0))).collect() }
    }

    #[inline(always)]
    fn mine(&self) -> &P::AtomicUsize {
        &self.stripes[P::task() & (self.stripes.len() - 1)].0
    }

    /// Adds one; returns what this thread's stripe now says.
    #[inline(always)]
    pub(crate) fn add_one(&self) -> usize {
        // Relaxed, here and below: nothing is published by the count; it steers the policy and
        // answers `len`.
        self.mine().fetch_add(1, Relaxed).wrapping_add(1)
    }

    /// Subtracts.
    #[inline(always)]
    pub(crate) fn subtract(&self, count: usize) {
        self.mine().fetch_sub(count, Relaxed);
    }

    /// The sum; with writes under way, of values that the stripes had at some moments meanwhile.
    pub(crate) fn sum(&self) -> usize {
        let sum = self
            .stripes
            .iter()
            .fold(0usize, |sum, stripe| sum.wrapping_add(stripe.0.load(Relaxed)));
        (sum.cast_signed()).max(0).cast_unsigned()
    }
}
