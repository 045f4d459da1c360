//! What an operation costs, counted in atomic accesses: as much in a large table as in a small one, however far the map has
//! grown, and however long its pin has been held.
//!
//! # Properties
//! - **write**: nine of ten in a growth do the work of their two old buckets and no more. Only those that begin and end a growth
//!   pay for a directory.
//! - **read**: it begins where the map is now.
//! - **iteration**: its first step reads one bucket, and each goes on from where it is, however far the map has grown meanwhile.
//! - **removal**: a chain is gone through so many times, however much of it is empty.
//! - **evacuation**: a chain is gone through once, and no write pays for all segments of a table.

mod common;

use common::hashers::{By, IDENTITY, ZERO};
use common::hooked::{Hook, Lone};
use map_core::ConcurrentMap;
use map_core::growth::GrowthKind;
use map_core::platform::Object;
use std::cell::Cell;

thread_local! {
    static ACCESSES: Cell<usize> = const { Cell::new(0) };
    static SEGMENTS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

impl Hook for Counting {
    fn access() {
        ACCESSES.set(ACCESSES.get() + 1);
    }
    fn allocated(kind: Object) {
        SEGMENTS.set(SEGMENTS.get() + usize::from(kind == Object::Segment));
    }
}

type Map = ConcurrentMap<u64, u64, By, Lone<Counting>>;

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

#[test]
fn an_iteration_that_the_map_has_outgrown_goes_on_a_bucket_at_a_time() {
    let map = Map::with_hasher(IDENTITY);
    let pin = map.pin();
    let mut entries = pin.iter();
    (0..10_000).for_each(|key| _ = map.pin().insert(key, 0));
    let health = map.health();
    assert!(health.doublings > 8 && health.growing.is_empty(), "{health:?}");
    let step = |entries: &mut dyn Iterator<Item = (&u64, &u64)>| {
        let mut found = None;
        let accesses = cost(|| found = entries.next());
        found.map(|_| accesses)
    };
    let most = |entries: &mut dyn Iterator<Item = (&u64, &u64)>| {
        std::iter::from_fn(|| step(entries)).max().expect("there are entries")
    };
    let (outgrown, fresh) = (most(&mut entries), most(&mut pin.iter()));
    // Down through the tables that there have been, of each a bucket or two.
    assert!(outgrown < fresh + 20 * health.doublings, "{outgrown} accesses, {fresh} of a new one");
}

#[test]
fn evacuating_a_chain_costs_in_proportion_to_it() {
    let costs = [0, 1, 2].map(|chains| {
        let map = Map::with_capacity_and_hasher(16_000, ZERO);
        (0..2_000 * chains).for_each(|key| _ = map.pin().insert(key, 0));
        assert!(map.health().growing.is_empty() && map.health().same_size_growths == 0);
        cost(|| map.pin().reserve(40_000))
    });
    let [empty, one, two] = costs;
    assert!(two - empty < 3 * (one - empty), "{costs:?}");
}

/// The last of a chain whose other entries are gone: all of it is the rest now.
#[test]
fn removing_the_last_of_a_chain_costs_in_proportion_to_it() {
    let costs = [1_000, 2_000].map(|entries| {
        let map = Map::with_capacity_and_hasher(16_000, ZERO);
        (0..entries).for_each(|key| _ = map.pin().insert(key, 0));
        (0..entries - 1).for_each(|key| _ = map.pin().remove(&key));
        cost(|| assert!(map.pin().remove(&(entries - 1)).is_some()))
    });
    assert!(costs[1] < 3 * costs[0], "{costs:?}");
}

#[test]
fn no_write_pays_for_all_segments_of_a_table() {
    for kind in [GrowthKind::Doubled, GrowthKind::SameSize] {
        let map = Map::with_capacity_and_hasher(64 * 13 / 2, IDENTITY);
        let mut most = 0;
        let mut write = |key, there| {
            let before = SEGMENTS.get();
            match there {
                true => drop(map.pin().insert(key, 0)),
                false => drop(map.pin().remove(&key)),
            }
            most = most.max(SEGMENTS.get() - before);
        };
        match kind {
            // A stripe tells of every other insertion.
            GrowthKind::Doubled => (0..64 * 13 / 2 + 2).for_each(|key| write(key, true)),
            _ => {
                for bucket in 0..64 {
                    (0..9).for_each(|nth| write(bucket + 64 * nth, true));
                    (0..9).for_each(|nth| write(bucket + 64 * nth, false));
                }
                (0..9).for_each(|nth| write(64 * nth, true));
            }
        }
        let health = map.health();
        assert_eq!(health.growing.first().map(|growth| growth.kind), Some(kind), "{health:?}");
        // Two old buckets go to segments of two: those of a doubling to two each.
        assert!(most <= 4, "{most} segments in one write, {kind:?}");
    }
}
