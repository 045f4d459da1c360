//! `ConcurrentMap` under several threads: the bytes are what they do and when.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use models::drivers::fuzz::schedules::{self, COUNTERS};
use std::sync::atomic::AtomicU8;

#[global_allocator]
static ALLOCATOR: models::memory::Watched = models::memory::Watched;

/// libFuzzer reads these after each run like its own, and clears them before.
// SAFETY: bytes, which is what libFuzzer takes the section for.
#[cfg_attr(target_os = "linux", unsafe(link_section = "__libfuzzer_extra_counters"))]
static PAIRS: [AtomicU8; COUNTERS] = [const { AtomicU8::new(0) }; COUNTERS];

fuzz_target!(|bytes: &[u8]| schedules::one(bytes, &PAIRS));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    schedules::mutate(data, size, max_size, seed)
});
