//! A bucket: eight slots, their tophashes, and a link to an overflow bucket.
//!
//! ```text
//!  a segment of a table                              an overflow bucket
//!  ┌ body 2 ┬ body 1 ┬ body 0 ╫ h 0 ┬ h 1 ┬ h 2 ┐    ┌ body ╫ h ┐
//!  └────────┴────────┴────────╨─────┴─────┴─────┘    └──────╨───┘
//!
//!  h       header: 8 tophashes │ link to an overflow bucket
//!  body    8 × (key, value)
//! ```
//!
//! A **chain** is the bucket of a table (its head) followed by its overflow buckets. The headers
//! of a segment lie together, four buckets to a cache line, so that a search without a match
//! mostly touches a line that other searches have touched, and knows from the same line where a
//! full bucket's chain goes on. Keys and values lie side by side.
//!
//! # Invariants
//! - **live**: a [`Handle`] points to the parts of an allocated bucket whose header has been
//!   written.
//! - **filled**: a slot with a full tophash holds an initialized entry, and no other slot does. Whoever
//!   sets tophashes keeps it so; the setters are for this crate alone.
//! - **acyclic**: following overflow links ends.
//! # Not here
//! Which chain a key belongs to: see `tables`. Memory of heads: see `table`.
//! # Checked by
//! `invariants::check` (**rest**, **one-world**); Miri and AddressSanitizer for **live** and
//! **filled**.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use alloc::alloc::{Layout, alloc, dealloc};

use crate::TryReserveError;
use crate::tophash::{EMPTY_REST, SLOTS, Word, is_full};

/// What a search looks at first.
#[repr(C)]
pub(crate) struct Header<K, V> {
    tophashes: [u8; SLOTS],
    overflow: Option<Segment<K, V>>,
}

/// The slots of a bucket. Never borrowed as a whole: users hold references into it.
pub(crate) type Body<K, V> = [MaybeUninit<(K, V)>; SLOTS];

/// Memory for some buckets, named by the address of its first header.
///
/// The body of bucket *i* lies *i* + 1 places before that address and its header *i* places behind
/// it, so neither depends on the number of buckets. (Nothing lies between them: eight entries of
/// whatever size end where a header may begin.)
#[repr(transparent)]
pub(crate) struct Segment<K, V> {
    headers: NonNull<Header<K, V>>,
    bodies: PhantomData<NonNull<Body<K, V>>>,
}

impl<K, V> Clone for Segment<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Segment<K, V> {}

/// The layout of a segment and the offset of its first header.
pub(crate) fn segment_layout<K, V>(buckets: usize) -> Option<(Layout, usize)> {
    let bodies = Layout::array::<Body<K, V>>(buckets).ok()?;
    let headers = Layout::array::<Header<K, V>>(buckets).ok()?;
    bodies.extend(headers).ok()
}

/// Allocates a segment with nothing in it, not even headers.
pub(crate) fn allocate_segment<K, V>(
    buckets: usize,
    allocate: unsafe fn(Layout) -> *mut u8,
) -> Result<Segment<K, V>, TryReserveError> {
    let (layout, headers) =
        segment_layout::<K, V>(buckets).ok_or(TryReserveError::CapacityOverflow)?;
    // SAFETY: **sized**: there is at least one bucket, and it has a header, so the layout is not
    // empty.
    let memory = unsafe { allocate(layout) };
    let memory = NonNull::new(memory).ok_or(TryReserveError::AllocError { layout })?;
    // SAFETY: the offset lies inside the layout.
    let headers = unsafe { memory.add(headers) }.cast();
    Ok(Segment { headers, bodies: PhantomData })
}

/// Frees a segment. Its entries and overflow buckets are not.
///
/// # Safety
/// - It was allocated for as many `buckets`, nothing refers to it any more, and it is not freed
///   twice.
pub(crate) unsafe fn free_segment<K, V>(segment: Segment<K, V>, buckets: usize) {
    let (layout, headers) = segment_layout::<K, V>(buckets).expect("it was allocated");
    // SAFETY: `allocate_segment` has added this offset.
    let memory = unsafe { segment.headers.cast::<u8>().sub(headers) };
    // SAFETY: the caller's promise.
    unsafe { dealloc(memory.as_ptr(), layout) }
}

/// A bucket that is **live**, by the promise made to [`Handle::new`].
pub(crate) struct Handle<K, V> {
    header: NonNull<Header<K, V>>,
    body: NonNull<Body<K, V>>,
}

impl<K, V> Clone for Handle<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Handle<K, V> {}

impl<K, V> PartialEq for Handle<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
    }
}

impl<K, V> Handle<K, V> {
    /// Vouches for bucket `index` of a segment.
    ///
    /// # Safety
    /// - The segment has more than `index` buckets.
    /// - **live** holds for the bucket whenever a method of this handle or of a copy is called.
    /// - A handle is written through only by who holds the map exclusively, or alone knows the bucket.
    #[inline]
    pub(crate) const unsafe fn new(segment: Segment<K, V>, index: usize) -> Self {
        // SAFETY: the caller's promise: the header lies that far behind.
        let header = unsafe { segment.headers.add(index) };
        // SAFETY: the caller's promise: the body lies that far before.
        let body = unsafe { segment.headers.cast::<Body<K, V>>().sub(index + 1) };
        Self { header, body }
    }

    /// Writes the header of an empty bucket that ends its chain.
    ///
    /// # Safety
    /// - What [`Handle::new`] asks for, but that the header may not have been written yet.
    #[inline]
    pub(crate) unsafe fn initialize(segment: Segment<K, V>, index: usize) -> Self {
        // SAFETY: the caller's promise; the header is written before it is read.
        let handle = unsafe { Self::new(segment, index) };
        handle.set_tophashes([EMPTY_REST; SLOTS]);
        handle.set_overflow(None);
        handle
    }

    /// Allocates an empty overflow bucket: a segment of one.
    pub(crate) fn allocate() -> Result<Self, TryReserveError> {
        let segment = allocate_segment(1, alloc)?;
        // SAFETY: the segment has one bucket.
        Ok(unsafe { Self::initialize(segment, 0) })
    }

    /// An overflow bucket as the segment it is.
    fn segment(self) -> Segment<K, V> {
        Segment { headers: self.header, bodies: PhantomData }
    }

    /// Frees an overflow bucket. Its entries, if any, are not dropped.
    ///
    /// # Safety
    /// - The bucket comes from [`Handle::allocate`] and is not freed twice.
    /// - No copy of the handle, and no link, is followed again.
    pub(crate) unsafe fn free(self) {
        // SAFETY: the caller's promise; `allocate` makes segments of one.
        unsafe { free_segment(self.segment(), 1) }
    }

    #[inline]
    pub(crate) fn tophashes(self) -> [u8; SLOTS] {
        // SAFETY: **live**.
        unsafe { (*self.header.as_ptr()).tophashes }
    }

    #[inline]
    pub(crate) fn word(self) -> Word {
        Word::new(self.tophashes())
    }

    #[inline]
    pub(crate) fn set_tophashes(self, tophashes: [u8; SLOTS]) {
        // SAFETY: **live** (or allocated, in `initialize`).
        unsafe { (*self.header.as_ptr()).tophashes = tophashes }
    }

    #[inline]
    pub(crate) fn tophash(self, slot: usize) -> u8 {
        self.word().tophash(slot)
    }

    #[inline]
    pub(crate) fn set_tophash(self, slot: usize, tophash: u8) {
        self.set_tophashes(self.word().with(slot, tophash).tophashes());
    }

    #[inline]
    pub(crate) fn overflow(self) -> Option<Self> {
        // SAFETY: **live**.
        let segment = unsafe { (*self.header.as_ptr()).overflow }?;
        // SAFETY: an overflow bucket is a segment of one, and linked buckets are **live**.
        Some(unsafe { Self::new(segment, 0) })
    }

    #[inline]
    pub(crate) fn set_overflow(self, overflow: Option<Self>) {
        // SAFETY: **live** (or allocated, in `initialize`).
        unsafe { (*self.header.as_ptr()).overflow = overflow.map(Self::segment) }
    }

    /// The place of the entry of a slot, initialized or not.
    #[inline]
    fn place(self, slot: usize) -> *mut (K, V) {
        debug_assert!(slot < SLOTS);
        self.body.as_ptr().cast::<(K, V)>().wrapping_add(slot)
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

    /// Asks for the cache lines of the body before the tophashes tell whether it is needed, so that
    /// a hit waits for both at once.
    #[inline]
    pub(crate) fn prefetch(self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            const LINE: usize = 64;
            let body = self.body.as_ptr().cast::<i8>();
            // Of large bodies only a few lines are worth it.
            for line in 0..size_of::<Body<K, V>>().div_ceil(LINE).min(4) {
                // SAFETY: a prefetch is a hint: any address will do.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(body.wrapping_add(line * LINE)) };
            }
        }
    }

    /// The buckets of the chain from this one on.
    #[inline]
    pub(crate) fn chain(self) -> Chain<K, V> {
        Chain(Some(self))
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

    /// Drops the entry where it is: key, then value, also if the key's `Drop` panics.
    ///
    /// # Safety
    /// - **filled**: the slot has an entry, and the caller sees to it that nobody takes it for full
    ///   again.
    #[inline]
    pub(crate) unsafe fn drop_in_place(self) {
        // SAFETY: **filled**: the caller's promise.
        unsafe { self.bucket.place(self.index).drop_in_place() }
    }
}
