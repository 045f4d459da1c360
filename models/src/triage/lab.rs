//! One run of a case, of whatever kind, in this process.
//!
//! # Not here
//! Running it where it can do no harm: see `worker`.
//! # Checked by
//! `tests/triage.rs`.

use super::sighting::{Came, Sighting};
use crate::case::Case;
use crate::catalogue::{self, Allowed};
use crate::drivers::fuzz::schedules;
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::{Judge, ONLOOKER, partial};
use crate::engines::shuttle::THREADS_MAX;
use crate::engines::{Limits, Report, loom};
use crate::input::threads::KINDS;
use crate::property::Checks;
use crate::schedulers::{Named, replay};
use crate::subjects::{Shared, Subject};
use crate::trace::{self, Event};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How hard to look for a schedule under which a concurrent case fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// Only at the case's own schedule.
    #[default]
    Once,
    /// At so many others, drawn at random, if that does not fail.
    Search(u64),
    /// At all with so many preemptions, instead.
    Preempt(usize),
}

/// Maps that run under real threads alone are refused before.
const UNDER_MODEL: &str = "it runs under the model";
/// The longest search for a schedule.
const SEARCH: Duration = Duration::from_secs(5);
/// The most executions of a walk through all schedules with 0, 1 and 2 preemptions: the same on every machine.
const EXHAUST: [u64; 3] = [1_000, 3_000, 10_000];
/// The longest such walk, on a machine that is very slow.
const EXHAUST_TIME: Duration = Duration::from_secs(12);

/// What runs a case, and how closely it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lab {
    /// The map.
    pub subject: Subject,
    /// How often such a case is looked at inside.
    pub checks: Checks,
}

impl Lab {
    /// With this map, looking at everything.
    pub fn new(subject: Subject) -> Lab {
        Lab { subject, checks: Checks::Every }
    }
}

/// Runs a case.
pub fn run(lab: Lab, case: &Case, look: Look) -> Came {
    let subject = lab.subject;
    if case.is_sequential() {
        return match subject.run(case, lab.checks) {
            Ok(report) => {
                let crate::property::Report { ops, growths, panics } = report;
                Came::Passed(format!("{ops} ops, {growths} growths, {panics} panics"))
            }
            Err(finding) => Came::Failed(Box::new(Sighting::new(&finding, &[]))),
        };
    }
    let Some(shared) = subject.shared() else {
        return Came::Unfit(format!("the case has several threads, {subject} is for one"));
    };
    if matches!(shared, Shared::Threads(..)) {
        return Came::Unfit(format!(
            "{subject} runs under real threads alone, as they happen to run"
        ));
    }
    let threads = case.running().len();
    if threads > THREADS_MAX {
        return Came::Unfit(format!(
            "the case has {threads} threads; at most {THREADS_MAX} can run"
        ));
    }
    let mut ops = case.threads.iter().flat_map(|thread| &thread.ops);
    if let (Shared::Program, Some(op)) = (shared, ops.find(|op| !KINDS.contains(&op.kind()))) {
        return Came::Unfit(format!(
            "the case has several threads, and a shared map has no `{op}`"
        ));
    }
    // Without a schedule, every engine has a look.
    if (case.schedule.is_empty() || case.reads_stale())
        && let Err(why) = partial::fits(case, ONLOOKER)
    {
        return Came::Unfit(why);
    }
    let report = concurrent(shared, case, look);
    match report.found {
        None => Came::Passed(match case.schedule.len() {
            0 => format!("{} executions", report.executions),
            all => format!("by its schedule, {} of {all} departures taken", report.departures),
        }),
        Some(found) => Came::Failed(Box::new(Sighting::new(&found.finding, &found.schedule))),
    }
}

/// Runs an input of the fuzz target `schedules`, once, by the schedule in it.
pub fn run_bytes(bytes: &[u8]) -> Came {
    let (_, report) = schedules::execute(bytes);
    match report.found {
        None => Came::Passed("by the schedule of its bytes".to_string()),
        Some(found) => Came::Failed(Box::new(Sighting::new(&found.finding, &found.schedule))),
    }
}

fn concurrent(shared: Shared, case: &Case, look: Look) -> Report {
    let model = |allowed: &Allowed, policy, limits: &Limits| {
        shared.under_model(case, allowed, policy, limits).expect(UNDER_MODEL)
    };
    if let Look::Preempt(preemptions) = look {
        let executions = EXHAUST[preemptions.min(EXHAUST.len() - 1)];
        let limits = Limits { executions: Some(executions), time: Some(EXHAUST_TIME) };
        let explore =
            Explore { preemptions: Some(preemptions), stale: case.reads_stale(), abandon: false };
        let allowed = catalogue::allowed(case).unwrap_or_default();
        return model(&allowed, dfs::policy(explore), &limits);
    }
    if case.schedule.is_empty() {
        return under_each_engine(shared, case);
    }
    let once = |allowed: &Allowed| model(allowed, replay::policy(case), &Limits::executions(1));
    // The contracts are asked first: what they object to says more than that an outcome is not allowed.
    let mut report = once(&Allowed::default());
    if report.found.is_none()
        && let Some(allowed) = catalogue::allowed(case)
    {
        report = once(&allowed);
    }
    match look {
        Look::Search(executions) if report.found.is_none() => {
            let limits = Limits { executions: Some(executions), time: Some(SEARCH) };
            let policy = Named::Random.policy(1, case.reads_stale());
            model(&Allowed::default(), policy, &limits)
        }
        _ => report,
    }
}

/// Runs a concurrent case without a schedule again: under each engine that the map can have, for a while.
fn under_each_engine(shared: Shared, case: &Case) -> Report {
    let allowed = catalogue::allowed(case).unwrap_or_default();
    let limits = Limits { executions: Some(20_000), time: Some(Duration::from_secs(10)) };
    let model = |policy| shared.under_model(case, &allowed, policy, &limits).expect(UNDER_MODEL);
    let engines: [&dyn Fn() -> Report; 4] = [
        &|| model(Named::default().policy(1, false)),
        &|| model(Named::default().policy(1, true)),
        &|| model(dfs::policy(Explore { preemptions: Some(2), ..Explore::default() })),
        &|| match (shared, case.running().len()) {
            (Shared::Program, 0..=loom::THREADS_MAX) => {
                loom::run(case, Judge::new(case, allowed.clone()), 2, &limits)
            }
            _ => Report::default(),
        },
    ];
    let mut sum = Report::default();
    for engine in engines {
        let report = engine();
        sum.executions += report.executions;
        sum.steps += report.steps;
        sum.found = report.found;
        if sum.found.is_some() {
            break;
        }
    }
    sum
}

/// Runs a case and tells what it does, step by step: as it happens, if there is but one execution; else, of the last one that
/// was tried.
pub fn traced(lab: Lab, case: &Case, tell: impl FnMut(&Event) + 'static) -> Came {
    let run = || run(lab, case, Look::Once);
    if case.is_sequential() {
        return trace::tell(tell, run);
    }
    let (came, events) = trace::record(run);
    events.iter().for_each(tell);
    came
}
