//! `cargo models compare`: does loom meet what exhaustive search meets, and the other way round?
//!
//! loom passes are not proofs (`engines::loom`), so every scenario that is small enough is exhausted twice, with the same
//! bound on preemptions, and the outcomes are held against each other. What differs has to be explained:
//!
//! - **weak memory**: loom has more, and the search with stale reads has it too;
//! - **one more preemption**: loom misses some, and meets them with a bound one higher. Its partial-order reduction takes
//!   as equal what the bound then tells apart, and does not go back for it.
//! - **armed panics**: loom misses some in a scenario that injects a panic, which strikes whoever makes the next such call.
//!   Under loom no other thread can come in between: there is no operation of its to switch at.
//!
//! # Not here
//! The part of it that `cargo test` does: see `tests/catalogue.rs`.
//! # Checked by
//! `tests/catalogue.rs`.

use super::Exit;
use super::ops::seconds;
use crate::catalogue::{self, Scenario};
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, loom};
use crate::op::Kind;
use std::collections::BTreeSet;
use std::time::Duration;

/// What to compare, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Scenarios by name, or part of it. All, if none is given.
    pub scenarios: Vec<String>,
    /// How many preemptions an execution may have.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub preemptions: usize,
    /// The most that an engine may take for a scenario; one that takes longer is not compared.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub time: Duration,
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
    /// An engine found something.
    Found(String),
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
    let ops = || scenario.case.running().iter().flat_map(|thread| &thread.ops);
    let arms = ops().any(|op| op.kind() == Kind::PanicAt);
    let agreement = agreement(&reports, arms, &|| explore(true), &|| weak(preemptions + 1));
    (agreement, reports)
}

/// How the reports of the search and of loom agree. What differs is looked for in the reports of the search with stale
/// reads, and of loom with a preemption more, unless the scenario arms panics.
pub fn agreement(
    [search, loom]: &[Report; 2],
    arms_panics: bool,
    stale: &dyn Fn() -> Report,
    further: &dyn Fn() -> Report,
) -> Agreement {
    for report in [search, loom] {
        if let Some(found) = &report.found {
            return Agreement::Found(found.finding.to_string());
        }
    }
    match (search.exhausted, loom.exhausted) {
        (false, _) => return Agreement::Unfinished("search"),
        (_, false) => return Agreement::Unfinished("loom"),
        _ => {}
    }
    let missing = |all: &Report, some: &Report| -> BTreeSet<String> {
        all.outcomes.difference(&some.outcomes).cloned().collect()
    };
    let (more, less) = (missing(loom, search), missing(search, loom));
    let mut explained = Vec::new();
    let mut explain =
        |outcomes: BTreeSet<String>, said: &str, why: &str, look: &dyn Fn() -> Report| {
            if outcomes.is_empty() {
                return Ok(());
            }
            let (count, seen) = (outcomes.len(), look().outcomes);
            match outcomes.difference(&seen).next() {
                Some(first) => Err(Agreement::Differ(format!("{said} {count}, such as {first}"))),
                None => {
                    explained.push(format!("{said} {count}: {why}"));
                    Ok(())
                }
            }
        };
    let (why, look): (_, &dyn Fn() -> Report) = match arms_panics {
        true => ("armed panics", &|| search.clone()),
        false => ("one more preemption", further),
    };
    let both = explain(more, "loom has more", "weak memory", stale)
        .and_then(|()| explain(less, "loom misses", why, look));
    if let Err(differ) = both {
        return differ;
    }
    match explained.is_empty() {
        true => Agreement::Same,
        false => Agreement::Explained(explained.join("; ")),
    }
}

/// Compares every scenario.
pub fn drive(options: &Options) -> Exit {
    let Options { scenarios, preemptions, time } = options;
    let limits = Limits::time(*time);
    let mut exit = Exit::Clean;
    let (mut compared, mut all) = (0, 0);
    for scenario in catalogue::matching(scenarios) {
        let (agreement, [search, weak]) = compare(&scenario, *preemptions, &limits);
        all += 1;
        let said = match &agreement {
            Agreement::Same => "the same".to_string(),
            Agreement::Explained(why) => why.clone(),
            Agreement::Unfinished(engine) => format!("not compared: {engine} is not done"),
            Agreement::Differ(how) => format!("DIFFER: {how}"),
            Agreement::Found(what) => format!("FOUND: {what}"),
        };
        match agreement {
            Agreement::Differ(_) | Agreement::Found(_) => exit = Exit::Found,
            Agreement::Unfinished(_) => {}
            Agreement::Same | Agreement::Explained(_) => compared += 1,
        }
        println!(
            "{:58} search {:>8} executions, {:>3} outcomes; loom {:>8}, {:>3}: {said}",
            scenario.name,
            search.executions,
            search.outcomes.len(),
            weak.executions,
            weak.outcomes.len()
        );
    }
    if all == 0 {
        eprintln!("no scenario is called so; `cargo models list` has them all");
        return Exit::Bad;
    }
    println!("{compared} of {all} scenarios exhausted and compared at {preemptions} preemptions");
    exit
}
