//! Entries: where a key and its value live, and for how long. The only file that knows.
//!
//! ```text
//!   slot ──► Entry { hash, key, value }        one box each, never written after it is published
//! ```
//!
//! A box per entry costs an allocation and a cache miss. It buys the one thing a generic map cannot
//! do without: a **stable address**. An evacuation copies pointers, so a `V` with interior
//! mutability (an atomic, a mutex) is one object whichever table a thread came by; entries copied
//! inline would be two. The hash is kept so that an evacuation runs no user code.
//!
//! # Invariants
//! - **frozen-entry**: nobody writes an entry between its publication and its reclaiming.
//! - **one-owner**: an entry is owned by the `Unpublished` that made it, then by the slot of the
//!   newest table that holds it, then (once unlinked) by the collector. A frozen slot of an
//!   evacuated bucket owns nothing.
//! # Checked by
//! `tests/concurrent_drops.rs`; the drop accounting of `tests/concurrent_stress.rs` under
//! AddressSanitizer and LeakSanitizer.

use crate::platform::{Cell, Object, Platform, Reclaim};
use alloc::boxed::Box;
use core::mem::{ManuallyDrop, needs_drop};

/// What an entry holds.
pub(crate) struct Parts<K, V> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    pub(crate) value: V,
}

/// A published or soon to be published entry.
pub(crate) struct Entry<K, V, P: Platform> {
    parts: P::Cell<Parts<K, V>>,
}

impl<K, V, P: Platform> Entry<K, V, P> {
    /// The parts, for as long as `self` is protected.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn parts(&self) -> &Parts<K, V> {
        // SAFETY: **frozen-entry**: no write while a `&Entry` exists, so the pointer may outlive
        // the closure.
        self.parts.with(|parts| unsafe { &*parts })
    }
}

impl<K, V, P: Platform> Reclaim for Entry<K, V, P> {
    const MAY_PANIC: bool = needs_drop::<(K, V)>();

    unsafe fn reclaim(object: *mut Self) {
        P::freed(object.cast_const());
        // SAFETY: **one-owner**: made by `Unpublished::new` from a box; the caller is alone with
        // it.
        let entry = unsafe { Box::from_raw(object) };
        drop(entry.parts.into_inner());
    }
}

/// An entry that only this thread knows; freed when dropped.
pub(crate) struct Unpublished<K, V, P: Platform>(*mut Entry<K, V, P>);

impl<K, V, P: Platform> Unpublished<K, V, P> {
    pub(crate) fn new(hash: u64, key: K, value: V) -> Self {
        let parts = P::Cell::new(Parts { hash, key, value });
        let entry = Box::into_raw(Box::new(Entry { parts }));
        P::allocated(entry.cast_const(), Object::Entry);
        Unpublished(entry)
    }

    /// The parts.
    #[inline(always)]
    pub(crate) fn parts(&self) -> &Parts<K, V> {
        // SAFETY: **one-owner**: not given away, so it lives as long as `self`.
        unsafe { (*self.0).parts() }
    }

    /// Gives the entry away, to a slot.
    pub(crate) fn into_raw(self) -> *mut Entry<K, V, P> {
        ManuallyDrop::new(self).0
    }

    /// Takes the entry apart again.
    pub(crate) fn into_parts(self) -> Parts<K, V> {
        let entry = self.into_raw();
        P::freed(entry.cast_const());
        // SAFETY: **one-owner**: never published, so this thread is alone with the box that `new`
        // made.
        unsafe { Box::from_raw(entry) }.parts.into_inner()
    }
}

impl<K, V, P: Platform> Drop for Unpublished<K, V, P> {
    fn drop(&mut self) {
        // SAFETY: **one-owner**: not given away (`into_raw` forgets `self`), so nobody else knows
        // it.
        unsafe { Entry::reclaim(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Std;

    /// Tables of any size take their bits from it.
    #[test]
    fn an_entry_keeps_its_whole_hash() {
        for hash in (0..64).map(|bit| 1 << bit) {
            assert_eq!(Unpublished::<_, _, Std>::new(hash, (), ()).parts().hash, hash);
        }
    }
}
