//! Every structural claim of the concurrent map, executable.
//!
//! Bucket by bucket, without a lock: a bucket that is locked, or was written meanwhile, is passed
//! over. So it may run while others write (a model runs it at every switch), and with none writing
//! it sees all.
//!
//! # Checked by
//! `tests`, which break every claim; the faults in `corpus/faults`.

#[cfg(test)]
mod tests;

use super::bucket::{Bucket, EVACUATED, LOCKED, protect, tophash_at};
use super::core::Core;
use super::entry::Entry;
use super::table::Table;
use crate::platform::{Atomic, Guard, Platform};
use crate::tophash::{EMPTY_ONE, EMPTY_REST, MIN_TOPHASH, SLOTS, tophash};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering::Acquire;

/// A broken claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// The claim's name, as in the modules' lists of invariants.
    pub claim: &'static str,
    /// What was expected and what is there.
    pub detail: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.claim, self.detail)
    }
}

impl core::error::Error for Breach {}

fn claim(claim: &'static str, holds: bool, detail: impl FnOnce() -> String) -> Result<(), Breach> {
    if holds { Ok(()) } else { Err(Breach { claim, detail: detail() }) }
}

impl<K: Eq, V, P: Platform> Core<K, V, P> {
    /// Checks every claim; `hash_of` is the map's hasher. `exact` if nobody writes: then the count
    /// is checked too.
    pub(crate) fn check<'g>(
        &'g self,
        pin: &'g impl Guard,
        exact: bool,
        hash_of: impl Fn(&K) -> u64,
    ) -> Result<(), Breach> {
        let mut table = self.root(pin);
        // Of the table before: which of its buckets were evacuated when they were looked at. What these feed is born. All
        // others may be being filled, also if they are evacuated by now, or without a segment since they are not born
        // themselves.
        let mut evacuated: Option<Vec<bool>> = None;
        let mut len = 0;
        let overflow = loop {
            let mut overflow_buckets = 0;
            let mut now_evacuated = Vec::with_capacity(table.buckets());
            for index in 0..table.buckets() {
                let is_born = evacuated.as_ref().is_none_or(|of| of[index & (of.len() - 1)]);
                now_evacuated.push(if !is_born {
                    check_unborn(table, index, exact)?;
                    false
                } else if let Some(bucket) = table.bucket(index) {
                    let seen = check_bucket(table, index, bucket, exact, &hash_of)?;
                    len += seen.entries;
                    overflow_buckets += seen.overflow_buckets;
                    seen.is_evacuated
                } else {
                    true // What is born has its segment, until that is drained.
                });
            }
            let Some(successor) = table.successor() else { break overflow_buckets };
            let ratio = successor.buckets() / table.buckets();
            claim("doubled-or-same-size", ratio == 1 || ratio == 2, || {
                format!(
                    "a table of {} buckets is succeeded by one of {}",
                    table.buckets(),
                    successor.buckets()
                )
            })?;
            (evacuated, table) = (Some(now_evacuated), successor);
        };
        let counted = table.overflow_buckets();
        claim("overflow", !exact || overflow == counted, || {
            format!("the newest table has {overflow} overflow buckets and counts {counted}")
        })?;
        let (generation, growths) = (table.shape().generation, self.growths());
        claim("growths", !exact || generation == (growths.0 + growths.1) as u64, || {
            format!("the newest table is number {generation}, and {growths:?} growths were begun")
        })?;
        let counted = self.len.sum();
        claim("exact-at-rest", !exact || len == counted, || {
            format!("the map has {len} entries and counts {counted}")
        })
    }
}

/// **born-in-private**: an unborn bucket is empty.
fn check_unborn<K, V, P: Platform>(
    table: &Table<K, V, P>,
    index: usize,
    exact: bool,
) -> Result<(), Breach> {
    // Its evacuator may be filling it.
    let Some(bucket) = table.bucket(index).filter(|_| exact) else { return Ok(()) };
    // Any order would do here: `exact` means that nobody else is at the map.
    let empty = bucket.tophashes.load(Acquire) == 0
        && bucket.next().is_none()
        && (0..SLOTS).all(|slot| bucket.entry(slot).is_null());
    claim("born-in-private", empty && bucket.state.load(Acquire) == 0, || {
        format!("{} is not born and not empty", table.place(index))
    })
}

/// What was seen of a chain: nothing, if somebody is at it.
#[derive(Default)]
struct Seen {
    is_evacuated: bool,
    /// How many entries it owns.
    entries: usize,
    overflow_buckets: usize,
}

/// The claims about the chain of a born bucket.
fn check_bucket<K: Eq, V, P: Platform>(
    table: &Table<K, V, P>,
    index: usize,
    head: &Bucket<K, V, P>,
    exact: bool,
    hash_of: &impl Fn(&K) -> u64,
) -> Result<Seen, Breach> {
    // Acquire (unlock): all that the last holder did is seen. Acquire (publish-evacuated): so is the
    // successor.
    let before = head.state.load(protect::<P>());
    if before & LOCKED != 0 {
        let unlocked = claim("unlocked-at-rest", !exact, || {
            format!("{} is locked by nobody", table.place(index))
        });
        return unlocked.map(|()| Seen::default());
    }
    let mut slots: Vec<(u8, *mut Entry<K, V, P>)> = Vec::new();
    for bucket in head.chain() {
        // Acquire (publish-tophashes).
        let word = bucket.tophashes.load(Acquire);
        slots.extend((0..SLOTS).map(|slot| (tophash_at(word, slot), bucket.entry(slot))));
    }
    // The loads above are Acquire, so this one comes after them. Whatever a later holder of the lock
    // stored and was read there, the lock's taking came with it (publish-tophashes, publish-entry,
    // empty-slot, link-overflow): equal states mean that nothing was.
    if head.state.load(protect::<P>()) != before {
        return Ok(Seen::default());
    }
    let place = table.place(index);
    let is_evacuated = before & EVACUATED != 0;
    claim("one-successor", !is_evacuated || table.successor().is_some(), || {
        format!("{place} is evacuated, to nowhere")
    })?;
    let (mut last, mut rest) = (EMPTY_REST, false);
    let mut entries: Vec<&Entry<K, V, P>> = Vec::new();
    for (slot, &(tag, entry)) in slots.iter().enumerate() {
        claim("slot-is-truth", entry.is_null() == (tag < MIN_TOPHASH), || {
            format!(
                "{place} slot {slot} has tophash {tag} and {}",
                if entry.is_null() { "no entry" } else { "an entry" }
            )
        })?;
        claim("rest", !rest || tag == EMPTY_REST, || {
            format!("{place} slot {slot} has tophash {tag} behind an EMPTY_REST")
        })?;
        rest |= tag == EMPTY_REST;
        last = if tag == EMPTY_REST { last } else { tag };
        // The entries of a frozen chain may be retired.
        if is_evacuated || entry.is_null() {
            continue;
        }
        P::touched(entry.cast_const());
        // SAFETY: **one-owner**: in a slot of a born chain that was not evacuated after our pin.
        let entry = unsafe { &*entry };
        let parts = entry.parts();
        claim("home", table.index_of(parts.hash) == index, || {
            format!("{place} slot {slot} holds an entry of bucket {}", table.index_of(parts.hash))
        })?;
        claim("tophash", tag == tophash(parts.hash), || {
            format!("{place} slot {slot} has tophash {tag} for hash {:#x}", parts.hash)
        })?;
        claim("hash", parts.hash == hash_of(&parts.key), || {
            format!("{place} slot {slot} keeps another hash than its key has")
        })?;
        claim("once", !entries.iter().any(|other| other.parts().key == parts.key), || {
            format!("{place} slot {slot} holds a key that the chain holds already")
        })?;
        entries.push(entry);
    }
    claim("rest", last != EMPTY_ONE, || {
        format!("{place}: the chain ends in tombstones that were not swept")
    })?;
    Ok(Seen { is_evacuated, entries: entries.len(), overflow_buckets: slots.len() / SLOTS - 1 })
}
