//! `Std`: the platform of programs.
//!
//! # Invariants
//! - **free-on-std**: see `platform`.
//! # Checked by
//! `tests/concurrent_*.rs`; under AddressSanitizer, LeakSanitizer and Miri.

mod thread;

use super::{Atomic, AtomicNumber, Cell, Collector, Guard, Mutex, Platform, Reclaim};
use core::cell::UnsafeCell;
use core::mem::ManuallyDrop;
use core::sync::atomic::{self, Ordering};
use std::sync::{Mutex as StdMutex, PoisonError};

/// The real thing: std's atomics, and reclamation by `seize`.
///
/// `seize` rather than `crossbeam-epoch`: its collector belongs to the map, so entries need not be
/// `'static` and are all freed when the map is; pinning is a store and a compiler fence (the
/// retiring side pays with a membarrier), where crossbeam's is a locked instruction; and nothing is
/// collected inside `pin`, where crossbeam frees every 128th time. Its price: a thread whose pin
/// ends last drops what others retired, in batches of 512: a batch costs a membarrier, which with
/// the default of 32 was more than half of the time of a mix of inserts and removes by two threads,
/// and with 128 still a third.
#[derive(Clone, Copy, Debug)]
pub struct Std;

// SAFETY: std's atomics and mutex are what the contract asks for. A cell is std's `UnsafeCell`: its pointer is to what is in
// it, and it is sent and shared as its implementation of `Cell` says.
unsafe impl Platform for Std {
    type AtomicU64 = atomic::AtomicU64;
    type AtomicUsize = atomic::AtomicUsize;
    type AtomicPtr<T> = atomic::AtomicPtr<T>;
    type Cell<T> = UnsafeCell<T>;
    type Mutex<T> = StdMutex<T>;
    type Collector = StdCollector;

    const PREFETCHES: bool = cfg!(all(target_arch = "x86_64", not(miri)));

    #[inline(always)]
    fn task() -> usize {
        use core::cell::Cell;
        // Relaxed: the numbers need only differ.
        static NEXT: atomic::AtomicUsize = atomic::AtomicUsize::new(1);
        std::thread_local!(static TASK: Cell<usize> = const { Cell::new(0) });
        TASK.with(|task| {
            if task.get() == 0 {
                task.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            task.get()
        })
    }

    fn stripes() -> usize {
        static STRIPES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        *STRIPES.get_or_init(|| {
            let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
            (2 * threads).next_power_of_two().clamp(4, 64)
        })
    }

    #[inline]
    fn wait(round: u32) {
        // Critical sections are some tens of nanoseconds, unless their holder was descheduled: then
        // give up the processor.
        if round < 6 {
            for _ in 0..1 << round {
                core::hint::spin_loop();
            }
        } else {
            std::thread::yield_now();
        }
    }

    #[inline(always)]
    fn fence(order: Ordering) {
        atomic::fence(order);
    }

    #[inline(always)]
    fn recycles_segments() -> bool {
        true
    }

    #[inline(always)]
    fn prefetch<T>(_address: *const T) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing that the program can see, and never faults.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(_address.cast()) };
        }
    }
}

macro_rules! std_atomic {
    ([$($generics:tt)*] $atomic:ty, $value:ty) => {
        impl<$($generics)*> Atomic<$value> for $atomic {
            #[inline(always)]
            fn new(value: $value) -> Self {
                <$atomic>::new(value)
            }
            #[inline(always)]
            fn load(&self, order: Ordering) -> $value {
                self.load(order)
            }
            #[inline(always)]
            fn store(&self, value: $value, order: Ordering) {
                self.store(value, order);
            }
            #[inline(always)]
            fn swap(&self, value: $value, order: Ordering) -> $value {
                self.swap(value, order)
            }
            #[inline(always)]
            fn compare_exchange(&self, current: $value, new: $value, success: Ordering, failure: Ordering) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }
    };
}

macro_rules! std_number {
    ($atomic:ty, $value:ty) => {
        std_atomic!([] $atomic, $value);
        impl AtomicNumber<$value> for $atomic {
            #[inline(always)]
            fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.fetch_add(value, order)
            }
            #[inline(always)]
            fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.fetch_sub(value, order)
            }
        }
    };
}

std_number!(atomic::AtomicU64, u64);
std_number!(atomic::AtomicUsize, usize);
std_atomic!([T] atomic::AtomicPtr<T>, *mut T);

impl<T> Cell<T> for UnsafeCell<T> {
    #[inline(always)]
    fn new(value: T) -> Self {
        UnsafeCell::new(value)
    }
    #[inline(always)]
    fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.get())
    }
    #[inline(always)]
    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.get())
    }
    #[inline(always)]
    fn into_inner(self) -> T {
        self.into_inner()
    }
}

impl<T> Mutex<T> for StdMutex<T> {
    fn new(value: T) -> Self {
        StdMutex::new(value)
    }
    fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        body(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many retired objects a thread collects before it pays for a membarrier.
const BATCH: usize = 512;

/// Reclaims an object; a panic goes on when a pin has ended or the collector has been dropped.
///
/// # Safety
/// - As of [`Reclaim::reclaim`].
unsafe fn reclaim<T: Reclaim>(object: *mut T) {
    // SAFETY: the caller's obligation.
    let reclaim = || unsafe { T::reclaim(object) };
    if T::MAY_PANIC { thread::put_off_panic(reclaim) } else { reclaim() }
}

/// Reclamation on [`Std`]: a `seize` collector.
#[derive(Debug)]
pub struct StdCollector(seize::Collector, GoesOnPanicking);

/// Dropped behind what reclaims.
#[derive(Debug)]
struct GoesOnPanicking;

impl Drop for GoesOnPanicking {
    fn drop(&mut self) {
        thread::go_on_panicking();
    }
}

// SAFETY: this is seize's own contract: `enter`, then loads of order SeqCst, then `defer_retire`
// after unlinking.
unsafe impl Collector for StdCollector {
    type Guard<'collector> = StdGuard<'collector>;

    // seize's `Guard::protect` asks for SeqCst: if our load comes first in the total order, the
    // retiring thread's barrier comes after our `enter` and sees the pin; if the barrier comes
    // first, our load sees the unlinking. Free on x86-64.
    const PROTECT: Ordering = Ordering::SeqCst;

    fn new() -> Self {
        StdCollector(seize::Collector::new().batch_size(BATCH), GoesOnPanicking)
    }

    unsafe fn reclaim<T: Reclaim>(&self, object: *mut T) {
        // SAFETY: the caller's obligation.
        unsafe { reclaim(object) }
    }

    #[inline(always)]
    fn pin(&self) -> StdGuard<'_> {
        StdGuard(ManuallyDrop::new(self.0.enter()))
    }
}

/// A pin on [`Std`].
#[derive(Debug)]
pub struct StdGuard<'collector>(ManuallyDrop<seize::LocalGuard<'collector>>);

impl Drop for StdGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        thread::refuse_late(&self.0);
        // SAFETY: dropped here alone, and not used again.
        unsafe { ManuallyDrop::drop(&mut self.0) };
        thread::go_on_panicking();
    }
}

impl Guard for StdGuard<'_> {
    #[inline]
    unsafe fn retire<T: Reclaim>(&self, object: *mut T) {
        unsafe fn retired<T: Reclaim>(object: *mut T, _: &seize::Collector) {
            // SAFETY: seize calls this once, when nobody can hold `object` any more.
            unsafe { reclaim(object) }
        }
        thread::refuse_late(&self.0);
        // SAFETY: the caller's obligations are seize's.
        unsafe { seize::Guard::defer_retire(&*self.0, object, retired) }
    }

    fn flush(&self) {
        thread::refuse_late(&self.0);
        seize::Guard::flush(&*self.0);
    }
}
