//! `cargo models VERB`: run, replay, compare. Exit code 0: nothing found; 1: something found; 2: bad usage or input.

use clap::{Parser, Subcommand};
use models::drivers::{encode, faults, go_trace, ops, replay, run};
use std::process::ExitCode;

/// Hunts boundary resize bugs in hash maps.
#[derive(Parser)]
#[command(name = "cargo models", bin_name = "cargo models")]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run generated sequences of ops against a model of a map.
    Ops(ops::Options),
    /// List the scenarios of the catalogue.
    List,
    /// Run scenarios, or generated cases with several threads, under a model checker.
    Run(run::Options),
    /// Run cases and fuzz inputs again.
    Replay(replay::Options),
    /// Write cases as the bytes that a fuzz target reads.
    Encode(encode::Options),
    /// Replay recordings of Go's map and compare every answer, every state and the digest.
    GoTrace(go_trace::Options),
    /// Plant faults in a copy of the map, one at a time, and see which detectors find them.
    Faults(faults::Options),
}

fn main() -> ExitCode {
    let exit = match Line::parse().verb {
        Verb::Ops(options) => ops::drive(&options),
        Verb::List => run::list(),
        Verb::Run(options) => run::drive(&options),
        Verb::Replay(options) => replay::drive(&options),
        Verb::Encode(options) => encode::drive(&options),
        Verb::GoTrace(options) => go_trace::drive(&options),
        Verb::Faults(options) => faults::drive(&options),
    };
    exit.into()
}
