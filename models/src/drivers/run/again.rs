//! A concurrent case once more.

use crate::case::Case;
use crate::catalogue;
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, loom};
use crate::schedulers::Named;
use crate::subjects::Shared;
use std::time::Duration;

/// Runs a concurrent case without a schedule again: under each engine that the map can have, for a while.
pub fn again(shared: Shared, case: &Case) -> Report {
    let allowed = catalogue::allowed(case).unwrap_or_default();
    let limits = Limits { executions: Some(20_000), time: Some(Duration::from_secs(10)) };
    let model = |policy| shared.under_model(case, &allowed, policy, &limits).unwrap_or_default();
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
