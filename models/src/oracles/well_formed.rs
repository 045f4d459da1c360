//! Well formed: every claim the map makes about its own structure holds, and what it shows of it agrees.

use super::{Objection, Verdict};
use crate::picture::{Picture, State};
use map_core::concurrent::{ConcurrentHealth, ConcurrentTable};
use map_core::tophash::{EMPTY_ONE, EMPTY_REST, SLOTS, is_full};
use map_core::{GrowthKind, Health};
use std::fmt::Debug;

/// This oracle's name.
pub const NAME: &str = "well-formed";

/// The claims that `map_core`'s maps make about their structure, each in a sentence.
pub const CLAIMS: [(&str, &str); 20] = [
    ("born-in-private", "a bucket is empty until the old one that feeds it is evacuated"),
    ("count", "the map counts its entries right"),
    ("doubled-or-same-size", "a table is followed by one of as many buckets, or of twice as many"),
    ("exact-at-rest", "while nobody writes, the map counts its entries right"),
    ("growths", "while nobody writes, as many growths were counted as there were"),
    ("hash", "an entry keeps the hash of its key"),
    ("home", "an entry is in the bucket that its hash belongs to"),
    ("kind", "a growth has as many new buckets as its kind says"),
    ("load", "a table that is full beyond its threshold is being replaced"),
    (
        "mark",
        "what is below the evacuation mark is evacuated and freed, and the growth ends with the last",
    ),
    ("once", "a key is there once, where a search finds it"),
    ("one-successor", "a bucket that is evacuated has a table to which its entries went"),
    ("one-world", "a chain is evacuated as a whole or not at all"),
    ("overflow", "the newest table counts its overflow buckets right"),
    ("present", "a key that the trail has as present has its entry"),
    ("progress", "the map counts its evacuated buckets right"),
    ("rest", "nothing is behind the end of a chain, and no tombstone at it"),
    ("slot-is-truth", "a slot has an entry exactly if its tophash says so"),
    ("tophash", "a slot has the tophash of its key"),
    ("unlocked-at-rest", "while nobody writes, no bucket is locked"),
];

/// The sentence for a claim.
pub fn claim(name: &str) -> Option<&'static str> {
    CLAIMS.iter().find(|(claim, _)| *claim == name).map(|(_, sentence)| *sentence)
}

/// Passes on what the map's own `check` says; the rule is the claim it names.
pub fn structure(check: Result<(), (String, String)>) -> Verdict {
    match check {
        Ok(()) => Ok(()),
        Err((claim, detail)) => {
            let detail = format!("left a map that breaks \"{claim}\": {detail}");
            Objection::raise(NAME, &claim, detail)
        }
    }
}

/// Judges a picture: only a bucket that holds the truth shows entries, and where nothing is yet, nothing shows.
pub fn pictured(picture: &Picture) -> Verdict {
    for (table, at, bucket) in picture.buckets() {
        let mut slots = bucket.chain.iter().flatten();
        let right = match bucket.state {
            State::Unborn => slots.all(|slot| slot.tophash == EMPTY_REST && !slot.full),
            State::Live | State::Locked => slots.all(|slot| {
                slot.full == is_full(slot.tophash) && slot.full == slot.entry.is_some()
            }),
            State::Evacuated | State::Drained => slots.all(|slot| slot.entry.is_none()),
        };
        if !right {
            let (name, state) = (&table.name, bucket.state.name());
            let detail =
                format!("shows bucket {at} of {name}, which is {state}, as {:?}", bucket.chain);
            return Objection::raise(NAME, "a view shows what is there", detail);
        }
    }
    Ok(())
}

/// Judges the figures that a map gives of itself by its picture.
pub fn figures(picture: &Picture, health: &Health) -> Verdict {
    let (mut len, mut tombstones, mut lengths, mut fill) = (0, 0, Vec::new(), [0; SLOTS + 1]);
    for (_, _, bucket) in picture.buckets().filter(|(_, _, bucket)| bucket.state == State::Live) {
        let length = bucket.chain.len();
        lengths.resize(length.max(lengths.len()), 0);
        if let Some(last) = length.checked_sub(1) {
            lengths[last] += 1;
        }
        for slots in &bucket.chain {
            tombstones += slots.iter().filter(|slot| slot.tophash == EMPTY_ONE).count();
            let full = slots.iter().filter(|slot| slot.full).count();
            len += full;
            fill[full] += 1;
        }
    }
    let is_evacuated = |state| matches!(state, State::Evacuated | State::Drained);
    let evacuated = picture.buckets().filter(|(_, _, bucket)| is_evacuated(bucket.state)).count();
    let mut tables = picture.tables.iter().rev().map(|table| table.buckets.len());
    let tables = (tables.next().unwrap_or(0), tables.next().unwrap_or(0), evacuated);
    let growth = &health.growth;
    let said = (health.len, health.tombstones, &health.chain_lengths, health.slot_fill);
    let said = (said, (health.buckets, growth.old_buckets, growth.evacuated), health.load_factor);
    let shown = ((len, tombstones, &lengths, fill), tables, load_factor(len, tables.0));
    agree(&said, &shown)
}

/// Entries a bucket, of those of the newest table.
fn load_factor(len: usize, buckets: usize) -> f64 {
    if buckets == 0 { 0.0 } else { len as f64 / buckets as f64 }
}

/// What both say of a shared map: the newest table's number, its buckets and how full they are; of each growth its kind,
/// the old buckets, and how many of them were claimed.
#[derive(Debug, PartialEq)]
struct Shared {
    generation: u64,
    buckets: usize,
    load_factor: f64,
    growing: Vec<(Option<GrowthKind>, usize, usize)>,
}

/// Judges the figures that a shared map gives of itself, while nobody writes, by its view.
pub fn shared_figures<T>(tables: &[ConcurrentTable<T>], health: &ConcurrentHealth) -> Verdict {
    let [older @ .., newest] = tables else { return Ok(()) };
    let growing = older.iter().zip(&tables[1..]);
    let shown = Shared {
        generation: newest.generation,
        buckets: newest.buckets.len(),
        load_factor: load_factor(health.len, newest.buckets.len()),
        growing: growing.map(|(old, new)| (new.kind, old.buckets.len(), old.claimed)).collect(),
    };
    let growing = health.growing.iter();
    let said = Shared {
        generation: health.generation,
        buckets: health.buckets,
        load_factor: health.load_factor,
        growing: growing.map(|of| (Some(of.kind), of.old_buckets, of.claimed)).collect(),
    };
    agree(&said, &shown)
}

fn agree<T: Debug + PartialEq>(said: &T, shown: &T) -> Verdict {
    if said == shown {
        return Ok(());
    }
    let detail = format!("health says {said:?}, the view shows {shown:?}");
    Objection::raise(NAME, "health is what the view shows", detail)
}
