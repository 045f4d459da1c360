//! Maps under real threads: right ones pass, and each of those broken on purpose is found by the oracle that must.
//!
//! `THREADS_ROUNDS` makes the first part longer.

#[path = "threads/broken.rs"]
mod broken;

use broken::{Broken, fault};
use fastrand::Rng;
use models::case::{Case, Expectation};
use models::concurrent_subject::ConcurrentSubject;
use models::engines::threads::{self, Failure, Settings, Stamps};
use models::generators::programs;
use models::history::History;
use models::oracles::linearizability::Budget;
use models::oracles::whole_map::{Contracts, judge};
use models::subjects::{self, Subject};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: models::memory::Watched = models::memory::Watched;

fn settings(round: u64) -> Settings {
    let stamps = if round.is_multiple_of(2) { Stamps::Sequence } else { Stamps::Timer };
    Settings { stamps, ..Settings::default() }
}

fn rounds() -> u64 {
    let number = |text: String| text.parse().expect("THREADS_ROUNDS is a number");
    std::env::var("THREADS_ROUNDS").map_or(150, number)
}

#[test]
fn right_maps_pass() {
    // That one and the next are the same where there are several threads.
    for subject in subjects::all().filter(|&subject| subject != Subject::MAP) {
        let Some(shared) = subject.shared() else { continue };
        let (mut ops, mut unknown) = (0, 0);
        for round in 0..rounds() {
            let mut rng = Rng::with_seed(round);
            let (threads, length) = (rng.usize(2..6), rng.usize(1..120));
            let case = programs::case(threads, length, &mut rng);
            // A thread that loses its processor in the midst of an op overlaps many.
            let settings = Settings { budget: Budget(100_000_000), ..settings(round) };
            match shared.on_threads()(&case, settings) {
                Ok(report) => {
                    ops += report.ops;
                    unknown += report.unknown;
                }
                Err(failure) => {
                    panic!("{subject:?}, round {round}: {failure}\n{}", failure.history)
                }
            }
        }
        println!("{subject:?}: {ops} ops, {unknown} questions open");
        assert!(ops > 20 * rounds() as usize, "the rounds do something");
        assert_eq!(unknown, 0, "the budget is enough");
    }
}

/// The first failure in some rounds of generated programs that `is_wanted`.
fn hunt<S: ConcurrentSubject>(
    rounds: u64,
    is_wanted: impl Fn(&Failure) -> bool,
) -> Option<(u64, Box<Failure>)> {
    (0..rounds).find_map(|round| {
        let mut rng = Rng::with_seed(round);
        let case = programs::case(3, 40, &mut rng);
        let settings = Settings { patience: Duration::from_millis(500), ..settings(round) };
        let failure = threads::run::<S>(&case, settings).err()?;
        is_wanted(&failure).then_some((round, failure))
    })
}

/// A fault may show in other ways too, as the threads have it; `oracle` must see it by itself.
fn found<const FAULT: u8>(oracle: &str, rule: &str) {
    let is_wanted =
        |failure: &Failure| failure.objection.oracle == oracle && failure.objection.rule == rule;
    let (round, failure) = hunt::<Broken<FAULT>>(2_000, is_wanted).expect("the fault is found");
    println!("round {round}: {failure}");
    let objection = &failure.objection;
    // What was kept shows the same again, without the map.
    let history = History::parse(&failure.history.to_string()).expect("it is well formed");
    assert_eq!(history.expect, Expectation::Finding(oracle.to_string()));
    if !["panics", "progress", "well-formed"].contains(&oracle) {
        let again = judge(&history, Budget::default()).expect_err("it is still broken");
        assert_eq!(&*again, objection);
    }
}

const ON_KEYS: &str =
    "the ops on each key take effect one at a time, each between its call and its return";

macro_rules! faults {
    ($($name:ident: $fault:ident, $oracle:expr, $rule:expr;)*) => {$(
        #[test]
        fn $name() {
            found::<{ fault::$fault }>($oracle, $rule);
        }
    )*};
}

faults! {
    a_lost_update_is_found: LOST_UPDATE, "linearizability", ON_KEYS;
    a_stale_get_is_found: STALE_GET, "linearizability", ON_KEYS;
    a_resurrected_key_is_found: RESURRECTED, "linearizability", ON_KEYS;
    a_key_missed_meanwhile_is_found: MISSED, "linearizability", ON_KEYS;
    two_winning_removes_are_found: TWO_REMOVES_WIN, "linearizability", ON_KEYS;
    two_first_inserts_are_found: TWO_ARE_FIRST, "linearizability", ON_KEYS;
    a_compute_in_two_steps_is_found: COMPUTE_IN_STEPS, "linearizability", ON_KEYS;
    an_insert_that_hides_the_old_value_is_found: HIDES_OLD, "linearizability", ON_KEYS;
    a_clear_that_forgets_is_found: CLEAR_FORGETS, "linearizability", ON_KEYS;
    a_retain_that_takes_too_much_is_found: RETAIN_TAKES, "linearizability", ON_KEYS;
    a_retain_that_leaves_something_is_found: RETAIN_LEAVES, "linearizability", ON_KEYS;
    an_iteration_that_repeats_is_found: REPEATS, "iteration", "an entry is yielded at most once";
    an_iteration_that_skips_is_found: SKIPS, "iteration", "an entry there throughout is yielded";
    an_iteration_of_the_removed_is_found: YIELDS_REMOVED, "iteration", "an entry absent throughout is not yielded";
    an_iteration_that_makes_up_is_found: MAKES_UP, "iteration", "an entry absent throughout is not yielded";
    an_iteration_of_old_values_is_found: OLD_VALUES, "iteration",
        "an entry is yielded with a value that it had during the call";
    a_len_that_drifts_is_found: LEN_DRIFTS, "len",
        "len is between the entries there throughout the call and those there at some moment of it";
    a_broken_structure_is_found: ILL_FORMED, "well-formed", "the fault is not there";
    a_panic_is_found: PANICS, "panics", "no op panics on its own";
    a_thread_that_stalls_is_found: STALLS, "progress", "every op returns";
    a_retain_that_takes_what_it_did_not_judge_is_found: RETAIN_TAKES_UNJUDGED, "linearizability", ON_KEYS;
    a_capability_without_a_method_is_found: UNDECLARED, "panics", "no op panics on its own";
}

#[test]
fn a_panic_is_told_rather_than_the_stall_that_it_causes() {
    let (_, failure) = hunt::<Broken<{ fault::PANICS_HOLDING }>>(100, |failure| {
        let calls = failure.history.operations();
        calls.iter().filter(|call| call.answer.is_none()).count() > 1
    })
    .expect("somebody waits for who panicked");
    assert_eq!(failure.objection.oracle, "panics", "{failure}");
}

#[test]
fn the_map_that_faults_are_planted_in_is_right() {
    assert_eq!(hunt::<Broken<{ fault::NONE }>>(300, |_| true), None);
}

/// Contracts differ: what one map promises another does not.
#[test]
fn a_contract_says_what_a_map_promises() {
    let text = include_str!("../../corpus/histories/illegal/iterations-disagree-on-the-order.txt");
    let mut history = History::parse(text).expect("it is well formed");
    assert!(judge(&history, Budget::default()).is_err());
    history.contracts = Contracts::WEAK;
    assert!(judge(&history, Budget::default()).is_ok());
}

#[test]
fn a_failure_is_kept_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let case = Case::parse("case 1\nthread a\n iter\nend\n").expect("a case");
    let failure = threads::run::<Broken<{ fault::MAKES_UP }>>(&case, Settings::default());
    let failure = failure.expect_err("it makes up an entry");
    let path = failure.keep(directory.path()).expect("it is kept");
    assert_eq!(failure.keep(directory.path()).expect("again"), path);
    let kept = History::parse(&std::fs::read_to_string(path).expect("a file"));
    assert_eq!(kept.as_ref(), Ok(&failure.history));
    assert!(failure.history.story.iter().any(|line| line == "thread a"), "the case is in it");
}
