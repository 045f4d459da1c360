//! Iteration: the contract of a cursor that does not borrow the map.
//!
//! An entry present from open to end is yielded exactly once, with its current value. A removed one is not yielded
//! after its removal. One added meanwhile is yielded at most once. Removed and inserted again is a new entry, so the
//! same key may then come again. A cursor of an empty map is finished at once, and a finished cursor stays so.

use super::reference::Seen;
use super::{Objection, Verdict};
use crate::spec::Spec;
use std::collections::BTreeMap;

/// This oracle's name.
pub const NAME: &str = "iteration";

/// What one cursor has yielded.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The op that opened it.
    opened: u32,
    /// Was the map empty?
    on_empty: bool,
    finished: bool,
    /// Key → birth of the entry yielded last.
    yielded: BTreeMap<u16, u32>,
}

impl Witness {
    /// Of a cursor opened by op `now` on a map that holds what `spec` holds.
    pub fn new<M: Spec>(spec: &M, now: u32) -> Self {
        Witness {
            opened: now,
            on_empty: spec.is_empty(),
            finished: false,
            yielded: BTreeMap::new(),
        }
    }

    /// Judges one step.
    pub fn step<M: Spec>(&mut self, cursor: usize, step: Option<Seen>, spec: &M) -> Verdict {
        match step {
            Some(seen) => self.entry(cursor, seen, spec),
            None => self.end(cursor, spec),
        }
    }

    /// Judges whether it says, if it does say, that it is at its end.
    pub fn says(&self, cursor: usize, finished: Option<bool>) -> Verdict {
        if finished.is_none_or(|finished| finished == self.finished) {
            return Ok(());
        }
        let detail = format!("cursor c{cursor} says the contrary of what it did");
        Objection::raise(NAME, "a cursor says whether it is finished", detail)
    }

    /// Has it said that it is at its end?
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    fn entry<M: Spec>(&mut self, cursor: usize, seen: Seen, spec: &M) -> Verdict {
        let object =
            |rule, detail| Objection::raise(NAME, rule, format!("cursor c{cursor} {detail}"));
        let Seen { key, value, .. } = seen;
        if self.finished {
            return object(
                "a finished cursor stays finished",
                format!("yielded k{key} after its end"),
            );
        }
        if self.on_empty {
            return object(
                "a cursor of an empty map is finished at once",
                format!("was opened on an empty map and yielded k{key}"),
            );
        }
        let held = u16::try_from(key).ok().and_then(|key| Some((key, spec.get(key)?)));
        let Some((number, held)) = held else {
            return object(
                "a removed entry is not yielded",
                format!("yielded k{key} (v{value}), the spec has no such key"),
            );
        };
        if held.value != value {
            return object(
                "an entry is yielded with its current value",
                format!("yielded k{key} with v{value}, the spec says v{}", held.value),
            );
        }
        match self.yielded.insert(number, held.born) {
            Some(born) if born == held.born => {
                object("an entry is yielded at most once", format!("yielded k{key} a second time"))
            }
            _ => Ok(()),
        }
    }

    fn end<M: Spec>(&mut self, cursor: usize, spec: &M) -> Verdict {
        if self.finished || self.on_empty {
            self.finished = true;
            return Ok(());
        }
        self.finished = true;
        let mut missed = None;
        spec.for_each(|key, entry| {
            let was_there = entry.born < self.opened;
            if was_there && missed.is_none() && self.yielded.get(&key) != Some(&entry.born) {
                missed = Some(key);
            }
        });
        match missed {
            None => Ok(()),
            Some(key) => Objection::raise(
                NAME,
                "an entry there throughout is yielded",
                format!("cursor c{cursor} ended without k{key}, which was there throughout"),
            ),
        }
    }
}
