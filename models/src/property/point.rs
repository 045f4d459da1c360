//! Ops on single entries and on cursors: done to the map and to the spec, answers compared.

use super::Run;
use crate::elements::{Key, Value};
use crate::op::{Op, Ret};
use crate::oracles::iteration::Witness;
use crate::oracles::panics;
use crate::oracles::work::Bound;
use crate::oracles::{Objection, Verdict, reference};
use crate::spec::Spec;
use crate::subject::{Capabilities, EntryPath, SequentialSubject};
use std::cell::Cell;

/// Was the op one of these?
pub(super) enum Done {
    /// No: it concerns the whole map.
    No,
    /// Yes, but the map lacks the capability.
    Skipped,
    /// Yes, and its growth work is bounded so.
    Yes(Bound),
}

impl<S: SequentialSubject<K, V>, K: Key, V: Value, M: Spec> Run<S, K, V, M> {
    /// Does `op` if it is about single entries or a cursor.
    pub(super) fn point(&mut self, op: Op) -> Result<Done, Box<Objection>> {
        let (needs, bound) = match op {
            Op::Get(_) => (Capabilities::NONE, Bound::Read),
            Op::Insert(..) | Op::Remove(_) => (Capabilities::NONE, Bound::Write),
            Op::ContainsKey(_) | Op::GetKeyValue(_) => (Capabilities::LOOKUPS, Bound::Read),
            Op::RemoveEntry(_) => (Capabilities::LOOKUPS, Bound::Write),
            Op::GetMut(..) => (Capabilities::MUTATION, Bound::Read),
            Op::GetDisjointMut(..) => (Capabilities::DISJOINT, Bound::Read),
            Op::EntryInsert(..) => {
                (Capabilities::ENTRY.and(Capabilities::INSERT_ENTRY), Bound::Entry)
            }
            Op::EntryOrInsert(..)
            | Op::EntryOrInsertWith(..)
            | Op::EntryOrDefault(_)
            | Op::EntryAndModify(..)
            | Op::EntryReplace(..)
            | Op::EntryRemove(_)
            | Op::EntryRemoveEntry(_)
            | Op::EntryDrop(_) => (Capabilities::ENTRY, Bound::Entry),
            Op::CursorOpen(..)
            | Op::CursorOpenAnywhere(_)
            | Op::CursorStep(..)
            | Op::CursorClose(_) => (Capabilities::CURSOR, Bound::Read),
            // Shared maps have these; what a sequential one would do, other ops do.
            Op::Update(..)
            | Op::UpdateWithin(..)
            | Op::Compute(..)
            | Op::Len
            | Op::View
            | Op::Check => return Ok(Done::Skipped),
            _ => return Ok(Done::No),
        };
        if !S::CAPABILITIES.has(needs) {
            return Ok(Done::Skipped);
        }
        match op {
            Op::CursorOpen(c, bucket, offset) => {
                self.open(c, Some((bucket as usize, offset as usize)))
            }
            Op::CursorOpenAnywhere(c) => self.open(c, None),
            Op::CursorStep(c, steps) => self.step_cursor(c as usize, steps)?,
            Op::CursorClose(c) => self.cursors[c as usize] = None,
            _ => {
                let seen = self.answer(op)?;
                let had = self.spec.len();
                let expected = self.spec.apply(op, self.now);
                reference::answers(seen, expected)?;
                if matches!(op, Op::Remove(_)) {
                    self.removed(had - self.spec.len());
                }
            }
        }
        Ok(Done::Yes(bound))
    }

    /// What the map answers.
    fn answer(&mut self, op: Op) -> Result<Ret, Box<Objection>> {
        let make = |k| K::make(k, self.now);
        Ok(match op {
            Op::Get(k) => Ret::Value(self.map.get(&make(k), V::number)),
            Op::Insert(k, v) => {
                Ret::Value(self.map.insert(make(k), V::make(v as u64)).map(|old| old.number()))
            }
            Op::Remove(k) => Ret::Value(self.map.remove(&make(k)).map(|old| old.number())),
            Op::RemoveEntry(k) => {
                let removed = self.map.remove_entry(&make(k));
                if let Some((key, _)) = &removed {
                    self.gave_away(k, key)?;
                }
                Ret::Entry(removed.map(|(key, value)| (key.number(), value.number())))
            }
            Op::ContainsKey(k) => Ret::Flag(self.map.contains_key(&make(k))),
            Op::GetKeyValue(k) => {
                let found = self.map.get_key_value(&make(k), Self::saw);
                if let Some(seen) = found {
                    reference::contents("get_key_value", &mut [seen], &self.spec, false)?;
                }
                Ret::Entry(found.map(|seen| (seen.key, seen.value)))
            }
            Op::GetMut(k, v) => {
                let key = make(k);
                let found = self.map.get_mut(&key);
                Ret::Value(found.map(|value| {
                    let old = value.number();
                    value.set(v as u64);
                    old
                }))
            }
            Op::GetDisjointMut(k, l) => self.disjoint(k, l)?,
            _ => self.entry(op)?,
        })
    }

    fn disjoint(&mut self, k: u16, l: u16) -> Result<Ret, Box<Objection>> {
        let add_one = |value: &mut V| {
            let old = value.number();
            value.add(1);
            old
        };
        let (key, other) = (K::make(k, self.now), K::make(l, self.now));
        if !self.armed && !self.fickle && self.spec.get(k).is_some() {
            self.refuses_equal_keys(k, l)?;
        }
        if k == l {
            return Ok(match S::CAPABILITIES.has(Capabilities::MUTATION) {
                true => Ret::Two([self.map.get_mut(&key).map(add_one), None]),
                false => Ret::Two([self.spec.get(k).map(|entry| entry.value), None]),
            });
        }
        if self.fickle {
            self.lends_apart([k, l, k.wrapping_add(16), k.wrapping_add(32)])?;
            return Ok(Ret::Two([None; 2]));
        }
        Ok(Ret::Two(self.map.get_disjoint_mut([&key, &other]).map(|found| found.map(add_one))))
    }

    /// Keys of which nobody knows whether they are equal, several of one hash: the map may panic, but not lend one value twice.
    fn lends_apart(&mut self, keys: [u16; 4]) -> Verdict {
        let made = keys.map(|key| K::make(key, self.now));
        let lend = || {
            let lent = self.map.get_disjoint_mut(made.each_ref());
            lent.map(|value| value.map(std::ptr::from_mut))
        };
        let Ok(lent) = panics::caught(lend) else { return Ok(()) };
        let twice = |n: usize| lent[n].is_some() && lent[..n].contains(&lent[n]);
        match (0..4).find(|&n| twice(n)) {
            None => Ok(()),
            Some(n) => {
                let detail = format!("lent the value it found for k{} twice", keys[n]);
                Objection::raise(reference::NAME, reference::LENT, detail)
            }
        }
    }

    /// Nobody gets the value of `k` twice, wherever it stands among the keys.
    fn refuses_equal_keys(&mut self, k: u16, l: u16) -> Verdict {
        let mut keys = [k; 3];
        let other = usize::from(l % 3);
        keys[other] = if l == k { k.wrapping_add(1) } else { l };
        let made = keys.map(|key| K::make(key, self.now));
        let lend = || {
            let lent = self.map.get_disjoint_mut(made.each_ref());
            lent.map(|value| value.map(|value| value.number()))
        };
        if panics::refuses(lend) {
            return Ok(());
        }
        let detail =
            format!("lent the values of k{}, k{} and k{} at once", keys[0], keys[1], keys[2]);
        Objection::raise(reference::NAME, reference::LENT, detail)
    }

    fn entry(&mut self, op: Op) -> Result<Ret, Box<Objection>> {
        let (k, path) = match op {
            Op::EntryOrInsert(k, v) => (k, EntryPath::OrInsert(v as u64)),
            Op::EntryOrInsertWith(k, v) => (k, EntryPath::OrInsertWith(v as u64)),
            Op::EntryOrDefault(k) => (k, EntryPath::OrDefault),
            Op::EntryAndModify(k, v) => (k, EntryPath::AndModify(v as u64)),
            Op::EntryInsert(k, v) => (k, EntryPath::InsertEntry(v as u64)),
            Op::EntryReplace(k, v) => (k, EntryPath::Replace(v as u64)),
            Op::EntryRemove(k) => (k, EntryPath::Remove),
            Op::EntryRemoveEntry(k) => (k, EntryPath::RemoveEntry),
            Op::EntryDrop(k) => (k, EntryPath::Look),
            other => unreachable!("`{other}` is no entry op"),
        };
        let called = Cell::new(0);
        let answer = self.map.entry(K::make(k, self.now), path, || {
            called.set(called.get() + 1);
            Self::closure();
        });
        let is_there = self.spec.get(k).is_some();
        let wanted = match path {
            EntryPath::OrInsertWith(_) => Some(!is_there),
            EntryPath::AndModify(_) => Some(is_there),
            _ => None,
        };
        if wanted.is_some_and(|wanted| called.get() != u32::from(wanted)) {
            let detail = format!("called its closure {} times", called.get());
            return Objection::raise(
                reference::NAME,
                "a closure is called once, if it is needed",
                detail,
            );
        }
        if let (EntryPath::RemoveEntry | EntryPath::Look, Some(key)) = (path, &answer.key) {
            self.gave_away(k, key)?;
        }
        Ok(match path {
            EntryPath::RemoveEntry => Ret::Entry(answer.value.map(|value| {
                let key = answer.key.as_ref().map_or(u64::MAX, K::number);
                (key, value)
            })),
            _ => Ret::Value(answer.value),
        })
    }

    /// The key that came back with a removed entry is the stored one.
    fn gave_away(&self, k: u16, key: &K) -> Verdict {
        if S::CAPABILITIES.has(Capabilities::REPLACES_KEYS) {
            return Ok(());
        }
        let (Some(stamp), Some(held)) = (key.stamp(), self.spec.get(k)) else { return Ok(()) };
        if stamp == held.born {
            return Ok(());
        }
        Objection::raise(
            reference::NAME,
            "the stored key comes back",
            format!(
                "gave back the key of op {stamp}, the entry was created by op {}",
                held.born - 1
            ),
        )
    }

    fn open(&mut self, c: u8, start: Option<(usize, usize)>) {
        let cursor = self.map.open_cursor(start);
        self.had_cursors = true;
        self.cursors[c as usize] = Some((cursor, Witness::new(&self.spec, self.now)));
    }

    fn step_cursor(&mut self, c: usize, steps: u8) -> Verdict {
        let Some((cursor, witness)) = &mut self.cursors[c] else { return Ok(()) };
        for _ in 0..steps {
            let step = self.map.step_cursor(cursor).map(|(key, value)| Self::saw(key, value));
            let was_finished = witness.is_finished();
            witness.step(c, step, &self.spec)?;
            witness.says(c, S::is_finished(cursor))?;
            // One step past the end shows that it stays there.
            if was_finished {
                break;
            }
        }
        Ok(())
    }
}
