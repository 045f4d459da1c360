//! Drivers: glue between a source of cases, the property and whoever reads the result.
//!
//! Each has an `Options` that the command line fills in, and a `drive` that returns an [`Exit`]. [`main`] is all of them; a
//! program of your own calls it with maps of its own (`examples/plug_in`).
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/plug_in.rs`.

pub mod bench;
mod brief;
pub mod compare;
pub mod encode;
pub mod faults;
pub mod findings;
pub mod fuzz;
#[cfg(not(fuzzing))] // It compiles a map: see `subjects`.
pub mod go_trace;
mod keep;
mod line;
pub mod names;
pub mod ops;
pub mod replay;
pub mod run;
pub mod summary;
pub mod supervise;
pub mod triage;

use clap::ValueEnum;
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
