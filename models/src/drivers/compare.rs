//! `cargo models compare`: does loom meet what exhaustive search meets, and the other way round?
//!
//! loom passes are not proofs (`engines::loom`), so every scenario that is small enough is exhausted twice, with the same
//! bound on preemptions, and the outcomes are held against each other. What differs has to be explained:
//!
//! - **weak memory**: loom has more, and the search with stale reads has it too;
//! - **one more preemption**: loom misses some, and meets them with a bound one higher. Its partial-order reduction takes
//!   as equal what the bound then tells apart, and does not go back for it.
//! - **armed panics**: loom misses some in which a panic struck another thread than the one that armed it: it strikes whoever
//!   makes the next such call. Under loom no other thread can come in between: there is no operation of its to switch at.
//!
//! What a lock's holder reads (`load_owned`) is no operation to switch at for either of them, and a race for both.
//!
//! What an engine finds meanwhile is kept, as `cargo models run` does.
//!
//! Exit 0: of all that could be exhausted, the same outcomes or a difference that is explained. 1: another difference, or a
//! finding. 2: too few could be.
//!
//! # Not here
//! The part of it that `cargo test` does: see `tests/catalogue.rs`.
//! # Checked by
//! `tests/catalogue.rs`.

use super::ops::seconds;
use super::{Exit, keep};
use crate::case::Thread;
use crate::catalogue::{self, Scenario};
use crate::command::command;
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::{Found, Limits, Report, loom};
use crate::files;
use crate::op::Kind;
use crate::triage::intake::FINDINGS;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// What to compare, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Scenarios by name, or part of it. All, if none is given.
    pub scenarios: Vec<String>,
    /// How many preemptions an execution may have.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(..255))]
    pub preemptions: u8,
    /// The most that an engine may take for a scenario; one that takes longer is not compared.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub time: Duration,
    /// It is a failure if fewer are compared.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub at_least: usize,
    /// Where findings are written.
    #[arg(long, value_name = "DIRECTORY", default_value = FINDINGS)]
    pub findings: PathBuf,
}

/// How the engines agree on a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The same outcomes.
    Same,
    /// The difference is one of those that are to be expected.
    Explained(String),
    /// It is not.
    Differ(String),
    /// Not everything was looked at.
    Unfinished(&'static str),
    /// This engine, the search or loom or one of them once more, found something.
    Found(&'static str, Box<Found>),
}

/// Exhausts a scenario with both engines.
pub fn compare(
    scenario: &Scenario,
    preemptions: usize,
    limits: &Limits,
) -> (Agreement, [Report; 2]) {
    let judge = || Judge::new(&scenario.case, scenario.allowed.clone());
    let explore = |stale| {
        let explore = Explore { preemptions: Some(preemptions), stale, ..Explore::default() };
        dfs::explore(&scenario.case, judge(), explore, limits)
    };
    let weak = |preemptions| loom::run(&scenario.case, judge(), preemptions, limits);
    if scenario.case.running().len() > loom::THREADS_MAX {
        return (Agreement::Unfinished("loom"), Default::default());
    }
    let reports = [explore(false), weak(preemptions)];
    let arms = |thread: &&Thread| thread.ops.iter().any(|op| op.kind() == Kind::PanicAt);
    let armed = scenario.case.running().iter().filter(arms);
    let armed: Vec<&str> = armed.map(|thread| thread.name.as_str()).collect();
    let agreement = agreement(&reports, &armed, &|| explore(true), &|| weak(preemptions + 1));
    (agreement, reports)
}

/// How the reports of the search and of loom agree. What differs is looked for in the reports of the search with stale
/// reads, and of loom with a preemption more, unless there are threads that have `armed` panics. What one of them found goes
/// first.
pub fn agreement(
    reports: &[Report; 2],
    armed: &[&str],
    stale: &dyn Fn() -> Report,
    further: &dyn Fn() -> Report,
) -> Agreement {
    match explained(reports, armed, stale, further) {
        Ok(why) if why.is_empty() => Agreement::Same,
        Ok(why) => Agreement::Explained(why.join("; ")),
        Err(otherwise) => otherwise,
    }
}

/// What explains each difference.
fn explained(
    [search, loom]: &[Report; 2],
    armed: &[&str],
    stale: &dyn Fn() -> Report,
    further: &dyn Fn() -> Report,
) -> Result<Vec<String>, Agreement> {
    nothing_found("search", search)?;
    nothing_found("loom", loom)?;
    match (search.exhausted, loom.exhausted) {
        (false, _) => return Err(Agreement::Unfinished("search")),
        (_, false) => return Err(Agreement::Unfinished("loom")),
        _ => {}
    }
    let missing = |all: &Report, some: &Report| -> BTreeSet<String> {
        all.outcomes.difference(&some.outcomes).cloned().collect()
    };
    let (more, mut less) = (missing(loom, search), missing(search, loom));
    let mut explained = Vec::new();
    if !more.is_empty() {
        let by = ("search with stale reads", &stale());
        explained.push(explain(&more, "loom has more", "weak memory", by)?);
    }
    let all = less.len();
    less.retain(|outcome| !strikes_another(outcome, armed));
    if less.len() < all {
        explained.push(format!("loom misses {}: armed panics", all - less.len()));
    }
    if !less.is_empty() {
        let by = ("loom with a preemption more", &further());
        explained.push(explain(&less, "loom misses", "one more preemption", by)?);
    }
    Ok(explained)
}

/// In this outcome, did a panic strike a thread that had armed none?
fn strikes_another(outcome: &str, armed: &[&str]) -> bool {
    let mut lines = outcome.split("; ").filter_map(|line| line.split_once(':'));
    !armed.is_empty()
        && lines.any(|(thread, answers)| !armed.contains(&thread) && answers.contains(" panic"))
}

fn nothing_found(engine: &'static str, report: &Report) -> Result<(), Agreement> {
    match &report.found {
        Some(found) => Err(Agreement::Found(engine, Box::new(found.clone()))),
        None => Ok(()),
    }
}

/// Says why there are these outcomes, if all of them are also in the report of this engine. If not, and it is not done,
/// nobody knows.
fn explain(
    outcomes: &BTreeSet<String>,
    said: &str,
    why: &str,
    (engine, report): (&'static str, &Report),
) -> Result<String, Agreement> {
    nothing_found(engine, report)?;
    let count = outcomes.len();
    match outcomes.difference(&report.outcomes).next() {
        Some(_) if !report.exhausted => Err(Agreement::Unfinished(engine)),
        Some(first) => Err(Agreement::Differ(format!("{said} {count}, such as {first}"))),
        None => Ok(format!("{said} {count}: {why}")),
    }
}

/// Compares every scenario.
pub fn drive(options: &Options) -> Exit {
    let takes = files::takes(&options.findings).map_err(|error| error.to_string());
    let scenarios = match takes.and_then(|()| catalogue::matching(&options.scenarios)) {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("{error}");
            return Exit::Bad;
        }
    };
    let (mut exit, mut compared) = (Exit::Clean, 0);
    for scenario in &scenarios {
        let (agreement, came) = one(scenario, options);
        compared += usize::from(matches!(agreement, Agreement::Same | Agreement::Explained(_)));
        exit = exit.max(came);
    }
    let (all, preemptions) = (scenarios.len(), options.preemptions);
    println!("{compared} of {all} scenarios exhausted and compared at {preemptions} preemptions");
    // That nothing differs says something only of what was compared.
    if compared < options.at_least && exit == Exit::Clean { Exit::Bad } else { exit }
}

/// Compares a scenario, keeps what is found, and says what came of it.
pub fn one(scenario: &Scenario, options: &Options) -> (Agreement, Exit) {
    let Options { preemptions, time, findings, .. } = options;
    let (agreement, [search, weak]) =
        compare(scenario, usize::from(*preemptions), &Limits::time(*time));
    let (said, exit) = match &agreement {
        Agreement::Same => ("the same".to_string(), Exit::Clean),
        Agreement::Explained(why) => (why.clone(), Exit::Clean),
        Agreement::Unfinished(engine) => {
            (format!("not compared: {engine} is not done"), Exit::Clean)
        }
        Agreement::Differ(how) => (format!("DIFFER: {how}"), Exit::Found),
        Agreement::Found(engine, found) => {
            let Scenario { name, case, .. } = scenario;
            let how = format!("{engine}, {preemptions} preemptions");
            let found_by = format!(
                "found by: {} compare {name} --preemptions {preemptions} --time {}",
                command(),
                time.as_secs_f64()
            );
            let kept = keep::keep(findings, name, case, found, (&how, &found_by));
            (format!("FOUND by {engine}"), if kept { Exit::Found } else { Exit::Bad })
        }
    };
    println!(
        "{:58} search {:>8} executions, {:>3} outcomes; loom {:>8}, {:>3}: {said}",
        scenario.name,
        search.executions,
        search.outcomes.len(),
        weak.executions,
        weak.outcomes.len()
    );
    (agreement, exit)
}
