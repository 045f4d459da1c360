//! Reference: the map answers what the spec answers and holds what the spec holds, no more and no less.

use super::{Objection, Verdict};
use crate::op::Ret;
use crate::spec::Spec;

/// The rule about references to several values.
pub const LENT: &str = "no value is lent twice";

/// This oracle's name.
pub const NAME: &str = "reference";

/// The rule that `len` breaks.
pub const LENGTH: &str = "len is the number of entries";

/// The rule of `is_empty`.
pub const EMPTY: &str = "is_empty says whether len is 0";

/// An entry as the map showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The key's number.
    pub key: u64,
    /// The value's number.
    pub value: u64,
    /// The op that made the stored key, if the key type remembers.
    pub stamp: Option<u32>,
}

/// The answer is the spec's.
#[inline]
pub fn answers(seen: Ret, expected: Ret) -> Verdict {
    if seen == expected { Ok(()) } else { answers_differ(seen, expected) }
}

#[cold]
fn answers_differ(seen: Ret, expected: Ret) -> Verdict {
    Objection::raise(
        NAME,
        "every answer is the spec's",
        format!("returned {seen}, the spec says {expected}"),
    )
}

/// `capacity` is a lower bound of what the map can hold, and it holds `len` entries.
pub fn capacity(seen: usize, len: usize) -> Verdict {
    if seen >= len {
        return Ok(());
    }
    let detail = format!("left a capacity of {seen}, with {len} entries");
    Objection::raise(NAME, "capacity is no less than len", detail)
}

/// `len` is the number of entries.
#[inline]
pub fn length(seen: usize, expected: usize) -> Verdict {
    if seen == expected {
        return Ok(());
    }
    Objection::raise(NAME, LENGTH, format!("left len {seen}, the spec says {expected}"))
}

/// `is_empty` says whether `len` is 0.
pub fn emptiness(is_empty: bool, len: usize) -> Verdict {
    if is_empty == (len == 0) {
        return Ok(());
    }
    Objection::raise(NAME, EMPTY, format!("left is_empty {is_empty}, and len {len}"))
}

/// A walk over the map has met as many entries as it has.
pub fn walked(len: usize, entries: usize) -> Verdict {
    if len == entries {
        return Ok(());
    }
    Objection::raise(NAME, LENGTH, format!("left len {len}, and a walk meets {entries} entries"))
}

/// The entries seen, in any order, are the spec's. `whole` says that all must be there; sorts `seen`.
pub fn contents<M: Spec>(view: &str, seen: &mut [Seen], spec: &M, whole: bool) -> Verdict {
    let object = |rule, detail| Objection::raise(NAME, rule, format!("{view}: {detail}"));
    seen.sort_unstable_by_key(|entry| entry.key);
    if seen.len() == spec.len() && side_by_side(seen, spec) {
        return Ok(());
    }
    for pair in seen.windows(2) {
        if pair[0].key == pair[1].key {
            return object("a key is yielded once", format!("k{} came twice", pair[0].key));
        }
    }
    for entry in seen.iter() {
        let (key, value) = (entry.key, entry.value);
        let held = u16::try_from(key).ok().and_then(|key| spec.get(key));
        match held {
            None => {
                return object(
                    "nothing else is there",
                    format!("k{key} came (v{value}), the spec has no such key"),
                );
            }
            Some(held) if held.value != value => {
                return object(
                    "every value is the spec's",
                    format!("k{key} came with v{value}, the spec says v{}", held.value),
                );
            }
            Some(held) if entry.stamp.is_some_and(|stamp| stamp != held.born) => {
                return object(
                    "the stored key stays on overwrite",
                    format!(
                        "k{key} is the key that op {} made, the entry was created by op {}",
                        entry.stamp.unwrap_or(0).wrapping_sub(1),
                        held.born.wrapping_sub(1)
                    ),
                );
            }
            Some(_) => {}
        }
    }
    if whole && seen.len() != spec.len() {
        let mut missing = None;
        spec.for_each(|key, entry| {
            if missing.is_none()
                && seen.binary_search_by_key(&(key as u64), |seen| seen.key).is_err()
            {
                missing = Some((key, entry.value));
            }
        });
        let (key, value) = missing.unwrap_or_default();
        return object("all the spec holds is there", format!("k{key} (v{value}) is missing"));
    }
    Ok(())
}

/// Is the n-th entry seen the n-th of the spec, for every n? Quicker than looking each up.
fn side_by_side<M: Spec>(seen: &[Seen], spec: &M) -> bool {
    let (mut seen, mut same) = (seen.iter(), true);
    spec.for_each(|key, held| {
        same &= seen.next().is_some_and(|entry| {
            let stored = entry.stamp.is_none_or(|stamp| stamp == held.born);
            entry.key == key as u64 && entry.value == held.value && stored
        });
    });
    same
}

/// The numbers seen, in any order, are these; sorts both.
pub fn numbers(view: &str, seen: &mut [u64], expected: &mut [u64]) -> Verdict {
    seen.sort_unstable();
    expected.sort_unstable();
    if seen == expected {
        return Ok(());
    }
    let at = seen.iter().zip(expected.iter()).take_while(|(a, b)| a == b).count();
    let show = |list: &[u64]| list.get(at).map_or("nothing".to_string(), u64::to_string);
    Objection::raise(
        NAME,
        "keys and values are the spec's",
        format!(
            "{view}: {} came and {} were expected; in order, the first to differ is {}, expected {}",
            seen.len(),
            expected.len(),
            show(seen),
            show(expected)
        ),
    )
}
