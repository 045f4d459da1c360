//! Turns off the parts of the build's instrumentation that cost much and find nothing here.
//!
//! libFuzzer records the operands of every comparison so that its own mutator can write them into
//! inputs. Ours works on ops and asks for none of that, and recording took more than half of the
//! time. cargo-fuzz turns the tracing on for every build (`--no-trace-compares` turns it off, but
//! one should not have to type it), so the callbacks are defined here, where the linker finds them
//! before libFuzzer's (see `build.rs`).
//!
//! AddressSanitizer moves the locals of every function to a heap of its own, to notice a pointer to
//! one that has returned. The maps keep no pointer to a local, so that, a tenth of the time, is off
//! too; `ASAN_OPTIONS=detect_stack_use_after_return=1` turns it on again.

use std::ffi::{CStr, c_char};

/// What AddressSanitizer does if the environment says nothing else.
// SAFETY: this is the name and type under which AddressSanitizer looks for its defaults.
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    const OPTIONS: &CStr = c"detect_stack_use_after_return=0";
    OPTIONS.as_ptr()
}

macro_rules! ignore {
    ($($name:ident: $ty:ty;)*) => {$(
        // SAFETY: the compiler's instrumentation is its only caller, and asks nothing of it.
        #[unsafe(no_mangle)]
        extern "C" fn $name(_: $ty, _: $ty) {}
    )*};
}

ignore! {
    __sanitizer_cov_trace_cmp1: u8;
    __sanitizer_cov_trace_cmp2: u16;
    __sanitizer_cov_trace_cmp4: u32;
    __sanitizer_cov_trace_cmp8: u64;
    __sanitizer_cov_trace_const_cmp1: u8;
    __sanitizer_cov_trace_const_cmp2: u16;
    __sanitizer_cov_trace_const_cmp4: u32;
    __sanitizer_cov_trace_const_cmp8: u64;
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_trace_switch(_: u64, _: *const u64) {}
