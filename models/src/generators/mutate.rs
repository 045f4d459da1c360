//! Mutation of ops, for `fuzz_mutator!` and `fuzz_crossover!` of `libfuzzer_sys`: the bytes are read as a case, changed
//! as one, and written back.
//!
//! Having a mutator also switches off libFuzzer's length control, which would keep inputs too short for a map to
//! grow; a case that is too short is made longer here.
//!
//! # Invariants
//! - **deterministic**: the result depends on the bytes, the sizes and the seed alone.
//! # Checked by
//! `tests/generators.rs`.

use super::ops::{self, Mix};
use crate::case::Case;
use crate::input::{decode, encode};
use crate::op::{Argument, Op};
use fastrand::Rng;

/// Below so many ops a case is made longer first.
const OPS_FEW: usize = 96;

/// Mutates the case in `data[..size]` in place; returns the new size, at most `max_size` and `data.len()`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, mix: Mix) -> usize {
    let mut rng = Rng::with_seed(seed as u64);
    let mut case = decode(&data[..size.min(data.len())]);
    if case.ops().is_empty() {
        ops::header(&mut case, &mut rng, mix);
    }
    if mix == Mix::GetInsertRemove && case.ops().len() < 512 {
        ops::fill(&mut case, &mut rng, mix, 512);
    }
    if case.ops().len() < OPS_FEW {
        lengthen(&mut case, &mut rng, mix);
    }
    for _ in 0..rng.u8(1..5) {
        change(&mut case, &mut rng, mix);
    }
    write_back(data, max_size, case)
}

/// Writes a case made of the start of one and the end of another to `out`; returns its size.
pub fn cross_over(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut rng = Rng::with_seed(seed as u64);
    let mut case = decode(one);
    let tail = decode(other);
    let cut = rng.usize(0..=case.ops().len());
    let from = rng.usize(0..=tail.ops().len());
    case.ops_mut().truncate(cut);
    case.ops_mut().extend_from_slice(&tail.ops()[from..]);
    write_back(out, out.len(), case)
}

fn write_back(data: &mut [u8], max_size: usize, case: Case) -> usize {
    let room = max_size.min(data.len());
    let mut bytes = encode(&case);
    // A cut inside an op leaves one with zeros for arguments, which is a case as well.
    bytes.truncate(room);
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

fn lengthen(case: &mut Case, rng: &mut Rng, mix: Mix) {
    let hasher = case.hasher;
    let length = rng.usize(OPS_FEW..4 * OPS_FEW);
    let mut run = Vec::new();
    ops::phase(&mut run, rng, mix, hasher, length);
    splice(case.ops_mut(), rng, run);
}

fn splice(ops: &mut Vec<Op>, rng: &mut Rng, run: Vec<Op>) {
    let at = rng.usize(0..=ops.len());
    ops.splice(at..at, run);
}

/// A short stretch of the ops.
fn stretch(ops: &[Op], rng: &mut Rng) -> std::ops::Range<usize> {
    let start = rng.usize(0..ops.len());
    let length = 1 << rng.u32(0..6);
    start..(start + length).min(ops.len())
}

fn change(case: &mut Case, rng: &mut Rng, mix: Mix) {
    let hasher = case.hasher;
    if rng.u8(0..16) == 0 && mix != Mix::GetInsertRemove {
        let mut header = Case::default();
        ops::header(&mut header, rng, mix);
        match rng.u8(0..4) {
            0 => case.hasher = header.hasher,
            1 => case.order = header.order,
            2 => case.elements = header.elements,
            _ => case.capacity = header.capacity,
        }
        return;
    }
    let ops = case.ops_mut();
    if ops.is_empty() {
        return;
    }
    match rng.u8(0..8) {
        0 => {
            let length = 1 << rng.u32(0..6);
            let mut run = Vec::new();
            ops::phase(&mut run, rng, mix, hasher, length);
            splice(ops, rng, run);
        }
        1 => {
            ops.drain(stretch(ops, rng));
        }
        2 => {
            let run = ops[stretch(ops, rng)].to_vec();
            splice(ops, rng, run);
        }
        3 => {
            let (a, b) = (rng.usize(0..ops.len()), rng.usize(0..ops.len()));
            ops.swap(a, b);
        }
        4 => {
            // The same again: growth by repetition.
            let run = ops[stretch(ops, rng)].to_vec();
            let times = rng.usize(2..6);
            splice(ops, rng, run.repeat(times));
        }
        5 => lengthen(case, rng, mix),
        _ => {
            for _ in 0..rng.u8(1..4) {
                let at = rng.usize(0..ops.len());
                ops[at] = nudge(ops[at], rng);
            }
        }
    }
}

/// The same kind of op with an argument a little off, or taken far away.
pub(super) fn nudge(op: Op, rng: &mut Rng) -> Op {
    let mut raws = [0; 3];
    let mut count = 0;
    op.arguments(|_, raw| {
        raws[count] = raw;
        count += 1;
    });
    if count > 0 {
        let raw = &mut raws[rng.usize(0..count)];
        *raw = match rng.u8(0..8) {
            0 => rng.u16(0..16),
            1 => *raw ^ 1 << rng.u32(0..10),
            2 | 3 => raw.wrapping_sub(1),
            _ => raw.wrapping_add(1),
        };
    }
    let mut next = raws.into_iter();
    let built = Op::build(op.kind(), |_: Argument| next.next().ok_or(()));
    built.unwrap_or(op)
}
