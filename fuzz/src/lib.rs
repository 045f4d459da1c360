//! The maps that the targets for one thread hunt.
//!
//! They and all that is generic over them are compiled here and not in `models`, so that this is what libFuzzer's counters
//! and AddressSanitizer see: `rustc.sh` beside this folder leaves `models` without.

use models::generators::hashers::ModelState;
use models::sequential;
use models::subjects::{Adapter, OneThread};
use std::ffi::{CStr, c_char};

type Map<K, V> = map_core::Map<K, V, ModelState>;

/// `Map`.
pub static MAP: Adapter = sequential!("map", Map);
/// `ConcurrentMap` from one thread.
pub static CONCURRENT: Adapter = sequential!("concurrent", OneThread);

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
