//! The sequential spec: what a map is, said with a `BTreeMap`.
//!
//! An entry also remembers when it was **born** (the number of the op that created it), which is what the
//! iteration contract and the "stored key stays" rule are about: overwriting keeps the birth, removing and
//! inserting again makes a new entry.
//!
//! [`Direct`] is the same model over an array indexed by key: far faster, and used where the harness should not
//! be what is measured. `tests/spec.rs` holds the two against each other.
//!
//! # Invariants
//! - **obvious**: every method of [`Ordered`] is one call to `BTreeMap`.
//! # Not here
//! Comparing: see `oracles`.
//! # Checked by
//! `tests/spec.rs`.

use crate::op::{Decision, Op, Ret, chosen, decide, stays};
use std::collections::BTreeMap;

/// A present key's value, and the op that created the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The current value.
    pub value: u64,
    /// The number of the op that created the entry.
    pub born: u32,
}

/// A model of a map from `u16` to `u64`.
pub trait Spec: Default + Clone {
    /// The entry of `key`.
    fn get(&self, key: u16) -> Option<Entry>;
    /// Sets `key`'s value; a new entry is born at `now`. Returns the old value.
    fn insert(&mut self, key: u16, value: u64, now: u32) -> Option<u64>;
    /// Removes `key`.
    fn remove(&mut self, key: u16) -> Option<u64>;
    /// How many entries.
    fn len(&self) -> usize;
    /// No entries?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Removes everything.
    fn clear(&mut self);
    /// Visits every entry in the order of the keys.
    fn for_each(&self, visit: impl FnMut(u16, Entry));
    /// Changes every value.
    fn update(&mut self, change: impl FnMut(u16, u64) -> u64);
    /// Keeps what `keep` chooses.
    fn retain(&mut self, keep: impl FnMut(u16, u64) -> bool);
    /// The first absent key from `key` on, wrapping around; `None` when every key is present.
    fn absent_from(&self, key: u16) -> Option<u16> {
        (0..=u16::MAX).map(|step| key.wrapping_add(step)).find(|&key| self.get(key).is_none())
    }

    /// Does `op` and answers as a map must.
    ///
    /// Ops about the map's own layout (cursors, capacity, growth) change nothing here. One that drops an iterator
    /// half-way does all of its work: what the iterator had not yielded yet is the caller's to put back
    /// (`extract-if-drop`).
    fn apply(&mut self, op: Op, now: u32) -> Ret {
        let value = |entry: Option<Entry>| entry.map(|entry| entry.value);
        match op {
            Op::Get(k) => Ret::Value(value(self.get(k))),
            Op::Insert(k, v) => Ret::Value(self.insert(k, v as u64, now)),
            Op::Remove(k) | Op::EntryRemove(k) => Ret::Value(self.remove(k)),
            Op::RemoveEntry(k) | Op::EntryRemoveEntry(k) => {
                Ret::Entry(self.remove(k).map(|v| (k as u64, v)))
            }
            Op::ContainsKey(k) => Ret::Flag(self.get(k).is_some()),
            Op::GetKeyValue(k) => Ret::Entry(value(self.get(k)).map(|v| (k as u64, v))),
            Op::GetMut(k, v) | Op::EntryReplace(k, v) => match value(self.get(k)) {
                Some(_) => Ret::Value(self.insert(k, v as u64, now)),
                None => Ret::Value(None),
            },
            Op::GetDisjointMut(k, l) => {
                let found = [value(self.get(k)), if l == k { None } else { value(self.get(l)) }];
                for (key, old) in [k, l].into_iter().zip(found) {
                    if let Some(old) = old {
                        self.insert(key, old.wrapping_add(1), now);
                    }
                }
                Ret::Two(found)
            }
            Op::EntryOrInsert(k, v) | Op::EntryOrInsertWith(k, v) => {
                self.or_insert(k, v as u64, now)
            }
            Op::EntryOrDefault(k) => self.or_insert(k, 0, now),
            Op::EntryAndModify(k, v) => {
                let new = value(self.get(k)).map_or(v as u64, |old| old.wrapping_add(v as u64));
                self.insert(k, new, now);
                Ret::Value(Some(new))
            }
            Op::EntryInsert(k, v) => {
                self.insert(k, v as u64, now);
                Ret::Value(Some(v as u64))
            }
            Op::EntryDrop(k) => Ret::Value(value(self.get(k))),
            Op::IterMut(v) | Op::ValuesMut(v) => {
                self.update(|_, old| old.wrapping_add(v as u64));
                Ret::Count(self.len())
            }
            Op::Retain(..) | Op::RetainValues(..) => {
                self.retain(|k, v| stays(op, k as u64, v));
                if let Op::Retain(..) = op {
                    self.update(|_, old| old.wrapping_add(1));
                }
                Ret::Unit
            }
            Op::ExtractIf(m, r) | Op::ExtractIfDrop(m, r, _) => {
                self.retain(|k, _| !chosen(k as u64, m, r));
                Ret::Unit
            }
            Op::Update(k, v) | Op::UpdateWithin(k, v) => {
                let new = value(self.get(k)).map(|old| old.wrapping_add(v as u64));
                if let Some(new) = new {
                    self.insert(k, new, now);
                }
                Ret::Value(new)
            }
            Op::Compute(k, v) => {
                let old = value(self.get(k));
                match decide(old, v as u64) {
                    Decision::Put(new) => self.insert(k, new, now),
                    Decision::Remove => self.remove(k),
                    Decision::Keep => None,
                };
                Ret::Two([old, value(self.get(k))])
            }
            Op::Len => Ret::Count(self.len()),
            Op::IntoIter | Op::IntoIterDrop(_) | Op::Drain | Op::DrainDrop(_) | Op::Clear => {
                self.clear();
                Ret::Unit
            }
            Op::Extend(k, n) => {
                for key in extension(k, n) {
                    self.insert(key, key as u64, now);
                }
                Ret::Unit
            }
            _ => Ret::Unit,
        }
    }

    /// `entry(key).or_insert(value)`.
    fn or_insert(&mut self, key: u16, value: u64, now: u32) -> Ret {
        if let Some(entry) = self.get(key) {
            return Ret::Value(Some(entry.value));
        }
        self.insert(key, value, now);
        Ret::Value(Some(value))
    }
}

/// The keys `extend k n` inserts.
pub fn extension(k: u16, n: u8) -> impl Iterator<Item = u16> {
    (0..n as u16).map(move |step| k.wrapping_add(step))
}

/// The spec: a `BTreeMap`.
#[derive(Clone, Debug, Default)]
pub struct Ordered(BTreeMap<u16, Entry>);

impl Spec for Ordered {
    fn get(&self, key: u16) -> Option<Entry> {
        self.0.get(&key).copied()
    }
    fn insert(&mut self, key: u16, value: u64, now: u32) -> Option<u64> {
        match self.0.entry(key) {
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                Some(std::mem::replace(&mut entry.get_mut().value, value))
            }
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Entry { value, born: now });
                None
            }
        }
    }
    fn remove(&mut self, key: u16) -> Option<u64> {
        self.0.remove(&key).map(|entry| entry.value)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn for_each(&self, mut visit: impl FnMut(u16, Entry)) {
        self.0.iter().for_each(|(&key, &entry)| visit(key, entry));
    }
    fn update(&mut self, mut change: impl FnMut(u16, u64) -> u64) {
        self.0.iter_mut().for_each(|(&key, entry)| entry.value = change(key, entry.value));
    }
    fn retain(&mut self, mut keep: impl FnMut(u16, u64) -> bool) {
        self.0.retain(|&key, entry| keep(key, entry.value));
    }
}

/// The spec over an array indexed by key, grown to the largest key seen.
#[derive(Clone, Debug, Default)]
pub struct Direct {
    entries: Vec<Option<Entry>>,
    len: usize,
}

impl Direct {
    #[cold]
    fn make_room(&mut self, key: u16) {
        let length = (key as usize + 1).next_power_of_two().max(64);
        self.entries.resize(length, None);
    }
}

impl Spec for Direct {
    #[inline]
    fn get(&self, key: u16) -> Option<Entry> {
        *self.entries.get(key as usize)?
    }
    #[inline]
    fn insert(&mut self, key: u16, value: u64, now: u32) -> Option<u64> {
        if key as usize >= self.entries.len() {
            self.make_room(key);
        }
        match &mut self.entries[key as usize] {
            Some(entry) => Some(std::mem::replace(&mut entry.value, value)),
            place => {
                *place = Some(Entry { value, born: now });
                self.len += 1;
                None
            }
        }
    }
    #[inline]
    fn remove(&mut self, key: u16) -> Option<u64> {
        let entry = self.entries.get_mut(key as usize)?.take()?;
        self.len -= 1;
        Some(entry.value)
    }
    fn len(&self) -> usize {
        self.len
    }
    fn clear(&mut self) {
        self.entries.fill(None);
        self.len = 0;
    }
    fn for_each(&self, mut visit: impl FnMut(u16, Entry)) {
        for (key, entry) in self.entries.iter().enumerate() {
            if let Some(entry) = entry {
                visit(key as u16, *entry);
            }
        }
    }
    fn update(&mut self, mut change: impl FnMut(u16, u64) -> u64) {
        for (key, entry) in self.entries.iter_mut().enumerate() {
            if let Some(entry) = entry {
                entry.value = change(key as u16, entry.value);
            }
        }
    }
    fn retain(&mut self, mut keep: impl FnMut(u16, u64) -> bool) {
        for (key, place) in self.entries.iter_mut().enumerate() {
            if place.is_some_and(|entry| !keep(key as u16, entry.value)) {
                *place = None;
                self.len -= 1;
            }
        }
    }
}
