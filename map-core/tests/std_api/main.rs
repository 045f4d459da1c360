//! The API of `std::collections::HashMap`, name for name, held against std itself.
//!
//! Every file of the contract is compiled twice, once over std's map and once over ours, so that an
//! expectation std doesn't meet can't be demanded of ours, and a name, a signature or a bound that
//! differs is a compile error.
//!
//! # Properties
//! - **drop-in**: `use std::collections::HashMap` can be replaced by `use map_core::Map as HashMap`.
//! - **bounds**: nothing asks for more than std asks: `iter`, `clone`, `drain`, `retain` and the rest
//!   work for keys that are neither `Hash` nor `Eq`.
//! - **meaning**: answers are std's at every length, so also half way through a growth.
#![deny(unused_must_use, reason = "what std lets one ignore, ours must too")]
#![allow(clippy::duplicate_mod, reason = "the same contract over two maps is the point")]
#![allow(
    clippy::drop_non_drop,
    clippy::for_kv_map,
    clippy::into_iter_on_ref,
    clippy::iter_count,
    clippy::iter_kv_map,
    clippy::type_complexity,
    reason = "the contract spells out what there are shorter ways to say"
)]

mod ours;
mod theirs;

/// Lengths that stand before, at, just after and well after the start of each of the first growths of
/// ours, so that the contract is met in every state of growth.
pub const LENGTHS: &[u64] = if cfg!(miri) {
    &[0, 1, 9, 14, 53, 55]
} else {
    &[
        0, 1, 7, 8, 9, 10, 13, 14, 15, 26, 27, 28, 52, 53, 54, 55, 56, 57, 80, 104, 105, 106, 109,
        112, 113, 200, 209, 215, 417, 420, 1000,
    ]
};
