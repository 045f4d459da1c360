//! Iteration while the map changes: never a key twice, never without one that was there throughout,
//! across any number of growths.

mod common;

use common::hashers::{By, IDENTITY};
use map_core::platform::Std;
use map_core::{ConcurrentMap, GrowthKind};
use std::collections::HashSet;

/// Inserts `more` keys between two steps of an iterator over `len`, from step `at` on.
fn grown_while_iterating(len: u64, at: usize, more: u64) {
    let map: ConcurrentMap<u64, u64> = ConcurrentMap::new();
    for key in 0..len {
        map.pin().insert(key, key);
    }
    let pin = map.pin();
    let mut seen = HashSet::new();
    let mut iter = pin.iter();
    for step in 0.. {
        if step == at {
            for key in len..len + more {
                map.pin().insert(key, key);
            }
        }
        let Some((&key, _)) = iter.next() else { break };
        assert!(seen.insert(key), "key {key} twice: {len} entries, {more} more at step {at}");
    }
    let missed = (0..len).find(|key| !seen.contains(key));
    assert_eq!(missed, None, "a key is missed: {len} entries, {more} more at step {at}");
}

#[test]
fn across_no_one_and_many_growths() {
    for len in [1, 7, 8, 9, 13, 14, 27, 100, 105] {
        for at in 0..len as usize {
            for more in [0, 1, 3, 10, 100, 2_000] {
                grown_while_iterating(len, at, more);
            }
        }
    }
}

/// For each of them it puts off one place.
#[test]
fn across_twenty_doublings() {
    if cfg!(miri) {
        return;
    }
    let map: ConcurrentMap<u64, (), By> = ConcurrentMap::with_hasher(IDENTITY);
    let pin = map.pin();
    (0..4).for_each(|key| _ = pin.insert(key, ()));
    let mut iter = pin.iter();
    pin.reserve(13 << 18);
    assert_eq!((map.health().buckets, map.health().doublings), (1 << 20, 20));
    let mut seen: Vec<u64> = iter.by_ref().map(|(&key, ())| key).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3]);
}

/// The iterator's table doubles, and what that made grows to the same size: each of its four chains is filled, one after
/// the other, and thinned, so it keeps an overflow bucket.
#[test]
fn across_a_doubling_and_a_growth_to_the_same_size() {
    const LEN: u64 = 13;
    for at in 0..=LEN as usize {
        let map: ConcurrentMap<u64, (), By> = ConcurrentMap::with_hasher(IDENTITY);
        let pin = map.pin();
        for key in 0..LEN {
            pin.insert(key, ());
        }
        assert_eq!(map.health().doublings, 1, "to two buckets");
        let mut iter = pin.iter();
        let mut seen: Vec<u64> = iter.by_ref().take(at).map(|(&key, ())| key).collect();
        pin.insert(LEN, ());
        for chain in 0..4 {
            let keys = || (4..13).map(|n| chain + 4 * n);
            for key in keys().take_while(|_| map.health().same_size_growths == 0) {
                pin.insert(key, ());
            }
            for key in keys().filter(|_| chain < 3) {
                pin.remove(&key);
            }
        }
        let health = map.health();
        assert_eq!((health.doublings, health.same_size_growths), (2, 1));
        assert_eq!(health.growing[0].kind, GrowthKind::SameSize);
        seen.extend(iter.map(|(&key, ())| key));
        let (mut kept, others): (Vec<u64>, Vec<u64>) = seen.into_iter().partition(|key| *key < LEN);
        kept.sort_unstable();
        assert!(kept.iter().copied().eq(0..LEN), "from {at} on: {kept:?}");
        assert_eq!(HashSet::<&u64>::from_iter(&others).len(), others.len(), "{others:?}");
    }
}

#[test]
fn a_growth_begins_at_every_step() {
    let map: ConcurrentMap<u64, ()> = ConcurrentMap::new();
    for key in 0..200 {
        map.pin().insert(key, ());
    }
    let pin = map.pin();
    let mut seen = HashSet::new();
    let mut next = 200;
    for (&key, ()) in &pin {
        assert!(seen.insert(key), "key {key} twice");
        if key < 200 {
            for _ in 0..30 {
                map.pin().insert(next, ());
                next += 1;
            }
        }
    }
    assert!((0..200).all(|key| seen.contains(&key)));
    assert!(map.health().doublings > 8);
}

#[test]
fn an_iterator_promises_no_number_that_writes_could_belie() {
    type Pinned<'map> = map_core::concurrent::Pinned<'map, u64, (), By, Std>;
    let writes: [fn(&Pinned); 2] =
        [|pin| pin.clear(), |pin| (3..50).for_each(|key| _ = pin.insert(key, ()))];
    for (steps, write) in (0..3).flat_map(|steps| writes.map(|write| (steps, write))) {
        let map: ConcurrentMap<u64, (), By> = ConcurrentMap::with_hasher(IDENTITY);
        let pin = map.pin();
        (0..3).for_each(|key| _ = pin.insert(key, ()));
        let mut iter = pin.iter();
        iter.by_ref().take(steps).for_each(drop);
        let before = iter.size_hint();
        write(&pin);
        let hints = [before, iter.size_hint()];
        let rest = iter.count();
        for (least, most) in hints {
            assert!(least <= rest && most.is_none_or(|most| rest <= most), "{hints:?}: {rest}");
        }
    }
}

#[test]
fn removed_entries_are_not_met_in_buckets_not_yet_visited() {
    let map: ConcurrentMap<u64, ()> = (0..1_000).map(|key| (key, ())).collect();
    let pin = map.pin();
    let mut iter = pin.iter();
    iter.next();
    pin.clear();
    assert!(iter.count() < 64, "only the bucket under way may still be yielded");
}

#[test]
fn an_entry_removed_and_inserted_again_is_yielded_once() {
    let map: ConcurrentMap<u64, u64> = (0..100).map(|key| (key, 0)).collect();
    let pin = map.pin();
    let mut seen = HashSet::new();
    for (&key, _) in &pin {
        assert!(seen.insert(key), "key {key} twice");
        for key in 0..100 {
            pin.remove(&key);
            pin.insert(key, 1);
        }
    }
    assert_eq!(seen.len(), 100);
}

#[test]
fn readers_iterate_while_writers_grow_the_map() {
    let map: ConcurrentMap<u64, u64> = (0..1_000).map(|key| (key, 0)).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..if cfg!(miri) { 1 } else { 40u64 } {
                for key in 0..2_000 {
                    map.pin().insert(1_000 + round * 500 + key, round);
                }
                map.pin().retain(|&key, _| key < 1_000 + round * 100);
                map.pin().update(round, |value| value + 1);
            }
        });
        for _ in 0..if cfg!(miri) { 2 } else { 50 } {
            let pin = map.pin();
            let mut keys: Vec<u64> = pin.keys().copied().collect();
            let len = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), len, "a key was yielded twice");
            assert!(keys[..1_000].iter().copied().eq(0..1_000), "a key was missed");
        }
    });
}
