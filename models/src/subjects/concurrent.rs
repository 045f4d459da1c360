//! `map_core::ConcurrentMap`, from one thread: every answer is then as definite as a sequential map's.
//!
//! What it removes is dropped after a grace period, so until the map itself is gone more may be alive than
//! is in it: [`Capabilities::DEFERS_DROPS`].
//!
//! # Checked by
//! `tests/subjects.rs`; fuzz target `concurrent_ops`.

use crate::elements::{Key, Value};
use crate::generators::hashers::ModelState;
use crate::picture::Picture;
use crate::subject::{Capabilities, EntryAnswer, EntryPath, Growth, NoCursor, SequentialSubject};
use map_core::ConcurrentMap;
use map_core::concurrent::{Computed, Operation};

/// Of so many keys one is freed as soon as it is removed.
const FLUSHED: u64 = 8;

/// The map, used by one thread.
pub struct OneThread<K, V>(ConcurrentMap<K, V, ModelState>);

impl<K: Key, V: Value> SequentialSubject<K, V> for OneThread<K, V> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities = Capabilities::LOOKUPS
        .and(Capabilities::ENTRY)
        .and(Capabilities::INSERT_ENTRY)
        .and(Capabilities::RETAIN)
        .and(Capabilities::CLONE)
        .and(Capabilities::EXTEND)
        .and(Capabilities::RESERVE)
        .and(Capabilities::CHECK)
        .and(Capabilities::SHARED_GROWTH)
        .and(Capabilities::BEARS_LIES)
        .and(Capabilities::DEFERS_DROPS)
        .and(Capabilities::REPLACES_KEYS);

    fn create(state: ModelState, capacity: usize) -> Self {
        OneThread(ConcurrentMap::with_capacity_and_hasher(capacity, state))
    }
    fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
        self.0.pin().get(key).map(see)
    }
    fn get_key_value<R>(&self, key: &K, see: impl FnOnce(&K, &V) -> R) -> Option<R> {
        self.0.pin().get_key_value(key).map(|(key, value)| see(key, value))
    }
    fn contains_key(&self, key: &K) -> bool {
        self.0.pin().contains_key(key)
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.pin().insert(key, value).map(|old| V::make(old.number()))
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        let pin = self.0.pin();
        let old = pin.remove(key).map(|old| V::make(old.number()));
        // Whoever reads what has been removed is to find it freed; a batch is long in coming.
        if key.number().is_multiple_of(FLUSHED) {
            pin.flush();
        }
        old
    }
    fn remove_entry(&mut self, key: &K) -> Option<(K, V)> {
        let pin = self.0.pin();
        let (key, value) = pin.remove_entry(key)?;
        Some((key.clone(), V::make(value.number())))
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn clear(&mut self) {
        self.0.pin().clear();
    }
    fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.0.pin().iter().for_each(|(key, value)| visit(key, value));
    }
    fn entry(&mut self, key: K, path: EntryPath, closure: impl Fn()) -> EntryAnswer<K> {
        let pin = self.0.pin();
        let mut answer = EntryAnswer { value: None, key: None };
        answer.value = match path {
            EntryPath::OrInsert(v) => Some(pin.get_or_insert(key, V::make(v)).number()),
            EntryPath::OrInsertWith(v) => {
                let make = || {
                    closure();
                    V::make(v)
                };
                Some(pin.get_or_insert_with(key, make).number())
            }
            EntryPath::OrDefault => Some(pin.get_or_insert_with(key, V::default).number()),
            EntryPath::AndModify(v) => {
                let computed = pin.compute(key, |entry| match entry {
                    None => Operation::<V, ()>::Insert(V::make(v)),
                    Some((_, old)) => {
                        closure();
                        Operation::Insert(V::make(old.number().wrapping_add(v)))
                    }
                });
                match computed {
                    Computed::Inserted(_, new) | Computed::Updated { new: (_, new), .. } => {
                        Some(new.number())
                    }
                    _ => None,
                }
            }
            EntryPath::InsertEntry(v) => {
                pin.insert(key, V::make(v));
                Some(v)
            }
            EntryPath::Replace(v) => {
                let computed = pin.compute(key, |entry| match entry {
                    None => Operation::Abort(()),
                    Some(_) => Operation::Insert(V::make(v)),
                });
                match computed {
                    Computed::Updated { old: (_, old), .. } => Some(old.number()),
                    _ => None,
                }
            }
            EntryPath::Remove => pin.remove(&key).map(Value::number),
            EntryPath::RemoveEntry => pin.remove_entry(&key).map(|(stored, value)| {
                answer.key = Some(stored.clone());
                value.number()
            }),
            EntryPath::Look => pin.get(&key).map(Value::number),
        };
        answer
    }
    fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        // Values are shared, so the predicate gets copies, and what it changed in those is stored after.
        let pin = self.0.pin();
        let mut changed = Vec::new();
        pin.retain(|key, value| {
            let mut copy = V::make(value.number());
            let kept = keep(key, &mut copy);
            if kept && copy.number() != value.number() {
                changed.push((key.clone(), copy.number()));
            }
            kept
        });
        for (key, value) in changed {
            pin.update(key, |_| V::make(value));
        }
    }
    fn duplicate(&self) -> Self {
        OneThread(self.0.clone())
    }
    fn duplicate_into(&self, other: &mut Self) {
        other.0.clone_from(&self.0);
    }
    fn equals(&self, other: &Self) -> bool {
        let pin = other.0.pin();
        self.0.len() == other.0.len()
            && self.0.pin().iter().all(|(key, value)| pin.get(key) == Some(value))
    }
    fn extend(&mut self, entries: impl Iterator<Item = (K, V)>) {
        self.0.extend(entries);
    }
    fn collected(entries: impl Iterator<Item = (K, V)>) -> Self {
        OneThread(entries.collect())
    }
    fn reserve(&mut self, additional: usize) {
        self.0.pin().reserve(additional);
    }
    fn check(&self) -> Result<(), (String, String)> {
        self.0.check().map_err(|breach| (breach.claim.to_string(), breach.detail))
    }
    fn check_at_rest(&mut self) -> Result<(), (String, String)> {
        self.0.check_at_rest().map_err(|breach| (breach.claim.to_string(), breach.detail))
    }
    fn growth(&self) -> Growth {
        let health = self.0.health();
        let oldest = health.growing.first();
        Growth {
            started: (health.doublings + health.same_size_growths) as u64,
            evacuated: 0,
            buckets_log2: health.buckets_log2,
            old_buckets: oldest.map(|growth| growth.old_buckets),
            mark: oldest.map_or(0, |growth| growth.claimed),
            nested: health.growing.len() > 1,
            overflow: health.overflow_buckets,
            len: health.len,
            order: None,
        }
    }
    fn picture(&self) -> Option<Picture> {
        let tables = self.0.view(|key, value| (key.number(), value.number()));
        Some(Picture::of_concurrent(tables))
    }
}
