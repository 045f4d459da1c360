//! The catalogue under every engine, within a fixed budget: some executions of everything at random, everything with one
//! preemption, and the smallest scenarios exhausted, under sequential consistency and under loom.
//!
//! `cargo models run` goes on from here.

use clap::ValueEnum;
use models::case::Case;
use models::catalogue::{self, KEY, Scenario, scenario};
use models::drivers::compare::{self, Agreement, agreement};
use models::drivers::{Exit, bench};
use models::engines::dfs::{self, Explore};
use models::engines::judge::Judge;
use models::engines::{Limits, Report, loom, shuttle};
use models::op::Op::{Clear, Get, Insert, Reserve};
use models::schedulers::Named;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: models::memory::Watched = models::memory::Watched;

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
        for named in Named::value_variants() {
            let policy = named.policy(number as u64, false);
            clean(
                scenario,
                &shuttle::run(&scenario.case, judge(scenario), policy, &Limits::executions(30)),
            );
        }
    }
}

/// How many steps an op takes is its own affair, as long as it comes to an end.
#[test]
fn an_op_on_a_large_table_is_no_livelock() {
    for (capacity, op) in [(0, Reserve(65_535)), (65_535, Clear)] {
        let large = scenario("large").thread("writer", [op]).thread("reader", [Get(KEY)]);
        let case = Case { capacity, ..large.case };
        let judge = || Judge::new(&case, large.allowed.clone());
        let policy = Named::Random.policy(1, false);
        let report = shuttle::run(&case, judge(), policy, &Limits::executions(1));
        assert!(report.found.is_none(), "{}", report.found.expect("it is").finding);
        // loom takes no more of them: the case is too large for it, and the map is not to blame.
        let report = loom::run(&case, judge(), 2, &Limits::executions(1));
        assert!(report.found.is_none(), "{}", report.found.expect("it is").finding);
        assert!(!report.exhausted);
    }
}

#[test]
fn stale_reads_find_nothing() {
    for (number, scenario) in catalogue::all().iter().enumerate() {
        let policy = Named::default().policy(number as u64, true);
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

/// Small enough to be exhausted here, twice. `ci/loom.sh` does the others.
const SMALL: [&str; 13] = [
    "get_during_evacuation_finds_the_key",
    "get_against_insert_of_the_same_key_sees_one_of_both",
    "slot_reused_by_another_key_answers_for_it_alone",
    "half_evacuated_table_answers_for_each_bucket_by_itself",
    "get_in_an_overflow_chain_during_its_evacuation",
    "overflow_bucket_is_linked_filled",
    "keys_of_one_hash_stay_apart",
    "get_follows_two_successors",
    "same_size_growth_keeps_every_key",
    "removed_entry_outlives_its_reader",
    "reader_needs_no_writer",
    "panicking_closure_changes_nothing",
    "panicking_hash_changes_nothing",
];

#[test]
fn a_search_that_a_limit_ends_is_not_exhaustive() {
    let scenario = catalogue::named("removed_entry_outlives_its_reader").expect("it is there");
    let explore = Explore { preemptions: Some(2), ..Explore::default() };
    let engines: [&dyn Fn(&Limits) -> Report; 2] =
        [&|limits| dfs::explore(&scenario.case, judge(&scenario), explore, limits), &|limits| {
            loom::run(&scenario.case, judge(&scenario), 2, limits)
        }];
    for run in engines {
        let all = run(&Limits::default());
        assert!(all.exhausted && all.executions > 64, "{} executions", all.executions);
        for fewer in [1, 63, 64, all.executions - 1] {
            let some = run(&Limits::executions(fewer));
            assert_eq!((some.executions, some.exhausted), (fewer, false), "of {}", all.executions);
        }
        let again = run(&Limits::executions(all.executions + 1));
        assert_eq!((again.executions, again.exhausted), (all.executions, true));
        assert!(!run(&Limits::time(Duration::ZERO)).exhausted);
    }
}

#[test]
fn loom_and_exhaustive_search_meet_the_same_outcomes() {
    // Seconds each, on a machine with nothing else to do.
    let limits = Limits::time(Duration::from_secs(600));
    for name in SMALL {
        let scenario = catalogue::named(name).expect("it is in the catalogue");
        let (agreement, _) = compare::compare(&scenario, 2, &limits);
        assert!(
            matches!(agreement, Agreement::Same | Agreement::Explained(_)),
            "{name}: {agreement:?}"
        );
    }
}

#[test]
fn a_difference_between_engines_is_explained_or_reported() {
    let report = |outcomes: &[&str]| Report {
        outcomes: outcomes.iter().map(ToString::to_string).collect(),
        exhausted: true,
        ..Report::default()
    };
    let judged = |search: &[&str], loom: &[&str], further: &[&str]| {
        let look = || report(further);
        agreement(&[report(search), report(loom)], &[], &look, &look)
    };
    assert_eq!(judged(&["a"], &["a"], &[]), Agreement::Same);
    let explained = |why: &str| Agreement::Explained(why.into());
    assert_eq!(judged(&["a"], &["a", "b"], &["b"]), explained("loom has more 1: weak memory"));
    assert_eq!(
        judged(&["a", "b"], &["b"], &["a"]),
        explained("loom misses 1: one more preemption")
    );
    let differ = |how: &str| Agreement::Differ(how.into());
    assert_eq!(judged(&["a"], &["a", "b"], &["a"]), differ("loom has more 1, such as b"));
    assert_eq!(judged(&["a", "b"], &["b"], &["b"]), differ("loom misses 1, such as a"));
    // A panic that its own thread did not meet explains what is missing, and nothing else does.
    let struck = |missing: &str| {
        let look = || report(&[]);
        agreement(&[report(&["a", missing]), report(&["a"])], &["ann"], &look, &look)
    };
    let other = "ann: None; ben: panic; left []";
    assert_eq!(struck(other), explained("loom misses 1: armed panics"));
    for own in ["ann: panic; ben: None; left []", "ann: None; ben: None; left []"] {
        assert_eq!(struck(own), differ(&format!("loom misses 1, such as {own}")));
    }
    let unfinished = Report { exhausted: false, ..report(&["a"]) };
    let look = || panic!("nothing to explain");
    let half = agreement(&[report(&["a"]), unfinished.clone()], &[], &look, &look);
    assert_eq!(half, Agreement::Unfinished("loom"));
    let look = || unfinished.clone();
    let more = agreement(&[report(&["a"]), report(&["a", "b"])], &[], &look, &look);
    assert_eq!(more, Agreement::Unfinished("search with stale reads"));
    let less = agreement(&[report(&["a", "b"]), report(&["a"])], &[], &look, &look);
    assert_eq!(less, Agreement::Unfinished("loom with a preemption more"));
}

/// A claim that the map does not keep, when the writer is first.
fn wrong_claim() -> Scenario {
    scenario("a_key_is_read_before_it_is_there")
        .thread("reader", [Get(KEY)])
        .thread("writer", [Insert(KEY, 7)])
        .allows("reader", [None])
}

/// The cases in a folder.
fn kept(folder: &Path) -> Vec<Case> {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let texts =
        files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"));
    texts.map(|text| Case::parse(&text).expect("a case")).collect()
}

#[test]
fn whatever_finds_something_while_engines_are_compared_is_named() {
    let found = loom::run(&wrong_claim().case, judge(&wrong_claim()), 2, &Limits::default());
    assert!(found.found.is_some());
    let report = |outcome: &str| Report {
        outcomes: BTreeSet::from([outcome.to_string()]),
        exhausted: true,
        ..Report::default()
    };
    let named = |reports: [Report; 2], stale: &Report, further: &Report| match agreement(
        &reports,
        &[],
        &|| stale.clone(),
        &|| further.clone(),
    ) {
        Agreement::Found(engine, kept) => {
            assert_eq!(Some(*kept), found.found);
            engine
        }
        other => panic!("{other:?}"),
    };
    let good = report("a");
    assert_eq!(named([found.clone(), good.clone()], &good, &good), "search");
    assert_eq!(named([good.clone(), found.clone()], &good, &good), "loom");
    // They find something and have the outcome that was to be explained.
    let both = Report { outcomes: ["a", "b"].map(String::from).into(), ..found.clone() };
    let more = [good.clone(), Report { outcomes: both.outcomes.clone(), ..report("a") }];
    assert_eq!(named(more.clone(), &both, &good), "search with stale reads");
    let [less, more] = more;
    assert_eq!(named([more, less], &good, &both), "loom with a preemption more");
}

#[test]
fn what_is_found_while_engines_are_compared_is_kept() {
    let findings = tempfile::tempdir().expect("a place for files").path().join("findings");
    let time = Duration::from_secs(60);
    let options = compare::Options {
        scenarios: Vec::new(),
        at_least: 1,
        preemptions: 2,
        time,
        findings: findings.clone(),
    };
    let (agreement, exit) = compare::one(&wrong_claim(), &options);
    assert!(matches!(agreement, Agreement::Found("search", _)), "{agreement:?}");
    assert_eq!(exit, Exit::Found);
    let kept = kept(&findings);
    assert!(kept.len() == 1 && !kept[0].schedule.is_empty(), "{kept:?}");
}

#[test]
fn what_is_found_while_engines_are_measured_is_kept() {
    let findings = tempfile::tempdir().expect("a place for files").path().join("findings");
    let options = bench::Options { time: Duration::from_millis(50), findings: findings.clone() };
    assert_eq!(bench::measure(&wrong_claim(), &options), Exit::Found);
    let kept = kept(&findings);
    let without = kept.iter().filter(|case| case.schedule.is_empty()).count();
    assert!(kept.len() > 1 && without == 1, "only loom has no schedule: {kept:?}");
}
