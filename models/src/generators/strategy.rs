//! Cases for proptest: the same cases the fuzzers decode, made of one chunk of bytes per op, so that shrinking drops
//! whole ops.
//!
//! # Checked by
//! `tests/round_trips.rs`, `tests/properties.rs`.

use super::ops::{self, Mix};
use crate::case::Case;
use crate::input::{HEADER_BYTES, OP_BYTES_MAX, decode, decode_op};
use crate::op::Op;
use fastrand::Rng;
use proptest::collection::vec;
use proptest::prelude::*;

/// Any op, as its byte code gives it.
pub fn op() -> impl Strategy<Value = Op> {
    any::<[u8; OP_BYTES_MAX]>().prop_map(|bytes| decode_op(&mut &bytes[..]))
}

/// Any sequential case of at most `ops_max` ops, as the byte code gives it.
pub fn case(ops_max: usize) -> impl Strategy<Value = Case> {
    (any::<[u8; HEADER_BYTES]>(), vec(op(), 0..=ops_max)).prop_map(|(header, ops)| {
        let mut case = decode(&header);
        *case.ops_mut() = ops;
        case
    })
}

/// A case as the swarm generator makes them. Shrinks by dropping ops.
pub fn swarm_case(mix: Mix, ops_max: usize) -> impl Strategy<Value = Case> {
    (any::<u64>(), vec(any::<bool>(), ops_max)).prop_map(move |(seed, kept)| {
        let mut case = Case::default();
        ops::fill(&mut case, &mut Rng::with_seed(seed), mix, ops_max);
        // A vector of coins that shrinks towards `false`: what it drops is dropped.
        let mut coins = kept.iter();
        case.ops_mut().retain(|_| coins.next().is_none_or(|&coin| coin));
        case
    })
}
