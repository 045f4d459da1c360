//! What each policy promises: its odds, counted.

use clap::ValueEnum;
use map_core::platform::{Atomic, Place, Platform, Point};
use models::case::Case;
use models::catalogue;
use models::engines::judge::Judge;
use models::engines::shuttle::pending::{Choice, Location, Ordinary};
use models::engines::shuttle::{Lines, Model, Policy, litmus, run};
use models::engines::{Limits, Report};
use models::schedulers::perturb::{self, Table};
use models::schedulers::points::Points;
use models::schedulers::pos::Pos;
use models::schedulers::surw::Surw;
use models::schedulers::{Lasting, Named, bytes, portfolio};
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

type Word = <Model as Platform>::AtomicUsize;

/// A place where threads meet, and one for each that they do not share.
struct Shared {
    met: Word,
    own: [Word; 2],
}

fn shared() -> Shared {
    Shared { met: Word::new(0), own: [Word::new(0), Word::new(0)] }
}

/// Counts how often each outcome comes in so many executions. One litmus run reports which outcomes there are, so each
/// execution is a run of its own, under a policy that goes on.
fn odds(policy: Policy, executions: u32, lines: &[Lines<Shared, usize>]) -> BTreeMap<String, u32> {
    let lasting = Lasting::new(policy);
    let mut counts = BTreeMap::new();
    for _ in 0..executions {
        let Policy { scheduler, chooser, stale } = lasting.policy();
        let once = Policy { scheduler: Box::new(Once(scheduler, false)), chooser, stale };
        let report = litmus(once, shared, lines, None);
        assert!(report.found.is_none(), "{:?}", report.found);
        *counts.entry(report.outcomes.into_iter().next().expect("it ran")).or_default() += 1;
    }
    counts
}

struct Once(Box<dyn Scheduler>, bool);

impl Scheduler for Once {
    fn new_execution(&mut self) -> Option<Schedule> {
        if std::mem::replace(&mut self.1, true) { None } else { self.0.new_execution() }
    }

    fn next_task(&mut self, tasks: &[&Task], current: Option<TaskId>, y: bool) -> Option<TaskId> {
        self.0.next_task(tasks, current, y)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// The share of executions with this outcome.
fn share(counts: &BTreeMap<String, u32>, outcome: &str) -> f64 {
    let all: u32 = counts.values().sum();
    f64::from(counts.get(outcome).copied().unwrap_or(0)) / f64::from(all)
}

#[track_caller]
fn near(share: f64, expected: f64) {
    // Of 4000 draws, four standard deviations are less than 0.032.
    assert!((share - expected).abs() < 0.035, "{share} is not {expected}");
}

const DRAWS: u32 = 4_000;

/// Six steps on what nobody else uses, then the one that matters: who was first?
fn late(shared: &Shared) -> usize {
    for _ in 0..6 {
        shared.own[0].fetch(1);
    }
    shared.met.fetch(1)
}

fn early(shared: &Shared) -> usize {
    shared.met.fetch(2)
}

trait Fetch {
    fn fetch(&self, add: usize) -> usize;
}

impl Fetch for Word {
    fn fetch(&self, add: usize) -> usize {
        use map_core::platform::AtomicNumber;
        self.fetch_add(add, Relaxed)
    }
}

/// A scheduler alone: nothing else is left to chance.
fn only(scheduler: impl Scheduler + 'static) -> Policy {
    Policy { scheduler: Box::new(scheduler), chooser: Box::new(Ordinary), stale: false }
}

fn pos(filter: bool) -> Policy {
    only(Pos::new(5, filter))
}

#[test]
fn pos_draws_the_order_of_a_conflict_whatever_comes_before_it() {
    let late_first = "[0, 1]";
    near(share(&odds(pos(true), DRAWS, &[late, early]), late_first), 0.5);
    // As published: seven priorities must all be above the other's one.
    near(share(&odds(pos(false), DRAWS, &[late, early]), late_first), 1.0 / 8.0);
    // A random walk: seven coins.
    let random = share(&odds(Named::Random.policy(5, false), DRAWS, &[late, early]), late_first);
    assert!(random < 0.02, "{random}");
}

#[test]
fn pos_draws_the_priority_of_who_lost_anew() {
    // One write against two. Who lost to the first of the two has a new chance against the second: 1/2, 1/4, 1/4. With
    // priorities drawn once, each of the three orders would come up as often.
    let two: Lines<Shared, usize> = |shared| 10 * shared.met.fetch(1) + shared.met.fetch(1);
    let one: Lines<Shared, usize> = |shared| shared.met.fetch(5);
    let counts = odds(pos(true), DRAWS, &[two, one]);
    for (order, expected) in [("[56, 0]", 0.5), ("[6, 1]", 0.25), ("[1, 2]", 0.25)] {
        near(share(&counts, order), expected);
    }
}

#[test]
fn the_filter_learns_where_threads_meet_and_nothing_else() {
    let pos = Rc::new(RefCell::new(Pos::new(1, true)));
    struct Kept(Rc<RefCell<Pos>>, u32);
    impl Scheduler for Kept {
        fn new_execution(&mut self) -> Option<Schedule> {
            self.1 += 1;
            if self.1 > 3 { None } else { self.0.borrow_mut().new_execution() }
        }
        fn next_task(&mut self, tasks: &[&Task], here: Option<TaskId>, y: bool) -> Option<TaskId> {
            self.0.borrow_mut().next_task(tasks, here, y)
        }
        fn next_u64(&mut self) -> u64 {
            0
        }
    }
    let read_only: Lines<Shared, usize> = |shared| {
        shared.own[1].load(Acquire);
        early(shared)
    };
    let late: Lines<Shared, usize> = |shared| {
        shared.own[1].load(Acquire);
        late(shared)
    };
    litmus(only(Kept(Rc::clone(&pos), 0)), shared, &[late, read_only], None);
    let pos = pos.borrow();
    assert_eq!(pos.shared().expect("it filters").places().len(), 1, "only `met` is written by two");
}

#[test]
fn surw_draws_each_order_of_the_selected_operations_alike() {
    // Three of one thread against one of another: four orders, by how many of the three came first; and private steps
    // that must not matter.
    let three: Lines<Shared, usize> = |shared| {
        for _ in 0..9 {
            shared.own[0].fetch(1);
        }
        (0..3).map(|_| shared.met.fetch(1)).sum()
    };
    let one: Lines<Shared, usize> = |shared| shared.met.fetch(10) % 10;
    let counts = odds(only(Surw::new(3)), DRAWS, &[three, one]);
    assert_eq!(counts.len(), 4, "{counts:?}");
    counts.keys().for_each(|order| near(share(&counts, order), 0.25));
}

/// A long way, and one moment at which another thread must come in between.
fn publish(shared: &Shared) -> usize {
    for _ in 0..100 {
        shared.own[0].load(Relaxed);
    }
    shared.met.store(1, Release);
    Model::point(Point::AboutToPublishEntry, Place { generation: 0, bucket: 0 });
    shared.met.store(2, Release);
    0
}

#[test]
fn points_hits_a_moment_however_long_the_way_to_it_is() {
    let look: Lines<Shared, usize> = |shared| shared.met.load(Acquire);
    let half_done = "[0, 1]";
    let points = odds(only(Points::new(1)), DRAWS, &[publish, look]);
    // The publisher goes first (1/2). One to three change points: each is between the two stores with a chance of 1/4 as
    // a moment (no step more) and of 1/8 as a meeting (its thread, its second); and too early with one of 1/8.
    let hits = |changes: i32| (7.0f64 / 8.0).powi(changes) - (4.0f64 / 8.0).powi(changes);
    near(share(&points, half_done), 0.5 * (hits(1) + hits(2) + hits(3)) / 3.0);
    let pct = share(&odds(Named::Pct.policy(1, false), DRAWS, &[publish, look]), half_done);
    assert!(pct < 0.03, "{pct}");
}

/// Counts what a table does to a thread that is asked again and again.
fn struck(table: &str, choice: Choice) -> f64 {
    let table = Table::parse(table).expect("a table");
    let (_, mut chooser) = perturb::policy(1, table);
    chooser.new_execution();
    let times = (0..DRAWS).filter(|_| chooser.choose(1, choice) != 0).count();
    times as f64 / f64::from(DRAWS)
}

#[test]
fn perturb_strikes_as_often_as_the_table_says() {
    let place = Place { generation: 0, bucket: 0 };
    let table = "[[perturb]]\nkind = 'abandon'\nprobability = 0.18\n\
        [[perturb]]\nkind = 'grow'\nprobability = 0.1\n";
    near(struck(table, Choice::Abandon(Point::CopyingBucket, place)), 0.18);
    near(struck(table, Choice::GrowEarly(place)), 0.1);
    near(struck(table, Choice::Stall), 0.0);
}

#[test]
fn in_half_of_the_executions_a_place_is_stale_for_a_thread_at_all_of_its_loads_or_none() {
    let table = Table::parse("[[perturb]]\nkind = 'stale'\nprobability = 0.33\n").expect("a table");
    let (_, mut chooser) = perturb::policy(1, table);
    let load = Choice::Read { location: Location::NONE, options: 3 };
    let (mut never, mut always) = (0, 0);
    for _ in 0..DRAWS {
        chooser.new_execution();
        let read: Vec<usize> = (0..20).map(|_| chooser.choose(1, load)).collect();
        never += u32::from(read.iter().all(|&back| back == 0));
        always += u32::from(read.iter().all(|&back| back == 2));
    }
    // As many as the table says, or half, or more.
    let lagging = (0.33 + 0.5 + 0.7) / 3.0;
    near(f64::from(always) / f64::from(DRAWS), 0.5 * lagging);
    near(f64::from(never) / f64::from(DRAWS), 0.5 * (1.0 - lagging));
}

#[test]
fn reads_are_stale_also_where_nothing_else_befalls_anybody() {
    let table = "[[perturb]]\nkind = 'stale'\nprobability = 1.0\n\
        [[perturb]]\nkind = 'abandon'\nprobability = 1.0\n";
    let mut chooser = perturb::whims(1, Table::parse(table).expect("a table"));
    let place = Place { generation: 0, bucket: 0 };
    let (mut stale, mut abandoned) = (0, 0);
    for _ in 0..DRAWS {
        chooser.new_execution();
        stale += chooser.choose(1, Choice::Read { location: Location::NONE, options: 2 }) as u32;
        abandoned += chooser.choose(1, Choice::Abandon(Point::CopyingBucket, place)) as u32;
    }
    assert_eq!(stale, DRAWS);
    near(f64::from(abandoned) / f64::from(DRAWS), 0.5);
}

#[test]
fn perturb_stalls_at_the_moments_of_the_table() {
    let look: Lines<Shared, usize> = |shared| shared.met.load(Acquire);
    let stall = |moment: &str, after: u32| {
        let table = format!(
            "[[perturb]]\nkind = 'stall'\nprobability = 0.35\nrange = [5, 9]\nmoments = ['{moment}']\nafter = [{after}, {after}]\n"
        );
        let (scheduler, chooser) = perturb::policy(2, Table::parse(&table).expect("a table"));
        let policy = Policy { scheduler, chooser, stale: false };
        share(&odds(policy, DRAWS, &[publish, look]), "[0, 1]")
    };
    // Who goes first is drawn; then the table decides.
    near(stall("about-to-publish-entry", 0), 0.5 * 0.35);
    near(stall("about-to-publish-entry", 1), 0.0);
    near(stall("copying-bucket", 0), 0.0);
}

#[test]
fn a_table_that_makes_no_sense_is_refused_with_a_reason() {
    for (table, reason) in [
        ("[[perturb]]\nkind = 'stall'\nprobability = 0.5\n", "a stall needs `range"),
        ("[[perturb]]\nkind = 'grow'\nprobability = 1.5\n", "between 0 and 1"),
        ("[[perturb]]\nkind = 'grow'\nprobability = 0.5\nrange = [1, 2]\n", "only a stall"),
        ("[[perturb]]\nkind = 'grow'\nprobability = 0.5\nafter = [1, 2]\n", "only a stall comes"),
        ("[[perturb]]\nkind = 'sleep'\nprobability = 0.5\n", "unknown variant `sleep`"),
        (
            "[[perturb]]\nkind = 'grow'\nprobability = 0.5\nmoments = ['now']\n",
            "`now` is no moment",
        ),
        ("[[perturb]]\nkind = 'grow'\nprobabilty = 0.5\n", "line 3"),
    ] {
        let error = Table::parse(table).expect_err(reason);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn perturb_tells_the_chain_of_what_it_did() {
    let scenario = catalogue::named("updates_of_one_key_are_not_lost").expect("it is there");
    let wrong = catalogue::scenario("").allows("first", [Some(11)]).allowed;
    let report = run(
        &scenario.case,
        Judge::new(&scenario.case, wrong),
        Named::Perturb.policy(1, false),
        &Limits::executions(2_000),
    );
    let found = report.found.expect("the second update comes first at times");
    assert!(!found.chain.is_empty());
    for link in &found.chain {
        let (at, what) = link.split_once(": ").expect("where, and what");
        assert!(at.contains("(table ") && !what.is_empty(), "{link}");
    }
}

fn once(bytes: &[u8], lines: &[Lines<Shared, usize>]) -> Report {
    let (scheduler, chooser) = bytes::once(bytes);
    litmus(Policy { scheduler, chooser, stale: false }, shared, lines, None)
}

#[test]
fn bytes_are_the_schedule() {
    let look: Lines<Shared, usize> = |shared| shared.met.load(Acquire);
    let lines = [publish, look];
    let outcome = |bytes: &[u8]| once(bytes, &lines).outcomes.into_iter().next().expect("it ran");
    // Nothing said: the first thread goes to its end, then the second.
    assert_eq!(outcome(&[]), "[0, 2]");
    // The other one, now.
    assert_eq!(outcome(&[1 << 5]), "[0, 0]");
    // After 101 decisions (three pauses of 31, the decisions at which they end, and 5): between the two stores.
    let outcomes: Vec<String> =
        (0..=31).map(|last| outcome(&[31, 31, 31, 1 << 5 | last])).collect();
    assert!(outcomes.contains(&"[0, 1]".to_string()), "{outcomes:?}");
    // The same bytes, the same steps.
    assert_eq!(once(&[7, 40, 66], &lines).steps, once(&[7, 40, 66], &lines).steps);
}

#[test]
fn every_policy_repeats_and_replays() {
    let scenario = catalogue::named("updates_of_one_key_are_not_lost").expect("it is there");
    let wrong = catalogue::scenario("").allows("first", [Some(11)]).allowed;
    for named in Named::value_variants() {
        let find = || {
            let judge = Judge::new(&scenario.case, wrong.clone());
            run(&scenario.case, judge, named.policy(9, false), &Limits::executions(5_000))
        };
        let (found, again) = (find(), find());
        assert_eq!((found.executions, found.steps), (again.executions, again.steps), "{named:?}");
        let found = found.found.unwrap_or_else(|| panic!("{named:?} finds the other order"));
        let case = Case { schedule: found.schedule, ..scenario.case.clone() };
        let policy = models::schedulers::replay::policy(&case);
        let replayed = run(&case, Judge::new(&case, wrong.clone()), policy, &Limits::executions(1));
        let replayed = replayed.found.unwrap_or_else(|| panic!("{named:?} replays\n{case}"));
        assert_eq!(replayed.finding.objection, found.finding.objection, "{named:?}\n{case}");
    }
}

#[test]
fn a_portfolio_favours_who_meets_new_situations() {
    use models::coverage::{Coverage, PAIRS, Pair};
    let place = Place { generation: 0, bucket: 0 };
    let table = Table::parse("[[perturb]]\nkind = 'grow'\nprobability = 1.0\n").expect("a table");
    let (mut scheduler, mut chooser) = portfolio::policy(1, &table);
    // Of the members, `perturb` always asks for a growth, `random` never does: the others do in every second execution.
    let mut executions = |fresh: bool| {
        let (mut met, mut struck, mut calm) = (Coverage::default(), 0, 0);
        for number in 0..DRAWS as usize {
            scheduler.new_execution();
            chooser.new_execution();
            let grows = chooser.choose(1, Choice::GrowEarly(place)) == 1;
            if grows {
                struck += 1
            } else {
                calm += 1
            }
            if fresh && grows {
                met.meet(Pair::from_code(number % PAIRS));
            }
            chooser.executed(&met);
        }
        f64::from(struck) / f64::from(struck + calm)
    };
    // Of ten shares `perturb` has one, `random` two.
    near(executions(false), (1.0 + 7.0 * 0.5) / 10.0);
    // Each execution of `perturb` meets something new: five times its share. Half of most others' do: three times theirs.
    let favoured = executions(true);
    let shares = 5.0 + 2.0 + 3.0 * 7.0;
    assert!((favoured - (5.0 + 3.0 * 7.0 * 0.5) / shares).abs() < 0.025, "{favoured}");
}
