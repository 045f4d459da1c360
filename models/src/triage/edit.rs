//! Edits: what can be taken from a case, or made plainer in it. Typed: an edit drops an op, not bytes of one.
//!
//! # Invariants
//! - **lighter**: an edit is only of use if [`weight`] says that what it leaves is less. So there is no end to trying
//!   edits but a case that none makes lighter.
//! - **still concurrent**: a case with several threads keeps a `given` one, so that it does not turn into a sequential
//!   case, which would run on another map.
//! # Not here
//! Whether the case still fails: see `minimise`.
//! # Checked by
//! `tests/minimise.rs`.

use super::kinds::{first_of, rank};
use super::lab::Look;
use super::signature::class_of;
use crate::case::schedule::Departure;
use crate::case::{Case, Elements, Forced, GIVEN, Thread};
use crate::generators::hashers::Hasher;
use crate::op::{Argument, Op, Order};
use std::collections::BTreeSet;
use std::ops::Range;

/// Some ops of a thread, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The thread's index in the case.
    pub thread: usize,
    /// The first op.
    pub start: usize,
    /// How many.
    pub len: usize,
}

/// One change to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Drops a thread.
    DropThread(usize),
    /// Drops ops of a thread.
    DropOps(Piece),
    /// Puts one op in the place of several, and renames a key.
    Fold(Piece, Op, (u16, u16)),
    /// Drops departures from the schedule.
    DropForced(Range<usize>),
    /// Exchanges two threads, which changes what is ordinary.
    Exchange(usize, usize),
    /// Looks for a schedule with so many preemptions.
    Preempt(usize),
    /// Chooses element types.
    Elements(Elements),
    /// Chooses a capacity.
    Capacity(u16),
    /// Chooses a hasher.
    Hasher(Hasher),
    /// Chooses an evacuation order.
    Order(Order),
    /// Puts an op in the place of another: a piece of one op.
    Replace(Piece, Op),
    /// Renames keys, all at once.
    Rekey(Vec<(u16, u16)>),
}

/// Schedules to look at when ops have gone and the old schedule does not fit any more.
const SEARCH: u64 = 200;

impl Edit {
    /// The case after the edit.
    pub fn apply(&self, case: &Case) -> Case {
        let mut case = case.clone();
        match self {
            Edit::DropThread(thread) => drop_thread(&mut case, *thread),
            Edit::DropOps(piece) => drop_ops(&mut case, *piece, None),
            Edit::Fold(piece, op, name) => {
                drop_ops(&mut case, *piece, Some(*op));
                rekey(&mut case, &[*name]);
            }
            Edit::DropForced(piece) => drop(case.schedule.drain(piece.clone())),
            Edit::Exchange(first, second) => case.threads.swap(*first, *second),
            Edit::Preempt(_) => {}
            Edit::Elements(elements) => case.elements = *elements,
            Edit::Capacity(capacity) => case.capacity = *capacity,
            Edit::Hasher(hasher) => case.hasher = *hasher,
            Edit::Order(order) => case.order = *order,
            Edit::Replace(Piece { thread, start, .. }, op) => {
                case.threads[*thread].ops[*start] = *op;
            }
            Edit::Rekey(names) => rekey(&mut case, names),
        }
        case
    }

    /// How to look whether the case still fails.
    pub fn look(&self) -> Look {
        match self {
            Edit::DropForced(_) => Look::Once,
            Edit::Preempt(preemptions) => Look::Preempt(*preemptions),
            _ => Look::Search(SEARCH),
        }
    }
}

fn drop_thread(case: &mut Case, thread: usize) {
    let name = case.threads.remove(thread).name;
    case.schedule.retain(|Forced { moment, departure }| {
        moment.thread != name && *departure != Departure::Switch(name.clone())
    });
    if case.threads.len() == 1 && case.threads[0].name != GIVEN {
        case.threads.insert(0, Thread { name: GIVEN.into(), ..Thread::default() });
    }
}

/// Drops ops, or puts one in their place; departures in later ops move along.
fn drop_ops(case: &mut Case, Piece { thread, start, len }: Piece, put: Option<Op>) {
    let name = case.threads[thread].name.clone();
    case.threads[thread].ops.splice(start..start + len, put);
    let gone = start..start + len;
    case.schedule.retain(|forced| {
        forced.moment.thread != name || forced.moment.at.is_none_or(|at| !gone.contains(&at.op))
    });
    for forced in case.schedule.iter_mut().filter(|forced| forced.moment.thread == name) {
        if let Some(at) = forced.moment.at.as_mut().filter(|at| at.op >= gone.end) {
            at.op -= len - usize::from(put.is_some());
        }
    }
}

fn rekey(case: &mut Case, names: &[(u16, u16)]) {
    let ops = case.threads.iter_mut().flat_map(|thread| &mut thread.ops);
    ops.for_each(|op| *op = rekeyed(*op, names));
}

fn rekeyed(op: Op, names: &[(u16, u16)]) -> Op {
    let renamed = |key: u16| names.iter().find(|(from, _)| *from == key).map_or(key, |&(_, to)| to);
    mapped(op, |argument, raw| if argument == Argument::Key { renamed(raw) } else { raw })
}

/// The op with its arguments mapped.
pub(super) fn mapped(op: Op, map: impl Fn(Argument, u16) -> u16) -> Op {
    let mut arguments = Vec::with_capacity(4);
    op.arguments(|argument, raw| arguments.push(map(argument, raw)));
    let mut arguments = arguments.into_iter();
    let built = Op::build(op.kind(), |_| arguments.next().ok_or(()));
    built.unwrap_or(op)
}

/// The keys that a case names.
pub fn keys(case: &Case) -> BTreeSet<u16> {
    let mut keys = BTreeSet::new();
    for op in case.threads.iter().flat_map(|thread| &thread.ops) {
        op.arguments(|argument, raw| {
            if argument == Argument::Key {
                keys.insert(raw);
            }
        });
    }
    keys
}

/// How much there is to a case, the most important first: threads, ops, forced switches, the header, how simple the ops
/// are, keys, how small the numbers.
pub fn weight(case: &Case) -> [u64; 7] {
    let ops = || case.threads.iter().flat_map(|thread| &thread.ops);
    let mut magnitude = u64::from(case.capacity);
    magnitude += u64::from(case.hasher.seed().unwrap_or(0));
    for op in ops() {
        op.arguments(|argument, raw| magnitude += size(argument, raw));
    }
    let header = 16 * hasher_rank(case.hasher)
        + 2 * case.elements as u64
        + u64::from(case.order != Order::default());
    let kinds = ops().map(|op| rank(op.kind()) as u64).sum();
    let (threads, departures) = (case.running().len() as u64, case.schedule.len() as u64);
    let (count, keys) = (ops().count() as u64, keys(case).len() as u64);
    [threads, count, departures, header, kinds, keys, magnitude]
}

fn size(argument: Argument, raw: u16) -> u64 {
    match argument {
        Argument::Distance => {
            2 * u64::from((raw as u8 as i8).unsigned_abs()) + u64::from(raw > 127)
        }
        _ => u64::from(raw),
    }
}

/// Hashers without a seed, the plainest first.
const PLAINER: [Hasher; 6] =
    [Hasher::Identity, Hasher::Zero, Hasher::Low3, Hasher::LowBits, Hasher::TopByte, Hasher::Mix];

fn hasher_rank(hasher: Hasher) -> u64 {
    PLAINER.iter().position(|&one| one == hasher).unwrap_or(PLAINER.len()) as u64
}

/// Drops whole threads.
pub fn threads(case: &Case) -> Vec<Edit> {
    let running = case.threads.len() - case.running().len();
    match case.running().len() {
        0 | 1 => Vec::new(),
        _ => (running..case.threads.len()).map(Edit::DropThread).collect(),
    }
}

/// Drops ops, `len` at a time.
pub fn ops(case: &Case, len: usize) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (thread, Thread { ops, .. }) in case.threads.iter().enumerate() {
        for start in (0..ops.len()).step_by(len) {
            edits.push(Edit::DropOps(Piece { thread, start, len: len.min(ops.len() - start) }));
        }
    }
    edits
}

/// Drops departures, `len` at a time.
pub fn departures(case: &Case, len: usize) -> Vec<Edit> {
    let all = case.schedule.len();
    (0..all).step_by(len).map(|start| Edit::DropForced(start..all.min(start + len))).collect()
}

/// Other schedules, and orders of the threads.
pub fn schedules(case: &Case) -> Vec<Edit> {
    let first = case.threads.len() - case.running().len();
    let mut edits: Vec<Edit> = Vec::new();
    if case.schedule.is_empty() {
        return edits;
    }
    // With as many preemptions as there are departures it would be no less.
    edits.extend((0..3.min(case.schedule.len())).map(Edit::Preempt));
    for second in first..case.threads.len() {
        edits.extend((first..second).map(|first| Edit::Exchange(first, second)));
    }
    edits
}

/// Plainer headers.
pub fn header(case: &Case) -> Vec<Edit> {
    let mut edits = Elements::ALL.map(Edit::Elements).to_vec();
    edits.extend(Order::ALL.map(Edit::Order));
    edits.extend(PLAINER.map(Edit::Hasher));
    if let Some(seed) = case.hasher.seed() {
        edits.extend(lower(seed).map(|lower| {
            let mut hasher = case.hasher;
            hasher.seed_mut().into_iter().for_each(|seed| *seed = lower);
            Edit::Hasher(hasher)
        }));
    }
    edits.extend(lower(case.capacity).map(Edit::Capacity));
    edits
}

/// Smaller numbers to try, the smallest first.
fn lower(number: u16) -> impl Iterator<Item = u16> {
    let tries = [0, 1, number / 2, number - number / 4, number.saturating_sub(1)];
    tries.into_iter().filter(move |&less| less < number)
}

/// Entries that start a growth: one more than 1, 2, 4, … buckets hold.
pub(super) const THRESHOLDS: [u8; 6] = [9, 14, 27, 53, 105, 209];

/// Smaller counts of entries to try: besides any, those that fill so many buckets, that start a growth, and that come upon one.
fn smaller(count: u16) -> impl Iterator<Item = u16> {
    let starts = THRESHOLDS.into_iter().map(u16::from);
    let counts = starts.flat_map(|start| [start - 1, start, start + 1]);
    lower(count).chain(counts.filter(move |&less| less < count))
}

/// Other keys to look at when new ones fill the map: where in its table a key stands is what matters.
const TARGETS: u16 = 8;

/// What only fills the map as one op that fills it: runs of inserts, and all that comes before the last op.
pub fn folds(case: &Case) -> Vec<Edit> {
    let mut edits = Vec::new();
    if !case.is_sequential() {
        return edits;
    }
    let ops = case.ops();
    let is_filling = |op: &Op| class_of(op.kind()) == "insert";
    let mut pieces: Vec<Range<usize>> = Vec::new();
    pieces.push(0..ops.len().saturating_sub(1));
    let mut start = 0;
    while start < ops.len() {
        let run = ops[start..].iter().take_while(|op| is_filling(op)).count();
        pieces.extend([run, run.saturating_sub(1), run / 2].map(|len| start..start + len));
        start += run + 1;
    }
    for piece in pieces.into_iter().filter(|piece| piece.len() >= 2) {
        let after = ops.get(piece.end).and_then(|op| first_of(*op, Argument::Key)).unwrap_or(0);
        let first =
            ops[piece.clone()].iter().find_map(|op| first_of(*op, Argument::Key)).unwrap_or(0);
        let here = Piece { thread: 0, start: piece.start, len: piece.len() };
        for op in fills(first, piece.len()) {
            let targets = (0..TARGETS).chain([after, piece.len() as u16 - 1]);
            edits.extend(targets.map(|target| Edit::Fold(here, op, (after, target))));
        }
    }
    edits
}

/// Ops that put many entries into a map.
fn fills(first: u16, len: usize) -> impl Iterator<Item = Op> {
    let extends = THRESHOLDS.into_iter().chain([len.min(255) as u8]).map(|len| Op::Extend(0, len));
    extends.chain([1, 0, 2, -1].map(|distance| Op::FillToThreshold(distance, first)))
}

/// Smaller arguments but for keys.
pub fn arguments(case: &Case) -> Vec<Edit> {
    each_op(case, |op| {
        let mut ops = Vec::new();
        let mut at = 0;
        op.arguments(|argument, raw| {
            let tries: Vec<u16> = match argument {
                Argument::Key => Vec::new(),
                Argument::Distance => match raw as u8 as i8 {
                    ahead @ 0.. => smaller(ahead as u16).collect(),
                    behind => vec![0, 1, u16::from((behind / 2) as u8)],
                },
                _ => smaller(raw).collect(),
            };
            ops.extend(tries.into_iter().map(|less| with_argument(op, at, less)));
            at += 1;
        });
        ops
    })
}

fn with_argument(op: Op, nth: usize, value: u16) -> Op {
    let at = std::cell::Cell::new(0);
    mapped(op, |_, raw| {
        let here = at.replace(at.get() + 1);
        if here == nth { value } else { raw }
    })
}

fn each_op(case: &Case, others: impl Fn(Op) -> Vec<Op>) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (thread, Thread { ops, .. }) in case.threads.iter().enumerate() {
        for (at, &op) in ops.iter().enumerate() {
            let here = Piece { thread, start: at, len: 1 };
            edits.extend(others(op).into_iter().map(|op| Edit::Replace(here, op)));
        }
    }
    edits
}

/// The most keys for which every pair is tried.
const PAIRED_MAX: usize = 12;

/// Fewer keys, and smaller ones.
pub fn renamings(case: &Case) -> Vec<Edit> {
    let keys: Vec<u16> = keys(case).into_iter().collect();
    let mut edits: Vec<Edit> = Vec::new();
    edits.push(Edit::Rekey(keys.iter().copied().zip(0..).collect()));
    for (at, &key) in keys.iter().enumerate() {
        let partners = if keys.len() <= PAIRED_MAX { &keys[..at] } else { &keys[..at.min(1)] };
        edits.extend(partners.iter().map(|&other| Edit::Rekey(vec![(key, other)])));
    }
    for &key in &keys {
        // What the low bits say is where it goes: smaller keys that go to the same bucket come with fewer of the others.
        let masked = (1..16).map(|bits| key & ((1 << bits) - 1));
        let stepped = (0..16).filter_map(|bits| key.checked_sub(1 << bits));
        let mut smaller: Vec<u16> = (0..4).chain(masked).chain(stepped).chain([key / 2]).collect();
        smaller.sort_unstable();
        smaller.dedup();
        let free = smaller.into_iter().filter(|less| *less < key && !keys.contains(less));
        edits.extend(free.map(|less| Edit::Rekey(vec![(key, less)])));
    }
    edits
}
