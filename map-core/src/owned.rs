//! Ownership of the tables, with the drop check of std's collections.
//!
//! A `HashMap<K, V>` of std may hold references to things dropped before it, because its `Drop`
//! promises not to look at them (`#[may_dangle]`, unstable). A type gets the same on stable if no
//! *generic* type of ours implements `Drop`: here the one that does, [`Shell`], has no type
//! parameters. It remembers the function that frees the tables it was made for. `PhantomData<(K,
//! V)>` tells the compiler that keys and values may be dropped, so a `K` whose own `Drop` looks at
//! a reference is checked as it should be.
//!
//! An `Owned` is covariant: its keys and values may come to be of a supertype, and a supertype may have a `Drop` of its own
//! (`fn(&'static T)` is one of `for<'a> fn(&'a T)`). So whoever may put in an entry, or replace one, says as what.
//!
//! # Invariants
//! - **typed**: the shell in an `Owned<K, V>` was made for `Tables` of a subtype, and frees entries as a type that all of them are of.
//! # Checked by
//! `map-core/tests/auto_traits.rs`, `compile_fail.md`: what std accepts is accepted, what it rejects is rejected.
//! `map-core/tests/drops.rs` (subtypes).

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use crate::tables::Tables;

/// The tables of a map; dropping it drops the entries and frees the memory.
pub(crate) struct Owned<K, V> {
    shell: Shell,
    marker: PhantomData<(K, V)>,
}

/// Tables of some type, as raw pointers and counts: their layout does not depend on the type
/// (`repr(C)`).
struct Shell {
    tables: ManuallyDrop<Tables<(), ()>>,
    free: unsafe fn(*mut Tables<(), ()>),
}

impl Drop for Shell {
    fn drop(&mut self) {
        // SAFETY: **typed**: `free` was chosen together with the tables; they are not used again.
        unsafe { (self.free)(&raw mut *self.tables) }
    }
}

/// Frees tables whose types the shell has forgotten.
///
/// # Safety
/// - `tables` points to `Tables` whose entries are all of these types.
unsafe fn free<K, V>(tables: *mut Tables<(), ()>) {
    // SAFETY: the caller's promise.
    unsafe { &mut *tables.cast::<Tables<K, V>>() }.free();
}

impl<K, V> Owned<K, V> {
    pub(crate) const fn new() -> Self {
        // New tables have no keys or values, so those of one type serve for another.
        let shell = Shell { tables: ManuallyDrop::new(Tables::new()), free: free::<K, V> };
        Self { shell, marker: PhantomData }
    }

    /// From now on, what is put in is of these types; what is in already is of subtypes.
    #[inline]
    pub(crate) fn claim(&mut self) {
        self.shell.free = free::<K, V>;
    }
}

impl<K, V> Deref for Owned<K, V> {
    type Target = Tables<K, V>;

    #[inline]
    fn deref(&self) -> &Tables<K, V> {
        // SAFETY: **typed**.
        unsafe { &*(&raw const *self.shell.tables).cast() }
    }
}

impl<K, V> DerefMut for Owned<K, V> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Tables<K, V> {
        self.claim();
        // SAFETY: **typed**.
        unsafe { &mut *(&raw mut *self.shell.tables).cast() }
    }
}

// SAFETY: the tables own their keys and values and share nothing, as a `Vec<(K, V)>` would; keys in
// the trail are only reached through the map.
unsafe impl<K: Send, V: Send> Send for Owned<K, V> {}

// SAFETY: `&Owned` gives out `&K` and `&V` only.
unsafe impl<K: Sync, V: Sync> Sync for Owned<K, V> {}
