//! For the unit tests: small maps whose every bucket is known.

use super::ConcurrentMap;
use crate::hashers::{By, IDENTITY};

pub(crate) type Map = ConcurrentMap<u64, u64, By>;

/// 8 buckets. All keys in bucket 1, the last four in an overflow bucket.
pub(crate) fn chain() -> Map {
    let map = Map::with_capacity_and_hasher(52, IDENTITY);
    (&map).extend((0..12).map(|n| (8 * n + 1, n)));
    map
}

/// From 8 buckets to 16; old buckets 0 and 1 are evacuated.
pub(crate) fn growing() -> Map {
    let map = Map::with_capacity_and_hasher(52, IDENTITY);
    (&map).extend((0..53).map(|key| (key, key)));
    map
}
