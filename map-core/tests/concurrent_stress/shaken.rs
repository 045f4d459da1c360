//! `Std`, shaken: threads give way at any atomic access, evacuations are given up, growths
//! start early and nest, segments are two buckets, the evacuation barrier is on, and objects are
//! counted.

use crate::common::hooked::{Hook, Hooked};
use map_core::platform::{Object, Place, Platform, Point, Std};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

pub struct Shaken;

/// How many entries, tables, segments and overflow buckets are allocated.
pub static OBJECTS: AtomicI64 = AtomicI64::new(0);

/// True in one of `odds` calls.
fn one_in(odds: u64) -> bool {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(0) });
    STATE.with(|state| {
        let mut x = state.get();
        if x == 0 {
            x = 0x9e37_79b9_7f4a_7c15 ^ (Std::task() as u64) << 20;
        }
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        (x >> 20).is_multiple_of(odds)
    })
}

/// Another thread may come first.
impl Hook for Shaken {
    fn access() {
        if one_in(64) {
            std::thread::yield_now();
        }
    }
}

// SAFETY: every primitive is that of `Std`.
unsafe impl Platform for Shaken {
    type AtomicU64 = Hooked<<Std as Platform>::AtomicU64, Self>;
    type AtomicUsize = Hooked<<Std as Platform>::AtomicUsize, Self>;
    type AtomicPtr<T> = Hooked<<Std as Platform>::AtomicPtr<T>, Self>;
    type Cell<T> = <Std as Platform>::Cell<T>;
    type Mutex<T> = <Std as Platform>::Mutex<T>;
    type Collector = <Std as Platform>::Collector;

    const EVACUATION_BARRIER: bool = true;
    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        Std::task()
    }
    fn stripes() -> usize {
        2
    }
    fn wait(round: u32) {
        Std::wait(round);
    }
    fn fence(order: Ordering) {
        Std::fence(order);
    }
    fn abandons(point: Point, _: Place) -> bool {
        assert!(point.abandonable());
        one_in(8)
    }
    fn grows_early(_: Place) -> bool {
        one_in(40)
    }
    fn recycles_segments() -> bool {
        true
    }
    fn allocated<T>(_: *const T, _: Object) {
        OBJECTS.fetch_add(1, Ordering::Relaxed);
    }
    fn freed<T>(_: *const T) {
        OBJECTS.fetch_sub(1, Ordering::Relaxed);
    }
}
