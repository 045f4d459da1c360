//! Work: when a growth starts, and how much of it an op may do.
//!
//! - One write evacuates at most two old buckets of any one growth; a read evacuates none; `evacuate(n)` does at most
//!   `n` and says how many.
//! - A write to a growing map raises the mark or ends the growth, unless the map is empty.
//! - Inserting a new key starts a growth exactly when the load or the overflow buckets call for one, and of that kind.
//! - A write to a map that does not grow adds an overflow bucket only to a full chain, so only if there are 8 entries.
//!
//! The thresholds stand here again, on purpose: an oracle that asked the map for them would believe it.

use super::{Objection, Verdict};
use crate::subject::Growth;

/// This oracle's name.
pub const NAME: &str = "work";

/// What an op may do to a growth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A read: nothing.
    Read,
    /// A write of one entry: two old buckets of each growth it meets.
    Write,
    /// So many old buckets, and no new growth.
    Evacuate(usize),
    /// An op on the whole map: as much as it likes.
    Whole,
}

/// Judges the growth work between two states.
#[inline]
pub fn bounded(before: Growth, after: Growth, bound: Bound) -> Verdict {
    let evacuated = after.evacuated.wrapping_sub(before.evacuated);
    let started = after.started.wrapping_sub(before.started);
    let (ok, rule) = match bound {
        Bound::Read => (evacuated == 0 && started == 0, "a read does no growth work"),
        Bound::Write => {
            write(before, after)?;
            (
                evacuated <= 2 * (1 + started) && started <= 1,
                "a write evacuates at most two old buckets",
            )
        }
        Bound::Evacuate(n) => {
            (evacuated <= n as u64 && started == 0, "evacuate(n) evacuates at most n old buckets")
        }
        Bound::Whole => (true, ""),
    };
    if ok { Ok(()) } else { exceeded(rule, evacuated, started) }
}

#[cold]
fn exceeded(rule: &'static str, evacuated: u64, started: u64) -> Verdict {
    let detail = format!("evacuated {evacuated} old buckets and started {started} growths");
    Objection::raise(NAME, rule, detail)
}

/// What one write must have done to a growth, or have started.
#[inline]
fn write(before: Growth, after: Growth) -> Verdict {
    let started = after.started != before.started;
    if before.old_buckets.is_some() {
        let went_on = started || after.old_buckets.is_none() || after.mark > before.mark;
        if went_on || after.len == 0 { Ok(()) } else { stuck(before) }
    } else {
        let over = before.len + 1 > entries_max(before.buckets_log2);
        let due = over || before.overflow >> before.buckets_log2 != 0;
        let inserted = after.len > before.len;
        let log2 = before.buckets_log2 + u32::from(over);
        let right = if started { due && after.buckets_log2 == log2 } else { !(due && inserted) };
        if !right {
            return untimely(before, after);
        }
        let spilled = !started && after.overflow > before.overflow && before.len < SLOTS;
        if spilled { wasteful(before) } else { Ok(()) }
    }
}

/// Slots of a bucket.
const SLOTS: usize = 8;

/// Go's load factor, 13/2; a single bucket may fill up.
#[inline]
fn entries_max(buckets_log2: u32) -> usize {
    if buckets_log2 == 0 { SLOTS } else { 13 << (buckets_log2 - 1) }
}

#[cold]
fn stuck(before: Growth) -> Verdict {
    let detail = format!("the mark stayed at {}", before.mark);
    Objection::raise(NAME, "a write to a growing map raises the mark", detail)
}

#[cold]
fn wasteful(before: Growth) -> Verdict {
    let detail = format!("added an overflow bucket to a map of {} entries", before.len);
    Objection::raise(NAME, "a chain gets an overflow bucket when it is full", detail)
}

#[cold]
fn untimely(before: Growth, after: Growth) -> Verdict {
    let started = match after.started == before.started {
        true => "no growth started".to_string(),
        false => format!("a growth to 2^{} started", after.buckets_log2),
    };
    let detail = format!(
        "{started} with {} entries and {} overflow buckets in 2^{}",
        before.len, before.overflow, before.buckets_log2
    );
    Objection::raise(NAME, "a growth starts exactly when it is due", detail)
}
