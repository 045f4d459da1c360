//! Drivers: glue between a source of cases, the property and whoever reads the result.
//!
//! Each has an `Options` that the command line fills in, and a `drive` that returns an [`Exit`]. [`main`] is all of them; a
//! program of your own calls it with maps of its own (`examples/plug_in`).
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/plug_in.rs`.

#[cfg(not(fuzzing))]
pub mod bench;
#[cfg(not(fuzzing))]
mod brief;
#[cfg(not(fuzzing))]
pub mod compare;
#[cfg(not(fuzzing))]
pub mod encode;
#[cfg(not(fuzzing))]
pub mod faults;
#[cfg(not(fuzzing))]
pub mod findings;
pub mod fuzz;
#[cfg(not(fuzzing))]
pub mod go_trace;
#[cfg(not(fuzzing))]
mod keep;
#[cfg(not(fuzzing))]
mod line;
#[cfg(not(fuzzing))]
pub mod names;
#[cfg(not(fuzzing))]
pub mod ops;
#[cfg(not(fuzzing))]
pub mod replay;
#[cfg(not(fuzzing))]
pub mod run;
#[cfg(not(fuzzing))]
pub mod summary;
#[cfg(not(fuzzing))]
pub mod supervise;
#[cfg(not(fuzzing))]
pub mod triage;

use clap::ValueEnum;
#[cfg(not(fuzzing))]
pub use line::main;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing found: 0.
    Clean,
    /// Something found: 1.
    Found,
    /// The input or the usage is wrong: 2.
    Bad,
    /// Ended by ctrl-C before it was done: 130, as a shell says it. What goes on until ctrl-C is done then.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The word for a value on the command line.
pub fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
}

/// What ctrl-C sets, from now on; if that cannot be, it ends the run in this way.
fn stopped_by_ctrl_c(otherwise: &str) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    if let Err(error) = ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed)) {
        eprintln!("ctrl-C will end the run {otherwise}: {error}");
    }
    stop
}

/// How many of so many runs reached a growth, in words. Not every map says when it grows.
fn reached_a_growth(grew: u64, runs: u64) -> String {
    match grew {
        0 => "none of them reported a growth".to_string(),
        _ => format!("{:.0} % of them reached a growth", 100.0 * grew as f64 / runs as f64),
    }
}
