//! Anybody's shared map, used by one thread: then every answer is definite, and the operation sequences, much longer than what
//! several threads can be given, are about it too.
//!
//! An op that is not declared is made of those that are, where it can be: one thread cannot tell the two apart.
//!
//! # Not here
//! `ConcurrentMap`, which takes any elements and shows how far it has grown: see `concurrent`.
//! # Checked by
//! `tests/subjects.rs`, `tests/plug_in.rs`.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::subject::{Capabilities, EntryAnswer, EntryPath, NoCursor, SequentialSubject};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The map.
pub struct Alone<S> {
    map: S,
    /// The keys that are there, of a map that does not tell: see [`Alone::TELLS`].
    keys: BTreeSet<u64>,
}

impl<S: ConcurrentSubject> Alone<S> {
    /// It says itself what is in it.
    const TELLS: bool = S::CAPABILITIES
        .has(Capabilities::LEN.and(Capabilities::ITERATION).and(Capabilities::CLEAR));

    /// After a write to this key.
    fn note(&mut self, key: u64) {
        if !Self::TELLS {
            match self.map.get(key) {
                Some(_) => self.keys.insert(key),
                None => self.keys.remove(&key),
            };
        }
    }

    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        if S::CAPABILITIES.has(Capabilities::GET_OR_INSERT) {
            return self.map.get_or_insert_with(key, make);
        }
        self.map.get(key).unwrap_or_else(|| {
            let new = make();
            self.map.insert(key, new);
            new
        })
    }

    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        if S::CAPABILITIES.has(Capabilities::UPDATE) {
            return self.map.update(key, change);
        }
        let new = change(self.map.get(key)?);
        self.map.insert(key, new);
        Some(new)
    }

    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        if S::CAPABILITIES.has(Capabilities::COMPUTE) {
            return self.map.compute(key, decide);
        }
        let old = self.map.get(key);
        match decide(old) {
            Decision::Put(new) => self.map.insert(key, new),
            Decision::Remove => self.map.remove(key),
            Decision::Keep => None,
        };
        [old, self.map.get(key)]
    }
}

impl<S: ConcurrentSubject> SequentialSubject<u64, u64> for Alone<S> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities = Capabilities::LOOKUPS
        .and(Capabilities::RETAIN)
        .and(Capabilities::RESERVE)
        .and(Capabilities::CHECK)
        .and(Capabilities::FREES_LATER)
        .and(Capabilities::NEEDS_SPREAD)
        .within(S::CAPABILITIES)
        .and(Capabilities::ENTRY);

    fn create(state: ModelState, capacity: usize) -> Self {
        Alone { map: S::create(state, capacity), keys: BTreeSet::new() }
    }
    fn get<R>(&self, key: &u64, see: impl FnOnce(&u64) -> R) -> Option<R> {
        self.map.get(*key).as_ref().map(see)
    }
    fn get_key_value<R>(&self, key: &u64, see: impl FnOnce(&u64, &u64) -> R) -> Option<R> {
        self.get(key, |value| see(key, value))
    }
    fn contains_key(&self, key: &u64) -> bool {
        self.map.contains_key(*key)
    }
    fn insert(&mut self, key: u64, value: u64) -> Option<u64> {
        let old = self.map.insert(key, value);
        self.note(key);
        old
    }
    fn remove(&mut self, key: &u64) -> Option<u64> {
        let old = self.map.remove(*key);
        self.note(*key);
        old
    }
    fn remove_entry(&mut self, key: &u64) -> Option<(u64, u64)> {
        self.remove(key).map(|value| (*key, value))
    }
    fn len(&self) -> usize {
        if S::CAPABILITIES.has(Capabilities::LEN) { self.map.len() } else { self.keys.len() }
    }
    fn is_empty(&self) -> bool {
        if S::CAPABILITIES.has(Capabilities::LEN) { self.map.is_empty() } else { self.len() == 0 }
    }
    fn for_each(&self, mut visit: impl FnMut(&u64, &u64)) {
        if S::CAPABILITIES.has(Capabilities::ITERATION) {
            return self.map.for_each(|key, value| visit(&key, &value));
        }
        for key in &self.keys {
            self.get(key, |value| visit(key, value));
        }
    }
    fn clear(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        if S::CAPABILITIES.has(Capabilities::CLEAR) {
            return self.map.clear();
        }
        for key in keys {
            self.map.remove(key);
        }
    }
    fn entry(&mut self, key: u64, path: EntryPath, closure: impl Fn()) -> EntryAnswer<u64> {
        // A map may ask again, as it does where another thread was faster.
        let asked = Cell::new(false);
        let value = match path {
            EntryPath::OrInsert(v) => Some(self.get_or_insert_with(key, || v)),
            EntryPath::OrInsertWith(v) => {
                let make = || {
                    asked.set(true);
                    v
                };
                Some(self.get_or_insert_with(key, make))
            }
            EntryPath::OrDefault => Some(self.get_or_insert_with(key, || 0)),
            EntryPath::AndModify(v) => {
                let add = |old: u64| {
                    asked.set(true);
                    old.wrapping_add(v)
                };
                self.update(key, add).or_else(|| {
                    self.map.insert(key, v);
                    Some(v)
                })
            }
            EntryPath::InsertEntry(_) => unreachable!("it is not declared"),
            EntryPath::Replace(v) => {
                self.compute(key, |old| old.map_or(Decision::Keep, |_| Decision::Put(v)))[0]
            }
            EntryPath::Remove | EntryPath::RemoveEntry => {
                self.compute(key, |old| old.map_or(Decision::Keep, |_| Decision::Remove))[0]
            }
            EntryPath::Look => self.map.get(key),
        };
        if asked.get() {
            closure();
        }
        self.note(key);
        EntryAnswer { value, key: Some(key) }
    }
    fn retain(&mut self, keep: impl FnMut(&u64, &mut u64) -> bool) {
        // It gets copies of the values, and may be asked again of the same one.
        let answers: RefCell<BTreeMap<_, (bool, u64)>> = RefCell::default();
        let keep = RefCell::new(keep);
        self.map.retain(|key, value| {
            let mut answers = answers.borrow_mut();
            let answer = answers.entry((key, value)).or_insert_with(|| {
                let mut changed = value;
                (keep.borrow_mut()(&key, &mut changed), changed)
            });
            answer.0
        });
        for ((key, value), (kept, changed)) in answers.into_inner() {
            if kept && changed != value {
                self.map.insert(key, changed);
            }
            self.note(key);
        }
    }
    fn reserve(&mut self, additional: usize) {
        self.map.reserve(additional);
    }
    fn check(&self) -> Result<(), (String, String)> {
        self.map.check()
    }
    fn check_at_rest(&mut self) -> Result<(), (String, String)> {
        self.map.check_at_rest()
    }
}
