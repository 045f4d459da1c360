//! Linearizability where time is not real: under a memory model weaker than sequential consistency.
//!
//! There, one thread may see the effect of an op that is under way, and another, later, not; nor need an op's effect be seen
//! when it has returned: on real hardware too, a store may still be on its way. (`ConcurrentMap` promises that its is not:
//! `tests/two_keys.rs`.) So "returned before the other was called" is no longer an order. What is left
//! is **happens-before** (a thread's own ops in turn, and what synchronization orders, as far as the engine knows it):
//! for each key, the ops on it have an order that explains their answers and keeps to happens-before. `clear`, the retains
//! and iterations are ops on each key, at a moment of its own; an op that never returned is in the order or not.
//!
//! # Not here
//! The stronger judgement, by real time: `oracles::linearizability`. `len`: nothing says what it may count here. How many
//! orders are tried: there is no budget, as the cases are small.
//! # Checked by
//! `tests/judge.rs`.

use crate::case::Case;
use crate::history::{Answer, History, Operation};
use crate::op::{Op, stays};
use crate::oracles::linearizability::partition::Single;
use crate::oracles::linearizability::{NAME, key_of};
use crate::oracles::{Objection, Verdict};
use std::collections::{BTreeSet, HashSet};

/// The rule that is judged here.
pub const RULE: &str =
    "the ops on each key take effect one at a time, in an order that keeps to happens-before";

/// An iteration yields no other keys than were put in; of those, each key's order says what.
const NO_STRANGER: &str = "an iteration yields keys that were inserted";

/// The most ops that may concern one key, the last look at it included: the steps done are bits of a word.
pub const OPS_MAX: usize = u64::BITS as usize;

/// Does the second op's call come after the first one's return, by happens-before? Ops by thread and index in it.
pub type Before<'a> = &'a dyn Fn((usize, usize), (usize, usize)) -> bool;

/// One op's part in a key.
struct Step {
    /// Index into the operations.
    operation: usize,
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
        let count = ops().filter(|&op| concerns(op, key)).count() + 1;
        if count > OPS_MAX {
            return Err(format!(
                "{count} ops concern k{key}, the last look at it included; with stale reads, and under loom, at most {OPS_MAX} can be judged"
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
        let steps: Vec<Step> = about
            .iter()
            .map(|&operation| Step {
                operation,
                after: (0..about.len())
                    .filter(|&other| ordered(about[other], operation))
                    .fold(0, |mask, other| mask | 1 << other),
            })
            .collect();
        let value = history.given.iter().find(|&&(other, _)| other == key).map(|&(_, value)| value);
        let mut seen = HashSet::new();
        if !search(key, value, &steps, &operations, 0, &mut seen) {
            let words: Vec<String> =
                steps.iter().map(|step| history.describe(&operations[step.operation])).collect();
            let detail = format!("the ops on k{key} have no order: {}", words.join("; "));
            return Objection::raise(NAME, RULE, detail);
        }
    }
    Ok(())
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

/// Can the steps not yet done be done, one after the other?
fn search(
    key: u16,
    value: Option<u64>,
    steps: &[Step],
    operations: &[Operation<'_>],
    done: u64,
    seen: &mut HashSet<(u64, Option<u64>)>,
) -> bool {
    let pending = |step: &Step| operations[step.operation].answer.is_none();
    if steps.iter().enumerate().all(|(at, step)| done & 1 << at != 0 || pending(step)) {
        return true;
    }
    if !seen.insert((done, value)) {
        return false;
    }
    steps.iter().enumerate().any(|(at, step)| {
        let Operation { op, answer, .. } = &operations[step.operation];
        // What comes before it is done, or never took effect.
        let ready = (0..steps.len())
            .filter(|&other| step.after & 1 << other != 0)
            .all(|other| done & 1 << other != 0 || pending(&steps[other]));
        if done & 1 << at != 0 || !ready {
            return false;
        }
        explain(key, value, *op, *answer)
            .is_some_and(|after| search(key, after, steps, operations, done | 1 << at, seen))
    })
}

/// What the key holds after the op, if its answer is right. `None` for an answer: anything is.
fn explain(key: u16, value: Option<u64>, op: Op, answer: Option<&Answer>) -> Option<Option<u64>> {
    match (op, answer) {
        (Op::Clear | Op::Retain(..) | Op::RetainValues(..), _) => {
            Some(value.filter(|&value| stays(op, key.into(), value)))
        }
        (Op::Iter | Op::View, Some(Answer::Entries(entries))) => {
            let mut yielded = entries.iter().filter(|&&(other, _)| other == u64::from(key));
            let once = yielded.next().map(|&(_, value)| value);
            (once == value && yielded.next().is_none()).then_some(value)
        }
        (Op::Iter | Op::View, _) => Some(value),
        _ => {
            let (ret, after) = Single::apply(key, value, op);
            let right = match answer {
                None => true,
                Some(Answer::Ret(answered)) => *answered == ret,
                Some(Answer::Entries(_)) => false,
            };
            right.then_some(after)
        }
    }
}
