//! Every case of a few ops, in order.
//!
//! Taking pieces away ends where no single piece can go, and where that is depends on where it began: one raw failure
//! comes to `fill-to-threshold +53 k0`, `remove k4`, another to thirty inserts and a `remove`. Most bugs of a map need very few ops, if only
//! they are the right ones; so of all short cases, made of what the case at hand is made of, the first that fails
//! stands for it. Exhaustive testing of small inputs as in Runciman, Naylor and Lindblad's *SmallCheck* (2008), here to
//! make one case of many.
//!
//! # Not here
//! Trying them: see `minimise`.
//! # Checked by
//! `tests/minimise.rs`.

use super::edit::{THRESHOLDS, mapped};
use super::kinds::rank;
use crate::case::Case;
use crate::op::{Argument, Op};
use std::collections::HashSet;
use std::iter;

/// The most cases that are tried with one header.
const CASES_MAX: usize = 8_000;
/// Keys that ops are about: neighbours, and such as go to later buckets.
const KEYS: [u16; 7] = [0, 1, 2, 3, 4, 8, 30];

/// Cases of one op, of two, … at most as many as this one has, of its kinds of ops and those that make a map grow: with
/// the plainest header, then with its own. Shorter ones first, then by the order of the ops.
pub fn cases(case: &Case) -> impl Iterator<Item = Case> + use<> {
    let own = Case { capacity: 0, ..case.clone() };
    let plain = Case { elements: case.elements, ..Case::sequential(Vec::new()) };
    let has_own = (own.hasher, own.order) != (plain.hasher, plain.order);
    let headers = iter::once(plain).chain(has_own.then_some(own));
    let (ops, longest) = (alphabet(case), case.ops().len());
    headers.flat_map(move |header| {
        let ops = ops.clone();
        let sequences = (1..=longest).flat_map(move |length| sequences(ops.clone(), length));
        sequences.take(CASES_MAX).map(move |ops| {
            let mut case = header.clone();
            case.threads[0].ops = ops;
            case
        })
    })
}

/// What the cases are made of, the simplest first.
fn alphabet(case: &Case) -> Vec<Op> {
    // Of an empty map the threshold is 0: these begin a growth from 1, 2, 4, … buckets.
    let first = THRESHOLDS.into_iter().filter_map(|count| i8::try_from(count).ok());
    let fills = [1, 0].into_iter().chain(first).map(|past| Op::FillToThreshold(past, 0));
    let evacuations = [1, u8::MAX].map(Op::Evacuate);
    let mut own: Vec<Op> = case.ops().to_vec();
    own.sort_by_key(|op| rank(op.kind()));
    let own = own.iter().flat_map(|&op| KEYS.into_iter().flat_map(move |key| about(op, key)));
    let mut seen = HashSet::new();
    fills.chain(evacuations).chain(own).filter(|op| seen.insert(*op)).collect()
}

/// The op, about this key.
fn about(op: Op, key: u16) -> Option<Op> {
    match op {
        // There are enough of these.
        Op::FillToThreshold(..) | Op::Extend(..) | Op::Evacuate(_) => None,
        Op::Insert(..) => Some(Op::Insert(key, 0)),
        op => Some(mapped(op, |argument, raw| if argument == Argument::Key { key } else { raw })),
    }
}

/// Every sequence of so many of these.
fn sequences(ops: Vec<Op>, length: usize) -> impl Iterator<Item = Vec<Op>> {
    let count = ops.len().saturating_pow(length as u32);
    (0..count).map(move |number| {
        let place = |digit| ops.len().pow(digit as u32);
        (0..length).rev().map(|digit| ops[number / place(digit) % ops.len()]).collect()
    })
}
