//! What a run has covered: pairs of situations, and orders.

use fastrand::Rng;
use map_core::platform::{Atomic, Place, Platform, Point};
use models::catalogue;
use models::coverage::phases::Phases;
use models::coverage::saturation::Saturation;
use models::coverage::{Coverage, PAIRS, Pair};
use models::engines::dfs::{self, Explore};
use models::engines::judge::Judge;
use models::engines::shuttle::{Lines, Model, litmus, run};
use models::engines::{Limits, Report};
use models::op::Op;
use models::schedulers::Named;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::{Acquire, Release};

#[test]
fn every_pair_has_a_number_and_a_line_of_its_own() {
    let mut lines = BTreeSet::new();
    let mut coverage = Coverage::default();
    let mut rng = Rng::with_seed(1);
    for _ in 0..2_000 {
        let code = rng.usize(..PAIRS);
        let pair = Pair::from_code(code);
        assert_eq!(pair.code(), code);
        assert_eq!(lines.insert(pair.to_string()), coverage.meet(pair));
    }
    assert_eq!(coverage.len(), lines.len());
    let folder = tempfile::tempdir().expect("a place for files");
    let path = folder.path().join("findings/coverage.txt");
    assert!(Coverage::load(&path).expect("no file: none met").is_empty());
    coverage.save(&path).expect("it is written");
    assert_eq!(Coverage::load(&path).expect("it was written"), coverage);
    std::fs::write(&path, "get reader old | same | get reader nowhere\n").expect("it is written");
    let error = Coverage::load(&path).expect_err("there is no such state").to_string();
    assert!(error.starts_with("line 1: "), "{error}");
}

/// What threads reach, in order; the pairs they make.
fn pairs(reached: &[(usize, Op, Point, (u64, usize))]) -> Vec<String> {
    let (mut phases, mut coverage) = (Phases::default(), Coverage::default());
    phases.begin();
    let mut met = Vec::new();
    for &(thread, op, point, (generation, bucket)) in reached {
        let mut now = Coverage::default();
        phases.reach(thread, Some(op), point, Place { generation, bucket }, &mut now);
        met.extend(now.pairs().map(|pair| pair.to_string()));
        coverage.add(&now);
    }
    assert_eq!(coverage.len(), met.iter().collect::<BTreeSet<_>>().len());
    met
}

const GET: Op = Op::Get(1);
const PUT: Op = Op::Insert(1, 1);

#[test]
fn a_bucket_goes_through_its_phases() {
    use Point::*;
    let met = pairs(&[
        (1, GET, ReadRoot, (0, 1)),
        (2, PUT, PublishedSuccessor, (0, 2)),
        (2, PUT, ClaimedBucket, (0, 1)),
        (2, PUT, AboutToCopyBucket, (0, 1)),
        (2, PUT, PublishedEvacuated, (0, 1)),
        (1, GET, FollowSuccessor, (0, 1)),
        (1, GET, ReadRoot, (1, 3)),
    ]);
    assert_eq!(
        met,
        [
            "insert grower old | table | get reader old",
            "insert evacuator old | same | get reader old",
            "insert evacuator copying | same | get reader copying",
            "insert evacuator evacuated | same | get reader evacuated",
            "get reader evacuated | same | insert evacuator evacuated",
            "get reader new | sibling | insert evacuator evacuated",
        ]
    );
}

#[test]
fn an_evacuation_that_is_given_up_leaves_an_old_bucket() {
    use Point::*;
    let met = pairs(&[
        (2, PUT, PublishedSuccessor, (0, 2)),
        (2, PUT, CopyingBucket, (0, 1)),
        (2, PUT, AboutToCopyBucket, (0, 1)),
        (2, PUT, ClaimedBucket, (0, 0)),
        (1, GET, ReadRoot, (0, 1)),
    ]);
    assert_eq!(met, ["get reader old | elsewhere | insert evacuator old"]);
}

#[test]
fn buckets_that_one_bucket_feeds_are_siblings() {
    use Point::*;
    let at = |bucket| {
        let met = pairs(&[
            (1, PUT, PublishedSuccessor, (0, 2)),
            (1, PUT, Locked, (1, 1)),
            (2, GET, ReadRoot, (1, bucket)),
        ]);
        met.last().expect("they meet").clone()
    };
    assert_eq!(at(1), "get reader locked | same | insert writer locked");
    assert_eq!(at(3), "get reader new | sibling | insert writer locked");
    assert_eq!(at(2), "get reader new | elsewhere | insert writer locked");
    // When the growth has ended, nothing feeds them any more.
    let after = pairs(&[
        (1, PUT, PublishedSuccessor, (0, 2)),
        (1, PUT, AboutToRetireTable, (0, 2)),
        (1, PUT, Locked, (1, 1)),
        (2, GET, ReadRoot, (1, 3)),
    ]);
    assert_eq!(after, ["get reader resting | elsewhere | insert writer locked"]);
}

fn covered(scenario: &str) -> Coverage {
    let scenario = catalogue::named(scenario).expect("it is in the catalogue");
    let judge = Judge::new(&scenario.case, scenario.allowed.clone());
    let policy = Named::default().policy(1, false);
    run(&scenario.case, judge, policy, &Limits::executions(300)).coverage
}

#[test]
fn a_run_meets_what_its_scenario_is_about_and_nothing_else() {
    let met: BTreeSet<String> = covered("get_during_evacuation_finds_the_key")
        .pairs()
        .map(|pair| pair.to_string())
        .collect();
    assert!(met.contains("insert evacuator copying | same | get reader copying"), "{met:?}");
    assert!(met.contains("get reader new | elsewhere | insert evacuator copying"), "{met:?}");
    assert!(met.iter().all(|pair| !pair.contains("remove") && !pair.contains("walker")));
    let quiet = covered("reader_needs_no_writer");
    assert!(
        quiet.pairs().all(|pair| !pair.to_string().contains("evacuator")),
        "nothing grows there"
    );
}

type Word = <Model as Platform>::AtomicUsize;

/// The orders of all schedules of these lines.
fn orders(lines: &[Lines<[Word; 2], usize>]) -> (u64, f64) {
    let make = || [Word::new(0), Word::new(0)];
    let Report { executions, saturation, found, .. } =
        litmus(dfs::policy(Explore::default()), make, lines, None);
    assert!(found.is_none() && saturation.executions() == executions, "{found:?}");
    (executions, saturation.distinct())
}

#[test]
fn executions_that_differ_in_independent_steps_have_one_order() {
    let here: Lines<[Word; 2], usize> = |words| {
        words[0].store(1, Release);
        0
    };
    let there: Lines<[Word; 2], usize> = |words| {
        words[1].store(1, Release);
        0
    };
    let look: Lines<[Word; 2], usize> = |words| words[0].load(Acquire);
    assert_eq!(orders(&[here, there]), (2, 1.0));
    assert_eq!(orders(&[look, look, look]), (6, 1.0));
    assert_eq!(orders(&[here, here]), (2, 2.0));
    assert_eq!(orders(&[here, here, here]), (6, 6.0));
    // The reads commute; each is before or after the write.
    assert_eq!(orders(&[here, look, look]), (6, 4.0));
}

#[test]
fn the_unseen_mass_is_estimated_also_from_a_sample() {
    for (draws, species) in [(1_000, 2_000), (60_000, 90_000), (60_000, 100)] {
        let mut rng = Rng::with_seed(7);
        let hashes: Vec<u64> = (0..species).map(|_| rng.u64(..)).collect();
        let (mut whole, mut other) = (Saturation::default(), Saturation::default());
        let mut seen = BTreeSet::new();
        for draw in 0..draws {
            let hash = hashes[rng.usize(..species)];
            seen.insert(hash);
            if draw % 3 == 0 { other.record(hash) } else { whole.record(hash) }
        }
        whole.add(&other);
        let truly = 1.0 - seen.len() as f64 / species as f64;
        assert!((whole.unseen() - truly).abs() < 0.05, "{} is not {truly}", whole.unseen());
        let distinct = whole.distinct() / seen.len() as f64;
        assert!((0.95..1.05).contains(&distinct), "{distinct}");
    }
}
