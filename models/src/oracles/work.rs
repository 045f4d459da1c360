//! Work: how much growth an op may do.
//!
//! One write evacuates at most two old buckets of any one growth. A read evacuates none. `evacuate(n)` does at most `n`
//! and says how many.

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
    let ok = match bound {
        Bound::Read => evacuated == 0 && started == 0,
        Bound::Write => evacuated <= 2 * (1 + started) && started <= 1,
        Bound::Evacuate(n) => evacuated <= n as u64 && started == 0,
        Bound::Whole => true,
    };
    if ok { Ok(()) } else { exceeded(evacuated, started, bound) }
}

#[cold]
fn exceeded(evacuated: u64, started: u64, bound: Bound) -> Verdict {
    let rule = match bound {
        Bound::Read => "a read does no growth work",
        _ => "a write evacuates at most two old buckets",
    };
    let detail = format!("evacuated {evacuated} old buckets and started {started} growths");
    Objection::raise(NAME, rule, detail)
}
