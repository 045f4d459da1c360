//! `flurry::HashMap`: Java's `ConcurrentHashMap`, bins transferred by whoever meets them.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::subject::Capabilities;

pub(in crate::subjects) type Map = flurry::HashMap<u64, u64, ModelState>;

impl ConcurrentSubject for Map {
    const CAPABILITIES: Capabilities = Capabilities::LOOKUPS
        .and(Capabilities::UPDATE)
        .and(Capabilities::LEN)
        .and(Capabilities::ITERATION)
        .and(Capabilities::CLEAR)
        .and(Capabilities::RETAIN)
        .and(Capabilities::CAPACITY);

    fn create(state: ModelState, capacity: usize) -> Self {
        Map::with_capacity_and_hasher(capacity, state)
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.pin().get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.pin().insert(key, value).copied()
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.pin().remove(&key).copied()
    }
    fn contains_key(&self, key: u64) -> bool {
        self.pin().contains_key(&key)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        self.pin().compute_if_present(&key, |_, &old| Some(change(old))).copied()
    }
    fn len(&self) -> usize {
        self.pin().len()
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        self.pin().iter().for_each(|(&key, &value)| visit(key, value));
    }
    fn clear(&self) {
        self.pin().clear();
    }
    /// `retain` lets an entry be that changes meanwhile; `retain_force` is the one that keeps the contract.
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.pin().retain_force(|&key, &value| keep(key, value));
    }
    fn reserve(&self, additional: usize) {
        self.pin().reserve(additional);
    }
}
