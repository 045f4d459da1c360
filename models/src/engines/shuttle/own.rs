//! Running a case on a shared map of any kind that is made of this platform's primitives.
//!
//! A map that is generic over [`Platform`](map_core::platform::Platform) and takes its locks, atomics and cells from there
//! is under control with [`Model`](super::Model) in its place. The case's `given` ops run first and alone; when its
//! threads have ended, an onlooker looks at everything. A thread is never stalled for ever: that readers need nobody is
//! not what every map promises.
//!
//! # Not here
//! `ConcurrentMap`, whose growths a case can begin in the middle of: see `run`.
//! # Checked by
//! `tests/own_map.rs`: a map that is right, and one with a race in its growth.

use super::THREADS_MAX;
use super::drive::{Policy, drive, guarded, is_over, leaks, threads};
use super::run::{happened_before, task};
use super::world::with;
use crate::case::Case;
use crate::concurrent_subject::{ConcurrentSubject, at_rest, perform, program};
use crate::engines::judge::{ONLOOKER, Outcome, outcome, partial, with_history};
use crate::engines::threads::looks;
use crate::engines::{Limits, Report};
use crate::generators::hashers::ModelState;
use crate::history::{History, Recorder, Sequence};
use crate::op::Op;
use crate::oracles::linearizability::Budget;
use crate::oracles::{Objection, whole_map};
use crate::trace;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// Runs a case on a map of your own until the limits are reached, the policy has no more schedules, or something is found.
///
/// Any policy of `schedulers` will do, [`dfs::policy`](crate::engines::dfs::policy) for all schedules, and
/// [`replay::policy`](crate::schedulers::replay::policy) for the one that a case holds. Ops that the map cannot do are left out.
///
/// # Panics
/// If the case has more than [`THREADS_MAX`] threads or, with stale reads, more ops on a key than can be judged.
pub fn run_own<S: ConcurrentSubject>(case: &Case, policy: Policy, limits: &Limits) -> Report {
    let mut case = case.clone();
    let looks = program(&looks(&case, S::CAPABILITIES), S::CAPABILITIES);
    for thread in &mut case.threads {
        thread.ops = program(&thread.ops, S::CAPABILITIES);
    }
    let names: Vec<String> = case.running().iter().map(|thread| thread.name.clone()).collect();
    assert!(names.len() <= THREADS_MAX, "at most {THREADS_MAX} threads can run");
    if let (true, Err(why)) = (policy.stale, partial::fits(&case, ONLOOKER)) {
        panic!("{why}");
    }
    let run = Arc::new(Run { case, looks, names });
    drive(policy, limits, move || run.execution::<S>())
}

/// What the executions of a run share.
struct Run {
    case: Case,
    looks: Vec<Op>,
    names: Vec<String>,
}

impl Run {
    /// One execution, in task 0.
    fn execution<S: ConcurrentSubject>(self: &Arc<Self>) -> Result<String, Box<Objection>> {
        with(|world| world.stalls_left = 0);
        let hasher = ModelState::new(S::CAPABILITIES.bearing(self.case.hasher));
        let map = Arc::new(S::create(hasher, self.case.capacity.into()));
        for &op in self.case.given() {
            perform(&*map, op);
        }
        let given = self.held(&*map);
        let names = self.names.iter().map(String::as_str).chain([ONLOOKER]);
        let recorder = Arc::new(Recorder::new(Sequence::default(), names));
        let (run, shared, record) = (Arc::clone(self), Arc::clone(&map), Arc::clone(&recorder));
        // What is inside of it, it does not say.
        trace::begin(|| None);
        threads(&self.names, move |thread| {
            let ops = &run.case.running()[thread].ops;
            task(thread, ops, &record, |op, _| perform(&*shared, op));
        });
        // Leaked until all has gone well: what it points to is not to be trusted.
        let mut map = ManuallyDrop::new(Arc::into_inner(map).expect("all tasks have ended"));
        let mut looks = self.looks.iter();
        if is_over() || !looks.all(|&op| onlooker_has(op, self.names.len(), &*map, &recorder)) {
            return Ok(String::new());
        }
        at_rest(&mut *map)?;
        let mut history = recorder.history(given);
        history.contracts = S::CONTRACTS;
        judge(&history)?;
        let Outcome(outcome) = outcome(&history, &[]);
        drop(ManuallyDrop::into_inner(map));
        leaks().map(|()| outcome)
    }

    /// What the map holds of the keys that the case names.
    fn held<S: ConcurrentSubject>(&self, map: &S) -> Vec<(u16, u64)> {
        let there = |op: &Op| match *op {
            Op::Get(key) => map.get(key.into()).map(|value| (key, value)),
            _ => None,
        };
        self.looks.iter().filter_map(there).collect()
    }
}

/// Does an op as this thread, which is alone; false if it panics.
fn onlooker_has<S: ConcurrentSubject>(
    op: Op,
    thread: usize,
    map: &S,
    recorder: &Recorder<Sequence>,
) -> bool {
    recorder.call(thread, op);
    let answer = guarded(|| perform(map, op), |_| false);
    answer.map(|answer| recorder.returned(thread, answer)).is_ok()
}

/// By the order in which things happened, or, if loads may have been stale, by what the threads could know.
fn judge(history: &History) -> Result<(), Box<Objection>> {
    let judged = match with(|world| world.stale) {
        true => partial::judge(history, &happened_before(), ONLOOKER),
        false => whole_map::judge(history, Budget::default()).map(drop),
    };
    judged.map_err(|objection| with_history(objection, history))
}
