//! `papaya::HashMap`: lock-free, grows a few slots at a time, and whenever an insert has looked in vain at as many of them as it may.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::subject::Capabilities;
use papaya::{Compute, Operation};

pub(in crate::subjects) type Map = papaya::HashMap<u64, u64, ModelState>;

impl ConcurrentSubject for Map {
    const CAPABILITIES: Capabilities = Capabilities::ALL_OF_SHARED.and(Capabilities::NEEDS_SPREAD);

    by_pin!();
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        *self.pin().get_or_insert_with(key, make)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        self.pin().update(key, |&old| change(old)).copied()
    }
    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        let map = self.pin();
        let compute = |entry: Option<(&u64, &u64)>| {
            let old = entry.map(|(_, &value)| value);
            match decide(old) {
                Decision::Put(new) => Operation::Insert(new),
                Decision::Remove => Operation::Remove,
                Decision::Keep => Operation::Abort(old),
            }
        };
        match map.compute(key, compute) {
            Compute::Inserted(_, &new) => [None, Some(new)],
            Compute::Updated { old: (_, &old), new: (_, &new) } => [Some(old), Some(new)],
            Compute::Removed(_, &old) => [Some(old), None],
            Compute::Aborted(old) => [old, old],
        }
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.pin().retain(|&key, &value| keep(key, value));
    }
}
