//! A bucket: eight slots, their tophashes, and a link to an overflow bucket.
//!
//! ```text
//!  ┌ tophashes ┬ overflow ┬ slot 0 ┬ slot 1 ┬ … ┬ slot 7 ┐        ┌─────
//!  │ 8 × u8    │ ●────────┼────────┼────────┼───┼────────┼──────► │ …     one chain
//!  └───────────┴──────────┴────────┴────────┴───┴────────┘        └─────
//! ```
//!
//! A **chain** is the bucket of a table (its head) followed by its overflow buckets. Keys and
//! values lie side by side, so that a hit touches the line of the tophashes and the line of its
//! slot.
//!
//! # Invariants
//! - **live**: a [`Handle`] points to an allocated bucket whose tophashes and link have been
//!   written.
//! - **filled**: a slot with a full tophash holds an initialized entry, and no other slot does.
//! - **acyclic**: following overflow links ends.
//! # Not here
//! Which chain a key belongs to: see `tables`. Memory of heads: see `table`.
//! # Checked by
//! `invariants::check` (**rest**, **one-world**); Miri and AddressSanitizer for **live** and
//! **filled**.

use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use alloc::alloc::{Layout, alloc, dealloc};

use crate::TryReserveError;
use crate::tophash::{EMPTY_REST, SLOTS, Word, is_full};

/// The memory of a bucket. Never borrowed as a whole: users hold references into its slots.
#[repr(C)]
pub(crate) struct Bucket<K, V> {
    tophashes: [u8; SLOTS],
    overflow: Option<Handle<K, V>>,
    slots: [MaybeUninit<(K, V)>; SLOTS],
}

/// A bucket that is **live**, by the promise made to [`Handle::new`].
#[repr(transparent)]
pub(crate) struct Handle<K, V>(NonNull<Bucket<K, V>>);

impl<K, V> Clone for Handle<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Handle<K, V> {}

impl<K, V> PartialEq for Handle<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K, V> Handle<K, V> {
    /// Vouches for a bucket.
    ///
    /// # Safety
    /// - **live** holds for `bucket` whenever a method of this handle or of a copy is called.
    /// - The caller has the same access to the bucket as it has to its map: handles that came by
    ///   way of a `&Tables` are only read through.
    #[inline]
    pub(crate) const unsafe fn new(bucket: NonNull<Bucket<K, V>>) -> Self {
        Self(bucket)
    }

    /// Allocates an empty overflow bucket.
    pub(crate) fn allocate() -> Result<Self, TryReserveError> {
        let layout = Layout::new::<Bucket<K, V>>();
        // SAFETY: **sized**: a bucket has at least its tophashes and its link, so the layout is not
        // empty.
        let memory = unsafe { alloc(layout) };
        let bucket = NonNull::new(memory.cast()).ok_or(TryReserveError::AllocError { layout })?;
        // SAFETY: **allocated**: just above, for this layout.
        Ok(unsafe { Self::initialize(bucket) })
    }

    /// Writes the header of an empty bucket that ends its chain.
    ///
    /// # Safety
    /// - **allocated**: `bucket` is valid for writes of a `Bucket`.
    /// - What [`Handle::new`] asks for, but that the header may not have been written yet.
    #[inline]
    pub(crate) unsafe fn initialize(bucket: NonNull<Bucket<K, V>>) -> Self {
        let handle = Self(bucket);
        handle.set_tophashes([EMPTY_REST; SLOTS]);
        handle.set_overflow(None);
        handle
    }

    /// Frees an overflow bucket. Its entries, if any, are not dropped.
    ///
    /// # Safety
    /// - **allocated**: the bucket comes from [`Handle::allocate`] and is not freed twice.
    /// - No copy of the handle, and no link, is followed again.
    pub(crate) unsafe fn free(self) {
        // SAFETY: **allocated**: the caller's promise, and `allocate` uses the same layout.
        unsafe { dealloc(self.0.as_ptr().cast(), Layout::new::<Bucket<K, V>>()) }
    }

    #[inline]
    pub(crate) fn tophashes(self) -> [u8; SLOTS] {
        // SAFETY: **live**.
        unsafe { (*self.0.as_ptr()).tophashes }
    }

    #[inline]
    pub(crate) fn word(self) -> Word {
        Word::new(self.tophashes())
    }

    #[inline]
    pub(crate) fn set_tophashes(self, tophashes: [u8; SLOTS]) {
        // SAFETY: **live** (or allocated, in `initialize`).
        unsafe { (*self.0.as_ptr()).tophashes = tophashes }
    }

    #[inline]
    pub(crate) fn tophash(self, slot: usize) -> u8 {
        self.tophashes()[slot]
    }

    #[inline]
    pub(crate) fn set_tophash(self, slot: usize, tophash: u8) {
        assert!(slot < SLOTS);
        // SAFETY: **live**, and the index was checked.
        unsafe { (*self.0.as_ptr()).tophashes[slot] = tophash }
    }

    #[inline]
    pub(crate) fn overflow(self) -> Option<Self> {
        // SAFETY: **live**. By the same invariant the link, if any, is to a live bucket.
        unsafe { (*self.0.as_ptr()).overflow }
    }

    #[inline]
    pub(crate) fn set_overflow(self, overflow: Option<Self>) {
        // SAFETY: **live** (or allocated, in `initialize`).
        unsafe { (*self.0.as_ptr()).overflow = overflow }
    }

    /// The place of the entry of a slot, initialized or not.
    #[inline]
    fn place(self, slot: usize) -> *mut (K, V) {
        assert!(slot < SLOTS);
        // SAFETY: **live**, and the index was checked.
        let place = unsafe { &raw mut (*self.0.as_ptr()).slots[slot] };
        place.cast()
    }

    /// Fills an empty slot.
    #[inline]
    pub(crate) fn fill(self, slot: usize, tophash: u8, entry: (K, V)) {
        debug_assert!(is_full(tophash));
        // SAFETY: **live**: the place is inside the bucket; an empty slot holds nothing to drop.
        unsafe { self.place(slot).write(entry) };
        self.set_tophash(slot, tophash);
    }

    /// Moves the entry of a full slot to an empty slot of another bucket. The state of the slot it
    /// leaves is the caller's to set.
    ///
    /// # Safety
    /// - **filled**: `slot` is full, and counts as empty from now on.
    /// - The two buckets are distinct.
    #[inline]
    pub(crate) unsafe fn move_entry(self, slot: usize, to: Self, to_slot: usize) {
        // SAFETY: **filled**: the caller's promise; distinct buckets don't overlap; the target is
        // live.
        unsafe { ptr::copy_nonoverlapping(self.place(slot), to.place(to_slot), 1) };
        to.set_tophash(to_slot, self.tophash(slot));
    }

    /// The buckets of the chain from this one on.
    #[inline]
    pub(crate) fn chain(self) -> Chain<K, V> {
        Chain(Some(self))
    }

    /// Asks for the cache lines of the bucket ahead of their use.
    #[inline]
    pub(crate) fn prefetch(self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            const LINE: usize = 64;
            let start = self.0.as_ptr().cast::<i8>();
            // The first line is about to be loaded anyway; of a huge bucket only a few are worth
            // it.
            let lines = size_of::<Bucket<K, V>>().div_ceil(LINE).min(4);
            for line in 1..lines {
                // SAFETY: a prefetch is a hint: any address will do.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * LINE)) };
            }
        }
    }
}

/// The buckets of a chain, head first.
pub(crate) struct Chain<K, V>(Option<Handle<K, V>>);

impl<K, V> Iterator for Chain<K, V> {
    type Item = Handle<K, V>;

    #[inline]
    fn next(&mut self) -> Option<Handle<K, V>> {
        let bucket = self.0?;
        self.0 = bucket.overflow();
        Some(bucket)
    }
}

/// A slot of a live bucket.
pub(crate) struct Slot<K, V> {
    pub(crate) bucket: Handle<K, V>,
    pub(crate) index: usize,
}

impl<K, V> Clone for Slot<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Slot<K, V> {}

impl<K, V> Slot<K, V> {
    #[inline]
    pub(crate) fn tophash(self) -> u8 {
        self.bucket.tophash(self.index)
    }

    /// The entry, borrowed.
    ///
    /// # Safety
    /// - **filled**: the slot's tophash is full.
    /// - **borrowed**: the map is borrowed for `'m`, and nobody changes the entry during it.
    #[inline]
    pub(crate) unsafe fn entry<'m>(self) -> &'m (K, V) {
        debug_assert!(is_full(self.tophash()), "an entry of an empty slot");
        // SAFETY: **filled**, **borrowed**: the caller's promises.
        unsafe { &*self.bucket.place(self.index) }
    }

    /// The entry, borrowed exclusively.
    ///
    /// # Safety
    /// - **filled**: the slot's tophash is full.
    /// - **exclusive**: the map is borrowed exclusively for `'m`, and this entry is not lent twice.
    #[inline]
    pub(crate) unsafe fn entry_mut<'m>(self) -> &'m mut (K, V) {
        debug_assert!(is_full(self.tophash()), "an entry of an empty slot");
        // SAFETY: **filled**, **exclusive**: the caller's promises.
        unsafe { &mut *self.bucket.place(self.index) }
    }

    /// Moves the entry out.
    ///
    /// # Safety
    /// - **filled**: the slot's tophash is full, and the caller sees to it that nobody takes it for
    ///   full again.
    #[inline]
    pub(crate) unsafe fn read(self) -> (K, V) {
        debug_assert!(is_full(self.tophash()), "an entry of an empty slot");
        // SAFETY: **filled**: the caller's promise.
        unsafe { self.bucket.place(self.index).read() }
    }
}
