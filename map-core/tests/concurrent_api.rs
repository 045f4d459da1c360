//! The operations of `ConcurrentMap` from one thread: answers, borrowing, health, traits.

mod common;

use common::hashers::{By, IDENTITY, MIX, ZERO};
use map_core::ConcurrentMap;
use map_core::concurrent::{BucketState, Computed, Operation};
use map_core::growth::GrowthKind;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn answers_are_those_of_a_hash_map() {
    let map = ConcurrentMap::new();
    let mut spec = HashMap::new();
    let mut random = 1u64;
    for step in 0..200_000u64 {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (key, what) = ((random >> 40) % 3_000, (random >> 33) % 100);
        let pin = map.pin();
        match what {
            0..45 => assert_eq!(
                pin.insert(key, step).copied(),
                spec.insert(key, step),
                "insert {key} at {step}"
            ),
            45..75 => {
                assert_eq!(pin.remove(&key).copied(), spec.remove(&key), "remove {key} at {step}")
            }
            75..90 => assert_eq!(pin.get(&key), spec.get(&key), "get {key} at {step}"),
            90..95 => assert_eq!(*pin.get_or_insert(key, step), *spec.entry(key).or_insert(step)),
            _ => {
                let updated = spec.get_mut(&key).map(|value| {
                    *value += 1;
                    *value
                });
                assert_eq!(pin.update(key, |value| value + 1).copied(), updated);
            }
        }
        assert_eq!(map.len(), spec.len());
    }
    let mut map = map;
    map.check_at_rest().unwrap();
    let mut entries: Vec<_> = map.pin().iter().map(|(&key, &value)| (key, value)).collect();
    let mut expected: Vec<_> = spec.into_iter().collect();
    entries.sort_unstable();
    expected.sort_unstable();
    assert_eq!(entries, expected);
}

#[test]
fn every_size_is_reached_and_left_whole() {
    let mut map = ConcurrentMap::new();
    for key in 0..30_000u32 {
        assert_eq!(map.pin().insert(key, key), None);
        if key.is_power_of_two() {
            map.check_at_rest().unwrap();
        }
        if key < 2_000 || key % 997 == 0 {
            let pin = map.pin();
            assert!(
                (0..=key).all(|key| pin.get(&key) == Some(&key)),
                "a key is lost after insert {key}"
            );
            assert_eq!(pin.get(&(key + 1)), None);
        }
    }
    let health = map.health();
    assert_eq!(health.len, 30_000);
    assert!(health.load_factor <= 6.6, "{health:?}");
    assert!(health.doublings >= 12, "{health:?}");
    for key in 0..30_000u32 {
        assert_eq!(map.pin().remove(&key), Some(&key));
    }
    assert!(map.is_empty());
    map.check_at_rest().unwrap();
}

#[test]
fn removing_and_inserting_at_one_size_packs_the_chains() {
    // As full as it may be: in each round a sixth of the chains needs an overflow bucket, and keeps it.
    let mut map = ConcurrentMap::<u64, (), By>::with_capacity_and_hasher(1_600, MIX);
    for round in 0..40 {
        let keys = 1_600 * round..1_600 * (round + 1);
        keys.clone().for_each(|key| _ = map.pin().insert(key, ()));
        keys.for_each(|key| _ = map.pin().remove(&key));
        let health = map.health();
        assert!(health.overflow_buckets <= health.buckets, "{health:?}");
    }
    map.check_at_rest().unwrap();
    let health = map.health();
    assert!(health.same_size_growths > 0 && health.buckets == 256, "{health:?}");
}

#[test]
fn long_thin_chains_are_packed_by_a_same_size_growth() {
    // Four buckets; chain after chain is filled to the limit of 26 entries and thinned out.
    let mut map = ConcurrentMap::<u64, (), By>::with_hasher(IDENTITY);
    for round in 0..8 {
        for key in 0..22 {
            map.pin().insert(round % 4 + 4 * key, ());
        }
        map.pin().retain(|&key, ()| key / 4 == 21);
        map.check_at_rest().unwrap();
    }
    let health = map.health();
    assert!(health.same_size_growths > 0 && health.buckets == 4, "{health:?}");
    assert_eq!(map.len(), 4);
}

/// A larger map adds its entries up at every second insertion only, or when a chain gets longer.
#[test]
fn the_overflow_bucket_that_is_one_too_many_starts_a_growth() {
    let map = ConcurrentMap::<u64, (), By>::with_capacity_and_hasher(416, IDENTITY);
    for bucket in 0..64 {
        let keys = || (0..9).map(|n| bucket + 64 * n);
        keys().for_each(|key| _ = map.pin().insert(key, ()));
        let health = map.health();
        assert_eq!(health.same_size_growths, usize::from(bucket == 63), "{health:?}");
        keys().for_each(|key| _ = map.pin().remove(&key));
    }
}

#[test]
fn colliding_keys_live_in_one_chain() {
    let mut map = ConcurrentMap::<u64, u64, By>::with_hasher(By(|_| 0x4242 << 48));
    for key in 0..300 {
        assert_eq!(map.pin().insert(key, key), None);
    }
    for key in (0..300).rev() {
        assert_eq!(map.pin().get(&key), Some(&key));
    }
    // Out of the middle, the front and the end of the chain.
    for key in (100..200).chain(0..100).chain((200..300).rev()) {
        assert_eq!(map.pin().remove(&key), Some(&key));
        map.check_at_rest().unwrap();
    }
    assert!(map.is_empty());
}

#[test]
fn a_map_made_for_a_number_of_entries_holds_them_without_growth() {
    let map = ConcurrentMap::<u64, u64>::with_capacity(1_000);
    let buckets = map.health().buckets;
    assert!(map.is_empty() && map.pin().is_empty());
    for key in 0..1_000 {
        map.pin().insert(key, key);
        assert!(!map.is_empty() && !map.pin().is_empty());
        assert_eq!((map.len(), map.pin().len()), (key as usize + 1, key as usize + 1));
    }
    assert_eq!((map.health().buckets, map.health().doublings), (buckets, 0));
}

#[test]
fn lookups_borrow() {
    let map: ConcurrentMap<String, u32> = [("one".to_string(), 1), ("two".to_string(), 2)].into();
    let pin = map.pin();
    assert_eq!(pin.get("one"), Some(&1));
    assert_eq!(pin.get_key_value("two"), Some((&"two".to_string(), &2)));
    assert!(pin.contains_key("two") && !pin.contains_key("three"));
    assert_eq!(pin.remove_entry("one"), Some((&"one".to_string(), &1)));
    assert_eq!(pin.remove("one"), None);
}

#[test]
fn a_removed_value_stays_readable_under_the_pin() {
    let map = ConcurrentMap::new();
    let pin = map.pin();
    pin.insert(1, "first".to_string());
    let first = pin.get(&1).unwrap();
    let replaced = pin.insert(1, "second".to_string()).unwrap();
    assert!(std::ptr::eq(first, replaced));
    let second = pin.remove(&1).unwrap();
    for key in 2..1_000 {
        pin.insert(key, key.to_string());
    }
    assert_eq!((first.as_str(), second.as_str()), ("first", "second"));
}

#[test]
fn a_value_keeps_its_address_through_growths() {
    let map = ConcurrentMap::new();
    map.pin().insert(0, AtomicU64::new(7));
    let pin = map.pin();
    let before = pin.get(&0).unwrap();
    for key in 1..10_000 {
        map.pin().insert(key, AtomicU64::new(key));
    }
    before.fetch_add(1, Ordering::Relaxed);
    assert_eq!(pin.get(&0).unwrap().load(Ordering::Relaxed), 8);
    assert!(std::ptr::eq(before, pin.get(&0).unwrap()));
}

#[test]
fn compute_does_what_it_is_told() {
    let map = ConcurrentMap::new();
    let pin = map.pin();
    assert_eq!(
        pin.compute(1, |entry| if entry.is_none() {
            Operation::Abort("absent")
        } else {
            Operation::Insert(0)
        }),
        Computed::Aborted("absent")
    );
    assert_eq!(pin.compute(1, |_| Operation::<_, ()>::Remove), Computed::Absent);
    assert_eq!(pin.compute(1, |_| Operation::<_, ()>::Insert(10)), Computed::Inserted(&1, &10));
    let doubled = pin.compute(1, |entry| Operation::<_, ()>::Insert(entry.unwrap().1 * 2));
    assert_eq!(doubled, Computed::Updated { old: (&1, &10), new: (&1, &20) });
    assert_eq!(pin.compute(1, |_| Operation::<_, ()>::Remove), Computed::Removed(&1, &20));
    assert_eq!(pin.update(1, |value| value + 1), None);
    assert_eq!(*pin.get_or_insert_with(1, || 5), 5);
    assert_eq!(*pin.get_or_insert_with(1, || unreachable!("the key has a value")), 5);
    assert_eq!(pin.update(1, |value| value + 1), Some(&6));
    assert_eq!(pin.len(), 1);
}

#[test]
fn retain_and_clear() {
    let mut map: ConcurrentMap<u32, u32> = (0..5_000).map(|key| (key, key)).collect();
    map.pin().retain(|key, _| key % 3 == 0);
    assert_eq!(map.len(), 1_667);
    map.check_at_rest().unwrap();
    let mut keys: Vec<u32> = map.pin().keys().copied().collect();
    keys.sort_unstable();
    assert!(keys.iter().copied().eq((0..5_000).step_by(3)));
    map.pin().clear();
    assert_eq!((map.len(), map.pin().iter().count()), (0, 0));
    map.check_at_rest().unwrap();
    map.pin().insert(1, 1);
    assert_eq!(map.pin().values().collect::<Vec<_>>(), [&1]);
}

#[test]
fn reserved_room_is_filled_without_growth() {
    let map = ConcurrentMap::new();
    map.pin().insert(0u32, ());
    map.pin().reserve(10_000);
    let reserved = map.health();
    assert!(reserved.growing.is_empty(), "{reserved:?}");
    for key in 1..=10_000 {
        map.pin().insert(key, ());
    }
    assert_eq!(map.health().generation, reserved.generation);
    let map = ConcurrentMap::<u32, ()>::with_capacity(10_000);
    for key in 1..=10_000 {
        map.pin().insert(key, ());
    }
    assert_eq!(map.health().generation, 0);
}

#[test]
fn room_beyond_the_address_space_panics_and_nothing_has_grown() {
    // The second fits by its number of buckets, but not by their bytes.
    for capacity in [usize::MAX, usize::MAX >> 5] {
        let made = catch_unwind(|| ConcurrentMap::<u8, u8>::with_capacity(capacity));
        assert!(made.is_err());
        let map = ConcurrentMap::<u8, u8>::new();
        let reserved = catch_unwind(AssertUnwindSafe(|| map.pin().reserve(capacity)));
        assert!(reserved.is_err() && map.health().generation == 0);
    }
}

#[test]
fn health_shows_a_growth_under_way() {
    let map = ConcurrentMap::new();
    for key in 0..105u32 {
        map.pin().insert(key, ());
    }
    let health = map.health();
    assert_eq!(
        (health.len, health.buckets, health.buckets_log2, health.generation),
        (105, 32, 5, 5)
    );
    assert_eq!((health.growing.len(), health.doublings), (1, 5));
    assert_eq!(
        (health.growing[0].kind, health.growing[0].old_buckets, health.growing[0].claimed),
        (GrowthKind::Doubled, 16, 2)
    );
}

/// A table of many segments, too: those that a growth has left can be used again, while it goes on.
#[test]
fn a_growth_goes_through_the_old_buckets_in_order() {
    const BUCKETS: u64 = 8_192;
    let map =
        ConcurrentMap::<u64, (), By>::with_capacity_and_hasher(6 * BUCKETS as usize, IDENTITY);
    (0..7 * BUCKETS)
        .take_while(|&key| {
            map.pin().insert(key, ());
            map.health().growing.is_empty()
        })
        .for_each(drop);
    (0..BUCKETS / 4).for_each(|key| _ = map.pin().insert(key, ()));
    let health = map.health();
    let growth = &health.growing[0];
    assert_eq!(growth.old_buckets as u64, BUCKETS);
    assert!((4_000..5_000).contains(&growth.claimed), "{health:?}");
    let old = &map.view(|_, ()| ())[0];
    let is_claimed = |at: usize| old.buckets[at].state != BucketState::Live;
    assert_eq!((0..BUCKETS as usize).find(|&at| !is_claimed(at)), Some(growth.claimed));
    assert_eq!(growth.drained_segments, growth.claimed / 128);
}

#[test]
fn a_map_that_others_have_emptied_is_empty() {
    let map = ConcurrentMap::new();
    let here = |work: &(dyn Fn() + Sync)| std::thread::scope(|scope| drop(scope.spawn(work)));
    here(&|| (0..9).for_each(|key| assert_eq!(map.pin().insert(key, key), None)));
    assert!(!map.is_empty() && !map.pin().is_empty());
    here(&|| (0..9).for_each(|key| assert_eq!(map.pin().remove(&key), Some(&key))));
    assert!(map.is_empty() && map.pin().is_empty());
    assert_eq!(map.len(), 0);
}

/// A chain that gets longer is a reason to look, whatever the number of entries is then.
#[test]
fn a_churn_of_few_entries_does_not_lengthen_the_chains_of_a_large_table_for_ever() {
    const BUCKETS: u64 = 1 << 12;
    let map = ConcurrentMap::<u64, u64, By>::with_capacity_and_hasher(26_000, IDENTITY);
    assert_eq!(map.health().buckets as u64, BUCKETS);
    for bucket in (0..BUCKETS).chain(0..2) {
        let keys = (0..9).map(|nth| bucket + BUCKETS * nth);
        keys.clone().for_each(|key| _ = map.pin().insert(key, 0));
        keys.for_each(|key| _ = map.pin().remove(&key));
    }
    let health = map.health();
    assert_eq!(
        health.growing.first().map(|growth| growth.kind),
        Some(GrowthKind::SameSize),
        "{health:?}"
    );
}

/// Whatever the hasher does, what goes through a chain does it in a loop.
#[test]
fn a_chain_is_as_long_as_memory_and_not_as_the_stack() {
    let small = std::thread::Builder::new().stack_size(20 << 10);
    let thread = small.spawn(|| {
        const KEYS: u64 = if cfg!(miri) { 200 } else { 18_000 };
        let map: ConcurrentMap<u64, u64, By> = ConcurrentMap::with_hasher(ZERO);
        (0..KEYS).for_each(|key| _ = map.pin().insert(key, key));
        while !map.health().growing.is_empty() {
            map.pin().insert(0, 0);
        }
        assert_eq!(map.pin().iter().count() as u64, KEYS);
        map.clone().pin().clear();
        map.check().unwrap();
        drop(map);
        let mut map: map_core::Map<u64, u64, By> = map_core::Map::with_hasher(ZERO);
        (0..KEYS).for_each(|key| _ = map.insert(key, key));
        map.clone().clear();
        map.check().unwrap();
        assert_eq!(map.into_iter().count() as u64, KEYS);
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn a_thread_that_ends_may_write_once_more() {
    static MAP: LazyLock<ConcurrentMap<u64, u64>> = LazyLock::new(ConcurrentMap::new);
    struct Writes;
    impl Drop for Writes {
        fn drop(&mut self) {
            MAP.pin().insert(2, 2);
        }
    }
    thread_local!(static AT_THE_END: Writes = const { Writes });
    let thread = std::thread::spawn(|| {
        MAP.pin().get(&1);
        // Dropped before what the pin has registered, and after what the first write has, if anything.
        AT_THE_END.with(|_| ());
        MAP.pin().insert(1, 1);
    });
    thread.join().unwrap();
    assert_eq!(MAP.len(), 2);
}

#[test]
fn of_a_key_that_is_collected_twice_the_last_value_is_kept() {
    let entries = [(1, "old"), (2, "other"), (1, "new")];
    let from = ConcurrentMap::from(entries);
    let collected: ConcurrentMap<_, _> = entries.into_iter().collect();
    for map in [from, collected] {
        assert_eq!((map.pin().get(&1), map.len()), (Some(&"new"), 2));
    }
}

#[test]
fn traits() {
    let map: ConcurrentMap<u8, u8> = (0..3).map(|key| (key, key + 1)).collect();
    let copy = map.clone();
    map.pin().clear();
    assert_eq!(format!("{map:?}"), "{}");
    assert_eq!(copy.len(), 3);
    assert!(format!("{copy:?}").contains("2: 3"));
    let mut sum = 0;
    for (key, value) in &copy.pin() {
        sum += key * value;
    }
    assert_eq!(sum, 2 + 6);
    let mut copy = copy;
    copy.extend([(9, 9)]);
    assert_eq!(copy.pin().map().len(), 4);

    fn shared<T: Send + Sync>(_: &T) {}
    shared(&copy);
    fn sent<T: Send>() {}
    // Sent, though it could not be shared: entries go with the map.
    sent::<ConcurrentMap<std::cell::Cell<u8>, u8>>();
}

/// Room is made for the lower bound of a size hint, and never for the upper one.
#[test]
fn collecting_makes_room_for_what_will_surely_come() {
    let collected: ConcurrentMap<u64, ()> = (0..1_000).map(|key| (key, ())).collect();
    let health = collected.health();
    assert_eq!((health.doublings, health.buckets), (0, 256), "{health:?}");
    let few = (0..1u64 << 60).take_while(|key| *key < 3).map(|key| (key, ()));
    assert_eq!(few.size_hint(), (0, Some(1 << 60)));
    let collected: ConcurrentMap<u64, ()> = few.collect();
    assert_eq!((collected.len(), collected.health().buckets), (3, 1));
}
