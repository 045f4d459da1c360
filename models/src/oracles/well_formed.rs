//! Well formed: every claim the map makes about its own structure holds, and what it shows of it agrees.

use super::{Objection, Verdict};
use crate::picture::{Picture, State};
use map_core::tophash::{EMPTY_REST, is_full};

/// This oracle's name.
pub const NAME: &str = "well-formed";

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
