//! The checker's own exam: histories with known verdicts (`corpus/histories`), and the naive checker, which tries
//! every order of everything.

#[path = "linearizability/brute.rs"]
mod brute;

use fastrand::Rng;
use models::case::Expectation;
use models::drivers::{Exit, replay};
use models::generators::histories::{self, Shape};
use models::history::{History, What};
use models::op::{Kind, Op};
use models::oracles::linearizability::partition::{self, Single};
use models::oracles::linearizability::search::search;
use models::oracles::linearizability::{Budget, Found, Outcome, check, key_of};
use models::oracles::whole_map::{Contracts, Iteration, Length, Walk, judge};
use models::spec::{Ordered, Spec};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn corpus(folder: &str) -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../corpus/histories").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&root)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(files.len() >= 12, "an exam has at least 12 questions of each kind");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        (path.display().to_string(), text)
    };
    files.into_iter().map(read).collect()
}

fn read(name: &str, text: &str) -> History {
    let history = History::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!history.story.is_empty(), "{name}: a history has a story");
    assert_eq!(history.to_string(), text, "{name}: a file is as the program writes it");
    history
}

#[test]
fn linearizable_histories_are_accepted() {
    for (name, text) in corpus("linearizable") {
        let history = read(&name, &text);
        assert_eq!(history.expect, Expectation::Pass, "{name}");
        let verdict = judge(&history, Budget::default());
        assert_eq!(verdict, Ok(0), "{name}");
    }
}

#[test]
fn illegal_histories_are_objected_to_by_the_oracle_named() {
    for (name, text) in corpus("illegal") {
        let history = read(&name, &text);
        let Expectation::Finding(oracle) = &history.expect else {
            panic!("{name}: an illegal history names the oracle that objects");
        };
        let objection = judge(&history, Budget::default())
            .expect_err(&format!("{name}: {oracle} should object"));
        assert_eq!(objection.oracle, oracle, "{name}: {objection:?}");
    }
}

#[test]
fn the_command_line_judges_histories_too() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../corpus/histories");
    let replay = |file: PathBuf| {
        replay::drive(&replay::Options {
            files: vec![file],
            subject: None,
            show: false,
            in_process: true,
        })
    };
    assert_eq!(replay(root.join("illegal/lost-update.txt")), Exit::Clean, "as expected");
    assert_eq!(replay(root.join("linearizable/updates-add-up.txt")), Exit::Clean);
    let directory = tempfile::tempdir().expect("a directory");
    let written = |text: &str| {
        let path = directory.path().join("history.txt");
        std::fs::write(&path, text).expect("it can be written");
        path
    };
    let lost = std::fs::read_to_string(root.join("illegal/lost-update.txt")).expect("it is there");
    let unexpected = lost.replace("finding linearizability", "pass");
    assert_eq!(replay(written(&unexpected)), Exit::Found);
    assert_eq!(replay(written("history 1\nevents\nreturn a None\n")), Exit::Bad);
}

const SMALL: Shape =
    Shape { threads: 3, ops: 6, keys: 2, values: 3, whole_percent: 0, pending_percent: 30 };

/// Iterations in one order with everything else, as the naive checker has it; it does not judge `len`.
const TOGETHER: Contracts =
    Contracts { iteration: Iteration::Together, length: Length::Counted, walk: Walk::Once };

fn has_len(history: &History) -> bool {
    history.events().iter().any(|event| event.what == What::Call(Op::Len))
}

fn agrees(history: &History, keys: u16) -> Result<(), TestCaseError> {
    let Some(expected) = brute::linearizable(history, keys) else { return Ok(()) };
    let mut history = history.clone();
    history.contracts = TOGETHER;
    let verdict = judge(&history, Budget::default());
    prop_assert_eq!(verdict.is_ok(), expected, "{:?}\n{}", verdict, history);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_every_permutation(seed: u64, spoilings in 0..3) {
        let mut rng = Rng::with_seed(seed);
        let mut history = histories::linearizable(SMALL, &mut rng);
        prop_assert_eq!(brute::linearizable(&history, SMALL.keys), Some(true), "{}", history);
        for _ in 0..spoilings {
            history = histories::spoil(&history, &mut rng);
        }
        agrees(&history, SMALL.keys)?;
    }

    #[test]
    fn agrees_with_every_permutation_on_whole_map_ops(seed: u64, spoilings in 0..3) {
        let mut rng = Rng::with_seed(seed);
        let shape = Shape { ops: 4, whole_percent: 45, ..SMALL };
        let mut history = histories::linearizable(shape, &mut rng);
        for _ in 0..spoilings {
            history = histories::spoil(&history, &mut rng);
        }
        if !has_len(&history) {
            agrees(&history, shape.keys)?;
        }
    }

    #[test]
    fn accepts_what_a_correct_map_does(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let shape = Shape {
            threads: rng.usize(1..6),
            ops: rng.usize(0..60),
            keys: rng.u16(1..6),
            values: rng.u16(1..9),
            whole_percent: rng.u8(..40),
            pending_percent: rng.u8(..60),
        };
        let mut history = histories::linearizable(shape, &mut rng);
        history.contracts = Contracts::STRICT;
        prop_assert_eq!(judge(&history, Budget::default()), Ok(0), "{}", history);
    }

    #[test]
    fn a_witness_names_the_first_return_that_is_illegal(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let shape = Shape { threads: 4, ops: 24, values: 6, ..SMALL };
        let mut history = histories::linearizable(shape, &mut rng);
        for _ in 0..3 {
            history = histories::spoil(&history, &mut rng);
        }
        if let Outcome::Illegal(witness) = check(&history, Budget::default()) {
            let operations = history.operations();
            let parts = partition::parts(&history, &operations);
            let part = parts.iter().find(|part| part.key == witness.key).expect("its key's part");
            let stuck = |end| matches!(search(&part.until(end), Budget::default()), Found::Stuck(_));
            prop_assert!(stuck(witness.at), "up to the blocked return it is illegal");
            prop_assert!(!stuck(witness.at - 1), "one event shorter it is linearizable");
            prop_assert!(
                !witness.alternatives.is_empty() || witness.rival.is_some(),
                "the spec says something else, or another op is left over"
            );
            prop_assert_eq!(operations[witness.blocked].returned, witness.at);
        }
    }

    #[test]
    fn one_key_answers_as_the_whole_map(code in 0..Kind::ALL.len(), a: u16, b: u16, held: Option<u8>) {
        let mut arguments = [a % 4, b % 16].into_iter().cycle();
        let op = Op::build(Kind::ALL[code], |_| Ok::<_, ()>(arguments.next().expect("a cycle")));
        let op = op.expect("the source never fails");
        let Some(key) = key_of(op) else { return Ok(()) };
        if matches!(op, Op::FillToThreshold(..)) { return Ok(()) }
        let mut whole = Ordered::default();
        (0..4).filter(|&other| other != key).for_each(|other| { whole.insert(other, 7, 0); });
        let held = held.map(u64::from);
        held.into_iter().for_each(|value| { whole.insert(key, value, 0); });
        let others = |map: &Ordered| {
            let mut others = Vec::new();
            map.for_each(|other, entry| if other != key { others.push((other, entry)) });
            others
        };
        let before = others(&whole);
        let (ret, then) = Single::apply(key, held, op);
        prop_assert_eq!(whole.apply(op, 0), ret, "{}", op);
        prop_assert_eq!(whole.get(key).map(|entry| entry.value), then, "{}", op);
        prop_assert_eq!(others(&whole), before, "{} is about one key", op);
    }
}

/// A retain that comes to a key again, where the new entry got a new place: fine for a map that says so.
#[test]
fn a_walk_may_come_to_a_key_again_if_the_map_says_so() {
    let text = "history 1\n# papaya, seen under real threads.\ncontracts apart counted again\ngiven k0 v0\nevents\n\
        call keeper retain 0 0\ncall walker iter\ncall writer insert k0 v4\nreturn writer None\n\
        call reader get k0\nreturn reader Some(v4)\ncall reader remove k0\nreturn reader None\n\
        return walker {k0 v0, k0 v4}\nreturn keeper nothing\n";
    let mut history = History::parse(text).unwrap();
    assert_eq!(judge(&history, Budget::default()), Ok(0));
    history.contracts.walk = Walk::Once;
    assert!(judge(&history, Budget::default()).is_err());
    // Not if the key was never absent.
    let throughout = "history 1\ncontracts apart counted again\ngiven k0 v0\nevents\ncall walker iter\n\
        call writer insert k0 v4\nreturn writer Some(v0)\nreturn walker {k0 v0, k0 v4}\n";
    let objection = judge(&History::parse(throughout).unwrap(), Budget::default()).unwrap_err();
    assert_eq!(objection.rule, "an entry is yielded at most once");
}

#[test]
fn both_verdicts_are_met() {
    let mut verdicts = [0; 2];
    for seed in 0..1_000 {
        let mut rng = Rng::with_seed(seed);
        let history = histories::linearizable(SMALL, &mut rng);
        let spoilt = histories::spoil(&history, &mut rng);
        verdicts[judge(&spoilt, Budget::default()).is_ok() as usize] += 1;
    }
    assert!(verdicts.iter().all(|&count| count > 200), "spoiling is a coin: {verdicts:?}");
}

/// Overlapping inserts, and a get that saw what none of them wrote: every order must be tried.
fn hard(writers: usize) -> History {
    let mut history = History::default();
    for writer in 0..writers {
        history.push(&format!("writer{writer}"), What::Call(Op::Update(0, 1 << writer))).unwrap();
    }
    history.push("reader", What::Call(Op::Get(0))).unwrap();
    history.push("reader", What::Return(models::op::Ret::Value(Some(1)).into())).unwrap();
    history.given.push((0, 0));
    history
}

/// Two increments by 1 of 0 that both answer 1.
#[test]
fn a_message_names_the_pair_and_what_the_spec_says() {
    let text = "history 1\n# Lost update.\ngiven k1 v0\nevents\ncall a update k1 v1\ncall b update k1 v1\n\
        return a Some(v1)\nreturn b Some(v1)\n";
    let Outcome::Illegal(witness) = check(&History::parse(text).unwrap(), Budget::default()) else {
        panic!("an update is lost");
    };
    let expected = "b's `update k1 v1` returned Some(v1); no order of the ops on k1 explains it\n  \
        after a's `update k1 v1` returned Some(v1): k1 is Some(v1) there, so it would return Some(v2)\n  \
        where it fits, a's `update k1 v1` returned Some(v1) has no place\n  \
        the longest order without it\n    a's `update k1 v1` returned Some(v1)";
    assert_eq!(witness.to_string(), expected);
}

#[test]
fn a_search_out_of_budget_is_unknown() {
    let mut history = hard(16);
    history.given[0].1 = 2;
    let outcome = check(&history, Budget(1_000));
    assert_eq!(outcome, Outcome::Unknown { key: 0, spent: 1_000 });
    assert!(outcome.verdict().is_ok(), "what is not known is not objected to");
    assert_eq!(judge(&history, Budget(1_000)), Ok(1));
    assert_eq!(check(&hard(16), Budget::default()), Outcome::Linearizable);
}

#[test]
fn a_long_history_takes_well_under_a_second() {
    let shape = Shape {
        threads: 8,
        ops: 8_000,
        keys: 16,
        values: 50,
        whole_percent: 0,
        pending_percent: 20,
    };
    let history = histories::linearizable(shape, &mut Rng::with_seed(1));
    let start = Instant::now();
    assert_eq!(check(&history, Budget::default()), Outcome::Linearizable);
    let took = start.elapsed();
    println!("8 threads × 1000 ops over 16 keys: {took:?}");
    assert!(took < Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 }), "{took:?}");
    let shape = Shape { whole_percent: 2, ..shape };
    let mut history = histories::linearizable(shape, &mut Rng::with_seed(2));
    history.contracts = Contracts::STRICT;
    let start = Instant::now();
    assert_eq!(judge(&history, Budget::default()), Ok(0));
    println!("the same with 2 % whole-map ops: {:?}", start.elapsed());
}
