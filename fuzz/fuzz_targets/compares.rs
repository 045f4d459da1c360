//! No-ops in the place of libFuzzer's comparison tracing.
//!
//! libFuzzer records the operands of every comparison so that its own mutator can write them into
//! inputs. Ours works on ops and asks for none of that, and recording took more than half of the
//! time. cargo-fuzz turns the tracing on for every build (`--no-trace-compares` turns it off, but
//! one should not have to type it), so the callbacks are defined here, where the linker finds them
//! before libFuzzer's (see `build.rs`).

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
