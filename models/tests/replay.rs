//! A schedule that was recorded comes to the same end when it is replayed, also when the code has changed elsewhere.

use models::case::schedule::{At, Departure};
use models::case::{Case, Forced};
use models::catalogue::{self, Allowed, Scenario, scenario};
use models::engines::judge::Judge;
use models::engines::shuttle::run;
use models::engines::{Found, Limits};
use models::schedulers::{Named, replay};

/// Scenarios with something forbidden that does happen.
fn wrong() -> Vec<Scenario> {
    let forbid = |name: &str, role: &str, allowed: Vec<Option<u64>>| {
        let known = catalogue::named(name).expect("it is in the catalogue");
        let allowed = scenario("").allows(role, allowed).allowed;
        Scenario { allowed, ..known }
    };
    vec![
        forbid("get_against_insert_of_the_same_key_sees_one_of_both", "reader", vec![Some(2)]),
        forbid("gets_never_go_back_across_an_evacuation", "reader", vec![Some(100), Some(100)]),
        forbid("overflow_bucket_is_linked_filled", "reader", vec![None, None]),
        forbid("updates_of_one_key_are_not_lost", "first", vec![Some(11)]),
        forbid("reader_needs_no_writer", "reader", vec![Some(2), Some(2)]),
    ]
}

fn find(scenario: &Scenario, named: Named, stale: bool) -> Found {
    let judge = Judge::new(&scenario.case, scenario.allowed.clone());
    let report = run(&scenario.case, judge, named.policy(3, stale), &Limits::executions(5_000));
    report.found.unwrap_or_else(|| panic!("{} happens", scenario.name))
}

fn again(case: &Case, allowed: &Allowed) -> Option<Found> {
    let judge = Judge::new(case, allowed.clone());
    run(case, judge, replay::policy(case), &Limits::executions(1)).found
}

#[test]
fn a_recorded_schedule_replays() {
    for scenario in wrong() {
        for (named, stale) in [
            (Named::Random, false),
            (Named::Pct, false),
            (Named::Urw, false),
            (Named::Random, true),
        ] {
            let found = find(&scenario, named, stale);
            let case = Case { schedule: found.schedule, ..scenario.case.clone() };
            let read = Case::parse(&case.to_string()).expect("it was printed");
            assert_eq!(read, case);
            let replayed = again(&read, &scenario.allowed).unwrap_or_else(|| {
                panic!("{} {named:?} {stale} does not replay\n{case}", scenario.name)
            });
            assert_eq!(
                replayed.finding.objection, found.finding.objection,
                "{named:?} {stale}\n{case}"
            );
            assert_eq!(
                replayed.schedule, case.schedule,
                "what is recorded of the replay is the schedule"
            );
        }
    }
}

#[test]
fn a_schedule_survives_steps_that_are_no_longer_there() {
    // The writer publishes the entry, then the reader looks. However many steps it is said to be to the unlocking, and
    // with departures of moments that never come.
    let scenario = wrong().remove(2);
    let departure = |text: &str| text.parse::<Forced>().expect("a departure");
    for steps in [0, 1, 50] {
        let mut after: Forced = departure("switch writer.0 published-entry#0+0 to reader");
        if let Some(At { steps: old, .. }) = &mut after.moment.at {
            *old = steps;
        }
        let schedule = vec![
            departure("switch given.end to writer"),
            departure("stall writer.0 about-to-drain-segment#7+0"),
            after,
        ];
        let case = Case { schedule, ..scenario.case.clone() };
        assert!(again(&case, &scenario.allowed).is_some() || steps == 0, "{steps}");
    }
    assert_eq!(departure("stall writer.0 start+2").departure, Departure::Stall);
}
