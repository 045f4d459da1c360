//! `scc::HashMap`: a lock per bucket, grows a few buckets at a time.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::subject::Capabilities;
use scc::hash_map::Entry;

pub(in crate::subjects) type Map = scc::HashMap<u64, u64, ModelState>;

impl ConcurrentSubject for Map {
    /// `len` may count an entry twice while the map grows, its documentation says.
    const CAPABILITIES: Capabilities =
        Capabilities::ALL_OF_SHARED.without(Capabilities::LEN.and(Capabilities::RESERVE));

    fn create(state: ModelState, capacity: usize) -> Self {
        Map::with_capacity_and_hasher(capacity, state)
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.read_sync(&key, |_, &value| value)
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.upsert_sync(key, value)
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.remove_sync(&key).map(|(_, value)| value)
    }
    fn contains_key(&self, key: u64) -> bool {
        self.contains_sync(&key)
    }
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        *self.entry_sync(key).or_insert_with(make).get()
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        self.update_sync(&key, |_, value| {
            *value = change(*value);
            *value
        })
    }
    by_entry!(entry_sync);
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        self.iter_sync(|&key, &value| {
            visit(key, value);
            true
        });
    }
    fn clear(&self) {
        self.clear_sync();
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.retain_sync(|&key, &mut value| keep(key, value));
    }
}
