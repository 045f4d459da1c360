//! Bytes ⇄ a case with several threads and its schedule.
//!
//! ```text
//! 0..4    "sch1"          tells these from the bytes of a sequential case; not looked at when decoding
//! 4       hasher          5   elements (mod)          6   capacity (mod 64)       7..9  the hasher's seed
//! 9       how many threads run (mod 4, plus 1)
//! 10..    of `given`, then of each thread: how many ops (mod 32, mod 8), and the ops
//! ..      the schedule, as `schedulers::bytes` reads it
//! ```
//! An op is a code (mod the number of [`KINDS`]) and a byte for each argument. Bytes that are missing at the end read as
//! 0.
//!
//! # Invariants
//! - **total**: every byte string is some case and schedule. Both are small: an execution takes well under a
//!   millisecond.
//! - **round trip**: what [`encode`] returns decodes to the same case, but for the names of its threads.
//! # Not here
//! Mutation: see `generators::mutate_threads`.
//! # Checked by
//! `tests/schedule_bytes.rs`.

use crate::case::{Case, Elements, GIVEN, Thread};
use crate::generators::hashers::Hasher;
use crate::generators::scenarios::NAMES;
use crate::op::{Kind, Op};
use std::convert::Infallible;

/// How these bytes begin.
pub const MAGIC: &[u8; 4] = b"sch1";
/// The most threads that run.
pub const THREADS_MAX: usize = NAMES.len();
/// The most ops of `given`.
pub const GIVEN_MAX: usize = 31;
/// The most ops of a thread.
pub const OPS_MAX: usize = 7;
/// The largest capacity.
pub const CAPACITY_MAX: u16 = 63;

/// What threads do to a shared map. A new kind goes to the end.
pub const KINDS: [Kind; 21] = [
    Kind::Get,
    Kind::Insert,
    Kind::Remove,
    Kind::Update,
    Kind::EntryOrInsert,
    Kind::Compute,
    Kind::Iter,
    Kind::Clear,
    Kind::Retain,
    Kind::Reserve,
    Kind::Len,
    Kind::EvacuateTo,
    Kind::ContainsKey,
    Kind::GetKeyValue,
    Kind::RemoveEntry,
    Kind::EntryOrInsertWith,
    Kind::PanicAt,
    Kind::RetainValues,
    Kind::UpdateWithin,
    Kind::View,
    Kind::Check,
];

/// The case these bytes stand for, and its schedule.
pub fn decode(bytes: &[u8]) -> (Case, &[u8]) {
    let mut rest = bytes.get(MAGIC.len()..).unwrap_or(&[]);
    let mut byte = || match rest.split_first() {
        Some((&first, others)) => {
            rest = others;
            first
        }
        None => 0,
    };
    let mut hasher = Hasher::ALL[byte() as usize % Hasher::HONEST];
    let elements = Elements::ALL[byte() as usize % Elements::SHARED];
    let capacity = u16::from(byte()) % (CAPACITY_MAX + 1);
    let word = u16::from_le_bytes([byte(), byte()]);
    if let Some(seed) = hasher.seed_mut() {
        *seed = word;
    }
    let running = byte() as usize % THREADS_MAX + 1;
    let mut ops = |most: usize| -> Vec<Op> {
        let count = byte() as usize % (most + 1);
        (0..count).map(|_| op(&mut byte)).collect()
    };
    let thread = |name: &str, ops| Thread { name: name.into(), ops, notes: Vec::new() };
    let mut threads = vec![thread(GIVEN, ops(GIVEN_MAX))];
    threads.extend(NAMES[..running].iter().map(|name| thread(name, ops(OPS_MAX))));
    (Case { hasher, elements, capacity, threads, ..Case::default() }, rest)
}

fn op(mut byte: impl FnMut() -> u8) -> Op {
    let kind = KINDS[byte() as usize % KINDS.len()];
    match Op::build(kind, |_| Ok::<_, Infallible>(u16::from(byte()))) {
        Ok(op) => op,
        Err(never) => match never {},
    }
}

/// The bytes of a case and a schedule; `None` for a case that has no bytes: too large, or with an op that is not in
/// [`KINDS`].
pub fn encode(case: &Case, schedule: &[u8]) -> Option<Vec<u8>> {
    let running = case.running();
    let named = case.threads.len() > running.len();
    if running.len() > THREADS_MAX || case.capacity > CAPACITY_MAX {
        return None;
    }
    if case.hasher.is_fickle() || case.elements as usize >= Elements::SHARED {
        return None;
    }
    let seed = case.hasher.seed().unwrap_or(0);
    let [low, high] = seed.to_le_bytes();
    let mut bytes = MAGIC.to_vec();
    bytes.extend([case.hasher.code() as u8, case.elements as u8, case.capacity as u8, low, high]);
    bytes.push(running.len() as u8 - 1);
    let given = if named { case.given() } else { &[] };
    let threads = running.iter().map(|thread| (thread.ops.as_slice(), OPS_MAX));
    for (ops, most) in std::iter::once((given, GIVEN_MAX)).chain(threads) {
        if ops.len() > most {
            return None;
        }
        bytes.push(ops.len() as u8);
        for op in ops {
            bytes.push(KINDS.iter().position(|kind| *kind == op.kind())? as u8);
            let mut fits = true;
            op.arguments(|_, raw| {
                fits &= raw <= 0xff;
                bytes.push(raw as u8);
            });
            if !fits {
                return None;
            }
        }
    }
    bytes.extend(schedule);
    Some(bytes)
}
