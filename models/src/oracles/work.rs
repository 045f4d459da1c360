//! Work: when a growth starts, and how much of it an op may do.
//!
//! - One write evacuates at most two old buckets of any one growth; a read evacuates none; `evacuate(n)` does at most
//!   `n` and says how many.
//! - A write to a growing map raises the mark or ends the growth, unless the map is empty.
//! - Inserting a new key starts a growth exactly when the load or the overflow buckets call for one, and of that kind.
//! - A map that was emptied, and was not empty, is in no growth, and has no overflow buckets.
//! - A clone is at the same point of the same growth, and as near to the next.
//! - The order of evacuation stays as it was set, whatever becomes of the map, and its clones have it.
//! - A write to a map that does not grow adds an overflow bucket only to a full chain, so only if there are 8 entries.
//!
//! A map whose growth is everybody's ([`shared`]) promises less of a single write: one that finds nothing to write may be a
//! read, and large maps look at their load only now and then.
//!
//! The thresholds stand here again, on purpose: an oracle that asked the map for them would believe it.

use super::{Objection, Verdict};
use crate::subject::Growth;

/// This oracle's name.
pub const NAME: &str = "work";

/// The rule about what insertions do to a map.
pub const DUE: &str = "a growth starts exactly when it is due";
/// The rule about a shared map's growths beside which nothing is written any more.
pub const ENDS: &str = "a growth ends when writes go on";
/// The rule about one growth in another, of which a bucket is stuck.
pub const GOES_ON: &str = "a growth within a growth goes on while a bucket of the first is stuck";

/// The rule about what a shared map reserves.
pub const ROOM: &str = "reserve makes room when nobody is slow";

/// The rule about a shared map's growth of which a bucket is stuck.
pub const HELPED: &str = "each write helps a growth";

/// What an op may do to a growth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A read: nothing.
    Read,
    /// A write of one entry: two old buckets of each growth it meets.
    Write,
    /// The same, through an entry, which may find that there is nothing to write.
    Entry,
    /// So many old buckets, and no new growth.
    Evacuate(usize),
    /// It takes everything out: it ends a growth, and starts none.
    Emptying,
    /// An op on the whole map: as much as it likes.
    Whole,
}

/// Judges the growth work between two states.
#[inline]
pub fn bounded(before: &Growth, after: &Growth, bound: Bound) -> Verdict {
    let evacuated = after.evacuated.wrapping_sub(before.evacuated);
    let started = after.started.wrapping_sub(before.started);
    let (ok, rule) = match bound {
        Bound::Read => (evacuated == 0 && started == 0, "a read does no growth work"),
        Bound::Write | Bound::Entry => {
            write(before, after, bound)?;
            let growths = u64::from(before.old_buckets.is_some()) + started;
            (
                evacuated <= PER_WRITE as u64 * growths && started <= 1,
                "a write evacuates at most two old buckets",
            )
        }
        Bound::Evacuate(n) => {
            (evacuated <= n as u64 && started == 0, "evacuate(n) evacuates at most n old buckets")
        }
        Bound::Emptying => return ordered(before, after).and_then(|()| emptied(before, after)),
        Bound::Whole => return ordered(before, after),
    };
    if ok { Ok(()) } else { exceeded(rule, evacuated, started) }
}

/// Judges which order of evacuation a map is left with, by an op on all of it or one that starts or ends a growth.
///
/// # Errors
/// It is not what it was.
pub fn ordered(before: &Growth, after: &Growth) -> Verdict {
    if after.order == before.order {
        return Ok(());
    }
    let detail = format!("evacuates in the order {:?}, {:?} was set", after.order, before.order);
    Objection::raise(NAME, "the order of evacuation stays", detail)
}

/// Judges a map from which everything has been taken. One that was empty may be left as it is, as in Go.
fn emptied(before: &Growth, after: &Growth) -> Verdict {
    if before.len == 0 || after.old_buckets.is_none() && after.overflow == 0 {
        return Ok(());
    }
    let Growth { old_buckets, overflow, .. } = after;
    let old = old_buckets.unwrap_or(0);
    let detail = format!("left {old} buckets of an old table and {overflow} overflow buckets");
    Objection::raise(NAME, "an emptied map is in no growth", detail)
}

/// Judges a clone of a map, which is due to grow when the map is.
///
/// # Errors
/// It is not at the same point of the same growth, or has other overflow buckets.
pub fn cloned(map: &Growth, clone: &Growth) -> Verdict {
    if clone == map {
        return Ok(());
    }
    let told = |Growth { started, evacuated, overflow, order, .. }: &Growth| {
        let order = order.map_or_else(String::new, |order| format!(", in the order {order:?}"));
        format!(
            "{overflow} overflow buckets, {started} growths and {evacuated} evacuated buckets so far{order}"
        )
    };
    let (told_clone, told_map) = (told(clone), told(map));
    let detail =
        format!("made a clone that is {clone}, {told_clone}; the map is {map}, {told_map}");
    Objection::raise(NAME, "a clone has grown as far as the map", detail)
}

#[cold]
fn exceeded(rule: &'static str, evacuated: u64, started: u64) -> Verdict {
    let detail = format!("evacuated {evacuated} old buckets and started {started} growths");
    Objection::raise(NAME, rule, detail)
}

/// What one write must have done to a growth, or have started.
#[inline]
fn write(before: &Growth, after: &Growth, bound: Bound) -> Verdict {
    let started = after.started != before.started;
    let inserted = after.len > before.len;
    let over = before.len + 1 > entries_max(before.buckets_log2);
    let log2 = before.buckets_log2 + u32::from(over);
    // A vacant entry is given its slot, so it may start a growth and never be filled.
    let may = inserted || bound == Bound::Entry && after.len == before.len;
    if before.old_buckets.is_some() {
        let ended = after.old_buckets.is_none();
        // The write that ends a growth may find the next one due: by entries, or by the overflow buckets that it leaves, which
        // are not seen.
        let right = match started {
            true => may && after.buckets_log2 == log2,
            false => !(ended && inserted && over),
        };
        if !right {
            return untimely(before, after);
        }
        let went_on = started || ended || after.mark > before.mark;
        if went_on || after.len == 0 { Ok(()) } else { stuck(before) }
    } else {
        let due = over || before.overflow >> before.buckets_log2 != 0;
        let right = match started {
            true => due && may && after.buckets_log2 == log2,
            false => !(due && inserted),
        };
        if !right {
            return untimely(before, after);
        }
        let spilled = !started && after.overflow > before.overflow && before.len < SLOTS;
        if spilled { wasteful(before) } else { Ok(()) }
    }
}

/// Judges the growth work between two states of a map whose growth is everybody's, and which one thread uses.
pub fn shared(before: &Growth, after: &Growth, bound: Bound) -> Verdict {
    let started = after.started != before.started;
    match bound {
        Bound::Read => {
            let same =
                !started && (after.old_buckets, after.mark) == (before.old_buckets, before.mark);
            if same { Ok(()) } else { exceeded("a read does no growth work", 0, started.into()) }
        }
        Bound::Evacuate(_) | Bound::Emptying | Bound::Whole => Ok(()),
        Bound::Write | Bound::Entry => {
            let ended = |growth: &Growth| {
                let under_way = u64::from(growth.old_buckets.is_some()) + u64::from(growth.nested);
                growth.started.saturating_sub(under_way)
            };
            let goes_on = ended(after) == ended(before);
            let worked = match before.old_buckets {
                Some(_) if goes_on => after.mark.saturating_sub(before.mark),
                // The next one was nested in it: what was done for that before is not known.
                Some(old) if before.nested => old - before.mark,
                Some(old) => after.mark.max(old - before.mark),
                None => after.mark,
            };
            if worked > PER_WRITE {
                let rule = "a write evacuates at most two old buckets";
                return exceeded(rule, worked as u64, started.into());
            }
            match before.old_buckets {
                Some(_) if started && !nests(before, after) => untimely(before, after),
                Some(_) if started || !goes_on => Ok(()),
                // An entry that has found nothing to write.
                Some(_) if bound == Bound::Entry && after.len == before.len => Ok(()),
                Some(_) if after.mark > before.mark => Ok(()),
                Some(_) => stuck(before),
                None if timely(before, after) => Ok(()),
                None => untimely(before, after),
            }
        }
    }
}

/// A map of more than 2^5 buckets sums its entries up only at every 2^(log2-5)th insertion.
fn sums_up_every(log2: u32) -> usize {
    1 << log2.saturating_sub(5)
}

/// Judges a shared map that has not begun to grow while it was written to.
///
/// # Errors
/// It has more entries or overflow buckets than such a map may have, and its last insertion saw that.
pub fn overdue(log2: u32, len: usize, overflow: usize) -> Verdict {
    let most = entries_max(log2);
    if len <= most && overflow >> log2 == 0 || sums_up_every(log2) > 1 {
        return Ok(());
    }
    let detail = format!(
        "no growth started, and 2^{log2} buckets have {len} entries, {most} at most, and {overflow} overflow buckets"
    );
    Objection::raise(NAME, DUE, detail)
}

/// Judges a shared map that has grown, and never had more entries, those included that it was to have room for.
///
/// # Errors
/// A table of half the size had room for as many.
pub fn overgrown(log2: u32, most: usize) -> Verdict {
    if log2 == 0 || most > entries_max(log2 - 1) {
        return Ok(());
    }
    let detail = format!("2^{log2} buckets were left, for {most} entries at most");
    Objection::raise(NAME, DUE, detail)
}

/// Started such a map that did not grow a growth when it had to, and only then?
fn timely(before: &Growth, after: &Growth) -> bool {
    let log2 = before.buckets_log2;
    let inserted = after.len > before.len;
    let over = after.len > entries_max(log2);
    if after.started != before.started {
        let chains = !over && (before.overflow + 1) >> log2 != 0;
        return inserted && (over || chains) && after.buckets_log2 == log2 + u32::from(over);
    }
    let every = sums_up_every(log2);
    let due =
        after.len > entries_max(log2) + every - 1 || every == 1 && after.overflow >> log2 != 0;
    !(inserted && due) && after.old_buckets.is_none() && after.buckets_log2 == log2
}

/// Started such a map another growth inside the one that was under way only because the new table became too full?
fn nests(before: &Growth, after: &Growth) -> bool {
    let over = after.len > entries_max(before.buckets_log2);
    over && after.len > before.len
        && !before.nested
        && after.buckets_log2 == before.buckets_log2 + 1
}

/// Slots of a bucket.
const SLOTS: usize = 8;

/// Old buckets of a growth that one write evacuates.
pub const PER_WRITE: usize = 2;

/// Go's load factor, 13/2; a single bucket may fill up.
#[inline]
pub fn entries_max(buckets_log2: u32) -> usize {
    if buckets_log2 == 0 { SLOTS } else { 13 << (buckets_log2 - 1) }
}

#[cold]
fn stuck(before: &Growth) -> Verdict {
    let detail = format!("the mark stayed at {}", before.mark);
    Objection::raise(NAME, "a write to a growing map raises the mark", detail)
}

#[cold]
fn wasteful(before: &Growth) -> Verdict {
    let detail = format!("added an overflow bucket to a map of {} entries", before.len);
    Objection::raise(NAME, "a chain gets an overflow bucket when it is full", detail)
}

#[cold]
fn untimely(before: &Growth, after: &Growth) -> Verdict {
    let started = match after.started == before.started {
        true => "no growth started".to_string(),
        false => format!("a growth to 2^{} started", after.buckets_log2),
    };
    let detail = format!(
        "{started} with {} entries and {} overflow buckets in 2^{}",
        before.len, before.overflow, before.buckets_log2
    );
    Objection::raise(NAME, DUE, detail)
}
