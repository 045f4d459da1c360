//! Memory got before it is needed, so that it can be refused while nothing has changed.
//!
//! # Invariants
//! - **spare**: a spare bucket is empty and nobody else knows it.
//! # Not here
//! How much is needed: see `evacuate`.
//! # Checked by
//! `map-core/tests/alloc_failure.rs` (each allocation is refused once), `alloc.rs` (nothing leaks).

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::TryReserveError;
use crate::bucket::Handle;
use crate::tophash::{EMPTY_REST, SLOTS};

/// `Box::new`, but says when memory is refused. `T` has a size.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, TryReserveError> {
    const { assert!(size_of::<T>() > 0) };
    let layout = Layout::new::<T>();
    // SAFETY: **sized**: just asserted.
    let memory = unsafe { alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(TryReserveError::AllocError { layout });
    }
    // SAFETY: it was just allocated for a `T`.
    unsafe { memory.write(value) };
    // SAFETY: it is initialized and comes from the global allocator with the layout of a `T`.
    Ok(unsafe { Box::from_raw(memory) })
}

/// `Vec::try_reserve`, with our error.
pub(crate) fn reserve<T>(items: &mut Vec<T>, additional: usize) -> Result<(), TryReserveError> {
    let refused = |layout| TryReserveError::AllocError { layout };
    items.try_reserve(additional).map_err(|_| {
        let layout = Layout::array::<T>(items.len().saturating_add(additional));
        layout.map_or(TryReserveError::CapacityOverflow, refused)
    })
}

/// Overflow buckets got ahead of need, linked to each other. Those not taken are freed.
pub(crate) struct Spares<K, V> {
    first: Option<Handle<K, V>>,
    count: usize,
}

impl<K, V> Spares<K, V> {
    pub(crate) const NONE: Self = Self { first: None, count: 0 };

    /// Allocates until there are `count`.
    pub(crate) fn top_up(&mut self, count: usize) -> Result<(), TryReserveError> {
        while self.count < count {
            self.put(Handle::allocate()?);
        }
        Ok(())
    }

    /// Takes over the overflow buckets behind a head. Nothing is in them any more.
    pub(crate) fn recycle(&mut self, head: Handle<K, V>) {
        let mut link = head.overflow();
        head.set_overflow(None);
        while let Some(bucket) = link {
            link = bucket.overflow();
            bucket.set_tophashes([EMPTY_REST; SLOTS]);
            self.put(bucket);
        }
    }

    fn put(&mut self, bucket: Handle<K, V>) {
        bucket.set_overflow(self.first);
        self.first = Some(bucket);
        self.count += 1;
    }

    /// # Panics
    /// If there is none.
    pub(crate) fn take(&mut self) -> Handle<K, V> {
        let bucket =
            self.first.expect("an evacuation takes no more overflow buckets than were counted");
        self.first = bucket.overflow();
        self.count -= 1;
        bucket.set_overflow(None);
        bucket
    }
}

impl<K, V> Drop for Spares<K, V> {
    fn drop(&mut self) {
        while self.first.is_some() {
            // SAFETY: **spare**: `take` unlinks it, and nothing else knows it.
            unsafe { self.take().free() };
        }
    }
}

/// Unlinks and frees the overflow buckets behind a head. Nothing is in them any more.
pub(crate) fn free_overflow<K, V>(head: Handle<K, V>) {
    let mut freed = Spares::NONE;
    freed.recycle(head);
}
