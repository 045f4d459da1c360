//! `map_core::ConcurrentMap`, on any platform.

use crate::concurrent_subject::ConcurrentSubject;
use crate::engines::program::{before_and_after, operation};
use crate::generators::hashers::ModelState;
use crate::op::Decision;
use crate::oracles::whole_map::{Contracts, Iteration, Length, Walk};
use crate::subject::Capabilities;
use map_core::ConcurrentMap;
use map_core::platform::Platform;

impl<P: Platform + 'static> ConcurrentSubject for ConcurrentMap<u64, u64, ModelState, P> {
    const CAPABILITIES: Capabilities = Capabilities::ALL_OF_SHARED.and(Capabilities::CHECK);
    /// An iteration looks each key up in its chain; `len` sums counters that follow the slots.
    const CONTRACTS: Contracts =
        Contracts { iteration: Iteration::Together, length: Length::Counted, walk: Walk::Once };

    by_pin!();
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
            operation(decide(old), old)
        });
        before_and_after(computed)
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        self.pin().retain(|&key, &value| keep(key, value));
    }
    fn check(&self) -> Result<(), (String, String)> {
        ConcurrentMap::check(self).map_err(|breach| (breach.claim.to_string(), breach.detail))
    }
    fn check_at_rest(&mut self) -> Result<(), (String, String)> {
        let checked = ConcurrentMap::check_at_rest(self);
        checked.map_err(|breach| (breach.claim.to_string(), breach.detail))
    }
}
