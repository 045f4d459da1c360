//! Growth policy: when a table grows, how far, and how much of the work a write owes. Pure.
//!
//! A table of 2^n buckets is too full above 6.5 entries a bucket ([`LOAD_FACTOR`]), and then grows
//! to twice as many. A table that has as many overflow buckets as buckets, without being too full,
//! has long chains of mostly empty slots: it grows to a new table of the *same* size, which packs
//! them.
//!
//! Both tests are made by the insertion of a new key and only while no growth is under way; an
//! overwrite never starts a growth. From then on every insert or remove pays with at most
//! [`WORK_PER_WRITE`] evacuated old buckets.
//!
//! # Source
//! Go's runtime up to 1.23 (`runtime/map.go`; 1.21 has load factor 6). Go stops raising the
//! overflow limit at 2^15 because it counts overflow buckets by chance there; our counter is exact,
//! and with the cap a map of ten million entries would grow to the same size again and again.
//! # Not here
//! How a bucket is emptied: see `evacuate`.
//! # Checked by
//! `map-core/tests/growth.rs`, and the recordings of the Go runtime in `corpus/go`.

use crate::tophash::SLOTS;

/// Entries per bucket above which a table doubles, as a fraction: 13/2.
pub const LOAD_FACTOR: (usize, usize) = (13, 2);

/// Every bucket has eight tophashes and a link, so a table of 2^this many does not fit in any address space.
const BUCKETS_LOG2_END: u32 = usize::BITS - (SLOTS + size_of::<usize>()).ilog2();

/// Old buckets of a growth that one insert or remove evacuates at most. (An insert that ends a growth and starts the next
/// owes both.)
pub const WORK_PER_WRITE: usize = 2;

/// Which old buckets a write evacuates while the map grows.
///
/// Either order empties at most [`WORK_PER_WRITE`] old buckets per write, and a map may change from
/// one to the other at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EvacuationOrder {
    /// The old bucket of the key being written, then the one at the evacuation mark, as Go does.
    ///
    /// Old buckets above the mark may be evacuated already, so telling which table holds a key
    /// takes a look at its old bucket.
    Go,
    /// Two old buckets at the evacuation mark; a write ahead of the mark goes to its old chain.
    ///
    /// One comparison with the mark tells which table holds a key, which saves growing maps a cache
    /// miss per operation, and memory is visited in order. The default: see the README for the
    /// measurement.
    #[default]
    InOrder,
}

/// Why and how far a table grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrowthKind {
    /// To twice as many buckets, because the load factor was exceeded.
    Doubled,
    /// To as many buckets again, because there were too many overflow buckets.
    SameSize,
    /// To the size that `reserve` or `shrink_to` asked for. Such a growth is finished by the call
    /// that starts it; it stays visible only when a panic, of a `Hash` say, cut that call short.
    Explicit,
}

/// True when `len` entries are too many for 2^`buckets_log2` buckets. A single bucket may fill up.
#[inline]
pub const fn over_load_factor(len: usize, buckets_log2: u32) -> bool {
    len > entries_max(buckets_log2)
}

/// True when `overflow_buckets` are too many for 2^`buckets_log2` buckets.
#[inline]
pub const fn too_many_overflow(overflow_buckets: usize, buckets_log2: u32) -> bool {
    match overflow_buckets.checked_shr(buckets_log2) {
        Some(all) => all != 0,
        None => false,
    }
}

/// The most entries that 2^`buckets_log2` buckets hold without growing: 8, 13, 26, 52, 104, …
#[inline]
pub const fn entries_max(buckets_log2: u32) -> usize {
    if buckets_log2 == 0 {
        return SLOTS;
    }
    match 1_usize.checked_shl(buckets_log2 - 1) {
        Some(halves) => LOAD_FACTOR.0.saturating_mul(halves),
        None => usize::MAX,
    }
}

/// The least `buckets_log2` whose table holds `capacity` entries without growing, or `None` when no
/// address space could.
pub const fn buckets_log2_for(capacity: usize) -> Option<u32> {
    let mut buckets_log2 = 0;
    while over_load_factor(capacity, buckets_log2) {
        buckets_log2 += 1;
        if buckets_log2 == BUCKETS_LOG2_END {
            return None;
        }
    }
    Some(buckets_log2)
}

/// The growth that inserting one more new key starts, if any.
#[inline]
pub(crate) const fn due(
    len: usize,
    overflow_buckets: usize,
    buckets_log2: u32,
) -> Option<GrowthKind> {
    if over_load_factor(len + 1, buckets_log2) {
        Some(GrowthKind::Doubled)
    } else if too_many_overflow(overflow_buckets, buckets_log2) {
        Some(GrowthKind::SameSize)
    } else {
        None
    }
}
