//! Memory: an allocator that knows what each thread holds and how it got it, and refuses when it is asked to.
//!
//! A program that has [`Watched`] as its global allocator judges memory, too, as the command line and most tests do (of the fuzz
//! targets, `schedules`; in the others AddressSanitizer is, and how a block was allocated nobody knows):
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: models::memory::Watched = models::memory::Watched;
//! # fn main() {}
//! ```
//! In any other, nothing is held, misfreed or refused. Each number belongs to a thread, so what others do meanwhile is no
//! matter.
//!
//! # Not here
//! Judging what is left: see `oracles::drops`. What may be refused: see `Op::TryReserveRefused`.
//! # Checked by
//! `tests/oracles.rs`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

thread_local! {
    /// Bytes allocated here, less those freed here.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// Allocations until one is refused.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    /// The first block that was freed wrongly.
    static MISFREED: Cell<Option<Misfreed>> = const { Cell::new(None) };
}

/// The system's allocator, watched. If it is `STRICT`, each block has its layout before it, and is freed by that: to free
/// one with another layout is undefined behaviour that most allocators do not mind. And what is in a block before it is
/// written, or after it is freed, is junk, where most allocators give zeroes and keep what was. If it is not, blocks are
/// as the system gives them, as AddressSanitizer wants them.
#[derive(Clone, Copy, Debug)]
pub struct Watched<const STRICT: bool = true>;

/// What fills memory that nobody has written: as a tophash, one of a full slot.
const UNWRITTEN: u8 = 0xa7;
/// What fills memory that was freed.
const FREED: u8 = 0xd9;

/// A block that was freed with another layout than it was allocated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfreed {
    /// As it was allocated.
    pub allocated: Layout,
    /// As it was freed.
    pub freed: Layout,
}

/// The first block that this thread has misfreed since it was last asked.
pub fn misfreed() -> Option<Misfreed> {
    MISFREED.take()
}

/// Bytes that this thread has allocated, less those that it has freed.
pub fn held() -> isize {
    HELD.get()
}

/// Runs `body`; what it allocates is no part of what is [`held`].
pub fn apart<T>(body: impl FnOnce() -> T) -> T {
    let before = HELD.get();
    let result = body();
    HELD.set(before);
    result
}

/// Runs `body`, which is refused its `n`-th allocation (the first is 0) and no other. Was it?
pub fn refusing<T>(n: u32, body: impl FnOnce() -> T) -> (T, bool) {
    struct Until;
    impl Drop for Until {
        fn drop(&mut self) {
            LEFT.set(None);
        }
    }
    LEFT.set(Some(n));
    let _until = Until;
    let result = body();
    (result, LEFT.get().is_none())
}

/// Is it this allocation's turn?
fn refuses() -> bool {
    let left = LEFT.get();
    if let Some(left) = left {
        LEFT.set(left.checked_sub(1));
    }
    left == Some(0)
}

/// The place of a block's layout, just before it.
fn place(block: *mut u8) -> *mut Layout {
    block.wrapping_sub(size_of::<Layout>()).cast()
}

impl<const STRICT: bool> Watched<STRICT> {
    /// A block as the system knows it, and how much of that is before the block. `None`: it is too large.
    fn outer(layout: Layout) -> Option<(Layout, usize)> {
        if !STRICT {
            return Some((layout, 0));
        }
        let room = layout.align().max(size_of::<Layout>());
        let size = layout.size().checked_add(room)?;
        Some((Layout::from_size_align(size, layout.align().max(align_of::<Layout>())).ok()?, room))
    }

    /// # Safety
    /// - `take` is a method of the system's allocator; the layout's size is not 0.
    unsafe fn take(layout: Layout, take: unsafe fn(&System, Layout) -> *mut u8) -> *mut u8 {
        if refuses() {
            return ptr::null_mut();
        }
        let Some((outer, room)) = Self::outer(layout) else { return ptr::null_mut() };
        // SAFETY: as large as the caller's, or more.
        let start = unsafe { take(&System, outer) };
        if start.is_null() {
            return start;
        }
        // SAFETY: the room is a part of the block, and a multiple of its alignment.
        let block = unsafe { start.add(room) };
        if STRICT {
            // SAFETY: the room has place for it, aligned as `outer` has seen to.
            unsafe { place(block).write(layout) };
        }
        HELD.set(HELD.get().wrapping_add_unsigned(layout.size()));
        block
    }

    /// Fills a block.
    ///
    /// # Safety
    /// - The block is of `take`, has the layout, and nobody needs what is in it.
    unsafe fn fill(block: *mut u8, layout: Layout, junk: u8) {
        if STRICT && !block.is_null() {
            // SAFETY: as large as the block, says the caller.
            unsafe { block.write_bytes(junk, layout.size()) };
        }
    }

    /// The layout that a block was allocated with, if it knows; a block that was to have another is noted.
    ///
    /// # Safety
    /// - The block is of `take`, and not freed.
    unsafe fn layout(block: *mut u8, said: Layout) -> Layout {
        if !STRICT {
            return said;
        }
        // SAFETY: written by `take`.
        let allocated = unsafe { place(block).read() };
        if allocated != said && MISFREED.get().is_none() {
            MISFREED.set(Some(Misfreed { allocated, freed: said }));
        }
        allocated
    }
}

// SAFETY: blocks are the system's, or the end of such a one; the counters allocate nothing, and a null is an answer.
unsafe impl<const STRICT: bool> GlobalAlloc for Watched<STRICT> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's obligations are the same.
        let block = unsafe { Self::take(layout, System::alloc) };
        // SAFETY: just allocated.
        unsafe { Self::fill(block, layout, UNWRITTEN) };
        block
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's obligations are the same.
        unsafe { Self::take(layout, System::alloc_zeroed) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches for the block.
        let layout = unsafe { Self::layout(block, layout) };
        // No block is so large: what was before it is overwritten.
        let Some((outer, room)) = Self::outer(layout) else { std::process::abort() };
        // SAFETY: the caller needs it no more.
        unsafe { Self::fill(block, layout, FREED) };
        HELD.set(HELD.get().wrapping_sub_unsigned(layout.size()));
        // SAFETY: what the system gave, with the layout that it was given for.
        unsafe { System.dealloc(block.wrapping_sub(room), outer) }
    }
}
