//! `flurry::HashMap`: Java's `ConcurrentHashMap`, bins transferred by whoever meets them.

use crate::concurrent_subject::ConcurrentSubject;
use crate::generators::hashers::ModelState;
use crate::subject::Capabilities;

pub(in crate::subjects) type Map = flurry::HashMap<u64, u64, ModelState>;

impl ConcurrentSubject for Map {
    const CAPABILITIES: Capabilities =
        Capabilities::ALL_OF_SHARED.without(Capabilities::GET_OR_INSERT.and(Capabilities::COMPUTE));

    by_pin!();
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        self.pin().compute_if_present(&key, |_, &old| Some(change(old))).copied()
    }
    /// `retain` lets an entry be that changes meanwhile; `retain_force` is the one that keeps the contract.
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.pin().retain_force(|&key, &value| keep(key, value));
    }
}
