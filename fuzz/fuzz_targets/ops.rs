//! Everything a map can be asked, against the spec and every oracle.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use map_core_fuzz::MAP;
use models::drivers::fuzz;
use models::generators::mutate;
use models::generators::ops::Mix;
use models::memory::Watched;
use models::subjects::Subject;

#[global_allocator]
static ALLOCATOR: Watched<false> = Watched;

fuzz_target!(|bytes: &[u8]| fuzz::one("ops", Subject::of(&MAP), bytes));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, Mix::Full)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross_over(one, other, out, seed)
});
