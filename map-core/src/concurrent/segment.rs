//! Segments: the unit in which a table's buckets are allocated, given back, and used again.
//!
//! ```text
//!   new_segment ──► a directory's entry ──drain──► Drained ──grace period──► spare, or freed
//! ```
//!
//! # Not here
//! Who leads to a segment: see `table`. Where it waits to be used again: see `spare`.
//! # Checked by
//! `tests/concurrent_drops.rs`; under AddressSanitizer, LeakSanitizer and Miri.

use super::bucket::{Bucket, First};
use super::spare::Spares;
use crate::platform::{Cell, Platform, Reclaim};
use alloc::boxed::Box;
use core::ptr;

/// A drained segment on its way to be used again, or freed.
pub(crate) struct Drained<K, V, P: Platform> {
    first: *mut First<K, V, P>,
    len: usize,
    /// Of the map that the segment belongs to, which frees them after its collector.
    spares: *const Spares<K, V, P>,
    /// The spare below this one, see `spare`.
    next: P::Cell<*mut Drained<K, V, P>>,
}

impl<K, V, P: Platform> Drained<K, V, P> {
    /// The `len` buckets from `first` on, which their table forgot; the map's spares.
    pub(crate) fn new(
        first: *mut First<K, V, P>,
        len: usize,
        spares: *const Spares<K, V, P>,
    ) -> Box<Self> {
        Box::new(Drained { first, len, spares, next: P::Cell::new(ptr::null_mut()) })
    }

    /// What it is linked to.
    pub(crate) fn next(&self) -> *mut Self {
        // SAFETY: written by `link` only, whose caller was alone with it.
        self.next.with(|next| unsafe { *next })
    }

    /// Links it to another, or to nothing.
    ///
    /// # Safety
    /// - It is of `new`, and the caller is alone with it.
    pub(crate) unsafe fn link(drained: *mut Self, to: *mut Self) {
        // SAFETY: the caller vouches for it.
        let next = unsafe { &(*drained).next };
        // SAFETY: the caller is alone with it.
        next.with_mut(|next| unsafe { *next = to });
    }

    /// Its buckets, out of every other thread's reach, with the overflow buckets behind them freed.
    fn into_buckets(self) -> Box<[First<K, V, P>]> {
        // SAFETY: `drain_segment` took the only link to the buckets, which `provide_segment` made;
        // **out-of-reach** since.
        unsafe { own_segment(self.first, self.len) }
    }

    /// Frees it; returns how many buckets it had, overflow buckets aside.
    pub(crate) fn free(self) -> usize {
        self.into_buckets().len()
    }

    /// The segment as a new one, if it has `len` buckets; else it is freed.
    pub(crate) fn reuse(self, len: usize) -> Option<Box<[First<K, V, P>]>> {
        let mut buckets = self.into_buckets();
        if buckets.len() != len {
            return None;
        }
        buckets.iter_mut().for_each(|first| *first = First(Bucket::new()));
        Some(buckets)
    }
}

impl<K, V, P: Platform> Reclaim for Drained<K, V, P> {
    const IS_KEPT: bool = true;
    const MAY_PANIC: bool = false;

    unsafe fn identity(object: *const Self) -> *const () {
        // SAFETY: the caller's promise.
        unsafe { (*object).first.cast_const().cast() }
    }

    unsafe fn reclaim(object: *mut Self) {
        // SAFETY: made by `drain_segment` from a box; the caller is alone with it.
        let drained = unsafe { Box::from_raw(object) };
        if P::recycles_segments() {
            // SAFETY: the map's, which drops its collector, and with it the last caller, before its
            // spares.
            let spares = unsafe { &*drained.spares };
            spares.push(drained);
        } else {
            drained.free();
        }
    }
}

/// A segment of empty buckets.
pub(crate) fn new_segment<K, V, P: Platform>(len: usize) -> Box<[First<K, V, P>]> {
    (0..len).map(|_| First(Bucket::new())).collect()
}

/// Frees the buckets of a segment, and the overflow buckets behind them.
///
/// # Safety
/// - As of `own_segment`.
pub(crate) unsafe fn free_segment<K, V, P: Platform>(first: *mut First<K, V, P>, len: usize) {
    // SAFETY: the caller's obligation.
    drop(unsafe { own_segment(first, len) });
}

/// The buckets of a segment, after freeing the overflow buckets behind them.
///
/// # Safety
/// - `first` is what `provide_segment` was given, of `len` buckets, taken back once, out of every
///   other thread's reach.
unsafe fn own_segment<K, V, P: Platform>(
    first: *mut First<K, V, P>,
    len: usize,
) -> Box<[First<K, V, P>]> {
    P::freed(first.cast_const());
    // SAFETY: the caller vouches for the origin.
    let buckets = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, len)) };
    for First(bucket) in &buckets {
        // SAFETY: out of every other thread's reach, says the caller.
        unsafe { bucket.free_overflow() };
    }
    buckets
}
