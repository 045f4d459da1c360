//! Generated concurrent cases: 2–4 threads of 1–6 ops, with a growth always near.
//!
//! Few keys, most of them in one old bucket; a map that is in the middle of a growth or of one within another, about to begin
//! one, or thin with overflow buckets; swarm weights, so that one case is all removes and another all `clear` and iteration.
//! For a map of somebody else's, as many entries as its growth may wait for.
//!
//! # Not here
//! Judging them: see `engines::judge`.
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::hashers::Hasher;
use crate::case::{Case, Elements, GIVEN, Thread};
use crate::catalogue::{PAIR, QUAD, nested, thin};
use crate::op::{Op, Site};
use fastrand::Rng;

/// Names of threads, by role of none.
pub const NAMES: [&str; 4] = ["ann", "ben", "cat", "dan"];
/// Keys that the threads use: of one old bucket (of two), of the other, of either.
const KEYS: [u16; 8] = [2, 4, 6, 8, 1, 3, 5, 12];
/// Ops in all threads together: what a checker answers in no time.
const OPS_MAX: usize = 12;

/// A case from a seed, for `ConcurrentMap`.
pub fn draw(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let (capacity, ops) = given(&mut rng);
    cast(&mut rng, capacity, ops, KEYS, 30)
}

/// A case from a seed, for a map of which nothing is known but that it grows: when it holds some share of a power of two.
pub fn draw_for_any(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let (buckets, eighths) = (1 << rng.u32(0..=6), [4, 6, 7, 8][rng.usize(0..4)]);
    let held = (buckets * eighths / 8_u16).saturating_sub(rng.u16(0..4));
    let ops = vec![Op::Extend(0, held as u8)];
    let keys = [0, 1, 2, 3, held, held + 1, held + 2, held + 3];
    cast(&mut rng, 0, ops, keys, held + 4)
}

/// Threads for a map on which these ops were done; they use some of these keys, and new ones from `fresh` on.
fn cast(rng: &mut Rng, capacity: u16, given: Vec<Op>, keys: [u16; 8], fresh: u16) -> Case {
    let mut threads = vec![Thread { name: GIVEN.into(), ops: given, notes: Vec::new() }];
    let weights = [(); 12].map(|()| if rng.u8(0..3) == 0 { 0 } else { rng.u32(1..8) });
    let keys: Vec<u16> = (0..rng.usize(1..5)).map(|_| keys[rng.usize(0..keys.len())]).collect();
    let count = rng.usize(2..5);
    for name in &NAMES[..count] {
        let length = rng.usize(1..=6.min(OPS_MAX / count));
        let ops = (0..length).map(|_| op(rng, &weights, &keys, fresh)).collect();
        threads.push(Thread { name: (*name).into(), ops, notes: Vec::new() });
    }
    let hasher = if rng.u8(0..6) == 0 { Hasher::Zero } else { Hasher::Identity };
    let elements = if rng.u8(0..3) == 0 { Elements::Counted } else { Elements::Plain };
    Case { hasher, elements, capacity, threads, ..Case::default() }
}

/// A map near or in a growth: the capacity it is made with, and what is done to it first.
fn given(rng: &mut Rng) -> (u16, Vec<Op>) {
    let insert = |key: u16| Op::Insert(key, key);
    let few = |rng: &mut Rng| {
        let some = KEYS.iter().filter(|_| rng.bool()).copied();
        some.map(insert).collect::<Vec<Op>>()
    };
    match rng.u8(0..10) {
        // A growth from 2 buckets has begun, perhaps half of it is done.
        0..=3 => {
            let mut ops = few(rng);
            ops.push(Op::EvacuateTo(rng.u16(0..2)));
            (PAIR, ops)
        }
        // From 4.
        4 => {
            let mut ops = few(rng);
            ops.push(Op::EvacuateTo(rng.u16(0..4)));
            (QUAD, ops)
        }
        // One bucket, full: the next insertion starts a growth.
        5 => (8, (20..28).map(insert).collect()),
        // A chain of 2 buckets, its growth begun.
        6 => {
            let chain = (0..9).map(|key| insert(20 + 2 * key));
            (PAIR, chain.chain([Op::EvacuateTo(0)]).collect())
        }
        // A growth within a growth.
        7 => (PAIR, nested()),
        // One insertion from a growth to the same size.
        8 => (PAIR, thin()),
        _ => (PAIR, few(rng)),
    }
}

fn op(rng: &mut Rng, weights: &[u32; 12], keys: &[u16], fresh: u16) -> Op {
    let key = keys[rng.usize(0..keys.len())];
    let value = rng.u16(100..200);
    let total: u32 = weights.iter().sum();
    let mut at = rng.u32(0..total.max(1));
    let kind = weights.iter().position(|&weight| match at.checked_sub(weight) {
        None => true,
        Some(left) => {
            at = left;
            false
        }
    });
    let seldom = rng.u8(0..4) == 0;
    match kind.unwrap_or(0) {
        0 | 1 => Op::Insert(key, value),
        2 | 3 if seldom => [Op::ContainsKey(key), Op::GetKeyValue(key)][rng.usize(0..2)],
        2 | 3 => Op::Get(key),
        4 | 5 if seldom => Op::RemoveEntry(key),
        4 | 5 => Op::Remove(key),
        6 if seldom => Op::UpdateWithin(key, value),
        6 => Op::Update(key, value),
        7 if seldom => Op::EntryOrInsertWith(key, value),
        7 => Op::EntryOrInsert(key, value),
        8 => Op::Compute(key, value),
        9 => {
            let whole = [Op::Iter, Op::View, Op::Check, Op::Len, Op::Clear];
            let retain = [Op::Retain(1, 0), Op::RetainValues(1, 0)];
            let at = rng.usize(0..whole.len() + retain.len());
            *whole.iter().chain(&retain).nth(at).expect("drawn below their number")
        }
        10 if seldom => Op::PanicAt(Site::ALL[rng.usize(0..Site::ALL.len())], rng.u8(0..4)),
        10 => Op::Reserve(rng.u16(0..30)),
        _ => Op::Insert(fresh + rng.u16(0..10), value),
    }
}
