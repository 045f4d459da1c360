//! The shuttle platform's memory model on the classic litmus tests: every execution, with stale reads; what C++20
//! allows is met, what it forbids is not.
//!
//! Load buffering is not among them: the model does operations in program order, so no load returns a store that is
//! yet to come (`load_buffering_is_excluded` shows that it stays so).

use map_core::platform::{Atomic, AtomicNumber, Platform};
use models::engines::Report;
use models::engines::dfs::{self, Explore};
use models::engines::shuttle::{Lines, Model, litmus};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

type Word = <Model as Platform>::AtomicU64;
type Seen = Vec<u64>;

/// Two atomics, at 0.
struct Two {
    x: Word,
    y: Word,
}

fn two() -> Two {
    Two { x: Word::new(0), y: Word::new(0) }
}

fn explore(lines: &[Lines<Two, Seen>], last: Option<Lines<Two, Seen>>) -> Report {
    let all = Explore { stale: true, ..Explore::default() };
    let report = litmus(dfs::policy(all), two, lines, last);
    assert!(report.found.is_none(), "{:?}", report.found);
    assert!(report.exhausted);
    report
}

/// Checks the outcomes: all of `allowed` are met, and `forbidden` is not.
#[track_caller]
fn expect(report: &Report, allowed: &[&str], forbidden: &[&str]) {
    for outcome in allowed {
        assert!(report.outcomes.contains(*outcome), "{outcome} is allowed: {:?}", report.outcomes);
    }
    for outcome in forbidden {
        assert!(!report.outcomes.contains(*outcome), "{outcome} is forbidden");
    }
}

fn one(order: Ordering, word: &Word) -> u64 {
    word.load(order)
}

// Store buffering: both threads store, then load what the other stores.

#[test]
fn store_buffering_relaxed() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                vec![one(Relaxed, &two.y)]
            },
            |two| {
                two.y.store(1, Relaxed);
                vec![one(Relaxed, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &["[[0], [0]]", "[[0], [1]]", "[[1], [0]]", "[[1], [1]]"], &[]);
}

#[test]
fn store_buffering_release_acquire_is_as_weak() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Release);
                vec![one(Acquire, &two.y)]
            },
            |two| {
                two.y.store(1, Release);
                vec![one(Acquire, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &["[[0], [0]]"], &[]);
}

#[test]
fn store_buffering_seq_cst() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, SeqCst);
                vec![one(SeqCst, &two.y)]
            },
            |two| {
                two.y.store(1, SeqCst);
                vec![one(SeqCst, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &["[[0], [1]]", "[[1], [0]]", "[[1], [1]]"], &["[[0], [0]]"]);
}

/// Both ends have to be SeqCst: neither an access of that order nor two are a fence.
#[test]
fn store_buffering_half_seq_cst() {
    let all = ["[[0], [0]]", "[[0], [1]]", "[[1], [0]]", "[[1], [1]]"];
    let report = explore(
        &[
            |two| {
                two.x.store(1, SeqCst);
                vec![one(Acquire, &two.y)]
            },
            |two| {
                two.y.store(1, SeqCst);
                vec![one(Acquire, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &all, &[]);
    let report = explore(
        &[
            |two| {
                two.x.store(1, Release);
                vec![one(SeqCst, &two.y)]
            },
            |two| {
                two.y.store(1, Release);
                vec![one(SeqCst, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &all, &[]);
}

#[test]
fn store_buffering_with_fences() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                Model::fence(SeqCst);
                vec![one(Relaxed, &two.y)]
            },
            |two| {
                two.y.store(1, Relaxed);
                Model::fence(SeqCst);
                vec![one(Relaxed, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &["[[0], [1]]", "[[1], [0]]", "[[1], [1]]"], &["[[0], [0]]"]);
}

// Message passing: x is the message, y says that it is there.

fn read_both(flag: Ordering) -> impl Fn(&Two) -> Seen {
    move |two| vec![one(flag, &two.y), one(Relaxed, &two.x)]
}

#[test]
fn message_passing_relaxed() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(1, Relaxed);
                vec![]
            },
            |two| read_both(Relaxed)(two),
        ],
        None,
    );
    expect(&report, &["[[], [1, 0]]", "[[], [1, 1]]", "[[], [0, 1]]"], &[]);
}

#[test]
fn message_passing_release_acquire() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(1, Release);
                vec![]
            },
            |two| read_both(Acquire)(two),
        ],
        None,
    );
    expect(&report, &["[[], [1, 1]]", "[[], [0, 0]]", "[[], [0, 1]]"], &["[[], [1, 0]]"]);
}

#[test]
fn message_passing_needs_both_ends() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(1, Release);
                vec![]
            },
            |two| read_both(Relaxed)(two),
        ],
        None,
    );
    expect(&report, &["[[], [1, 0]]"], &[]);
}

#[test]
fn message_passing_with_fences() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                Model::fence(Release);
                two.y.store(1, Relaxed);
                vec![]
            },
            |two| {
                let flag = one(Relaxed, &two.y);
                Model::fence(Acquire);
                vec![flag, one(Relaxed, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &["[[], [1, 1]]", "[[], [0, 0]]"], &["[[], [1, 0]]"]);
}

#[test]
fn message_passing_through_a_release_sequence() {
    // The middle thread adds to the flag, relaxed: it carries on what the first one released.
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(1, Release);
                vec![]
            },
            |two| vec![two.y.fetch_add(1, Relaxed)],
            |two| read_both(Acquire)(two),
        ],
        None,
    );
    expect(&report, &["[[], [1], [2, 1]]"], &["[[], [1], [2, 0]]"]);
}

#[test]
fn a_plain_store_breaks_a_release_sequence() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(1, Release);
                vec![]
            },
            |two| {
                two.y.store(2, Relaxed);
                vec![]
            },
            |two| read_both(Acquire)(two),
        ],
        None,
    );
    expect(&report, &["[[], [], [2, 0]]"], &["[[], [], [1, 0]]"]);
}

/// Looks at the flag, which is raised twice, waits until it is at its highest, then reads the message: what it saw first,
/// whether it has waited, and what it read.
fn wait_and_read(flag: Ordering) -> impl Fn(&Two) -> Seen {
    move |two| {
        let first = one(Relaxed, &two.y);
        let mut waited = 0;
        while one(flag, &two.y) < 2 {
            Model::wait(0);
            waited = 1;
        }
        vec![first, waited, one(Relaxed, &two.x)]
    }
}

fn raise_twice(flag: Ordering) -> impl Fn(&Two) -> Seen {
    move |two| {
        two.x.store(1, Relaxed);
        two.y.store(1, Relaxed);
        two.y.store(2, flag);
        vec![]
    }
}

#[test]
fn message_passing_to_one_who_waits() {
    let lines: [Lines<Two, Seen>; 2] =
        [|two| raise_twice(Relaxed)(two), |two| wait_and_read(Relaxed)(two)];
    let report = explore(&lines, None);
    // Who has seen the flag at 1 waits when the message is there.
    expect(&report, &["[[], [0, 1, 0]]", "[[], [1, 1, 0]]", "[[], [1, 1, 1]]"], &[]);
    let lines: [Lines<Two, Seen>; 2] =
        [|two| raise_twice(Release)(two), |two| wait_and_read(Acquire)(two)];
    let report = explore(&lines, None);
    expect(&report, &["[[], [1, 1, 1]]"], &["[[], [0, 1, 0]]", "[[], [1, 1, 0]]"]);
}

// Independent reads of independent writes.

fn iriw(store: Lines<Two, Seen>, other: Lines<Two, Seen>, read: [Lines<Two, Seen>; 2]) -> Report {
    explore(&[store, other, read[0], read[1]], None)
}

const DISAGREE: &str = "[[], [], [1, 0], [1, 0]]";

#[test]
fn independent_reads_of_independent_writes_release_acquire() {
    let report = iriw(
        |two| {
            two.x.store(1, Release);
            vec![]
        },
        |two| {
            two.y.store(1, Release);
            vec![]
        },
        [
            |two| vec![one(Acquire, &two.x), one(Acquire, &two.y)],
            |two| vec![one(Acquire, &two.y), one(Acquire, &two.x)],
        ],
    );
    expect(&report, &[DISAGREE, "[[], [], [1, 1], [1, 1]]"], &[]);
}

#[test]
fn independent_reads_of_independent_writes_seq_cst() {
    let report = iriw(
        |two| {
            two.x.store(1, SeqCst);
            vec![]
        },
        |two| {
            two.y.store(1, SeqCst);
            vec![]
        },
        [
            |two| vec![one(SeqCst, &two.x), one(SeqCst, &two.y)],
            |two| vec![one(SeqCst, &two.y), one(SeqCst, &two.x)],
        ],
    );
    expect(&report, &["[[], [], [1, 0], [1, 1]]"], &[DISAGREE]);
}

// Coherence: one location alone is never seen to go back.

#[test]
fn coherence_of_two_reads() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.x.store(2, Relaxed);
                vec![]
            },
            |two| vec![one(Relaxed, &two.x), one(Relaxed, &two.x)],
        ],
        None,
    );
    expect(
        &report,
        &["[[], [0, 0]]", "[[], [0, 2]]", "[[], [1, 2]]", "[[], [1, 1]]"],
        &["[[], [1, 0]]", "[[], [2, 1]]", "[[], [2, 0]]"],
    );
}

#[test]
fn coherence_of_writes_in_program_order() {
    let report = explore(
        &[|two| {
            two.x.store(1, Relaxed);
            two.x.store(2, Relaxed);
            vec![]
        }],
        Some(|two| vec![one(Relaxed, &two.x)]),
    );
    expect(&report, &["[[], [2]]"], &["[[], [1]]", "[[], [0]]"]);
}

#[test]
fn coherence_of_a_write_and_a_read() {
    // CoWR and CoRW: a thread reads its own store or a later one; what it read comes before what it stores then.
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                vec![one(Relaxed, &two.x)]
            },
            |two| {
                let before = one(Relaxed, &two.x);
                two.x.store(2, Relaxed);
                vec![before]
            },
        ],
        Some(|two| vec![one(Relaxed, &two.x)]),
    );
    expect(
        &report,
        &["[[1], [0], [2]]", "[[2], [0], [2]]", "[[1], [1], [2]]", "[[1], [0], [1]]"],
        &["[[0], [0], [2]]", "[[1], [1], [1]]", "[[2], [1], [1]]", "[[2], [0], [1]]"],
    );
}

// 2+2W: each thread stores to both, in opposite orders; both first stores may come last.

#[test]
fn two_plus_two_writes_relaxed() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(2, Relaxed);
                vec![]
            },
            |two| {
                two.y.store(1, Relaxed);
                two.x.store(2, Relaxed);
                vec![]
            },
        ],
        Some(|two| vec![one(Relaxed, &two.x), one(Relaxed, &two.y)]),
    );
    expect(&report, &["[[], [], [1, 1]]", "[[], [], [2, 2]]", "[[], [], [1, 2]]"], &[]);
}

#[test]
fn two_plus_two_writes_seq_cst() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, SeqCst);
                two.y.store(2, SeqCst);
                vec![]
            },
            |two| {
                two.y.store(1, SeqCst);
                two.x.store(2, SeqCst);
                vec![]
            },
        ],
        Some(|two| vec![one(Relaxed, &two.x), one(Relaxed, &two.y)]),
    );
    expect(
        &report,
        &["[[], [], [2, 2]]", "[[], [], [1, 2]]", "[[], [], [2, 1]]"],
        &["[[], [], [1, 1]]"],
    );
}

/// A SeqCst store is ordered with others of its kind alone.
#[test]
fn message_passing_back_by_a_seq_cst_store() {
    fn message(two: &Two, first: Ordering) -> Seen {
        two.x.store(1, first);
        two.y.store(1, Relaxed);
        vec![]
    }
    fn answer(two: &Two) -> Seen {
        let flag = one(Relaxed, &two.y);
        two.x.store(2, SeqCst);
        vec![flag]
    }
    let last: Lines<Two, Seen> = |two| vec![one(Relaxed, &two.x)];
    let report = explore(&[|two| message(two, Relaxed), answer], Some(last));
    expect(&report, &["[[], [1], [1]]", "[[], [1], [2]]", "[[], [0], [1]]"], &[]);
    let report = explore(&[|two| message(two, SeqCst), answer], Some(last));
    expect(&report, &["[[], [1], [2]]", "[[], [0], [1]]"], &["[[], [1], [1]]"]);
}

#[test]
fn two_plus_two_writes_behind_fences() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                Model::fence(SeqCst);
                two.y.store(2, SeqCst);
                vec![]
            },
            |two| {
                two.y.store(1, Relaxed);
                Model::fence(SeqCst);
                two.x.store(2, SeqCst);
                vec![]
            },
        ],
        Some(|two| vec![one(Relaxed, &two.x), one(Relaxed, &two.y)]),
    );
    expect(&report, &["[[], [], [2, 2]]", "[[], [], [1, 2]]"], &["[[], [], [1, 1]]"]);
}

#[test]
fn read_modify_writes_are_atomic() {
    let report = explore(
        &[|two| vec![two.x.fetch_add(1, Relaxed)], |two| vec![two.x.fetch_add(1, Relaxed)]],
        Some(|two| vec![one(Relaxed, &two.x)]),
    );
    assert_eq!(report.outcomes.len(), 2, "{:?}", report.outcomes);
    expect(&report, &["[[0], [1], [2]]", "[[1], [0], [2]]"], &["[[0], [0], [1]]"]);
}

#[test]
fn a_failed_compare_exchange_is_a_load() {
    let report = explore(
        &[
            |two| {
                two.x.store(1, Relaxed);
                two.y.store(1, Release);
                vec![]
            },
            |two| {
                let flag =
                    two.y.compare_exchange(7, 8, AcqRel, Acquire).unwrap_or_else(|seen| seen);
                vec![flag, one(Relaxed, &two.x)]
            },
        ],
        None,
    );
    expect(&report, &["[[], [0, 0]]", "[[], [1, 1]]", "[[], [0, 1]]"], &["[[], [1, 0]]"]);
}

#[test]
fn load_buffering_is_excluded() {
    let report = explore(
        &[
            |two| {
                let seen = one(Relaxed, &two.y);
                two.x.store(1, Relaxed);
                vec![seen]
            },
            |two| {
                let seen = one(Relaxed, &two.x);
                two.y.store(1, Relaxed);
                vec![seen]
            },
        ],
        None,
    );
    expect(&report, &["[[0], [0]]", "[[0], [1]]", "[[1], [0]]"], &["[[1], [1]]"]);
}

#[test]
fn without_stale_reads_memory_is_sequentially_consistent() {
    let plain = Explore::default();
    let report = litmus::<Two, Seen>(
        dfs::policy(plain),
        two,
        &[
            |two| {
                two.x.store(1, Relaxed);
                vec![one(Relaxed, &two.y)]
            },
            |two| {
                two.y.store(1, Relaxed);
                vec![one(Relaxed, &two.x)]
            },
        ],
        None,
    );
    assert_eq!(report.outcomes.len(), 3, "{:?}", report.outcomes);
    expect(&report, &[], &["[[0], [0]]"]);
}

// Executions that do not repeat: each test's threads look at how often they have run, as no map may.

/// Explores what changes from one execution to the next: the search says so, and does not pass for complete.
#[track_caller]
fn expect_no_repetition(lines: &[Lines<Two, Seen>]) {
    let all = Explore { stale: true, ..Explore::default() };
    let report = litmus(dfs::policy(all), two, lines, None);
    let found = report.found.expect("it is noticed").finding.to_string();
    assert!(found.contains("an execution that is repeated comes to the same choices"), "{found}");
    assert!(!report.exhausted);
}

fn store_and_load(two: &Two) -> Seen {
    two.x.store(1, Relaxed);
    vec![one(Relaxed, &two.x)]
}

#[test]
fn an_execution_that_ends_sooner_than_before_is_noticed() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let at_first: Lines<Two, Seen> = |two| match RUNS.fetch_add(1, SeqCst) {
        0 => store_and_load(two),
        _ => vec![],
    };
    expect_no_repetition(&[store_and_load, at_first]);
}

#[test]
fn other_threads_to_choose_from_than_before_are_noticed() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let more_later: Lines<Two, Seen> = |two| {
        (0..=RUNS.fetch_add(1, SeqCst).min(1)).for_each(|value| two.y.store(value, Relaxed));
        vec![]
    };
    expect_no_repetition(&[more_later, store_and_load, store_and_load]);
}

#[test]
fn other_values_to_choose_from_than_before_are_noticed() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let here_or_there: Lines<Two, Seen> = |two| {
        two.x.store(1, Relaxed);
        let second = if RUNS.fetch_add(1, SeqCst) == 0 { &two.x } else { &two.y };
        second.store(2, Relaxed);
        vec![]
    };
    expect_no_repetition(&[here_or_there, |two| vec![one(Relaxed, &two.x)]]);
}
