//! `dashmap::DashMap`: std-like maps behind reader-writer locks.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::oracles::whole_map::Contracts;
use crate::subject::Capabilities;
use dashmap::Entry;

pub(in crate::subjects) type Map = dashmap::DashMap<u64, u64, ModelState>;

impl ConcurrentSubject for Map {
    const CAPABILITIES: Capabilities = Capabilities::ALL_OF_SHARED.without(Capabilities::RESERVE);
    /// Everything goes through the shards' locks, one after the other.
    const CONTRACTS: Contracts = Contracts::STRICT;

    fn create(state: ModelState, capacity: usize) -> Self {
        Map::with_capacity_and_hasher(capacity, state)
    }
    fn get(&self, key: u64) -> Option<u64> {
        Map::get(self, &key).map(|entry| *entry)
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        Map::insert(self, key, value)
    }
    fn remove(&self, key: u64) -> Option<u64> {
        Map::remove(self, &key).map(|(_, value)| value)
    }
    fn contains_key(&self, key: u64) -> bool {
        Map::contains_key(self, &key)
    }
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        *self.entry(key).or_insert_with(make)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        let mut value = self.get_mut(&key)?;
        *value = change(*value);
        Some(*value)
    }
    by_entry!(entry);
    fn len(&self) -> usize {
        Map::len(self)
    }
    fn is_empty(&self) -> bool {
        Map::is_empty(self)
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        self.iter().for_each(|entry| visit(*entry.key(), *entry.value()));
    }
    fn clear(&self) {
        Map::clear(self);
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        Map::retain(self, |&key, &mut value| keep(key, value));
    }
}
