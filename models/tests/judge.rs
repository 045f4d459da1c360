//! The exam of the judge for memory models without a common time: stories with known verdicts, and the naive judge, which
//! tries every order.

#[path = "judge/brute.rs"]
mod brute;
#[path = "judge/stories.rs"]
mod stories;

use fastrand::Rng;
use models::case::{Case, Thread};
use models::catalogue::Allowed;
use models::engines::judge::partial::{self, OPS_MAX};
use models::engines::judge::{Judge, ONLOOKER, Time};
use models::engines::loom::Loom;
use models::engines::program::Program;
use models::generators::histories::{self, Shape};
use models::history::History;
use models::op::{Op, Ret};
use models::oracles::whole_map::{Contracts, Iteration, Walk};
use models::subjects::Subject;
use models::triage::Came;
use models::triage::lab::{self, Lab, Look};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

/// A thread and an index among its ops.
type Place = (usize, usize);

/// What happened, and what of it happened before what: all pairs, so that it is transitive.
struct Story {
    history: History,
    before: BTreeSet<(Place, Place)>,
}

impl Story {
    /// With these pairs, and those that follow from them and from the threads' order.
    fn new(history: History, pairs: impl IntoIterator<Item = (Place, Place)>) -> Story {
        let places = places(&history);
        let mut before: BTreeSet<(Place, Place)> = pairs.into_iter().collect();
        for &(thread, at) in &places {
            before.extend((0..at).map(|earlier| ((thread, earlier), (thread, at))));
        }
        for &middle in &places {
            for &first in &places {
                for &second in &places {
                    if before.contains(&(first, middle)) && before.contains(&(middle, second)) {
                        before.insert((first, second));
                    }
                }
            }
        }
        Story { history, before }.under(Contracts::STRICT)
    }

    /// Of a map that promises this.
    fn under(mut self, contracts: Contracts) -> Story {
        self.history.contracts = contracts;
        self
    }

    /// From lines: `given k1 v5`; `thread op -> answer`, or `thread op` if it never returned; and
    /// `thread.0 < other.1` if an op happened before another.
    fn told(lines: &str) -> Story {
        let (mut facts, mut events, mut pairs) = (String::new(), String::new(), Vec::new());
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(pair) = line.split_once(" < ") {
                pairs.push(pair);
            } else if line.starts_with("given ") {
                writeln!(facts, "{line}").expect("a string grows");
            } else {
                let (call, answer) = line.split_once(" -> ").unzip();
                let call = call.unwrap_or(line);
                let thread = call.split(' ').next().unwrap_or_default();
                let end = answer.map_or(format!("panic {thread}"), |answer| {
                    format!("return {thread} {answer}")
                });
                writeln!(events, "call {call}\n{end}").expect("a string grows");
            }
        }
        let text = format!("history 1\n{facts}events\n{events}");
        let history = History::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let place = |text: &str| {
            let (thread, at) = text.split_once('.').expect("a thread and a number");
            let thread = history.threads().iter().position(|name| name == thread);
            (thread.expect("a thread of the story"), at.parse().expect("a number"))
        };
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (place(a), place(b))).collect();
        Story::new(history, pairs)
    }

    fn is_legal(&self, last: &str) -> bool {
        partial::judge(&self.history, &|first, second| self.before.contains(&(first, second)), last)
            .is_ok()
    }

    /// What the naive judge says of keys from 0.
    fn is_legal_in_some_order(&self, keys: u16, last: &str) -> bool {
        let places = places(&self.history);
        let is_last = |place: Place| self.history.threads()[place.0] == last;
        brute::is_legal(&self.history, keys, &|first, second| {
            let (first, second) = (places[first], places[second]);
            match (is_last(first), is_last(second)) {
                (false, true) => true,
                (true, false) => false,
                _ => self.before.contains(&(first, second)),
            }
        })
    }
}

/// Where the ops of a history are.
fn places(history: &History) -> Vec<Place> {
    let mut counts = vec![0; history.threads().len()];
    let place = |operation: &models::history::Operation<'_>| {
        counts[operation.thread] += 1;
        (operation.thread, counts[operation.thread] - 1)
    };
    history.operations().iter().map(place).collect()
}

#[test]
fn answers_that_some_order_explains_are_accepted() {
    for (claim, lines) in stories::LEGAL {
        assert!(Story::told(lines).is_legal(ONLOOKER), "{claim}");
    }
}

#[test]
fn answers_that_no_order_explains_are_objected_to() {
    for (claim, lines) in stories::ILLEGAL {
        assert!(!Story::told(lines).is_legal(ONLOOKER), "{claim}");
    }
}

#[test]
fn a_map_is_held_to_what_it_promises_of_its_walks() {
    for (claim, contracts, lines) in stories::PROMISED {
        assert!(Story::told(lines).under(*contracts).is_legal(ONLOOKER), "{claim}");
        assert!(!Story::told(lines).is_legal(ONLOOKER), "{claim}, where more is promised");
    }
    for (claim, lines) in stories::LEGAL {
        assert!(Story::told(lines).under(Contracts::WEAK).is_legal(ONLOOKER), "{claim}");
    }
    for (claim, lines) in stories::NOT_PROMISED {
        for (iteration, walk) in [
            (Iteration::Apart, Walk::Again),
            (Iteration::Apart, Walk::Once),
            (Iteration::Together, Walk::Again),
            (Iteration::Together, Walk::Once),
        ] {
            let contracts = Contracts { iteration, walk, ..Contracts::WEAK };
            assert!(!Story::told(lines).under(contracts).is_legal(ONLOOKER), "{claim}");
        }
    }
}

const SMALL: Shape =
    Shape { threads: 3, ops: 6, keys: 2, values: 3, whole_percent: 20, pending_percent: 40 };

/// A history with this many things changed in it. Some of its ops happen before others: of pairs that follow each other
/// in time, or of others without a circle, as many as chance has it.
fn draw(seed: u64, spoilings: usize, in_order: bool) -> Story {
    let rng = &mut Rng::with_seed(seed);
    let mut history = histories::linearizable(SMALL, rng);
    for _ in 0..spoilings {
        history = histories::spoil(&history, rng);
    }
    let operations = history.operations();
    let places = places(&history);
    let percent = [0, 20, 60][rng.usize(..3)];
    let ranks: Vec<u8> = places.iter().map(|_| rng.u8(..)).collect();
    let mut pairs = Vec::new();
    for first in 0..places.len() {
        for second in 0..places.len() {
            let follows = match in_order {
                true => operations[first].returned < operations[second].call,
                // By rank among those that are as far in their threads, so there is no circle.
                false => (places[first].1, ranks[first]) < (places[second].1, ranks[second]),
            };
            if follows && rng.u8(..100) < percent {
                pairs.push((places[first], places[second]));
            }
        }
    }
    Story::new(history, pairs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_every_order(seed: u64, spoilings in 0_usize..3, in_order: bool, last in 0..4) {
        let (story, last) = (draw(seed, spoilings, in_order), format!("t{last}"));
        let legal = story.is_legal(&last);
        prop_assert_eq!(
            legal, story.is_legal_in_some_order(SMALL.keys, &last), "{:?}\n{}", story.before, story.history
        );
    }

    /// What is linearizable in real time is so with less to keep to.
    #[test]
    fn a_history_of_a_right_map_is_legal(seed: u64) {
        let story = draw(seed, 0, true);
        prop_assert!(story.is_legal("nobody"), "{:?}\n{}", story.before, story.history);
        let story = story.under(Contracts::WEAK);
        prop_assert!(story.is_legal("nobody"), "{:?}\n{}", story.before, story.history);
    }
}

#[test]
fn the_histories_drawn_are_of_both_kinds() {
    let legal = (0..1_000).filter(|&seed| draw(seed, 1, seed % 2 == 0).is_legal("nobody")).count();
    assert!((200..800).contains(&legal), "{legal} of 1000 are legal");
}

/// Two threads with so many ops on one key, half each.
fn case(ops: usize) -> Case {
    let thread = |name: &str, count: usize| Thread {
        name: name.into(),
        ops: vec![Op::Get(1); count],
        notes: Vec::new(),
    };
    let threads = vec![thread("first", ops / 2), thread("second", ops - ops / 2)];
    Case { threads, ..Case::default() }
}

/// What the judge says of a run under loom in which an op of the first thread answered this and left an empty map.
fn judged(op: Op, answer: Ret) -> Result<(), String> {
    let verdict = Arc::new(Mutex::new(Ok(())));
    let told = Arc::clone(&verdict);
    loom::model(move || {
        let case = case(2);
        let judge = Judge::new(&case, Allowed::default());
        let recorder = judge.recorder();
        recorder.call(0, op);
        recorder.returned(0, answer.into());
        let mut map = Program::<u64, u64, Loom>::new(&case);
        let judged = judge.judge(&[], &recorder, &mut map, Time::Weak(&|_, _| false));
        *told.lock().expect("nobody panics") = judged.map(drop).map_err(|objection| objection.rule);
    });
    verdict.lock().expect("nobody panics").clone()
}

#[test]
fn a_run_without_real_time_is_judged_with_what_it_left() {
    assert_eq!(judged(Op::Get(1), Ret::Value(None)), Ok(()));
    assert_eq!(judged(Op::Get(1), Ret::Value(Some(7))), Err(partial::RULE.to_string()));
    assert_eq!(judged(Op::Insert(1, 7), Ret::Value(None)), Err(partial::RULE.to_string()));
}

#[test]
fn a_case_that_cannot_be_judged_is_refused() {
    // Two more may be the onlooker's.
    assert_eq!(partial::fits(&case(OPS_MAX - 2), ONLOOKER), Ok(()));
    let why = |case: &Case| match lab::run(Lab::new(Subject::MAP), case, Look::Once) {
        Came::Unfit(why) => why,
        other => panic!("it is run: {other:?}"),
    };
    let long = why(&case(OPS_MAX - 1));
    assert!(long.starts_with("65 ops concern k1, the last looks at it included"), "{long}");
    let mut named = case(2);
    named.threads[1].name = ONLOOKER.into();
    assert_eq!(why(&named), "no thread may be called onlooker: so is who looks at what is left");
}

#[test]
fn the_longest_history_is_judged() {
    let lines = |count: usize, seen: &str| {
        let mut lines = "given k1 v1\n".to_string();
        (1..count).for_each(|_| lines += "reader get k1 -> Some(v1)\n");
        lines + &format!("reader get k1 -> {seen}")
    };
    assert!(Story::told(&lines(OPS_MAX, "Some(v1)")).is_legal("nobody"));
    assert!(!Story::told(&lines(OPS_MAX, "None")).is_legal("nobody"));
}
