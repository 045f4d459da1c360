//! The catalogue under every engine, within a fixed budget: some executions of everything at random, everything with one
//! preemption, and the smallest scenarios exhausted, under sequential consistency and under loom.
//!
//! `cargo models run` goes on from here.

use models::case::Case;
use models::catalogue::{self, Scenario};
use models::engines::dfs::{self, Explore};
use models::engines::judge::Judge;
use models::engines::{Limits, Report, loom, shuttle};
use models::schedulers::Named;
use std::collections::BTreeSet;
use std::time::Duration;

fn judge(scenario: &Scenario) -> Judge {
    Judge::new(&scenario.case, scenario.allowed.clone())
}

#[track_caller]
fn clean(scenario: &Scenario, report: &Report) {
    if let Some(found) = &report.found {
        let case = Case { schedule: found.schedule.clone(), ..scenario.case.clone() };
        panic!("{}: {}\n{case}", scenario.name, found.finding);
    }
    assert!(report.executions > 0, "{}", scenario.name);
}

#[test]
fn every_claim_has_a_name_of_its_own_and_a_text() {
    let all = catalogue::all();
    assert!(all.len() >= 30);
    let names: BTreeSet<&str> = all.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), all.len());
    for scenario in &all {
        assert_eq!(Case::parse(&scenario.case.to_string()).as_ref(), Ok(&scenario.case));
    }
}

#[test]
fn random_schedules_find_nothing() {
    for (number, scenario) in catalogue::all().iter().enumerate() {
        for named in [Named::Random, Named::Pct, Named::Urw] {
            let policy = named.policy(number as u64, false);
            clean(
                scenario,
                &shuttle::run(&scenario.case, judge(scenario), policy, &Limits::executions(60)),
            );
        }
    }
}

#[test]
fn stale_reads_find_nothing() {
    for (number, scenario) in catalogue::all().iter().enumerate() {
        let policy = Named::Random.policy(number as u64, true);
        clean(
            scenario,
            &shuttle::run(&scenario.case, judge(scenario), policy, &Limits::executions(200)),
        );
    }
}

#[test]
fn one_preemption_finds_nothing() {
    for scenario in catalogue::all() {
        let explore = Explore { preemptions: Some(1), ..Explore::default() };
        let limits = Limits::time(Duration::from_secs(5));
        clean(&scenario, &dfs::explore(&scenario.case, judge(&scenario), explore, &limits));
    }
}

#[test]
fn evacuations_given_up_anywhere_find_nothing() {
    for scenario in catalogue::all() {
        let explore = Explore { preemptions: Some(0), abandon: true, ..Explore::default() };
        let limits = Limits::time(Duration::from_secs(1));
        clean(&scenario, &dfs::explore(&scenario.case, judge(&scenario), explore, &limits));
    }
}

/// Small enough to be exhausted here, twice.
const SMALL: [&str; 6] = [
    "get_during_evacuation_finds_the_key",
    "get_against_insert_of_the_same_key_sees_one_of_both",
    "overflow_bucket_is_linked_filled",
    "removed_entry_outlives_its_reader",
    "reader_needs_no_writer",
    "panicking_closure_changes_nothing",
];

#[test]
fn loom_meets_every_outcome_of_sequential_consistency() {
    for name in SMALL {
        let scenario = catalogue::named(name).expect("it is in the catalogue");
        let explore = Explore { preemptions: Some(2), ..Explore::default() };
        let sequential = dfs::explore(
            &scenario.case,
            judge(&scenario),
            explore,
            &Limits::time(Duration::from_secs(20)),
        );
        clean(&scenario, &sequential);
        let weak =
            loom::run(&scenario.case, judge(&scenario), 2, &Limits::time(Duration::from_secs(20)));
        clean(&scenario, &weak);
        assert!(sequential.exhausted && weak.exhausted, "{name} is small");
        assert!(
            weak.outcomes.is_superset(&sequential.outcomes),
            "{name}: loom missed {:?}",
            sequential.outcomes.difference(&weak.outcomes).collect::<Vec<_>>()
        );
    }
}
