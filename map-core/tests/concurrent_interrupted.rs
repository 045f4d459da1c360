//! Whatever access to memory a thread is stopped before, others go on, and nobody begins again for them.
//!
//! One thread plays both: before an access of an operation it does what others would have time for.
//!
//! # Properties
//! - **no waiting**: a write to a bucket that is not locked waits for nobody, nor does a read, wherever another write has been stopped.
//! - **no growth for nothing**: an insertion that is held up starts no growth for entries that were never there at once.
//! - **one search**: a lookup is as long if its bucket is written before each of its accesses.

mod common;

use common::hashers::{By, IDENTITY, ZERO};
use common::hooked::{Hook, Lone};
use map_core::ConcurrentMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Told the number of the access.
type Others = Box<dyn FnMut(usize)>;

thread_local! {
    static ACCESSES: Cell<usize> = const { Cell::new(0) };
    /// What others do at an access; taken while they do it.
    static OTHERS: RefCell<Option<Others>> = const { RefCell::new(None) };
    static TASK: Cell<usize> = const { Cell::new(0) };
}

struct Interrupted;

impl Hook for Interrupted {
    fn access() {
        let Some(mut others) = OTHERS.take() else { return };
        ACCESSES.set(ACCESSES.get() + 1);
        others(ACCESSES.get());
        OTHERS.set(Some(others));
    }
    fn task() -> usize {
        TASK.get()
    }
}

type Map = ConcurrentMap<u64, u64, By, Lone<Interrupted>>;

/// Does something, and says how many accesses it took, those of others left out.
fn beside(others: impl FnMut(usize) + 'static, act: impl FnOnce()) -> usize {
    ACCESSES.set(0);
    OTHERS.set(Some(Box::new(others)));
    act();
    OTHERS.set(None);
    ACCESSES.get()
}

/// Halfway from 256 buckets to 512. Some drained segments are spare.
fn growing() -> Map {
    let map = Map::with_capacity_and_hasher(256 * 13 / 2, IDENTITY);
    (0..256 * 13 / 2 + 8).for_each(|key| _ = map.pin().insert(key, 0));
    while map.health().spare_segments == 0 {
        assert!(!map.health().growing.is_empty(), "{:?}", map.health());
        map.pin().insert(0, 0);
    }
    map
}

#[test]
fn a_write_stopped_at_any_access_keeps_nobody_waiting() {
    let acts: [fn(&Map); 3] = [
        |map| _ = map.pin().insert(1, 1),
        |map| _ = map.pin().remove(&1),
        |map| _ = map.pin().insert(257 * 256 + 1, 1),
    ];
    for act in acts {
        let mut stopped_at = 0;
        loop {
            stopped_at += if cfg!(miri) { 40 } else { 1 };
            let map = Rc::new(growing());
            let theirs = map.clone();
            // Bucket 0 is evacuated, and what has come to the new one of that number was there before.
            let others = move |access| {
                if access == stopped_at {
                    for round in 0..8 {
                        theirs.pin().insert(0, round);
                        assert_eq!(theirs.pin().get(&0), Some(&round));
                        assert!(theirs.pin().get(&3).is_some());
                    }
                    assert!(theirs.pin().iter().count() >= 256 * 13 / 2);
                }
            };
            let accesses = beside(others, || act(&map));
            let Ok(mut map) = Rc::try_unwrap(map) else { unreachable!("others are done") };
            map.check_at_rest().unwrap();
            assert_eq!(map.pin().get(&0), if stopped_at <= accesses { Some(&7) } else { Some(&0) });
            if stopped_at > accesses {
                break;
            }
        }
    }
}

#[test]
fn a_lookup_is_not_begun_again_by_writes() {
    let map = Rc::new(Map::with_hasher(ZERO));
    (0..20).for_each(|key| _ = map.pin().insert(key, 0));
    let pin = map.pin();
    for key in [0, 19, 100] {
        let alone = beside(|_| (), || _ = pin.get(&key));
        let theirs = map.clone();
        let others = move |access| {
            if access < 1_000 {
                theirs.pin().insert(1, access as u64);
            }
        };
        assert_eq!(beside(others, || _ = pin.get(&key)), alone, "accesses of a lookup of {key}");
    }
}

/// One thread inserts, another removes, and each counts for itself: whoever adds up between the two counts too much.
#[test]
fn an_insertion_held_up_at_any_access_starts_no_growth_for_what_came_and_went() {
    let mut stopped_at = 0;
    loop {
        stopped_at += 1;
        let map = Rc::new(Map::with_capacity_and_hasher(100, IDENTITY));
        let theirs = map.clone();
        let others = move |access| {
            if access == stopped_at {
                for key in (1..=400).filter(|key| key % 16 != 0) {
                    TASK.set(1);
                    theirs.pin().insert(key, 0);
                    TASK.set(0);
                    theirs.pin().remove(&key);
                }
            }
        };
        let accesses = beside(others, || _ = map.pin().insert(0, 0));
        let health = map.health();
        assert_eq!((health.len, health.doublings), (1, 0), "held up at access {stopped_at}");
        if stopped_at > accesses {
            break;
        }
    }
}
