//! What an operation costs, counted in atomic accesses: as much in a large table as in a small one, however far the map has
//! grown, and however long its pin has been held.
//!
//! # Properties
//! - **write**: nine of ten in a growth do the work of their two old buckets and no more. Only those that begin and end a growth
//!   pay for a directory.
//! - **read**: it begins where the map is now.
//! - **iteration**: its first step reads one bucket.

mod common;

use common::hashers::{By, IDENTITY};
use common::hooked::{Hook, Hooked};
use map_core::ConcurrentMap;
use map_core::platform::{Platform, Std};
use std::cell::Cell;
use std::sync::atomic::Ordering;

thread_local! {
    static ACCESSES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

impl Hook for Counting {
    fn access() {
        ACCESSES.set(ACCESSES.get() + 1);
    }
}

// SAFETY: every primitive is that of `Std`.
unsafe impl Platform for Counting {
    type AtomicU64 = Hooked<<Std as Platform>::AtomicU64, Self>;
    type AtomicUsize = Hooked<<Std as Platform>::AtomicUsize, Self>;
    type AtomicPtr<T> = Hooked<<Std as Platform>::AtomicPtr<T>, Self>;
    type Cell<T> = <Std as Platform>::Cell<T>;
    type Mutex<T> = <Std as Platform>::Mutex<T>;
    type Collector = <Std as Platform>::Collector;

    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        0
    }
    fn stripes() -> usize {
        1
    }
    fn wait(_: u32) {
        panic!("one thread has nobody to wait for");
    }
    fn fence(order: Ordering) {
        Std::fence(order);
    }
    fn recycles_segments() -> bool {
        Std::recycles_segments()
    }
}

type Map = ConcurrentMap<u64, u64, By, Counting>;

/// The accesses of an operation.
fn cost<R>(operation: impl FnOnce() -> R) -> usize {
    let before = ACCESSES.get();
    operation();
    ACCESSES.get() - before
}

/// A map of so many buckets, as full as it may be.
fn full(buckets: usize) -> Map {
    let map = Map::with_capacity_and_hasher(buckets * 13 / 2, IDENTITY);
    for key in 0..buckets as u64 * 13 / 2 {
        map.pin().insert(key, 0);
    }
    assert_eq!((map.health().buckets, map.health().doublings), (buckets, 0));
    map
}

#[test]
fn most_writes_of_a_growth_cost_about_the_same_in_every_table() {
    let costs = [16, 64, 256, 1024].map(|buckets| {
        let map = full(buckets);
        // Stripes tell of what was inserted now and then.
        let mut key = buckets as u64 * 13 / 2;
        while map.health().growing.is_empty() {
            map.pin().insert(key, 0);
            key += 1;
        }
        let write = |key| cost(|| assert!(map.pin().insert(key, 1).is_some()));
        let mut costs: Vec<usize> =
            (0..).map(write).take_while(|_| !map.health().growing.is_empty()).collect();
        costs.sort_unstable();
        // The rest hand on segments that nobody can reach any more, some at once.
        costs[costs.len() * 9 / 10]
    });
    // Whether a spare segment is at hand is a matter of a few.
    assert!(costs.iter().all(|&cost| 4 * cost <= 5 * costs[0]), "{costs:?}");
}

#[test]
fn a_read_costs_the_same_however_old_its_pin_is() {
    let map = full(16);
    let pin = map.pin();
    let read = || cost(|| assert_eq!(pin.get(&5), Some(&0)));
    let at_first = read();
    for key in 0..10_000 {
        map.pin().insert(key + 200, 0);
    }
    let health = map.health();
    assert!(health.doublings > 5 && health.growing.is_empty(), "{health:?}");
    assert_eq!(read(), at_first);
}

#[test]
fn the_first_step_of_an_iteration_costs_the_same_in_every_table() {
    let costs = [16, 1024].map(|buckets| {
        let map = full(buckets);
        let pin = map.pin();
        [
            cost(|| assert!(pin.iter().next().is_some())),
            cost(|| assert!(pin.keys().next().is_some())),
            cost(|| assert!(pin.values().next().is_some())),
        ]
    });
    assert_eq!(costs[0], costs[1]);
}
