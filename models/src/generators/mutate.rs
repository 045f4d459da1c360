//! Mutation of ops, for `fuzz_mutator!` and `fuzz_crossover!` of `libfuzzer_sys`: the bytes are cut into a header and ops,
//! runs of ops are moved about as bytes, and only an op that changes is decoded.
//!
//! Having a mutator also switches off libFuzzer's length control, which would keep inputs too short for a map to
//! grow; a case that is too short is made longer here.
//!
//! # Invariants
//! - **deterministic**: the result depends on the bytes, the sizes and the seed alone.
//! - **whole ops**: what is inserted, removed or moved is always a number of ops.
//! # Checked by
//! `tests/generators.rs`.

use super::ops::{self, Mix};
use crate::case::Case;
use crate::input::{HEADER_BYTES, decode, decode_op, encode, encode_op, op_bytes};
use crate::op::{Argument, Op};
use fastrand::Rng;
use std::iter;
use std::ops::Range;

/// Below so many ops a case is made longer first.
const OPS_FEW: usize = 96;

/// Mutates the case in `data[..size]` in place; returns the new size, at most `max_size` and `data.len()`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, mix: Mix) -> usize {
    let mut rng = Rng::with_seed(seed as u64);
    let mut input = Input::cut(&data[..size.min(data.len())]);
    if input.len() == 0 {
        ops::header(&mut input.header, &mut rng, mix);
    }
    if mix == Mix::GetInsertRemove && input.len() < 512 {
        let mut case = Case::default();
        ops::fill(&mut case, &mut rng, mix, 512);
        input = Input::cut(&encode(&case));
    }
    if input.len() < OPS_FEW {
        lengthen(&mut input, &mut rng, mix);
    }
    for _ in 0..rng.u8(1..5) {
        change(&mut input, &mut rng, mix);
    }
    input.write(data, max_size)
}

/// Writes a case made of the start of one and the end of another to `out`; returns its size.
pub fn cross_over(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut rng = Rng::with_seed(seed as u64);
    let mut input = Input::cut(one);
    let tail = Input::cut(other);
    let cut = rng.usize(0..=input.len());
    let from = rng.usize(0..=tail.len());
    input.splice(cut..input.len(), tail.bytes(from..tail.len()));
    input.write(out, out.len())
}

/// The bytes of a case, with the places where its ops begin.
struct Input {
    /// A case without ops.
    header: Case,
    ops: Vec<u8>,
    /// Where each op begins, and where the last one ends.
    starts: Vec<usize>,
}

impl Input {
    fn cut(bytes: &[u8]) -> Self {
        let (header, ops) = bytes.split_at(HEADER_BYTES.min(bytes.len()));
        let mut starts = Vec::with_capacity(1 + ops.len());
        starts.push(0);
        starts.extend(ends(ops));
        let mut ops = ops.to_vec();
        // Bytes that are missing at the end of the last op read as 0.
        ops.resize(starts[starts.len() - 1], 0);
        Input { header: decode(header), ops, starts }
    }

    /// How many ops there are.
    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn bytes(&self, ops: Range<usize>) -> &[u8] {
        &self.ops[self.starts[ops.start]..self.starts[ops.end]]
    }

    /// Puts the bytes of whole ops in the place of others.
    fn splice(&mut self, ops: Range<usize>, bytes: &[u8]) {
        let (from, to) = (self.starts[ops.start], self.starts[ops.end]);
        self.ops.splice(from..to, bytes.iter().copied());
        let ends = ends(bytes).map(|end| from + end);
        let known = self.starts.len() - ops.len();
        self.starts.splice(ops.start + 1..=ops.end, ends);
        let come = self.starts.len() - known;
        // What follows is where it was, or has moved as a whole.
        if bytes.len() != to - from {
            for start in &mut self.starts[ops.start + 1 + come..] {
                *start = *start + bytes.len() - (to - from);
            }
        }
    }

    fn write(&self, data: &mut [u8], max_size: usize) -> usize {
        let mut bytes = encode(&self.header);
        bytes.extend(&self.ops);
        // A cut inside an op leaves one with zeros for arguments, which is a case as well.
        bytes.truncate(max_size.min(data.len()));
        data[..bytes.len()].copy_from_slice(&bytes);
        bytes.len()
    }
}

/// Where each of these ops ends; the last one maybe behind the bytes.
fn ends(ops: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    iter::from_fn(move || {
        at += op_bytes(*ops.get(at)?);
        Some(at)
    })
}

fn lengthen(input: &mut Input, rng: &mut Rng, mix: Mix) {
    let length = rng.usize(OPS_FEW..4 * OPS_FEW);
    insert_phase(input, rng, mix, length);
}

/// Inserts new ops that belong together.
fn insert_phase(input: &mut Input, rng: &mut Rng, mix: Mix, length: usize) {
    let mut run = Vec::new();
    ops::phase(&mut run, rng, mix, input.header.hasher, length);
    let mut bytes = Vec::new();
    run.into_iter().for_each(|op| encode_op(op, &mut bytes));
    insert(input, rng, &bytes);
}

/// Inserts the bytes of some ops somewhere.
fn insert(input: &mut Input, rng: &mut Rng, bytes: &[u8]) {
    let at = rng.usize(0..=input.len());
    input.splice(at..at, bytes);
}

/// A short stretch of the ops.
fn stretch(input: &Input, rng: &mut Rng) -> Range<usize> {
    let start = rng.usize(0..input.len());
    let length = 1 << rng.u32(0..6);
    start..(start + length).min(input.len())
}

fn change(input: &mut Input, rng: &mut Rng, mix: Mix) {
    if rng.u8(0..16) == 0 && mix != Mix::GetInsertRemove {
        let mut header = Case::default();
        ops::header(&mut header, rng, mix);
        match rng.u8(0..4) {
            0 => input.header.hasher = header.hasher,
            1 => input.header.order = header.order,
            2 => input.header.elements = header.elements,
            _ => input.header.capacity = header.capacity,
        }
        return;
    }
    if input.len() == 0 {
        return;
    }
    match rng.u8(0..8) {
        0 => {
            let length = 1 << rng.u32(0..6);
            insert_phase(input, rng, mix, length);
        }
        1 => {
            let gone = stretch(input, rng);
            input.splice(gone, &[]);
        }
        2 => {
            let run = input.bytes(stretch(input, rng)).to_vec();
            insert(input, rng, &run);
        }
        3 => {
            let (a, b) = (rng.usize(0..input.len()), rng.usize(0..input.len()));
            let [one, other] = [a, b].map(|at| input.bytes(at..at + 1).to_vec());
            input.splice(a..a + 1, &other);
            input.splice(b..b + 1, &one);
        }
        4 => {
            // The same again: growth by repetition.
            let run = input.bytes(stretch(input, rng)).to_vec();
            let times = rng.usize(2..6);
            insert(input, rng, &run.repeat(times));
        }
        5 => lengthen(input, rng, mix),
        _ => {
            for _ in 0..rng.u8(1..4) {
                let at = rng.usize(0..input.len());
                let op = nudge(decode_op(&mut input.bytes(at..at + 1)), rng);
                let mut bytes = Vec::new();
                encode_op(op, &mut bytes);
                input.splice(at..at + 1, &bytes);
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
