//! A history split by key, and what each step may do to a key.
//!
//! # Invariants
//! - **one-key**: [`Single`] answers as the whole spec does about the key it is of.
//! - **by-call**: a part's steps are in the order of their calls; among steps with a return, **by-return**
//!   numbers them in the order of their returns; pending ones follow.
//! # Not here
//! What ops do: see `spec`.
//! # Checked by
//! `tests/linearizability.rs` (`one_key_answers_as_the_whole_map`).

use crate::history::{Answer, History, Operation};
use crate::op::{Argument, Op, Ret, chosen, stays};
use crate::oracles::whole_map::Walk;
use crate::spec::{Entry, Spec};
use std::collections::BTreeMap;

/// The key of an op that is about one key only.
pub fn key_of(op: Op) -> Option<u16> {
    match op {
        Op::GetDisjointMut(..) | Op::Extend(..) | Op::FillToThreshold(..) => return None,
        _ => {}
    }
    let mut key = None;
    op.arguments(|argument, raw| {
        if argument == Argument::Key {
            key = Some(raw);
        }
    });
    key
}

/// Does an op on one key never change the map, whatever it answers?
pub fn is_read(op: Op) -> bool {
    matches!(op, Op::Get(_) | Op::ContainsKey(_) | Op::GetKeyValue(_) | Op::EntryDrop(_))
}

/// Does a history say anything of this op: is it about one key, or every key, or does it change no entry?
pub fn is_judged(op: Op) -> bool {
    key_of(op).is_some()
        || matches!(op, Op::Clear | Op::Retain(..) | Op::RetainValues(..))
        || matches!(op, Op::Iter | Op::View | Op::Len | Op::Check | Op::PanicAt(..))
        || matches!(op, Op::Reserve(_) | Op::ShrinkTo(_) | Op::ShrinkToFit)
        || matches!(op, Op::TryReserve(_) | Op::TryReserveTooMuch | Op::TryReserveRefused(..))
        || matches!(op, Op::Evacuate(_) | Op::EvacuateTo(_) | Op::SetOrder(_))
}

/// The spec of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Single {
    key: u16,
    value: Option<u64>,
}

impl Single {
    /// Does `op` to a key that holds `value`: what it answers, and what the key holds then.
    #[inline]
    pub fn apply(key: u16, value: Option<u64>, op: Op) -> (Ret, Option<u64>) {
        let mut single = Single { key, value };
        let ret = Spec::apply(&mut single, op, 0);
        (ret, single.value)
    }
}

impl Spec for Single {
    #[inline]
    fn get(&self, key: u16) -> Option<Entry> {
        debug_assert_eq!(key, self.key, "a part's ops are about its key");
        self.value.map(|value| Entry { value, born: 0 })
    }
    #[inline]
    fn insert(&mut self, _key: u16, value: u64, _now: u32) -> Option<u64> {
        self.value.replace(value)
    }
    #[inline]
    fn remove(&mut self, _key: u16) -> Option<u64> {
        self.value.take()
    }
    fn len(&self) -> usize {
        self.value.is_some() as usize
    }
    fn clear(&mut self) {
        self.value = None;
    }
    fn for_each(&self, mut visit: impl FnMut(u16, Entry)) {
        if let Some(value) = self.value {
            visit(self.key, Entry { value, born: 0 });
        }
    }
    fn update(&mut self, mut change: impl FnMut(u16, u64) -> u64) {
        self.value = self.value.map(|value| change(self.key, value));
    }
    fn retain(&mut self, mut keep: impl FnMut(u16, u64) -> bool) {
        self.value = self.value.filter(|&value| keep(self.key, value));
    }
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// An op on the key, and its answer if it gave one.
    Op(Op, Option<Ret>),
    /// A `clear` or a retain comes to the key, and removes the entry if it does not stay.
    Walk(Op),
    /// Something looked, and saw this value or none.
    Saw(Option<u64>),
    /// Something looked, and saw that the key was there, or was not.
    Noticed(bool),
}

impl Doing {
    /// May it insert the key?
    pub fn may_insert(self) -> bool {
        !matches!(self, Doing::Op(op, _) if is_read(op) || removes(op))
    }

    /// Does it to a key that holds `value`: what the key holds then.
    ///
    /// # Errors
    /// What the spec answers, if that is not what was answered.
    #[inline]
    pub fn apply(self, key: u16, value: Option<u64>) -> Result<Option<u64>, Ret> {
        match self {
            Doing::Op(op, answer) => {
                let (ret, then) = Single::apply(key, value, op);
                if answer.is_none_or(|answer| answer == ret) { Ok(then) } else { Err(ret) }
            }
            Doing::Walk(op) => Ok(value.filter(|&value| stays(op, key.into(), value))),
            Doing::Saw(seen) if seen == value => Ok(value),
            Doing::Noticed(seen) if seen == value.is_some() => Ok(value),
            Doing::Saw(_) => Err(Ret::Value(value)),
            Doing::Noticed(_) => Err(Ret::Flag(value.is_some())),
        }
    }
}

/// One op's part in a key's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub doing: Doing,
    /// When it was called.
    pub call: usize,
    /// When it returned; `usize::MAX` while pending.
    pub returned: usize,
    /// The operation it is of: an index into [`History::operations`].
    pub of: usize,
}

impl Step {
    /// Must it be in the order?
    pub fn is_complete(&self) -> bool {
        self.returned != usize::MAX
    }

    /// [`Doing::apply`].
    ///
    /// # Errors
    /// What the spec answers, if that is not what the step answered.
    #[inline]
    pub fn apply(&self, key: u16, value: Option<u64>) -> Result<Option<u64>, Ret> {
        self.doing.apply(key, value)
    }
}

/// What happened to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key.
    pub key: u16,
    /// What it held before.
    pub given: Option<u64>,
    /// What was done to it, in the order of the calls.
    pub steps: Vec<Step>,
}

impl Part {
    /// The same with one more step.
    pub fn with(&self, step: Step) -> Part {
        let mut part = self.clone();
        let at = part.steps.partition_point(|other| other.call <= step.call);
        part.steps.insert(at, step);
        part
    }

    /// The same as seen just after event `end`: later calls are not there, later returns have not happened.
    pub fn until(&self, end: usize) -> Part {
        let mut part = self.clone();
        part.steps.retain(|step| step.call <= end);
        for step in part.steps.iter_mut().filter(|step| step.returned > end) {
            step.returned = usize::MAX;
            if let Doing::Op(_, answer) = &mut step.doing {
                *answer = None;
            }
        }
        part.drop_idle();
        part
    }

    /// Drops pending reads: they answered nothing and do nothing.
    fn drop_idle(&mut self) {
        self.steps.retain(|step| {
            step.is_complete()
                || matches!(step.doing, Doing::Walk(_))
                || matches!(step.doing, Doing::Op(op, _) if !is_read(op))
        });
    }
}

/// How many ops in the step's interval may have inserted the key. A step too many does no harm: it can be
/// placed right after another of the same call, and does nothing there.
fn inserts_during(steps: &[Step], walk: Step) -> usize {
    let overlaps = |step: &&Step| step.call < walk.returned && step.returned > walk.call;
    steps.iter().filter(overlaps).filter(|step| step.doing.may_insert()).count()
}

fn removes(op: Op) -> bool {
    matches!(op, Op::Remove(_) | Op::RemoveEntry(_) | Op::Update(..) | Op::UpdateWithin(..))
}

/// The history of each key that an op names or that is given, by key.
pub fn parts(history: &History, operations: &[Operation<'_>]) -> Vec<Part> {
    let mut parts: BTreeMap<u16, Part> = BTreeMap::new();
    let empty = |key| Part { key, given: None, steps: Vec::new() };
    for &(key, value) in &history.given {
        parts.entry(key).or_insert_with(|| empty(key)).given = Some(value);
    }
    let mut walks = Vec::new();
    for (of, operation) in operations.iter().enumerate() {
        let &Operation { op, answer, call, returned, .. } = operation;
        let step = |doing| Step { doing, call, returned, of };
        if let Some(key) = key_of(op) {
            let answer = match answer {
                Some(Answer::Ret(ret)) => Some(*ret),
                _ => None,
            };
            let part = parts.entry(key).or_insert_with(|| empty(key));
            part.steps.push(step(Doing::Op(op, answer)));
        } else if matches!(op, Op::Clear | Op::Retain(..) | Op::RetainValues(..)) {
            walks.push((op, step(Doing::Walk(op))));
        }
    }
    let walk = history.contracts.walk;
    for part in parts.values_mut() {
        // A retain by key does nothing at all to a key that stays.
        let reached = walks.iter().filter(|(op, _)| match *op {
            Op::Retain(modulus, residue) => chosen(part.key as u64, modulus, residue),
            _ => true,
        });
        let again = reached.flat_map(|&(_, step)| {
            let times = if walk == Walk::Again { 1 + inserts_during(&part.steps, step) } else { 1 };
            std::iter::repeat_n(step, times)
        });
        let again: Vec<Step> = again.collect();
        part.steps.extend(again);
    }
    for part in parts.values_mut() {
        part.steps.sort_by_key(|step| step.call);
        part.drop_idle();
    }
    parts.into_values().collect()
}
