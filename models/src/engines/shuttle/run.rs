//! Running a case, over and over, under a policy.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/catalogue.rs`.

use super::drive::{Policy, drive, guarded, is_over, leaks, threads};
use super::platform::Model;
use super::world::{aside, with};
use crate::case::{Case, Elements};
use crate::elements::{CountedKey, CountedValue, Injected, Key, Ledger, Value, WideKey, WideValue};
use crate::engines::judge::{Judge, Outcome, Time};
use crate::engines::program::Program;
use crate::engines::{Limits, Report};
use crate::history::{Answer, Recorder, Sequence};
use crate::op::Op;
use crate::oracles::Objection;
use crate::oracles::drops::{self, Allowance};
use crate::trace::{self, Event};
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// What the executions of a run share.
struct Run {
    case: Case,
    judge: Judge,
    names: Vec<String>,
}

/// Runs a case until the limits are reached, the policy has no more schedules, or something is found.
pub fn run(case: &Case, judge: Judge, policy: Policy, limits: &Limits) -> Report {
    let names = case.running().iter().map(|thread| thread.name.clone()).collect();
    let run = Arc::new(Run { case: case.clone(), judge, names });
    drive(policy, limits, move || match run.case.elements {
        Elements::Plain => run.execution::<u64, u64>(),
        Elements::Counted | Elements::CountedKeys | Elements::CountedValues => {
            run.execution::<CountedKey, CountedValue>()
        }
        Elements::Wide => run.execution::<WideKey, WideValue>(),
    })
}

impl Run {
    /// One execution, in task 0.
    fn execution<K, V>(self: &Arc<Self>) -> Result<String, Box<Objection>>
    where
        K: Key + Send + Sync + 'static,
        V: Value + Send + Sync + 'static,
    {
        Ledger::begin();
        let map = Arc::new(Program::<K, V, Model>::new(&self.case));
        let given = map.contents();
        let recorder = Arc::new(self.judge.recorder());
        let (run, shared, record) = (Arc::clone(self), Arc::clone(&map), Arc::clone(&recorder));
        let pictured = Arc::clone(&map);
        trace::begin(move || aside(|| pictured.picture()));
        Ledger::watch(true);
        threads(&self.names, move |thread| {
            let ops = &run.case.running()[thread].ops;
            task(thread, ops, &record, |op, stamp| shared.apply(op, stamp));
        });
        trace::end();
        Ledger::watch(false);
        // Leaked until all has gone well: what it points to is not to be trusted.
        let mut map = ManuallyDrop::new(Arc::into_inner(map).expect("all tasks have ended"));
        if is_over() {
            return Ok(String::new());
        }
        let before = happened_before();
        let time = if with(|world| world.stale) { Time::Weak(&before) } else { Time::Real };
        let Outcome(outcome) = self.judge.judge(&given, &recorder, &mut map, time)?;
        drop(ManuallyDrop::into_inner(map));
        self.at_rest().map(|()| outcome)
    }

    /// With the map gone: is everything freed, and dropped once?
    fn at_rest(&self) -> Result<(), Box<Objection>> {
        if self.case.elements.is_counted() {
            drops::account([0; 2], Allowance::default())?;
        }
        leaks()
    }
}

/// Which ops of the execution that ends happened before which, by its clocks.
pub(super) fn happened_before() -> impl Fn((usize, usize), (usize, usize)) -> bool {
    let spans = with(|world| std::mem::take(&mut world.spans));
    move |first, second| {
        let span = |(thread, op): (usize, usize)| {
            spans.iter().find(|span| (span.thread, span.op) == (thread, op))
        };
        span(first).zip(span(second)).is_some_and(|(first, second)| {
            first.returned.is_some_and(|stamp| second.called.knows(stamp))
        })
    }
}

/// What a task does: its thread's ops, each with a stamp of its own.
///
/// A thread goes from the end of one op straight to the first step of the next, and waits there for its turn. Only that
/// step is the call: a history in which the op began before excuses too much.
pub(super) fn task(
    thread: usize,
    ops: &[Op],
    recorder: &Arc<Recorder<Sequence>>,
    apply: impl Fn(Op, u32) -> Answer,
) {
    for (at, &op) in ops.iter().enumerate() {
        let record = Arc::clone(recorder);
        let call = move || {
            record.call(thread, op);
            trace::note(|| Event::Call { thread, op: op.to_string() });
        };
        with(|world| world.calls(at, op, call));
        let stamp = (thread as u32 + 1) << 16 | at as u32;
        let done = guarded(|| apply(op, stamp), |payload| payload.is::<Injected>());
        with(|world| world.returns(at));
        trace::look();
        trace::note(|| {
            let answer = match &done {
                Ok(answer) => answer.to_string(),
                Err(Some(_)) => "panic".to_string(),
                // The execution is over, by what this op did or another.
                Err(None) => "no answer".to_string(),
            };
            Event::Return { thread, answer }
        });
        match done {
            Ok(answer) => recorder.returned(thread, answer),
            Err(Some(_)) => recorder.panicked(thread),
            Err(None) => return,
        }
    }
}
