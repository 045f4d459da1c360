//! A table: 2^n buckets, in segments, behind a directory.
//!
//! ```text
//!  directory  ┌─────────┬─────────┬─────────┐
//!             │ segment │ segment │  null   │      bucket i is number i mod SEGMENT of segment i / SEGMENT
//!             └──┬──────┴──┬──────┴─────────┘
//!                ▼         ▼
//!             [bucket; SEGMENT]                    up to 128 KiB each
//! ```
//!
//! No operation pays for a whole table: a growth allocates the segments of its new table as the
//! first old bucket that feeds them is evacuated, writes the header of a new bucket just then, and
//! gives the segments of its old table back as the evacuation mark leaves them behind. Only
//! `with_capacity`, `reserve`, `shrink_to` and `clone` allocate all at once, because that is what they are for;
//! their headers come zeroed from the allocator, which knows what memory is fresh from the kernel, and writes the rest.
//!
//! # Invariants
//! - **directory**: it has one place per segment; a place is null or a segment of this table's
//!   layout.
//! - **touched**: in a table that no growth is filling, every segment is there and every header is
//!   written. While one fills it, that is promised only for the buckets whose old bucket is
//!   evacuated.
//! # Not here
//! Overflow buckets: each is its own allocation, see `bucket`. When a segment may go: see
//! `evacuate`.
//! # Checked by
//! `map-core/tests/alloc.rs` (memory comes and goes as described); Miri and AddressSanitizer.

use core::hint::black_box;
use core::ptr::NonNull;

use alloc::alloc::{Layout, alloc, alloc_zeroed, dealloc};

use crate::TryReserveError;
use crate::bucket::{
    Body, Handle, Header, Segment, allocate_segment, free_segment, segment_layout,
};

/// Bytes of a segment at most, unless a single bucket is larger: below the size at which the usual
/// allocators ask the kernel for every block anew.
const SEGMENT_BYTES_MAX: usize = 128 << 10;

/// A table as large as this is asked for in one piece first: of its segments, one by one, a kernel might promise more than it
/// has.
const PROBED_BYTES: usize = 256 << 20;

/// An array of 2^`buckets_log2` buckets. Frees nothing by itself: see [`Table::free`].
#[repr(C)]
pub(crate) struct Table<K, V> {
    directory: NonNull<Option<Segment<K, V>>>,
    mask: usize,
    allocated: bool,
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

/// A copy is another way to the same buckets, not another table.
impl<K, V> Copy for Table<K, V> {}

impl<K, V> Table<K, V> {
    /// What a bucket takes.
    pub(crate) const BUCKET_BYTES: usize = size_of::<Header<K, V>>() + size_of::<Body<K, V>>();

    /// Buckets in a full segment, as a power of two.
    const SEGMENT_LOG2: u32 = {
        let mut log2 = 0;
        while Self::BUCKET_BYTES << (log2 + 1) <= SEGMENT_BYTES_MAX {
            log2 += 1;
        }
        log2
    };

    /// A table of one bucket that is not there: what a map has before its first insert.
    pub(crate) const fn unallocated() -> Self {
        Self { directory: NonNull::dangling(), mask: 0, allocated: false }
    }

    /// A table whose segments are yet to be allocated.
    pub(crate) fn untouched(buckets_log2: u32) -> Result<Self, TryReserveError> {
        let mask = 1usize
            .checked_shl(buckets_log2)
            .and_then(|buckets| buckets.checked_sub(1))
            .ok_or(TryReserveError::CapacityOverflow)?;
        // A table that could not be addressed is an overflow, whatever its directory takes.
        segment_layout::<K, V>(mask + 1).ok_or(TryReserveError::CapacityOverflow)?;
        let layout = Self::directory_layout(mask);
        // SAFETY: **sized**: a directory has at least one place.
        let memory = unsafe { alloc_zeroed(layout) };
        // A zeroed place is `None`: the null-pointer optimization is guaranteed for
        // `Option<NonNull>`.
        let directory =
            NonNull::new(memory.cast()).ok_or(TryReserveError::AllocError { layout })?;
        Ok(Self { directory, mask, allocated: true })
    }

    /// A table all of whose buckets are there and empty.
    pub(crate) fn fresh(buckets_log2: u32) -> Result<Self, TryReserveError> {
        let table = Self::untouched(buckets_log2)?;
        let filled = table
            .probe()
            .and_then(|()| (0..table.segments()).try_for_each(|number| table.zero_segment(number)));
        filled.map(|()| table).inspect_err(|_| {
            // SAFETY: it was made above and has not been handed to anybody.
            unsafe { table.free() }
        })
    }

    /// Is there memory for all buckets? Asked of large tables alone.
    fn probe(&self) -> Result<(), TryReserveError> {
        let (layout, _) =
            segment_layout::<K, V>(self.buckets()).ok_or(TryReserveError::CapacityOverflow)?;
        if layout.size() < PROBED_BYTES {
            return Ok(());
        }
        // Hidden, or the compiler might leave out a block that nobody uses.
        // SAFETY: **sized**: just seen.
        let memory = black_box(unsafe { alloc(layout) });
        if memory.is_null() {
            return Err(TryReserveError::AllocError { layout });
        }
        // SAFETY: just allocated with this layout.
        unsafe { dealloc(memory, layout) };
        Ok(())
    }

    /// A table of the same size, with the same segments there, all of whose buckets are empty.
    pub(crate) fn empty_copy(&self) -> Self {
        let copy = Self::untouched(self.buckets_log2()).unwrap_or_else(|error| error.handle());
        for number in (0..self.segments()).filter(|number| self.segment(*number).is_some()) {
            copy.zero_segment(number).unwrap_or_else(|error| error.handle());
        }
        copy
    }

    #[inline]
    pub(crate) fn is_allocated(&self) -> bool {
        self.allocated
    }

    #[inline]
    pub(crate) fn mask(&self) -> usize {
        self.mask
    }

    #[inline]
    pub(crate) fn buckets(&self) -> usize {
        self.mask + 1
    }

    #[inline]
    pub(crate) fn buckets_log2(&self) -> u32 {
        usize::BITS - self.mask.leading_zeros()
    }

    /// Places in the directory.
    pub(crate) fn segments(&self) -> usize {
        (self.mask >> Self::SEGMENT_LOG2) + 1
    }

    /// The number of the segment in which bucket `index` lies.
    #[inline]
    pub(crate) fn segment_of(index: usize) -> usize {
        index >> Self::SEGMENT_LOG2
    }

    /// The first bucket of the segment in which bucket `index` lies.
    pub(crate) fn segment_start(index: usize) -> usize {
        index - Self::offset_of(index)
    }

    fn directory_layout(mask: usize) -> Layout {
        Layout::array::<Option<Segment<K, V>>>((mask >> Self::SEGMENT_LOG2) + 1)
            .expect("a directory is smaller than the table it was checked with")
    }

    /// Buckets in each segment of this table.
    fn segment_buckets(&self) -> usize {
        self.buckets().min(1 << Self::SEGMENT_LOG2)
    }

    /// A place of the directory, valid to read and write.
    ///
    /// # Panics
    /// If there is no such place.
    fn place(&self, number: usize) -> *mut Option<Segment<K, V>> {
        assert!(self.allocated && number < self.segments(), "a directory has a place per segment");
        // SAFETY: **directory**: it has this many places.
        unsafe { self.directory.as_ptr().add(number) }
    }

    pub(crate) fn segment(&self, number: usize) -> Option<Segment<K, V>> {
        // SAFETY: **directory**: the place is inside it, and was zeroed when it was made.
        unsafe { self.place(number).read() }
    }

    /// # Safety
    /// - **directory**: the segment, if any, has this table's layout, and no other table has it.
    unsafe fn set_segment(&self, number: usize, segment: Option<Segment<K, V>>) {
        // SAFETY: **directory**: the place is inside it.
        unsafe { self.place(number).write(segment) }
    }

    /// The number of a bucket in its segment.
    #[inline]
    const fn offset_of(index: usize) -> usize {
        index & ((1 << Self::SEGMENT_LOG2) - 1)
    }

    /// The head at `index & mask`.
    ///
    /// # Safety
    /// - **touched**: the table is allocated, the segment is there, and the header has been
    ///   written.
    /// - The bucket stays so while the handle is in use, see [`Handle::new`].
    #[inline]
    pub(crate) unsafe fn head(&self, index: usize) -> Handle<K, V> {
        debug_assert!(self.allocated, "bucket {index} lies in no table");
        let index = index & self.mask;
        // SAFETY: **directory**: it is allocated, the caller promises, and has a place for the
        // segment of each masked index.
        let place = unsafe { self.directory.add(Self::segment_of(index)) };
        // SAFETY: **directory**: the place is inside it, and was zeroed when it was made.
        let segment = unsafe { place.read() };
        debug_assert!(segment.is_some(), "bucket {index} lies in no segment");
        // SAFETY: **touched**: the caller's promise.
        let segment = unsafe { segment.unwrap_unchecked() };
        // SAFETY: **live**: the caller's promise. A segment has this many buckets, or all of a
        // smaller table's.
        unsafe { Handle::new(segment, Self::offset_of(index)) }
    }

    /// Makes an untouched bucket a live, empty one.
    ///
    /// # Panics
    /// If its segment is not there: see [`Table::ensure_segment`].
    pub(crate) fn touch(&self, index: usize) {
        let index = index & self.mask;
        let segment = self
            .segment(Self::segment_of(index))
            .expect("a bucket is touched after its segment is allocated");
        // SAFETY: a segment has this many buckets, or all of a smaller table's.
        unsafe { Handle::initialize(segment, Self::offset_of(index)) };
    }

    /// Sees to it that the segment of bucket `index` is allocated, taking `spare` if there is one.
    ///
    /// # Safety
    /// - **directory**: `spare`, if any, has this table's layout, and no table has it.
    pub(crate) unsafe fn ensure_segment(
        &self,
        index: usize,
        spare: &mut Option<Segment<K, V>>,
    ) -> Result<(), TryReserveError> {
        let number = Self::segment_of(index & self.mask);
        if self.segment(number).is_none() {
            let segment = match spare.take() {
                Some(segment) => segment,
                None => allocate_segment(self.segment_buckets(), alloc)?,
            };
            // SAFETY: **directory**: the spare by the caller's promise, or just allocated for it.
            unsafe { self.set_segment(number, Some(segment)) };
        }
        Ok(())
    }

    /// Allocates a segment with every header written: zero means empty, with no overflow.
    pub(crate) fn zero_segment(&self, number: usize) -> Result<(), TryReserveError> {
        // Above this alignment `alloc_zeroed` of std writes the whole block instead of leaving it
        // to the kernel.
        const ALIGN_FREE_ZEROES: usize = 16;
        let in_passing = align_of::<Body<K, V>>() <= ALIGN_FREE_ZEROES;
        let allocate = if in_passing { alloc_zeroed } else { alloc };
        let segment = allocate_segment(self.segment_buckets(), allocate)?;
        // SAFETY: **directory**: just allocated for it.
        unsafe { self.set_segment(number, Some(segment)) };
        if !in_passing {
            self.touch_segment(number);
        }
        Ok(())
    }

    /// Makes every bucket of a segment that is there live and empty.
    fn touch_segment(&self, number: usize) {
        let first = number << Self::SEGMENT_LOG2;
        for index in first..(first + (1 << Self::SEGMENT_LOG2)).min(self.buckets()) {
            self.touch(index);
        }
    }

    /// Takes a segment out of the table.
    pub(crate) fn take_segment(&self, number: usize) -> Option<Segment<K, V>> {
        let segment = self.segment(number);
        // SAFETY: **directory**: null will do.
        unsafe { self.set_segment(number, None) };
        segment
    }

    /// Frees a segment that [`Table::take_segment`] gave, of this table or of one that shares its
    /// layout.
    ///
    /// # Safety
    /// - Nothing refers to its buckets any more, and it is not freed twice.
    pub(crate) unsafe fn free_segment(&self, segment: Segment<K, V>) {
        // SAFETY: the caller's promise; segments that are shared have the same number of buckets.
        unsafe { free_segment(segment, self.segment_buckets()) }
    }

    /// Frees the segments and the directory. Overflow buckets and entries must be gone, or are
    /// leaked.
    ///
    /// # Safety
    /// - No copy of the table and no handle into it is used again.
    pub(crate) unsafe fn free(self) {
        if !self.allocated {
            return;
        }
        for number in 0..self.segments() {
            if let Some(segment) = self.take_segment(number) {
                // SAFETY: it was just taken out, and the caller promises that nothing refers to it.
                unsafe { self.free_segment(segment) };
            }
        }
        // SAFETY: **directory**: allocated in `untouched` with this layout.
        unsafe { dealloc(self.directory.as_ptr().cast(), Self::directory_layout(self.mask)) };
    }

    /// True when every segment is there.
    pub(crate) fn is_complete(&self) -> bool {
        (0..self.segments()).all(|number| self.segment(number).is_some())
    }

    /// Takes segments of another table where it has none, as far as they go.
    ///
    /// # Panics
    /// If it needs any and the other's have another layout.
    pub(crate) fn complete_from(&self, other: &Self) {
        let mut taken = (0..other.segments()).filter_map(|number| other.take_segment(number));
        for number in 0..self.segments() {
            if self.segment(number).is_none() {
                assert_eq!(self.segment_buckets(), other.segment_buckets(), "a layout is shared");
                // SAFETY: **directory**: just seen, and it was taken out of the other table.
                unsafe { self.set_segment(number, taken.next()) };
            }
        }
    }

    /// Makes every bucket live and empty, whatever was in it. Overflow buckets and entries must be
    /// gone.
    ///
    /// # Panics
    /// If a segment is not there.
    pub(crate) fn reset(&self) {
        for number in 0..self.segments() {
            self.touch_segment(number);
        }
    }
}
