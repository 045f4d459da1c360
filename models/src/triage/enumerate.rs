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
use super::sighting::Sighting;
use super::signature::class_of;
use crate::case::{Case, GIVEN, Thread};
use crate::generators::hashers::Hasher;
use crate::generators::scenarios::NAMES;
use crate::op::{Argument, Kind, Op};
use std::collections::HashSet;
use std::iter;

/// The most cases that are tried with one header.
const CASES_MAX: usize = 8_000;
/// Keys that ops are about: neighbours, and such as go to later buckets.
const KEYS: [u16; 7] = [0, 1, 2, 3, 4, 8, 30];
/// Keys that go to the same place of a table of up to 2^15, the last one, where some maps go on at the first.
const COLLIDING: [u16; 2] = [0x7fff, 0xffff];

/// Cases of one op, of two, … at most as many as this one has, of its kinds of ops and those that make a map grow: with
/// the plainest header; with that, but of its own kinds alone about keys that collide; with its own header. Shorter ones
/// first, then by the order of the ops.
pub fn cases(case: &Case) -> impl Iterator<Item = Case> + use<> {
    let own = Case { capacity: 0, ..case.clone() };
    let plain = Case { elements: case.elements, ..Case::sequential(Vec::new()) };
    let has_own = (own.hasher, own.order) != (plain.hasher, plain.order);
    let all = distinct(growths().chain(about_keys(case, &KEYS)));
    let colliding = distinct(about_keys(case, &COLLIDING).into_iter());
    let mut alphabets = vec![(plain.clone(), all.clone()), (plain, colliding)];
    alphabets.extend(has_own.then_some((own, all)));
    let longest = case.ops().len();
    alphabets.into_iter().flat_map(move |(header, ops)| {
        let sequences = (1..=longest).flat_map(move |length| sequences(ops.clone(), length));
        sequences.take(CASES_MAX).map(move |ops| {
            let mut case = header.clone();
            case.threads[0].ops = ops;
            case
        })
    })
}

/// Short cases to try before pieces are taken from this one, where that is slow, or leads to one of many ends: of a race, the
/// shortest of such ops; of a crash, which says the least, those that fill the map, each step of which is judged; of what a
/// cursor misses, walks across a growth.
pub fn guesses(case: &Case, wanted: &Sighting) -> Box<dyn Iterator<Item = Case>> {
    match case.is_sequential() {
        false => Box::new(races(case)),
        true if wanted.is_crash() => Box::new(fillings(case)),
        true if wanted.is_of_cursors() => Box::new(walks(case)),
        true => Box::new(iter::empty()),
    }
}

/// Cases of one op and of two that do nothing but fill the map and make it grow.
fn fillings(case: &Case) -> impl Iterator<Item = Case> + use<> {
    let bare = Case { threads: Case::sequential(vec![Op::Len; 2]).threads, ..case.clone() };
    cases(&bare)
}

/// A cursor that is opened on a map that was filled, and goes to its end when that has grown: with the plainest hasher, one
/// that makes all entries collide, and the case's own.
fn walks(case: &Case) -> impl Iterator<Item = Case> + use<> {
    let mut hashers = vec![Hasher::Identity, Hasher::Zero];
    hashers.extend((!hashers.contains(&case.hasher)).then_some(case.hasher));
    let plain = Case { elements: case.elements, ..Case::default() };
    let fills = || growths().filter(|op| matches!(op, Op::FillToThreshold(..)));
    let ops = move || fills().flat_map(|fill| growths().map(move |growth| [fill, growth]));
    hashers.into_iter().flat_map(move |hasher| {
        let plain = plain.clone();
        ops().map(move |[fill, growth]| {
            let mut case = Case { hasher, ..plain.clone() };
            let [open, step] = [Op::CursorOpen(0, 0, 0), Op::CursorStep(0, u8::MAX)];
            case.threads[0].ops = vec![fill, open, growth, step];
            case
        })
    })
}

/// Ops that fill a map, then such as make it grow.
fn growths() -> impl Iterator<Item = Op> {
    // Of an empty map the threshold is 0: these begin a growth from 1, 2, 4, … buckets.
    let first = THRESHOLDS.into_iter().filter_map(|count| i8::try_from(count).ok());
    let fills = [1, 0].into_iter().chain(first).map(|past| Op::FillToThreshold(past, 0));
    fills.chain([1, u8::MAX].map(Op::Evacuate))
}

/// The case's ops about these keys, the simplest first.
fn about_keys(case: &Case, keys: &[u16]) -> Vec<Op> {
    let mut own: Vec<Op> = case.ops().to_vec();
    own.sort_by_key(|op| rank(op.kind()));
    own.iter().flat_map(|&op| keys.iter().flat_map(move |&key| about(op, key))).collect()
}

/// Each of these once.
fn distinct(ops: impl Iterator<Item = Op>) -> Vec<Op> {
    let mut seen = HashSet::new();
    ops.filter(|op| seen.insert(*op)).collect()
}

/// Two threads with an op each about one key: an `insert`, or of kinds that the case has, simpler ones first; on a map that
/// is empty, has the key, is about to be evacuated, or both. What inserts come upon has one name, whatever else raced.
fn races(case: &Case) -> impl Iterator<Item = Case> + use<> {
    let [there, growing] = [Op::Insert(0, 0), Op::EvacuateTo(0)];
    let own = case.running().iter().flat_map(|thread| &thread.ops).copied();
    let others = [Kind::PanicAt, Kind::Insert];
    let mut ops: Vec<Op> = own.filter(|op| !others.contains(&op.kind())).collect();
    ops.sort_by_key(|op| rank(op.kind()));
    ops.dedup_by_key(|op| op.kind());
    ops.insert(0, there);
    let mut pairs = Vec::new();
    for (number, &second) in ops.iter().enumerate() {
        // One of them is left in the middle, so it matters which comes first.
        pairs.extend(ops[..number].iter().flat_map(|&first| [[first, second], [second, first]]));
        pairs.push([second, second]);
    }
    let plain = Case { elements: case.elements, ..Case::default() };
    pairs.into_iter().flat_map(move |[first, second]| {
        let racers = [vec![put(first, 1)], vec![put(second, 2)]];
        let givens = [vec![], vec![there], vec![growing], vec![there, growing]];
        let plain = plain.clone();
        givens.into_iter().map(move |given| {
            let names = iter::once(GIVEN).chain(NAMES);
            let ops = iter::once(given).chain(racers.clone());
            let thread = |(name, ops): (&str, _)| Thread { name: name.into(), ops, notes: vec![] };
            Case { threads: names.zip(ops).map(thread).collect(), ..plain.clone() }
        })
    })
}

/// The op, about the first key; what it puts there is this.
fn put(op: Op, value: u16) -> Op {
    let puts = class_of(op.kind()) == "insert";
    mapped(op, |argument, raw| match argument {
        Argument::Key => 0,
        Argument::Value if puts => value,
        _ => raw,
    })
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
