//! Memory: an allocator that knows what each thread holds, and refuses when it is asked to.
//!
//! A program that has [`Watched`] as its global allocator judges memory, too, as the command line and the fuzz targets do:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: models::memory::Watched = models::memory::Watched;
//! # fn main() {}
//! ```
//! In any other, nothing is held and nothing refused. Each number belongs to a thread, so what others do meanwhile is no
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
}

/// The system's allocator, watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched;

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

/// Counts a block that was given.
fn given(block: *mut u8, bytes: isize) -> *mut u8 {
    if !block.is_null() {
        HELD.set(HELD.get().wrapping_add(bytes));
    }
    block
}

// SAFETY: blocks are the system's; the counters allocate nothing, and a null is an answer.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if refuses() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's obligations are the same.
        given(unsafe { System.alloc(layout) }, layout.size() as isize)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if refuses() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's obligations are the same.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size() as isize)
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if refuses() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's obligations are the same.
        let block = unsafe { System.realloc(block, layout, size) };
        given(block, (size as isize).wrapping_sub(layout.size() as isize))
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size() as isize));
        // SAFETY: the caller's obligations are the same.
        unsafe { System.dealloc(block, layout) }
    }
}
