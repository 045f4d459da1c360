//! The catalogue under every engine, within a fixed budget.

use models::catalogue::{self, Scenario};
use models::engines::dfs::{self, Explore};
use models::engines::judge::Judge;
use models::engines::{Limits, Report, shuttle};
use models::schedulers::Named;
use std::time::{Duration, Instant};

fn judge(scenario: &Scenario) -> Judge {
    Judge::new(&scenario.case, scenario.allowed.clone())
}

#[track_caller]
fn clean(scenario: &Scenario, report: &Report) {
    if let Some(found) = &report.found {
        let mut case = scenario.case.clone();
        case.schedule = found.schedule.clone();
        panic!("{}: {}\n{case}", scenario.name, found.finding);
    }
}

#[test]
fn random_schedules_find_nothing() {
    for scenario in catalogue::all() {
        let begun = Instant::now();
        let limits = Limits { executions: Some(300), time: Some(Duration::from_secs(2)) };
        let report =
            shuttle::run(&scenario.case, judge(&scenario), Named::Random.policy(1, false), &limits);
        println!(
            "{:60} {:6} executions {:8} steps {:4} outcomes {:?}",
            scenario.name,
            report.executions,
            report.steps,
            report.outcomes.len(),
            begun.elapsed()
        );
        clean(&scenario, &report);
    }
}

#[test]
fn one_preemption_finds_nothing() {
    for scenario in catalogue::all() {
        let begun = Instant::now();
        let explore = Explore { preemptions: Some(1), ..Explore::default() };
        let limits = Limits::time(Duration::from_secs(5));
        let report = dfs::explore(&scenario.case, judge(&scenario), explore, &limits);
        println!(
            "{:60} {:6} executions {:8} steps {:4} outcomes {:?} {}",
            scenario.name,
            report.executions,
            report.steps,
            report.outcomes.len(),
            begun.elapsed(),
            report.exhausted
        );
        clean(&scenario, &report);
    }
}
