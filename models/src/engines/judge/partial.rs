//! Linearizability where time is not real: under a memory model weaker than sequential consistency.
//!
//! There, one thread may see the effect of an op that is under way, and another, later, not; nor need an op's effect be seen
//! when it has returned: on real hardware too, a store may still be on its way. (`ConcurrentMap` promises that its is not:
//! `tests/two_keys.rs`.) So "returned before the other was called" is no longer an order. What is left
//! is **happens-before** (a thread's own ops in turn, and what synchronization orders, as far as the engine knows it):
//! for each key, the ops on it have an order that explains their answers and keeps to happens-before. `clear`, the retains
//! and iterations are ops on each key, at a moment of its own; an op that never returned is in the order or not.
//!
//! Where the map's [contracts](whole_map::Contracts) say so, a walk comes to a key again if that may be inserted meanwhile,
//! which is whatever happens-before orders neither before the walk nor after it; and each look of an iteration has an order of
//! its own.
//!
//! # Not here
//! The stronger judgement, by real time: `oracles::linearizability`. `len`: nothing says what it may count here. How many
//! orders are tried: there is no budget, as the cases are small.
//! # Checked by
//! `tests/judge.rs`.

use crate::case::Case;
use crate::history::{Answer, History, Operation};
use crate::op::Op;
use crate::oracles::linearizability::partition::Doing;
use crate::oracles::linearizability::{NAME, key_of};
use crate::oracles::whole_map::{self, Iteration, Walk};
use crate::oracles::{Objection, Verdict};
use std::collections::{BTreeSet, HashSet};

/// The rule that is judged here.
pub const RULE: &str =
    "the ops on each key take effect one at a time, in an order that keeps to happens-before";

/// An iteration yields no other keys than were put in; of those, each key's order says what.
const NO_STRANGER: &str = "an iteration yields keys that were inserted";

/// The most ops that may concern one key, the last looks at it included: the steps done are bits of a word.
pub const OPS_MAX: usize = u64::BITS as usize;

/// Does the second op's call come after the first one's return, by happens-before? Ops by thread and index in it.
pub type Before<'a> = &'a dyn Fn((usize, usize), (usize, usize)) -> bool;

/// One op's part in a key.
#[derive(Clone, Copy)]
struct Step {
    /// Index into the operations.
    operation: usize,
    /// What it is.
    doing: Doing,
    /// It may come to the key any number of times before it is done.
    again: bool,
    /// It never returned.
    pending: bool,
    /// Those of the key's steps that come before it.
    after: u64,
}

/// Does the op have a part in what happens to the key?
fn concerns(op: Op, key: u16) -> bool {
    match op {
        Op::Clear | Op::Retain(..) | Op::RetainValues(..) | Op::Iter | Op::View => true,
        op => key_of(op) == Some(key),
    }
}

/// Can the histories of a case be judged, with `last` to look at what is left?
///
/// # Errors
/// A thread of that name, or a key with more than [`OPS_MAX`] ops, in words.
pub fn fits(case: &Case, last: &str) -> Result<(), String> {
    if case.running().iter().any(|thread| thread.name == last) {
        return Err(format!("no thread may be called {last}: so is who looks at what is left"));
    }
    let ops = || case.running().iter().flat_map(|thread| &thread.ops).copied();
    // Key 0 stands for those that are in the map and that no op names.
    let keys: BTreeSet<u16> = ops().filter_map(key_of).chain([0]).collect();
    for key in keys {
        // A walk and a lookup, where a map can be walked.
        let count = ops().filter(|&op| concerns(op, key)).count() + 2;
        if count > OPS_MAX {
            return Err(format!(
                "{count} ops concern k{key}, the last looks at it included; with stale reads, and under loom, at most {OPS_MAX} can be judged"
            ));
        }
    }
    Ok(())
}

/// Judges a history. Threads are judged to be in program order; `before`, which is transitive, adds to it; an op of
/// `last` comes after all others.
///
/// # Errors
/// The key whose ops have no order, or that nobody inserted.
/// # Panics
/// If more than [`OPS_MAX`] ops concern a key: the case does not [fit](fits).
pub fn judge(history: &History, before: Before<'_>, last: &str) -> Verdict {
    let operations = history.operations();
    let mut numbers = vec![0; history.threads().len()];
    let placed: Vec<(usize, usize)> = operations
        .iter()
        .map(|operation| {
            numbers[operation.thread] += 1;
            (operation.thread, numbers[operation.thread] - 1)
        })
        .collect();
    let is_last = |operation: usize| history.threads()[operations[operation].thread] == last;
    let ordered = |first: usize, second: usize| {
        let (a, b) = (placed[first], placed[second]);
        match a.0 == b.0 {
            true => a.1 < b.1,
            false => (is_last(second) && !is_last(first)) || (!is_last(first) && before(a, b)),
        }
    };
    let given = history.given.iter().map(|&(key, _)| key);
    let keys: BTreeSet<u16> =
        given.chain(operations.iter().filter_map(|operation| key_of(operation.op))).collect();
    strangers(history, &operations, &keys)?;
    for key in keys {
        let about: Vec<usize> =
            (0..operations.len()).filter(|&at| concerns(operations[at].op, key)).collect();
        assert!(about.len() <= OPS_MAX, "a case fits before it is run: {} ops", about.len());
        let value = history.given.iter().find(|&&(other, _)| other == key).map(|&(_, value)| value);
        let part = Part { key, value, operations: &operations, ordered: &ordered };
        if !part.is_explained(&about, history.contracts) {
            let words: Vec<String> =
                about.iter().map(|&at| history.describe(&operations[at])).collect();
            let detail = format!("the ops on k{key} have no order: {}", words.join("; "));
            return Objection::raise(NAME, RULE, detail);
        }
    }
    Ok(())
}

/// What happened to one key.
struct Part<'a> {
    key: u16,
    /// What it held before.
    value: Option<u64>,
    operations: &'a [Operation<'a>],
    /// Does one of the operations come before another?
    ordered: &'a dyn Fn(usize, usize) -> bool,
}

impl Part<'_> {
    /// Do the ops that concern the key have the orders that the contracts ask for?
    fn is_explained(&self, about: &[usize], contracts: whole_map::Contracts) -> bool {
        let mut steps: Vec<Step> = about.iter().filter_map(|&at| self.step(at)).collect();
        let looks: Vec<(usize, Vec<Option<u64>>)> =
            about.iter().filter_map(|&at| Some((at, self.looks(at)?))).collect();
        let inserts: Vec<usize> = steps
            .iter()
            .filter(|step| matches!(step.doing, Doing::Op(..)) && step.doing.may_insert())
            .map(|step| step.operation)
            .collect();
        for step in steps.iter_mut().filter(|step| matches!(step.doing, Doing::Walk(_))) {
            let is_meanwhile = |&insert: &usize| {
                let walk = step.operation;
                !(self.ordered)(insert, walk) && !(self.ordered)(walk, insert)
            };
            step.again = contracts.walk == Walk::Again && inserts.iter().any(is_meanwhile);
        }
        let with = |steps: &[Step], operation: usize, doing: Doing| {
            let look = Step { operation, doing, again: false, pending: false, after: 0 };
            [steps, &[look]].concat()
        };
        let ops = steps.clone();
        let mut apart = Vec::new();
        for (at, seen) in looks {
            // It was removed between them.
            let is_right = match (seen.len(), contracts.walk) {
                (1, _) => true,
                (_, Walk::Once) => false,
                (_, Walk::Again) => self.has_order(with(&ops, at, Doing::Noticed(false))),
            };
            if !is_right {
                return false;
            }
            // How many there may be is not known before the run, and so not whether they fit.
            if contracts.iteration == Iteration::Together && seen.len() == 1 {
                steps = with(&steps, at, Doing::Saw(seen[0]));
            } else {
                apart.extend(seen.into_iter().map(|seen| (at, seen)));
            }
        }
        self.has_order(steps)
            && apart.into_iter().all(|(at, seen)| self.has_order(with(&ops, at, Doing::Saw(seen))))
    }

    /// What an operation does to the key, if it is no iteration.
    fn step(&self, operation: usize) -> Option<Step> {
        let Operation { op, answer, .. } = self.operations[operation];
        let doing = match (op, answer) {
            (Op::Iter | Op::View, _) => return None,
            (Op::Clear | Op::Retain(..) | Op::RetainValues(..), _) => Doing::Walk(op),
            (_, Some(&Answer::Ret(ret))) => Doing::Op(op, Some(ret)),
            _ => Doing::Op(op, None),
        };
        Some(Step { operation, doing, again: false, pending: answer.is_none(), after: 0 })
    }

    /// What an operation saw of the key, if it is an iteration that came to its end.
    fn looks(&self, operation: usize) -> Option<Vec<Option<u64>>> {
        let Operation { op: Op::Iter | Op::View, answer: Some(Answer::Entries(entries)), .. } =
            self.operations[operation]
        else {
            return None;
        };
        let of_key = entries.iter().filter(|&&(other, _)| other == u64::from(self.key));
        let seen: Vec<Option<u64>> = of_key.map(|&(_, value)| Some(value)).collect();
        Some(if seen.is_empty() { vec![None] } else { seen })
    }

    /// Have these steps an order?
    fn has_order(&self, mut steps: Vec<Step>) -> bool {
        let operations: Vec<usize> = steps.iter().map(|step| step.operation).collect();
        for step in &mut steps {
            step.after = (0..operations.len())
                .filter(|&other| (self.ordered)(operations[other], step.operation))
                .fold(0, |mask, other| mask | 1 << other);
        }
        self.search(self.value, &steps, 0, &mut HashSet::new())
    }

    /// Can the steps not yet done be done, one after the other?
    fn search(
        &self,
        value: Option<u64>,
        steps: &[Step],
        done: u64,
        seen: &mut HashSet<(u64, Option<u64>)>,
    ) -> bool {
        if steps.iter().enumerate().all(|(at, step)| done & 1 << at != 0 || step.pending) {
            return true;
        }
        if !seen.insert((done, value)) {
            return false;
        }
        steps.iter().enumerate().any(|(at, step)| {
            // What comes before it is done, or never took effect.
            let ready = (0..steps.len())
                .filter(|&other| step.after & 1 << other != 0)
                .all(|other| done & 1 << other != 0 || steps[other].pending);
            if done & 1 << at != 0 || !ready {
                return false;
            }
            let Ok(after) = step.doing.apply(self.key, value) else { return false };
            (step.again && self.search(after, steps, done, seen))
                || self.search(after, steps, done | 1 << at, seen)
        })
    }
}

/// Does an iteration yield a key that is none of these?
fn strangers(history: &History, operations: &[Operation<'_>], keys: &BTreeSet<u16>) -> Verdict {
    for operation in operations {
        let Some(Answer::Entries(entries)) = operation.answer else { continue };
        let is_known = |key: u64| u16::try_from(key).is_ok_and(|key| keys.contains(&key));
        if entries.iter().any(|&(key, _)| !is_known(key)) {
            return Objection::raise(NAME, NO_STRANGER, history.describe(operation));
        }
    }
    Ok(())
}
