//! A concurrent case once more.

use crate::case::Case;
use crate::catalogue;
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, loom, shuttle};
use crate::schedulers::Named;
use std::time::Duration;

/// Runs a concurrent case without a schedule again: under each engine for a while.
pub fn again(case: &Case) -> Report {
    let allowed = catalogue::allowed(case).unwrap_or_default();
    let judge = || Judge::new(case, allowed.clone());
    let limits = Limits { executions: Some(20_000), time: Some(Duration::from_secs(10)) };
    let engines: [&dyn Fn() -> Report; 4] = [
        &|| shuttle::run(case, judge(), Named::default().policy(1, false), &limits),
        &|| shuttle::run(case, judge(), Named::default().policy(1, true), &limits),
        &|| {
            let explore = Explore { preemptions: Some(2), ..Explore::default() };
            dfs::explore(case, judge(), explore, &limits)
        },
        &|| match case.running().len() {
            0..=loom::THREADS_MAX => loom::run(case, judge(), 2, &limits),
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
