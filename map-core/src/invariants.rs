//! `check`: every structural claim the docs make, executable.
//!
//! Each claim has the name under which the modules cite it; a violation says which broke, where,
//! and how.
//!
//! # Checked by
//! `tests`, which break every claim; the faults in `corpus/faults`.

#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use crate::Map;
use crate::bucket::Slot;
use crate::evacuate::Growing;
use crate::growth::{self, GrowthKind};
use crate::table::Table;
use crate::tables::{Home, Tables};
use crate::tophash::{EMPTY_ONE, EMPTY_REST, is_evacuated, tophash};

/// A structural claim that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the claim.
    pub claim: &'static str,
    /// Where and how it is broken.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.claim, self.detail)
    }
}

impl core::error::Error for Violation {}

/// Returns a violation of `claim` unless it holds.
macro_rules! claim {
    ($claim:literal, $holds:expr, $($detail:tt)*) => {
        if !$holds {
            return Err(Violation { claim: $claim, detail: format!($($detail)*) });
        }
    };
}

impl<K, V, S> Map<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher,
{
    /// Checks every structural claim. O(buckets + len) for a hasher that spreads keys.
    ///
    /// # Errors
    /// The first claim that does not hold. With an honest `Hash` and `Eq` that is a bug of this
    /// crate.
    pub fn check(&self) -> Result<(), Violation> {
        let tables = self.tables();
        if let Some(growing) = &tables.growing {
            check_growth(tables, growing)?;
        }
        let (mut len, mut overflow_buckets) = (0, 0);
        for home in tables.homes() {
            let chain_overflow = check_chain(&home)?;
            if home.generation == tables.generation {
                overflow_buckets += chain_overflow;
            }
            len += self.check_entries(&home)?;
        }
        claim!("count", len == tables.len, "len is {}, but {len} slots are full", tables.len);
        claim!(
            "overflow",
            overflow_buckets == tables.overflow_buckets,
            "{} overflow buckets counted, but there are {overflow_buckets}",
            tables.overflow_buckets
        );
        let limit = growth::entries_max(tables.table.buckets_log2());
        claim!(
            "load",
            len <= limit || tables.growing.is_some() || tables.counts.same_size > 0,
            "{len} entries in a table that grows at {limit}, and no growth is under way"
        );
        check_trail(tables)
    }

    /// Each entry of a chain: where it belongs, and once.
    fn check_entries(&self, home: &Home<K, V>) -> Result<usize, Violation> {
        let tables = self.tables();
        let mut len = 0;
        for (depth, bucket) in home.head.chain().enumerate() {
            for index in bucket.word().full() {
                len += 1;
                let slot = Slot { bucket, index };
                let at = || format!("{} depth {depth} slot {index}", describe(home));
                // SAFETY: **filled**: `full` yields full slots. **borrowed**: the map is.
                let (key, _) = unsafe { slot.entry() };
                let hash = self.hash(key);
                let belongs = tables.home(hash);
                claim!(
                    "home",
                    belongs.head == home.head,
                    "{}: the key belongs to {}",
                    at(),
                    describe(&belongs)
                );
                claim!(
                    "tophash",
                    slot.tophash() == tophash(hash),
                    "{}: tophash {:#04x}, but the key's is {:#04x}",
                    at(),
                    slot.tophash(),
                    tophash(hash)
                );
                let found = self.find(key);
                claim!(
                    "once",
                    found.is_some_and(|found| found.bucket == bucket && found.index == index),
                    "{}: a search for the key ends elsewhere",
                    at()
                );
            }
        }
        Ok(len)
    }
}

fn describe<K, V>(home: &Home<K, V>) -> String {
    format!("table {} bucket {}", home.generation, home.bucket)
}

/// The slots of a chain of a home, without looking at keys. Returns the number of overflow buckets.
fn check_chain<K, V>(home: &Home<K, V>) -> Result<usize, Violation> {
    let mut overflow_buckets = 0;
    let (mut last, mut rest) = (EMPTY_REST, false);
    for (depth, bucket) in home.head.chain().enumerate() {
        overflow_buckets = depth;
        for (slot, state) in bucket.tophashes().into_iter().enumerate() {
            let at = || format!("{} depth {depth} slot {slot}", describe(home));
            claim!(
                "one-world",
                !is_evacuated(state),
                "{}: state {state}, but the bucket is not evacuated",
                at()
            );
            claim!(
                "rest",
                !rest || state == EMPTY_REST,
                "{}: state {state:#04x} behind an empty rest",
                at()
            );
            rest |= state == EMPTY_REST;
            if state != EMPTY_REST {
                last = state;
            }
        }
    }
    claim!(
        "rest",
        last != EMPTY_ONE,
        "{}: the chain ends in tombstones that were not swept",
        describe(home)
    );
    Ok(overflow_buckets)
}

fn check_growth<K, V>(tables: &Tables<K, V>, growing: &Growing<K, V>) -> Result<(), Violation> {
    let (old, new, mark) = (growing.old.buckets(), tables.table.buckets(), tables.mark);
    let sizes_agree = match growing.kind {
        GrowthKind::Doubled => new == 2 * old,
        GrowthKind::SameSize => new == old,
        GrowthKind::Explicit => true,
    };
    claim!("kind", sizes_agree, "{:?} from {old} to {new} buckets", growing.kind);
    claim!("mark", mark < old, "mark {mark} of {old} old buckets, and the growth goes on");
    for number in 0..growing.old.segments() {
        let left = number < Table::<K, V>::segment_of(mark);
        claim!(
            "mark",
            growing.old.segment(number).is_none() == left,
            "segment {number} of the old table is {}, the mark being {mark}",
            if left { "kept" } else { "gone" }
        );
    }
    let mut evacuated = mark;
    for bucket in mark..old {
        if growing.unevacuated(bucket, mark).is_some() {
            continue;
        }
        evacuated += 1;
        // SAFETY: **touched**: above the mark the segments of an old table are there.
        let head = unsafe { growing.old.head(bucket) };
        let states = head.tophashes();
        claim!(
            "one-world",
            head.overflow().is_none() && !states.iter().any(|state| !is_evacuated(*state)),
            "evacuated old bucket {bucket} still has {states:?} or an overflow bucket"
        );
    }
    claim!(
        "progress",
        evacuated == growing.evacuated,
        "{} old buckets counted as evacuated, but {evacuated} are",
        growing.evacuated
    );
    Ok(())
}

/// What cursors rely on.
fn check_trail<K, V>(tables: &Tables<K, V>) -> Result<(), Violation> {
    let Some(trail) = &tables.trail else { return Ok(()) };
    for place in trail.present() {
        claim!(
            "present",
            tables.full_slot(place).is_some(),
            "the trail has an entry at table {} bucket {} position {}, where there is none",
            place.generation,
            place.bucket,
            place.position
        );
    }
    Ok(())
}
