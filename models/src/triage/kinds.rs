//! Which op may stand for which: the kinds of ops in an order, the simplest first.
//!
//! Two hunts come upon one bug by different ops: a `retain` leaves the hole that a `remove` would leave, a `reserve`
//! evacuates what an `insert` would. In place of each op every simpler one is tried, so that the cases of one bug come to
//! the same ops, and so to the same signature.
//!
//! # Checked by
//! `tests/minimise.rs`.

use super::edit::{Edit, Piece, THRESHOLDS, keys};
use crate::case::Case;
use crate::concurrent_subject::needs;
use crate::op::{Argument, Kind, Op};

/// The simplest kinds, in order; all others come after them, in the order of the vocabulary.
const SIMPLEST: [Kind; 19] = [
    Kind::Insert,
    Kind::Evacuate,
    Kind::Remove,
    Kind::Get,
    Kind::FillToThreshold,
    Kind::Extend,
    Kind::Clear,
    Kind::Reserve,
    Kind::ShrinkToFit,
    Kind::Iter,
    Kind::CursorStep,
    Kind::CursorOpen,
    Kind::Retain,
    Kind::RetainValues,
    Kind::Clone,
    Kind::Update,
    Kind::Drain,
    Kind::IntoIter,
    Kind::ExtractIf,
];

/// How far a kind is from the simplest.
pub(super) fn rank(kind: Kind) -> usize {
    let place = SIMPLEST.iter().position(|&simple| simple == kind);
    place.unwrap_or(SIMPLEST.len() + kind as usize)
}

/// Simpler ops in the place of each.
pub fn kinds(case: &Case) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (thread, ops) in case.threads.iter().map(|thread| &thread.ops).enumerate() {
        for (at, &op) in ops.iter().enumerate() {
            let here = Piece { thread, start: at, len: 1 };
            edits.extend(simpler(case, op).into_iter().map(|op| Edit::Replace(here, op)));
        }
    }
    edits
}

/// Every simpler op that might do what this one is there for, the simplest first.
fn simpler(case: &Case, op: Op) -> Vec<Op> {
    let sequential = case.is_sequential();
    let kinds = SIMPLEST.into_iter().take(rank(op.kind()));
    let fits = |kind: &Kind| !(sequential && kind.is_for_shared_maps());
    let ops = kinds.filter(fits).flat_map(|kind| like(case, op, kind));
    ops.filter(|op| sequential || needs(*op).is_some()).collect()
}

/// Keys that are tried where an op has none.
const KEYS: u16 = 16;
/// How many entries past the threshold a map is filled: each does growth work.
const PAST: [i8; 5] = [1, 2, 4, 8, 16];

/// Ops of this kind that are about what `op` is about.
fn like(case: &Case, op: Op, kind: Kind) -> Vec<Op> {
    let own = |wanted| first_of(op, wanted);
    let small = own(Argument::Small).unwrap_or(0) as u8;
    let cursor = own(Argument::Cursor).unwrap_or(0) as u8;
    let fresh = fresh(case);
    let some: Vec<u16> = match own(Argument::Key) {
        Some(key) => vec![key],
        None if case.is_sequential() => {
            keys(case).into_iter().take(KEYS.into()).chain(0..KEYS).collect()
        }
        // Under every schedule that is tried: few have to do.
        None => keys(case).into_iter().take(1).collect(),
    };
    let first = own(Argument::Key).unwrap_or(0);
    match kind {
        Kind::Evacuate => [1, 2, u8::MAX].map(Op::Evacuate).to_vec(),
        Kind::Insert => {
            let value = own(Argument::Value);
            let insert = |key: u16| Op::Insert(key, value.unwrap_or(key));
            own(Argument::Key).into_iter().chain([fresh]).map(insert).collect()
        }
        Kind::Remove => some.into_iter().map(Op::Remove).collect(),
        Kind::Get => some.into_iter().map(Op::Get).collect(),
        Kind::FillToThreshold => PAST.map(|past| Op::FillToThreshold(past, first)).to_vec(),
        Kind::Extend => THRESHOLDS.map(|count| Op::Extend(first, count)).to_vec(),
        Kind::Reserve => vec![Op::Reserve(own(Argument::Count).unwrap_or(1))],
        Kind::CursorOpen => vec![Op::CursorOpen(cursor, 0, 0)],
        Kind::CursorStep => vec![Op::CursorStep(cursor, small)],
        Kind::Retain => vec![Op::Retain(small, second_small(op).unwrap_or(0))],
        Kind::RetainValues => vec![Op::RetainValues(small, second_small(op).unwrap_or(0))],
        Kind::ExtractIf => vec![Op::ExtractIf(small, second_small(op).unwrap_or(0))],
        Kind::Update => vec![Op::Update(first, own(Argument::Value).unwrap_or(1))],
        Kind::Clear => vec![Op::Clear],
        Kind::ShrinkToFit => vec![Op::ShrinkToFit],
        Kind::Iter => vec![Op::Iter],
        Kind::Clone => vec![Op::Clone],
        Kind::Drain => vec![Op::Drain],
        Kind::IntoIter => vec![Op::IntoIter],
        _ => Vec::new(),
    }
}

/// The smallest key that the case does not name.
fn fresh(case: &Case) -> u16 {
    let known = keys(case);
    (0..u16::MAX).find(|key| !known.contains(key)).unwrap_or(u16::MAX)
}

/// The first argument of its sort.
pub(super) fn first_of(op: Op, wanted: Argument) -> Option<u16> {
    let mut first = None;
    op.arguments(|argument, raw| first = first.or((argument == wanted).then_some(raw)));
    first
}

fn second_small(op: Op) -> Option<u8> {
    let mut small = Vec::new();
    op.arguments(|argument, raw| small.extend((argument == Argument::Small).then_some(raw as u8)));
    small.get(1).copied()
}
