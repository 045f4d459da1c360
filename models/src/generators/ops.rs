//! Sequences of ops by swarm: each phase of a sequence draws which kinds of op it uses and how often, so that some
//! sequences only grow, some churn at one size, some do a single rare thing many times.
//!
//! # Not here
//! Sequences made for one defect: see `directed`.
//! # Checked by
//! `tests/generators.rs`.

use super::directed;
use super::hashers::Hasher;
use super::keys::{Keys, Style};
use crate::case::{Case, Elements};
use crate::op::{Argument, CURSORS, Kind, Op, Order, Site};
use clap::ValueEnum;
use fastrand::Rng;
use std::convert::Infallible;

/// What a sequence is to exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mix {
    /// Everything.
    #[default]
    Full,
    /// `get`, `insert` and `remove` in equal parts over 512 keys.
    GetInsertRemove,
    /// Cursors over maps that change.
    Iteration,
    /// Panics in user code.
    Panics,
}

/// Capacities around the thresholds.
const CAPACITIES: [u16; 16] = [0, 0, 0, 0, 0, 0, 1, 7, 8, 9, 13, 14, 26, 52, 104, 300];

/// Draws everything of a sequential case: `length` ops or a little more.
pub fn fill(case: &mut Case, rng: &mut Rng, mix: Mix, length: usize) {
    if mix == Mix::GetInsertRemove {
        *case = Case { threads: std::mem::take(&mut case.threads), ..Case::default() };
        case.hasher = Hasher::Seeded(rng.u16(..));
        let ops = case.ops_mut();
        ops.clear();
        phase(ops, rng, mix, Hasher::default(), length);
        return;
    }
    header(case, rng, mix);
    let hasher = case.hasher;
    let ops = case.ops_mut();
    ops.clear();
    while ops.len() < length {
        let left = length - ops.len();
        let length = rng.usize(32..=160).min(left);
        phase(ops, rng, mix, hasher, length);
    }
}

/// Draws everything but the ops.
pub fn header(case: &mut Case, rng: &mut Rng, mix: Mix) {
    case.hasher = match rng.u8(0..32) {
        0..6 => Hasher::Identity,
        6..12 => Hasher::Low3,
        12..20 => Hasher::Mix,
        20..22 => Hasher::Zero,
        22..24 => Hasher::TopByte,
        24..26 => Hasher::LowBits,
        26..31 => Hasher::Seeded(0),
        _ => Hasher::Fickle(0),
    };
    if let Some(seed) = case.hasher.seed_mut() {
        *seed = rng.u16(..);
    }
    case.order = Order::ALL[rng.usize(0..2)];
    case.elements = match rng.u8(0..32) {
        26 | 27 => Elements::Counted,
        28 => Elements::CountedKeys,
        29 => Elements::CountedValues,
        _ if mix == Mix::Panics => Elements::Counted,
        0..24 if case.hasher.is_fickle() => Elements::Counted,
        0..26 => Elements::Plain,
        _ => Elements::Wide,
    };
    case.capacity = CAPACITIES[rng.usize(0..CAPACITIES.len())];
}

/// Each of the three for each value of a byte.
static GET_INSERT_REMOVE: [Op; 3 << 8] = {
    let mut ops = [Op::Get(0); 3 << 8];
    let mut value = 0;
    while value < 1 << 8 {
        ops[3 * value + 1] = Op::Insert(0, value as u16);
        ops[3 * value + 2] = Op::Remove(0);
        value += 1;
    }
    ops
};

#[inline]
fn get_insert_remove(rng: &mut Rng) -> Op {
    let bits = rng.u64(..);
    // 22 bits times the length: one of them, with nothing to notice of the remainder. A table rather than a `match`, as a
    // branch on a random number costs more than all the rest here.
    let mut op = GET_INSERT_REMOVE[((bits >> 9 & 0x3f_ffff) as usize * (3 << 8)) >> 22];
    if let Op::Get(k) | Op::Insert(k, _) | Op::Remove(k) = &mut op {
        *k = (bits & 511) as u16;
    }
    op
}

/// What a phase is about.
#[derive(Clone, Copy)]
enum Mood {
    Grow,
    Shrink,
    Churn,
    Mixed,
}

/// Appends about `length` ops that belong together.
pub fn phase(ops: &mut Vec<Op>, rng: &mut Rng, mix: Mix, hasher: Hasher, length: usize) {
    if mix == Mix::GetInsertRemove {
        ops.extend((0..length).map(|_| get_insert_remove(rng)));
        return;
    }
    let odds = if mix == Mix::Iteration { 8 } else { 24 };
    match rng.u8(0..odds) {
        0 if mix != Mix::Panics => return directed::cursor_across_two_growths(ops, rng, hasher),
        1 if mix != Mix::Panics => return directed::clear_under_a_cursor(ops, rng, hasher),
        2 if mix != Mix::Panics => return directed::older_cursor_closed(ops, rng),
        3 if mix == Mix::Iteration => return directed::emptied_under_a_cursor(ops, rng),
        3 => return directed::kept_keys_thrown_away(ops, rng),
        4..7 if mix == Mix::Panics => return directed::panic_on_the_way(ops, rng),
        4 if mix == Mix::Iteration => {
            return directed::slots_taken_under_a_cursor(ops, rng, hasher);
        }
        5 if mix == Mix::Iteration => return directed::shrunk_under_a_cursor(ops, rng, hasher),
        4 if mix == Mix::Full => return directed::evacuated_ahead_of_the_mark(ops, rng),
        5 if mix == Mix::Full => return directed::past_the_limit(ops, rng, hasher),
        6 if mix == Mix::Full => return directed::emptied_under_a_cursor(ops, rng),
        7 if mix == Mix::Full => return directed::panic_on_the_way(ops, rng),
        8 if mix == Mix::Full => return directed::slots_taken_under_a_cursor(ops, rng, hasher),
        9 if mix == Mix::Full => return directed::chains_joined_by_a_shrink(ops, rng, hasher),
        10 if mix == Mix::Full => return directed::packed_again(ops, rng, hasher),
        11 if mix == Mix::Full => return directed::refused_after_thinning(ops, rng, hasher),
        12 if mix == Mix::Full => return directed::shrunk_under_a_cursor(ops, rng, hasher),
        13 if mix == Mix::Full => return directed::hollow_chain(ops, rng, hasher),
        _ => {}
    }
    let style = Style::draw(rng);
    let keys = Keys::new(rng, style, hasher);
    let kinds = swarm(rng, mix);
    for _ in 0..length {
        let kind = kinds[rng.u8(..) as usize];
        ops.push(draw(rng, kind, &keys));
    }
}

/// One op of this kind.
pub fn draw(rng: &mut Rng, kind: Kind, keys: &Keys) -> Op {
    let op = Op::build(kind, |argument| {
        Ok::<u16, Infallible>(match argument {
            Argument::Key => keys.pick(rng),
            Argument::Value => rng.u8(..) as u16,
            Argument::Count => match rng.u8(0..64) {
                0 => rng.u16(0..1000),
                1..8 => CAPACITIES[rng.usize(0..CAPACITIES.len())],
                _ => rng.u16(0..64),
            },
            Argument::Small => match rng.u8(0..16) {
                0 => rng.u8(..) as u16,
                1..4 => rng.u16(0..32),
                _ => rng.u16(0..6),
            },
            Argument::Cursor => rng.u16(0..CURSORS as u16),
            Argument::Distance => (rng.i8(-3..=3)) as u8 as u16,
            Argument::Site => rng.u16(0..Site::ALL.len() as u16),
            Argument::Order => rng.u16(0..2),
        })
    });
    match op {
        Ok(op) => op,
        Err(never) => match never {},
    }
}

/// Kinds of op, each as often as it is to be drawn.
fn swarm(rng: &mut Rng, mix: Mix) -> [Kind; 256] {
    let mood = [Mood::Grow, Mood::Shrink, Mood::Churn, Mood::Mixed][rng.usize(0..4)];
    // One set of coins for the phase: which of the rarer kinds take part. In half of the phases
    // hardly any does: what random ops find, they find by their number.
    let coins = if rng.bool() { rng.u64(..) & rng.u64(..) } else { 1 << rng.u32(0..64) };
    let mut weights: Vec<(Kind, u32)> = Vec::with_capacity(Kind::ALL.len());
    for (at, &kind) in Kind::ALL.iter().enumerate() {
        let takes_part = coins >> (at % 64) & 1 == 1;
        let weight = match (kind, mood) {
            (Kind::Insert, Mood::Grow) => 120,
            (Kind::Insert, Mood::Churn) => 60,
            (Kind::Insert, _) => 24,
            (Kind::Remove, Mood::Shrink) => 60,
            (Kind::Remove, Mood::Churn) => 60,
            (Kind::Remove, _) => 12,
            (Kind::Get, _) => 16,
            _ if !takes_part => 0,
            _ => rare(kind, mix),
        };
        weights.push((kind, weight));
    }
    let total: u32 = weights.iter().map(|&(_, weight)| weight).sum();
    let mut table = [Kind::Insert; 256];
    let (mut at, mut reached) = (0, weights[0].1);
    for (place, kind) in table.iter_mut().enumerate() {
        let goal = (place as u32 * total) / 256;
        while goal >= reached && at + 1 < weights.len() {
            at += 1;
            reached += weights[at].1;
        }
        *kind = weights[at].0;
    }
    table
}

/// The weight of a kind that takes part in a phase.
fn rare(kind: Kind, mix: Mix) -> u32 {
    match kind {
        Kind::PanicAt => match mix {
            Mix::Panics => 12,
            _ => 2,
        },
        Kind::CursorOpen | Kind::CursorOpenAnywhere if mix == Mix::Iteration => 12,
        Kind::CursorStep if mix == Mix::Iteration => 80,
        Kind::CursorOpen | Kind::CursorStep => 10,
        Kind::FillToThreshold => 6,
        Kind::Evacuate | Kind::EvacuateTo => 6,
        // Ops that empty the map: often enough to be met, seldom enough that maps grow.
        Kind::IntoIter
        | Kind::IntoIterDrop
        | Kind::Drain
        | Kind::DrainDrop
        | Kind::Clear
        | Kind::Retain
        | Kind::RetainValues
        | Kind::ExtractIf
        | Kind::ExtractIfDrop => 1,
        // Ops that look at every entry.
        Kind::Iter | Kind::IterMut | Kind::KeysValues | Kind::ValuesMut | Kind::IntoKeysValues => 1,
        Kind::Clone | Kind::CloneSwap | Kind::Extend => 1,
        Kind::Reserve
        | Kind::TryReserve
        | Kind::ShrinkTo
        | Kind::ShrinkToFit
        | Kind::TryReserveTooMuch
        | Kind::TryReserveRefused => 2,
        _ if kind.is_for_shared_maps() => 0,
        _ => 8,
    }
}
