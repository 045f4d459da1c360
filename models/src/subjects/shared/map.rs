//! `map_core::ConcurrentMap`, on any platform.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::oracles::whole_map::{Contracts, Iteration, Length, Walk};
use crate::subject::Capabilities;
use map_core::ConcurrentMap;
use map_core::concurrent::{Computed, Operation};
use map_core::platform::Platform;

impl<P: Platform + 'static> ConcurrentSubject for ConcurrentMap<u64, u64, ModelState, P> {
    const CAPABILITIES: Capabilities = super::locked::EVERYTHING.and(Capabilities::CHECK);
    /// An iteration looks each key up in its chain; `len` sums counters that follow the slots.
    const CONTRACTS: Contracts =
        Contracts { iteration: Iteration::Together, length: Length::Counted, walk: Walk::Once };

    fn create(state: ModelState, capacity: usize) -> Self {
        ConcurrentMap::with_capacity_and_hasher(capacity, state)
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
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        *self.pin().get_or_insert_with(key, make)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        self.pin().update(key, |&old| change(old)).copied()
    }
    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        let pin = self.pin();
        let computed = pin.compute(key, |entry| {
            let old = entry.map(|(_, &value)| value);
            match decide(old) {
                Decision::Put(new) => Operation::Insert(new),
                Decision::Remove => Operation::Remove,
                Decision::Keep => Operation::Abort(old),
            }
        });
        match computed {
            Computed::Inserted(_, &new) => [None, Some(new)],
            Computed::Updated { old: (_, &old), new: (_, &new) } => [Some(old), Some(new)],
            Computed::Removed(_, &old) => [Some(old), None],
            Computed::Absent => [None, None],
            Computed::Aborted(old) => [old, old],
        }
    }
    fn len(&self) -> usize {
        ConcurrentMap::len(self)
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        self.pin().iter().for_each(|(&key, &value)| visit(key, value));
    }
    fn clear(&self) {
        self.pin().clear();
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.pin().retain(|&key, &value| keep(key, value));
    }
    fn reserve(&self, additional: usize) {
        self.pin().reserve(additional);
    }
    fn check(&self) -> Result<(), (String, String)> {
        ConcurrentMap::check(self).map_err(|breach| (breach.claim.to_string(), breach.detail))
    }
}
