//! `cargo models VERB`.

use models::drivers;
use models::memory::Watched;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn main() -> ExitCode {
    drivers::main(&[])
}
