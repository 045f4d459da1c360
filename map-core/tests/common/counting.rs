//! An allocator that counts, per thread, so that tests don't disturb each other.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// `System`, and counters that need neither memory nor a destructor.
pub struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static FREED: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn count(calls: usize, freed: usize, bytes: isize) {
    // Not `with`: the allocator is called when a thread's locals are gone already.
    _ = CALLS.try_with(|it| it.set(it.get() + calls));
    _ = FREED.try_with(|it| it.set(it.get() + freed));
    _ = BYTES.try_with(|it| {
        it.set(it.get() + bytes);
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(it.get())));
    });
    _ = LARGEST.try_with(|it| it.set(it.get().max(bytes.max(0).cast_unsigned())));
}

// SAFETY: passes everything on to `System` and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, 0, layout.size() as isize);
        // SAFETY: the caller's obligations are `System`'s.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(0, 1, -(layout.size() as isize));
        // SAFETY: the caller's obligations are `System`'s.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, 0, layout.size() as isize);
        // SAFETY: the caller's obligations are `System`'s.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, 1, size as isize - layout.size() as isize);
        // SAFETY: the caller's obligations are `System`'s.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

/// How often `act` asks for memory.
pub fn calls(act: impl FnOnce()) -> usize {
    let before = CALLS.get();
    act();
    CALLS.get() - before
}

/// How many blocks this thread has given back.
pub fn freed() -> usize {
    FREED.get()
}

/// Bytes that this thread has allocated, less those that it freed.
pub fn live() -> isize {
    BYTES.get()
}

/// Blocks, likewise.
pub fn blocks() -> isize {
    CALLS.get() as isize - FREED.get() as isize
}

/// The most bytes that were live, and the largest block asked for, while `act` ran.
pub fn most(act: impl FnOnce()) -> (isize, usize) {
    PEAK.set(live());
    LARGEST.set(0);
    act();
    (PEAK.get(), LARGEST.get())
}
