//! The maps that the targets for one thread hunt.
//!
//! They and all that is generic over them are compiled here and not in `models`, so that this is what libFuzzer's counters
//! and AddressSanitizer see: `rustc.sh` beside this folder leaves `models` without. What `models` compiled of them as well would be
//! taken from there, a growth's work before all else, as rustc shares what is not to be inlined: so for a fuzz target,
//! where `cfg(fuzzing)` holds, it compiles none. `ci/smoke.sh` looks whether that is so.

use models::generators::hashers::ModelState;
use models::sequential;
use models::subjects::{Adapter, OneThread};
use std::ffi::{CStr, c_char};

type Map<K, V> = map_core::Map<K, V, ModelState>;

/// `Map`.
pub static MAP: Adapter = sequential!("map", Map);
/// `ConcurrentMap` from one thread.
pub static CONCURRENT: Adapter = sequential!("concurrent", OneThread);

/// A fuzz target for one thread: which map it hunts in, and the mix of ops that its mutator draws from.
#[macro_export]
macro_rules! one_thread {
    ($map:ident, $mix:ident) => {
        use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
        use models::drivers::fuzz;
        use models::generators::{mutate, ops::Mix};
        use models::memory::Watched;
        use models::subjects::Subject;

        #[global_allocator]
        static ALLOCATOR: Watched<false> = Watched;

        fuzz_target!(|bytes: &[u8]| fuzz::one(Subject::of(&$crate::$map), bytes));
        fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            fuzz::mutate(data, size, max_size, seed, Mix::$mix)
        });
        fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
            mutate::cross_over(one, other, out, seed)
        });
    };
}

/// What AddressSanitizer does if the environment says nothing else.
///
/// It moves the locals of every function to a heap of its own, to notice a pointer to one that has returned. The maps keep
/// no pointer to a local, so that, a tenth of the time, is off; `ASAN_OPTIONS=detect_stack_use_after_return=1` turns it on.
// SAFETY: this is the name and type under which AddressSanitizer looks for its defaults.
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    const OPTIONS: &CStr = c"detect_stack_use_after_return=0";
    OPTIONS.as_ptr()
}
