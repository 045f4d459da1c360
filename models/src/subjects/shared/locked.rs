//! Locks around `std::collections::HashMap`: maps that are known to be right, to hold the suite itself against.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::oracles::whole_map::Contracts;
use crate::subject::Capabilities;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Table = HashMap<u64, u64, ModelState>;

/// `SHARDS` maps, each with a lock; the hash's lowest bits choose.
pub struct Shards<const SHARDS: usize> {
    state: ModelState,
    shards: [Mutex<Table>; SHARDS],
}

/// One lock around everything.
pub type Locked = Shards<1>;
/// Eight locks.
pub type Sharded = Shards<8>;

impl<const SHARDS: usize> Shards<SHARDS> {
    fn shard(&self, key: u64) -> MutexGuard<'_, Table> {
        let hash = self.state.hash_one(key);
        lock(&self.shards[hash as usize % SHARDS])
    }

    fn each(&self) -> impl Iterator<Item = MutexGuard<'_, Table>> {
        self.shards.iter().map(lock)
    }
}

fn lock(shard: &Mutex<Table>) -> MutexGuard<'_, Table> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<const SHARDS: usize> ConcurrentSubject for Shards<SHARDS> {
    const CAPABILITIES: Capabilities = Capabilities::ALL_OF_SHARED;
    /// An iteration takes the shards' locks in turn, as `len` does.
    const CONTRACTS: Contracts = Contracts::STRICT;

    fn create(state: ModelState, capacity: usize) -> Self {
        let room = capacity.div_ceil(SHARDS);
        let shard = |_| Mutex::new(Table::with_capacity_and_hasher(room, state.clone()));
        Shards { shards: std::array::from_fn(shard), state }
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.shard(key).get(&key).copied()
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.shard(key).insert(key, value)
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.shard(key).remove(&key)
    }
    fn contains_key(&self, key: u64) -> bool {
        self.shard(key).contains_key(&key)
    }
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        *self.shard(key).entry(key).or_insert_with(make)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        let mut shard = self.shard(key);
        let value = shard.get_mut(&key)?;
        *value = change(*value);
        Some(*value)
    }
    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        let mut shard = self.shard(key);
        let old = shard.get(&key).copied();
        match decide(old) {
            Decision::Put(new) => shard.insert(key, new),
            Decision::Remove => shard.remove(&key),
            Decision::Keep => None,
        };
        [old, shard.get(&key).copied()]
    }
    fn len(&self) -> usize {
        self.each().map(|shard| shard.len()).sum()
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        for shard in self.each() {
            shard.iter().for_each(|(&key, &value)| visit(key, value));
        }
    }
    fn clear(&self) {
        self.each().for_each(|mut shard| shard.clear());
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.each().for_each(|mut shard| shard.retain(|&key, &mut value| keep(key, value)));
    }
    fn reserve(&self, additional: usize) {
        self.each().for_each(|mut shard| shard.reserve(additional.div_ceil(SHARDS)));
    }
}
