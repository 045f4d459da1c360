//! The maps: u64 to u64, foldhash, made empty.

use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, RwLock};

/// What a benchmark does to a map. Each call pins, locks or guards for itself.
pub trait Peer: Sync {
    const NAME: &'static str;
    fn new() -> Self;
    fn get(&self, key: u64) -> Option<u64>;
    fn insert(&self, key: u64, value: u64);
    fn remove(&self, key: u64);
    fn update(&self, key: u64);
}

pub struct Ours(map_core::ConcurrentMap<u64, u64>);

impl Peer for Ours {
    const NAME: &'static str = "map-core";
    fn new() -> Self {
        Ours(map_core::ConcurrentMap::new())
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.pin().get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) {
        self.0.pin().insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.pin().remove(&key);
    }
    fn update(&self, key: u64) {
        self.0.pin().update(key, |value| value + 1);
    }
}

pub struct Papaya(papaya::HashMap<u64, u64, RandomState>);

impl Peer for Papaya {
    const NAME: &'static str = "papaya";
    fn new() -> Self {
        Papaya(papaya::HashMap::with_hasher(RandomState::default()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.pin().get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) {
        self.0.pin().insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.pin().remove(&key);
    }
    fn update(&self, key: u64) {
        self.0.pin().update(key, |value| value + 1);
    }
}

pub struct Flurry(flurry::HashMap<u64, u64, RandomState>);

impl Peer for Flurry {
    const NAME: &'static str = "flurry";
    fn new() -> Self {
        Flurry(flurry::HashMap::with_hasher(RandomState::default()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.pin().get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) {
        self.0.pin().insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.pin().remove(&key);
    }
    fn update(&self, key: u64) {
        self.0.pin().compute_if_present(&key, |_, value| Some(value + 1));
    }
}

pub struct Dash(dashmap::DashMap<u64, u64, RandomState>);

impl Peer for Dash {
    const NAME: &'static str = "dashmap";
    fn new() -> Self {
        Dash(dashmap::DashMap::with_hasher(RandomState::default()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).map(|value| *value)
    }
    fn insert(&self, key: u64, value: u64) {
        self.0.insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.remove(&key);
    }
    fn update(&self, key: u64) {
        if let Some(mut value) = self.0.get_mut(&key) {
            *value += 1;
        }
    }
}

pub struct SccMap(scc::HashMap<u64, u64, RandomState>);

impl Peer for SccMap {
    const NAME: &'static str = "scc::HashMap";
    fn new() -> Self {
        SccMap(scc::HashMap::with_hasher(RandomState::default()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.read_sync(&key, |_, value| *value)
    }
    fn insert(&self, key: u64, value: u64) {
        self.0.upsert_sync(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.remove_sync(&key);
    }
    fn update(&self, key: u64) {
        self.0.update_sync(&key, |_, value| *value += 1);
    }
}

pub struct SccIndex(scc::HashIndex<u64, u64, RandomState>);

impl Peer for SccIndex {
    const NAME: &'static str = "scc::HashIndex";
    fn new() -> Self {
        SccIndex(scc::HashIndex::with_hasher(RandomState::default()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.peek_with(&key, |_, value| *value)
    }
    fn insert(&self, key: u64, value: u64) {
        // Its entries never change, so an insertion over an old one is left out.
        let _ = self.0.insert_sync(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.remove_sync(&key);
    }
    fn update(&self, key: u64) {
        if let Some(mut entry) = self.0.get_sync(&key) {
            let value = *entry.get() + 1;
            entry.update(value);
        }
    }
}

type Plain = hashbrown::HashMap<u64, u64, RandomState>;

pub struct OneLock(RwLock<Plain>);

impl Peer for OneLock {
    const NAME: &'static str = "RwLock<hashbrown>";
    fn new() -> Self {
        OneLock(RwLock::default())
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.read().unwrap().get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) {
        self.0.write().unwrap().insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.write().unwrap().remove(&key);
    }
    fn update(&self, key: u64) {
        if let Some(value) = self.0.write().unwrap().get_mut(&key) {
            *value += 1;
        }
    }
}

#[repr(align(128))]
struct Shard(Mutex<Plain>);

pub struct Sharded([Shard; 64], RandomState);

impl Sharded {
    fn shard(&self, key: u64) -> std::sync::MutexGuard<'_, Plain> {
        self.0[(self.1.hash_one(key) >> 40) as usize % 64].0.lock().unwrap()
    }
}

impl Peer for Sharded {
    const NAME: &'static str = "64 mutexes";
    fn new() -> Self {
        Sharded(std::array::from_fn(|_| Shard(Mutex::default())), RandomState::default())
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.shard(key).get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) {
        self.shard(key).insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.shard(key).remove(&key);
    }
    fn update(&self, key: u64) {
        if let Some(value) = self.shard(key).get_mut(&key) {
            *value += 1;
        }
    }
}
