//! Histories as text, and recorded.

use fastrand::Rng;
use models::generators::histories::{self, Shape};
use models::history::{Answer, Clock, History, Misplaced, Recorder, Sequence, Timer, What};
use models::op::{Op, Ret};
use models::oracles::linearizability::{Budget, Outcome, check};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parse_undoes_print(seed: u64) {
        let shape = Shape { threads: 3, ops: 20, keys: 4, values: 9, whole_percent: 30, pending_percent: 50 };
        let history = histories::linearizable(shape, &mut Rng::with_seed(seed));
        let text = history.to_string();
        let again = History::parse(&text).expect("what was printed can be read");
        prop_assert_eq!(&again, &history);
        prop_assert_eq!(again.to_string(), text);
    }
}

#[test]
fn every_kind_of_line_comes_back() {
    let text = "history 1\n# a story\n#\n# of two lines\nexpect finding linearizability\ncontracts together exact once\ngiven k1 v70000\n\nevents\n\
        call a compute k1 v2\n# in between\nreturn a [Some(v70000), None]\ncall b iter\npanic b\ncall b iter\n\
        return b {k1 v70000, k65536 v3}\ncall a remove-entry k1\nreturn a Some((k1, v2))\ncall a retain 1 0\n\
        return a nothing\ncall a len\nreturn a 0\ncall a contains-key k4\nreturn a false\ncall b iter\nreturn b {}\n\
        call b get k1\n# the end\n";
    let history = History::parse(text).expect("it is well formed");
    assert_eq!(history.to_string(), text);
    assert_eq!(history.threads(), ["a", "b"]);
    let operations = history.operations();
    assert_eq!((operations[1].answer, operations[1].returned), (None, usize::MAX), "it panicked");
    assert_eq!((operations[8].answer, operations[8].returned), (None, usize::MAX), "it is pending");
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let error = |text: &str| History::parse(text).expect_err("it is not well formed").to_string();
    let after = |line: &str| error(&format!("history 1\nevents\ncall a get k1\n{line}\n"));
    assert_eq!(error(""), "line 1: expected `history 1`, found the end of the file");
    assert_eq!(error("case 1\n"), "line 1: expected `history 1`, found `case`");
    assert_eq!(
        error("history 2\n"),
        "line 1: expected version 1, the only one this program reads, found version 2"
    );
    for op in ["drain", "extend k1 2", "fill-to-threshold +1 k1", "iter-mut v1", "clone-swap"] {
        let name = op.split(' ').next().expect("a word");
        assert_eq!(
            error(&format!("history 1\nevents\ncall a {op}\n")),
            format!("line 3: expected an op that can be judged beside others, found `{name}`")
        );
    }
    assert_eq!(
        error("history 1\ncall a get k1\n"),
        "line 2: expected `expect`, `contracts`, `given` or `events`, found `call`"
    );
    assert_eq!(
        error("history 1\ngiven k1 v1\ngiven k1 v2\n"),
        "line 3: expected a key not given yet, found `k1`"
    );
    assert_eq!(
        error("history 1\ncontracts apart many\n"),
        "line 2: expected how `len` counts (counted, exact), found `many`"
    );
    assert_eq!(
        error("history 1\nexpect pass\nexpect pass\n"),
        "line 3: expected only one `expect`, found a second"
    );
    assert_eq!(after("go a"), "line 4: expected `call`, `return` or `panic`, found `go`");
    assert_eq!(
        after("call a get k1"),
        "line 4: expected the end of this thread's open op first, found `call a`"
    );
    assert_eq!(
        after("return b None"),
        "line 4: expected a call of this thread first, found `return b`"
    );
    assert_eq!(
        after("return a true"),
        "line 4: expected `None` or `Some(v1)`, for `get k1`, found `true`"
    );
    assert_eq!(
        after("return a"),
        "line 4: expected `None` or `Some(v1)`, for `get k1`, found the end of the line"
    );
    assert_eq!(after("call b get k1 k2"), "line 4: expected the end of the line, found `k2`");
}

#[test]
fn events_that_cannot_come_next_are_refused() {
    let mut history = History::default();
    let (call, answer) = (What::Call(Op::Len), || What::Return(Ret::Count(0).into()));
    assert_eq!(history.push("a", answer()), Err(Misplaced::NotOpen));
    assert_eq!(history.push("a", What::Panic), Err(Misplaced::NotOpen));
    assert_eq!(history.push("a", call.clone()), Ok(()));
    assert_eq!(history.push("a", call.clone()), Err(Misplaced::StillOpen));
    assert_eq!(history.push("b", call), Ok(()));
    assert_eq!(history.push("a", answer()), Ok(()));
    assert_eq!(history.push("a", answer()), Err(Misplaced::NotOpen));
}

/// By its number among those of the thread that are spelt alike, which is what a reader can count.
#[test]
fn an_op_is_told_by_its_thread_and_where_there_are_several_by_its_number() {
    let mut text = "history 1\nevents\n".to_string();
    for _ in 0..11 {
        text += "call a len\nreturn a 0\ncall b len\nreturn b 0\ncall b get k1\nreturn b None\n";
    }
    let history = History::parse(&(text + "call c len\n")).expect("a history");
    let told: Vec<String> = history.operations().iter().map(|one| history.describe(one)).collect();
    for (at, said) in [
        (0, "a's 1st `len` returned 0"),
        (4, "b's 2nd `len` returned 0"),
        (5, "b's 2nd `get k1` returned None"),
        (6, "a's 3rd `len` returned 0"),
        (30, "a's 11th `len` returned 0"),
        (33, "c's `len` never returned"),
    ] {
        assert_eq!(told[at], said);
    }
}

/// One register, written by four threads: always linearizable, if the recorder brackets the ops.
fn recorded<C: Clock + Sync>(clock: C) -> History {
    let recorder = Recorder::new(clock, ["a", "b", "c", "d"]);
    let register = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (recorder, register) = (&recorder, &register);
            scope.spawn(move || {
                for turn in 0..300 {
                    let value = 1 + thread as u16 * 1_000 + turn;
                    recorder.record(thread, Op::Insert(0, value), || {
                        let old = register.swap(value.into(), Ordering::SeqCst);
                        Ret::Value((old > 0).then_some(old)).into()
                    });
                    recorder.record(thread, Op::Get(0), || {
                        Ret::Value(Some(register.load(Ordering::SeqCst))).into()
                    });
                }
            });
        }
    });
    recorder.history([])
}

#[test]
fn real_threads_are_recorded_with_either_clock() {
    for history in [recorded(Sequence::default()), recorded(Timer::default())] {
        assert_eq!(history.events().len(), 4 * 300 * 4);
        assert_eq!(check(&history, Budget::default()), Outcome::Linearizable);
    }
}

#[test]
fn a_history_can_be_had_while_ops_are_open() {
    let recorder = Recorder::new(Sequence::default(), ["idle", "stalled", "panicking"]);
    recorder.call(1, Op::Insert(1, 1));
    recorder.call(2, Op::Remove(1));
    recorder.panicked(2);
    recorder.call(2, Op::Iter);
    recorder.returned(2, Answer::Entries(vec![(1, 1)]));
    let history = recorder.history([(2, 2)]);
    assert_eq!(
        history.threads(),
        ["idle", "stalled", "panicking"],
        "a thread has the number that it had when it ran"
    );
    comes_back_from_its_text(&history);
    assert_eq!(
        history.operations().iter().filter(|operation| operation.answer.is_none()).count(),
        2
    );
}

/// A text has no thread that did nothing, and the others in the order in which they came: their numbers may differ.
fn comes_back_from_its_text(history: &History) {
    let again = History::parse(&history.to_string()).expect("it reads what it wrote");
    let told = |history: &History| {
        let name = |thread: usize| history.threads()[thread].clone();
        let events = history.events().iter().map(|event| (name(event.thread), event.what.clone()));
        events.collect::<Vec<_>>()
    };
    assert_eq!(told(&again), told(history));
    assert_eq!(again.to_string(), history.to_string());
}

/// Ticks every third time.
#[derive(Default)]
struct Coarse(AtomicU64);

impl Clock for Coarse {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) / 3
    }
}

#[test]
fn a_coarse_clock_keeps_each_threads_order() {
    let history = recorded(Coarse::default());
    comes_back_from_its_text(&history);
    assert_eq!(check(&history, Budget::default()), Outcome::Linearizable);
}

#[test]
fn the_last_calls_about_a_key_are_a_history_of_it() {
    let text = "history 1\ncontracts apart counted once\ngiven k1 v1\ngiven k2 v2\n\nevents\n\
        call ann insert k1 v5\ncall dan get k2\nreturn ann Some(v1)\ncall ann clear\nreturn dan Some(v2)\n\
        call dan get k1\nreturn ann nothing\npanic dan\n";
    let history = History::parse(text).expect("it reads");
    assert_eq!(history.last(None, 9), history);
    let of_one = history.last(Some(1), 9).to_string();
    let expected = text.replace("given k2 v2\n", "");
    let expected = expected.replace("call dan get k2\n", "").replace("return dan Some(v2)\n", "");
    assert_eq!(of_one, expected);
    let last = "call ann clear\ncall dan get k1\nreturn ann nothing\npanic dan\n";
    assert!(history.last(Some(1), 2).to_string().ends_with(&format!("events\n{last}")));
}
