//! The command line: `cargo models VERB`, and that of programs of your own. The exit codes are those of [`Exit`].

use super::{
    Exit, bench, compare, encode, faults, findings, names, ops, replay, run, supervise, triage,
};
use crate::command::{command, started_as};
use crate::quiet;
use crate::subjects::{self, Adapter};
use crate::triage::worker;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::io::Write;
use std::process::{ExitCode, exit};

/// [`Exit`], for those who read the help.
const EXITS: &str = "Exit codes: 0 nothing found; 1 something found; 2 bad usage or input; 130 ctrl-C came before the end.";

/// Hunts boundary resize bugs in hash maps.
#[derive(Parser)]
#[command(after_help = EXITS)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
    /// End when the process with this number does, which started this one.
    #[arg(long, value_name = "PROCESS", hide = true)]
    child_of: Option<u32>,
}

#[derive(Subcommand)]
enum Verb {
    /// Run generated sequences of ops against a model of a map.
    Ops(ops::Options),
    /// List the scenarios of the catalogue.
    List,
    /// Run scenarios, or generated cases with several threads, under a model checker.
    Run(run::Options),
    /// Exhaust scenarios under loom and by search, and compare the outcomes.
    Compare(compare::Options),
    /// Measure each engine beside plain shuttle and plain loom.
    Bench(bench::Options),
    /// Run cases and fuzz inputs again.
    Replay(replay::Options),
    /// From crashes to stories: replay, make small, name, show.
    Triage(triage::Options),
    /// What was triaged so far: count, smallest case, fixed or not.
    Findings(findings::Options),
    /// Write cases as the bytes that a fuzz target reads.
    Encode(encode::Options),
    /// Replay recordings of Go's map and compare every answer, every state and the digest.
    #[cfg(not(fuzzing))]
    GoTrace(super::go_trace::Options),
    /// Plant faults in a copy of the map, one at a time, and see which detectors find them.
    Faults(Box<faults::Options>),
    /// Plant faults, and count the names that triage gives to the failures of each.
    Names(names::Options),
    /// Run the cases that come in at the standard input (for `triage`).
    #[command(hide = true)]
    Worker,
}

/// Output that cannot be written is no panic. Whoever reads it may have seen enough (`… | head`): the exit code is a shell's
/// for that. Or the disk is full.
fn end_with_the_output() {
    let former = std::panic::take_hook();
    // shuttle's hook, which prints and is put once, is put now, and goes as ours comes.
    quiet::after_shuttle();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if !said.starts_with("failed printing to std") {
            return former(info);
        }
        if said.contains("Broken pipe") {
            exit(128 + 13);
        }
        // That may be what cannot be written.
        let _ = writeln!(std::io::stderr(), "{said}");
        exit(Exit::Bad as i32);
    }));
}

/// All of a program: reads its arguments, does what they say, with these maps beside those that ship with an adapter.
///
/// Where no `--subject` is given, the first of them is meant, or, where there are several threads, the first that is for them.
///
/// # Panics
/// If two maps have one name, yours or one that ships, or at a second call with maps.
pub fn main(own: &'static [Adapter]) -> ExitCode {
    end_with_the_output();
    if !own.is_empty() {
        subjects::add(own);
        let name = std::env::args_os().next().unwrap_or_default();
        started_as(name.to_string_lossy().into_owned());
    }
    let line = Line::command().name(command()).bin_name(command());
    let line = Line::from_arg_matches(&line.get_matches());
    let Line { verb, child_of } = line.unwrap_or_else(|error| error.exit());
    if let Some(parent) = child_of {
        supervise::end_with(parent);
    }
    let exit = match verb {
        Verb::Ops(options) => ops::drive(&options),
        Verb::List => run::list(),
        Verb::Run(options) => run::drive(&options),
        Verb::Compare(options) => compare::drive(&options),
        Verb::Bench(options) => bench::drive(&options),
        Verb::Replay(options) => replay::drive(&options),
        Verb::Encode(options) => encode::drive(&options),
        #[cfg(not(fuzzing))]
        Verb::GoTrace(options) => super::go_trace::drive(&options),
        Verb::Faults(options) => faults::drive(&options),
        Verb::Names(options) => names::drive(&options),
        Verb::Triage(options) => triage::drive(&options),
        Verb::Findings(options) => findings::drive(&options),
        Verb::Worker => worker::serve().map_or(Exit::Bad, |()| Exit::Clean),
    };
    exit.into()
}
