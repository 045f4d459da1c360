//! Bytes ⇄ case. The only file that knows bytes.
//!
//! ```text
//! 0       hasher; past the last, the first seven again and again
//! 1       bit 0: evacuation order; the rest: elements; past the last, the first three again and again
//! 2..4    capacity        4..6   the hasher's seed        little-endian, as everything here
//! 6..     ops: an opcode and its arguments, at most 5 bytes each
//! ```
//! Opcode `2n` is the n-th kind of op with every argument in one byte; `2n + 1` is the same with keys, values and
//! counts in two. Opcodes past the last kind repeat the commonest ops, so that random bytes look like use of a map.
//! Bytes that are missing at the end read as 0.
//!
//! # Invariants
//! - **total**: every byte string is some case. - **dense**: at most 5 bytes an op.
//! - **onto**: every sequential case is some byte string, and `decode(encode(case)) == case.bare()`.
//! # Not here
//! Text: see `case`. Mutation: see `generators::mutate`. Cases with several threads: see [`threads`].
//! # Checked by
//! `tests/round_trips.rs`.

pub mod threads;

use crate::case::{Case, Elements};
use crate::generators::hashers::Hasher;
use crate::op::{Argument, Kind, Op, Order};
use arbitrary::{Arbitrary, Unstructured};
use std::array;
use std::convert::Infallible;

/// Bytes before the first op.
pub const HEADER_BYTES: usize = 6;
/// The longest op.
pub const OP_BYTES_MAX: usize = 5;

/// What opcodes past the vocabulary mean, over and over.
const COMMON: [Kind; 8] = [
    Kind::Insert,
    Kind::Get,
    Kind::Insert,
    Kind::Remove,
    Kind::Insert,
    Kind::CursorStep,
    Kind::EntryAndModify,
    Kind::Remove,
];

/// How an op lies in its bytes.
#[derive(Clone, Copy)]
struct Layout {
    kind: Kind,
    /// The opcode included.
    bytes: u8,
    /// For each argument, how many bits lie before it, and the mask of its own. Mask 0: it has no such argument.
    arguments: [(u8, u16); ARGUMENTS_MAX],
}

const ARGUMENTS_MAX: usize = 3;

/// By opcode.
static LAYOUTS: [Layout; 256] = {
    let mut table =
        [Layout { kind: Kind::Insert, bytes: 1, arguments: [(0, 0); ARGUMENTS_MAX] }; 256];
    let mut code = 0;
    while code < 256 {
        let (kind, is_long) = if code < 2 * Kind::ALL.len() {
            (Kind::ALL[code / 2], code % 2 == 1)
        } else {
            (COMMON[code % COMMON.len()], false)
        };
        let layout = &mut table[code];
        layout.kind = kind;
        let arguments = kind.arguments();
        let mut at = 0;
        while at < arguments.len() {
            let is_wide = is_long && arguments[at].is_wide();
            layout.arguments[at] = (8 * layout.bytes, if is_wide { 0xffff } else { 0xff });
            layout.bytes += if is_wide { 2 } else { 1 };
            at += 1;
        }
        assert!(layout.bytes as usize <= OP_BYTES_MAX);
        code += 1;
    }
    table
};

/// Hashers and elements that there were when the first inputs were kept: they stand for codes without one of their own.
const HASHERS_AT_FIRST: usize = 7;
const ELEMENTS_AT_FIRST: usize = 3;

const _: () = assert!(2 * Kind::ALL.len() <= 256, "an opcode fits in a byte");

/// The case these bytes stand for.
pub fn decode(bytes: &[u8]) -> Case {
    let mut case = Case::default();
    decode_into(bytes, &mut case);
    case
}

/// [`decode`] into a case whose memory is used again.
pub fn decode_into(bytes: &[u8], case: &mut Case) {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let word = |at: usize| u16::from_le_bytes([byte(at), byte(at + 1)]);
    case.hasher = coded(&Hasher::ALL, byte(0), HASHERS_AT_FIRST);
    if let Some(seed) = case.hasher.seed_mut() {
        *seed = word(4);
    }
    case.order = Order::ALL[byte(1) as usize & 1];
    case.elements = coded(&Elements::ALL, byte(1) >> 1, ELEMENTS_AT_FIRST);
    case.capacity = word(2);
    let ops = case.ops_mut();
    ops.clear();
    let mut rest = bytes.get(HEADER_BYTES..).unwrap_or(&[]);
    while !rest.is_empty() {
        ops.push(decode_op(&mut rest));
    }
}

/// The choice of this code. Codes without one stand for the first few.
fn coded<T: Copy>(all: &[T], code: u8, first: usize) -> T {
    let code = usize::from(code);
    all.get(code).copied().unwrap_or(all[code % first])
}

/// The op at the front of `bytes`, which it leaves.
#[inline]
pub fn decode_op(bytes: &mut &[u8]) -> Op {
    let word = u64::from_le_bytes(match bytes.first_chunk() {
        Some(word) => *word,
        None => array::from_fn(|at| bytes.get(at).copied().unwrap_or(0)),
    });
    let layout = &LAYOUTS[usize::from(word as u8)];
    *bytes = &bytes[usize::from(layout.bytes).min(bytes.len())..];
    let mut raws = layout.arguments.map(|(shift, mask)| (word >> shift) as u16 & mask).into_iter();
    let op = Op::build(layout.kind, |_| Ok::<_, Infallible>(raws.next().unwrap_or(0)));
    match op {
        Ok(op) => op,
        Err(never) => match never {},
    }
}

/// How many bytes an op with this opcode takes.
#[inline]
pub fn op_bytes(opcode: u8) -> usize {
    usize::from(LAYOUTS[usize::from(opcode)].bytes)
}

/// The bytes of a case.
///
/// # Panics
/// If the case has more than one thread: bytes are for sequential cases.
pub fn encode(case: &Case) -> Vec<u8> {
    assert!(case.is_sequential(), "only a case with one thread has a byte form");
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 3 * case.ops().len());
    bytes.push(case.hasher.code() as u8);
    bytes.push(case.order as u8 | (case.elements as u8) << 1);
    bytes.extend(case.capacity.to_le_bytes());
    let seed = case.hasher.seed().unwrap_or(0);
    bytes.extend(seed.to_le_bytes());
    for &op in case.ops() {
        encode_op(op, &mut bytes);
    }
    bytes
}

/// Appends an op's bytes.
pub fn encode_op(op: Op, bytes: &mut Vec<u8>) {
    let mut is_long = false;
    op.arguments(|argument, raw| is_long |= argument.is_wide() && raw > 0xff);
    bytes.push(2 * op.kind() as u8 + is_long as u8);
    op.arguments(|argument: Argument, raw| {
        bytes.push(raw as u8);
        if is_long && argument.is_wide() {
            bytes.push((raw >> 8) as u8);
        }
    });
}

/// By hand: a derived one decodes random bytes to one op on average, because it asks a byte per element whether
/// to go on.
impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(decode(u.bytes(u.len())?))
    }

    fn arbitrary_take_rest(u: Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(decode(u.take_rest()))
    }
}
