//! Programs for several threads: few keys that everybody wants, and filler that makes the map grow under them.
//!
//! # Checked by
//! `tests/threads.rs`: every fault there is found with these.

use super::hashers::Hasher;
use super::histories::{self, Shape};
use crate::case::{Case, Thread};
use crate::op::{Key, Op};
use fastrand::Rng;

/// Filler keys begin here, above all wanted ones.
pub const FILLER: Key = 1_000;

/// A case of so many threads with so many ops each. The values of a thread's inserts are its own, so an answer tells
/// whose write it saw.
pub fn case(threads: usize, ops: usize, rng: &mut Rng) -> Case {
    let shape = Shape {
        threads,
        ops: 0,
        keys: rng.u16(1..8),
        values: 50,
        whole_percent: [0, 0, 5, 20][rng.usize(..4)],
        pending_percent: 0,
    };
    let fill_percent = [0, 5, 20][rng.usize(..3)];
    let hashers = [Hasher::Mix, Hasher::Mix, Hasher::Identity, Hasher::Low3, Hasher::LowBits];
    let mut case = Case::sequential(Vec::new());
    case.hasher = hashers[rng.usize(..hashers.len())];
    let setup = [Op::Extend(0, rng.u8(..8)), Op::Extend(FILLER, rng.u8(..64))];
    case.threads = vec![thread("setup".into(), setup.into())];
    for number in 0..threads {
        let ops = (0..ops).map(|_| match rng.u8(..100) < fill_percent {
            true => Op::Extend(FILLER + rng.u16(..256), rng.u8(1..16)),
            false => own(histories::op(shape, rng), number),
        });
        let ops = ops.collect();
        case.threads.push(thread(format!("worker{number}"), ops));
    }
    case
}

fn thread(name: String, ops: Vec<Op>) -> Thread {
    Thread { name, ops, notes: Vec::new() }
}

/// The op with a value that only this thread writes.
fn own(op: Op, thread: usize) -> Op {
    match op {
        Op::Insert(k, v) => Op::Insert(k, v + 100 * (thread as u16 + 1)),
        other => other,
    }
}
