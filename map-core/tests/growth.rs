//! Growth: when it starts, of which kind, how far each write drives it, and what never drives it.
//!
//! The figures come from recordings of the Go runtime (1.19 to 1.23 agree on them).
//!
//! # Properties
//! - **load**: the first new key that would make more than 13/2 entries a bucket (8 in a single one)
//!   starts a doubling.
//! - **overflow**: a new key that finds as many overflow buckets as buckets starts a same-size growth.
//! - **new keys only**: overwrites, removals and lookups start none.
//! - **two**: a write empties at most two old buckets of a growth.
//! - **writes**: a growth from n buckets is finished by at least n/2 and at most n writes.
//! - **stuck**: lookups, iteration, and removals and `clear` on an empty map do no growth work.
//! - **layout**: in a chain, `EMPTY_REST` slots follow the last entry and nothing else does.
//! - **in order**: under `InOrder`, the emptied old buckets are those below the mark.
//! - **segments**: however many of the old table's segments the mark leaves at once, all are given back.

mod common;

use common::hashers::{IDENTITY, LOW3, MIX, ZERO};
use common::{By, EvacuationOrder, Map, in_every_state};
use map_core::GrowthKind::{Doubled, SameSize};
use map_core::{GrowthState, growth, tophash};
use std::hint::black_box;
use std::time::Instant;

const ORDERS: [EvacuationOrder; 2] = [EvacuationOrder::Go, EvacuationOrder::InOrder];

fn map(hasher: By, order: EvacuationOrder, capacity: usize) -> Map<u64, u64, By> {
    let mut map = Map::with_capacity_and_hasher(capacity, hasher);
    map.set_evacuation_order(order);
    map
}

fn filled(hasher: By, order: EvacuationOrder, len: u64) -> Map<u64, u64, By> {
    let mut map = map(hasher, order, 0);
    // One by one: `extend` reserves, and then nothing would be growing.
    for key in 0..len {
        map.insert(key, key);
    }
    map
}

/// Sixteen overflow buckets on sixteen buckets, and one entry, 1048576.
fn about_to_grow_same_size(order: EvacuationOrder) -> Map<u64, u64, By> {
    let mut map = map(IDENTITY, order, 104);
    map.insert(1 << 20, 0);
    for bucket in 0..16 {
        for j in 0..9 {
            map.insert(bucket + 16 * j, 0);
        }
        for j in 0..9 {
            map.remove(&(bucket + 16 * j));
        }
    }
    map
}

/// The most a table of `2^buckets_log2` buckets holds before a new key doubles it.
fn limit(buckets_log2: u32) -> u64 {
    if buckets_log2 == 0 { 8 } else { 13 << (buckets_log2 - 1) }
}

#[test]
fn the_policy_agrees_with_the_runtime_at_every_size() {
    let measured = [
        8, 13, 26, 52, 104, 208, 416, 832, 1664, 3328, 6656, 13312, 26624, 53248, 106_496, 212_992,
        425_984, 851_968, 1_703_936, 3_407_872,
    ];
    for (buckets_log2, &len_max) in measured.iter().enumerate() {
        let log2 = buckets_log2 as u32;
        assert_eq!(limit(log2), len_max as u64);
        assert!(!growth::over_load_factor(len_max, log2), "{len_max} fit 2^{log2} buckets");
        assert!(
            growth::over_load_factor(len_max + 1, log2),
            "{} don't fit 2^{log2} buckets",
            len_max + 1
        );
        assert!(!growth::too_many_overflow((1 << log2) - 1, log2));
        assert!(
            growth::too_many_overflow(1 << log2, log2),
            "an exact counter is compared with 2^{log2}"
        );
        assert_eq!(growth::buckets_log2_for(len_max), Some(log2));
        assert_eq!(growth::buckets_log2_for(len_max + 1), Some(log2 + 1));
    }
    assert_eq!(growth::buckets_log2_for(0), Some(0));
    assert_eq!(growth::buckets_log2_for(usize::MAX), None);
}

#[test]
fn the_9th_14th_27th_53rd_key_starts_a_doubling() {
    let log2_max = match (cfg!(miri), cfg!(debug_assertions)) {
        (true, _) => 4,
        (false, true) => 13,
        (false, false) => 19,
    };
    for order in ORDERS {
        for hasher in [MIX, IDENTITY] {
            let mut map = map(hasher, order, 0);
            let mut started = Vec::new();
            for key in 0..=limit(log2_max) {
                let before = map.growth_state().growths_started;
                map.insert(key, key);
                let state = map.growth_state();
                if state.growths_started > before {
                    assert!(state.growing.is_none_or(|kind| kind == Doubled));
                    started.push(key + 1);
                }
            }
            let expected: Vec<u64> = (0..=log2_max).map(|log2| limit(log2) + 1).collect();
            assert_eq!(started, expected, "the keys that start a doubling, {order:?}");
            assert_eq!(map.growth_state().buckets_log2, log2_max + 1);
        }
    }
}

#[test]
fn a_hint_decides_the_first_table() {
    for hint in 1..2000_usize {
        let map: Map<u64, u64, By> = Map::with_capacity_and_hasher(hint, MIX);
        let log2 = map.growth_state().buckets_log2;
        assert!(limit(log2) >= hint as u64, "hint {hint}");
        assert!(
            log2 == 0 || limit(log2 - 1) < hint as u64,
            "hint {hint}: half the buckets would do"
        );
        assert_eq!(map.capacity() as u64, limit(log2), "hint {hint}");
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn there_is_a_table_for_all_that_an_address_space_could_hold() {
    for (buckets_log2, table) in [(58, Some(58)), (59, Some(59)), (60, None)] {
        assert_eq!(growth::buckets_log2_for(growth::entries_max(buckets_log2)), table);
    }
}

#[test]
fn the_policy_knows_tables_that_no_address_space_could_hold() {
    for buckets_log2 in [64, 65, 66, 1000] {
        assert_eq!(growth::entries_max(buckets_log2), usize::MAX, "{buckets_log2}");
        assert!(!growth::too_many_overflow(usize::MAX, buckets_log2), "{buckets_log2}");
    }
}

#[test]
fn overwrites_removals_and_lookups_never_start_a_growth() {
    for order in ORDERS {
        for len in [8, 13, 26, 52, 104, 208] {
            let mut map = filled(MIX, order, len);
            while map.evacuate(8) > 0 {}
            let before = map.growth_state();
            for key in 0..len {
                assert!(map.insert(key, 1).is_some());
                *map.entry(key).or_insert(0) += 1;
                map.get(&key);
                map.remove(&(len + key));
            }
            map.iter().count();
            assert_eq!(map.growth_state(), before, "{len} entries are the last that fit");
            map.insert(len, 0);
            assert_eq!(map.growth_state().growths_started, before.growths_started + 1);
        }
        let mut map = about_to_grow_same_size(order);
        let before = map.growth_state();
        assert_eq!(before.overflow_buckets, 16);
        map.insert(1 << 20, 1);
        map.get(&3);
        map.remove(&12345);
        map.entry(1 << 20).and_modify(|value| *value += 1).or_default();
        assert_eq!(map.growth_state(), before, "too many overflow buckets, but no new key");
    }
}

/// The recorded states of `samesize_deterministic`: len, overflow, growing, mark after each new key.
#[test]
fn a_same_size_growth_runs_as_recorded() {
    let mut map = about_to_grow_same_size(EvacuationOrder::Go);
    for (step, bucket) in (0..16).chain(0..4).enumerate() {
        map.insert(1000 + 16 * (step as u64) + bucket, 0);
        let state = map.growth_state();
        assert_eq!((map.len(), state.buckets_log2), (step + 2, 4));
        let (growing, mark) = if step < 7 { (Some(SameSize), step + 1) } else { (None, 16) };
        assert_eq!((state.growing, state.mark), (growing, mark), "after new key {}", step + 1);
        if growing.is_some() {
            assert_eq!((state.old_buckets, state.overflow_buckets), (16, 0));
        }
        map.check().unwrap();
    }
}

#[test]
fn a_same_size_growth_leaves_no_tombstone_and_no_overflow_bucket_behind() {
    for order in ORDERS {
        let mut map = about_to_grow_same_size(order);
        for key in 0..16 {
            map.insert(key, 0);
        }
        let state = map.growth_state();
        assert_eq!((state.growing, state.overflow_buckets, state.buckets_log2), (None, 0, 4));
        let health = map.health();
        assert_eq!((health.tombstones, health.growths.same_size, health.len), (0, 1, 17));
    }
}

#[test]
fn a_map_overfilled_in_a_same_size_growth_doubles_next() {
    for order in ORDERS {
        let mut map = map(IDENTITY, order, 104);
        for bucket in 0..16 {
            for j in 0..9 {
                map.insert(bucket + 16 * j, 0);
            }
            let kept = if bucket == 15 { 9 } else { 6 };
            for j in kept..9 {
                map.remove(&(bucket + 16 * j));
            }
        }
        assert_eq!((map.len(), map.growth_state().overflow_buckets), (99, 16));
        let mut overfilled = false;
        let mut key = 1 << 20;
        while map.growth_state().buckets_log2 == 4 {
            map.insert(key, 0);
            key += 1;
            let state = map.growth_state();
            overfilled |= state.growing == Some(SameSize) && map.len() > 104;
            assert!(map.capacity() >= map.len(), "capacity never less than len");
            map.check().unwrap();
        }
        assert!(overfilled, "a same-size growth goes on past the limit");
        assert_eq!(map.growth_state().growing, Some(Doubled));
        assert_eq!(map.clone().len(), map.len());
    }
}

#[test]
fn insert_only_maps_never_grow_same_size() {
    for order in ORDERS {
        for hasher in [IDENTITY, MIX, LOW3, ZERO] {
            let mut map = map(hasher, order, 0);
            for key in 0..if cfg!(miri) { 120 } else { 1500 } {
                map.insert(key, key);
                assert_ne!(map.growth_state().growing, Some(SameSize), "{} keys", key + 1);
            }
            assert_eq!(map.health().growths.same_size, 0);
        }
    }
}

/// What one write may do, judged by the states before and after it.
fn owed(before: GrowthState, after: GrowthState, write: &str) {
    let started = after.growths_started - before.growths_started;
    let evacuated = after.evacuated_buckets - before.evacuated_buckets;
    assert!(started <= 1, "{write} started {started} growths");
    assert!(
        evacuated <= 2 * (u64::from(before.growing.is_some()) + started),
        "{write} emptied {evacuated} old buckets: {before:?} → {after:?}"
    );
    if before.growing.is_some() && started == 0 {
        assert!(after.mark > before.mark, "{write} did not raise the mark: {before:?} → {after:?}");
    }
}

#[test]
fn a_write_empties_at_most_two_old_buckets() {
    let rounds = if cfg!(miri) { 200 } else { 4000 };
    for order in ORDERS {
        for hasher in [IDENTITY, MIX, LOW3] {
            let mut map = map(hasher, order, 0);
            for round in 0..rounds {
                let random = common::hashers::mix(round);
                let key = random % (round / 2 + 20);
                let before = map.growth_state();
                let empty = map.is_empty();
                let write = match random >> 32 & 7 {
                    0..=3 => {
                        map.insert(key, round);
                        "insert"
                    }
                    4 => {
                        *map.entry(key).or_insert(0) += 1;
                        "entry"
                    }
                    5 if !empty => {
                        map.remove(&key);
                        "remove"
                    }
                    6 if !empty => {
                        map.remove_entry(&key);
                        "remove_entry"
                    }
                    _ => continue,
                };
                owed(before, map.growth_state(), write);
            }
        }
    }
}

#[test]
fn a_growth_is_finished_by_half_as_many_to_as_many_writes_as_old_buckets() {
    type Write = fn(&mut Map<u64, u64, By>, u64, u64);
    let writes: [(&str, Write); 5] = [
        ("insert new", |map, len, step| _ = map.insert(len + step, 0)),
        ("overwrite in order", |map, _, step| _ = map.insert(step, 0)),
        ("overwrite at random", |map, len, step| {
            _ = map.insert(common::hashers::mix(step) % len, 0)
        }),
        ("remove", |map, _, step| _ = map.remove(&step)),
        ("remove an absent key", |map, len, step| _ = map.remove(&(len + step))),
    ];
    for order in ORDERS {
        for (name, write) in writes {
            for log2 in 0..=if cfg!(miri) { 4 } else { 10 } {
                let len = limit(log2) + 1;
                let old_buckets = 1_usize << log2;
                let mut map = filled(IDENTITY, order, len - 1);
                while map.evacuate(64) > 0 {}
                map.insert(len - 1, 0);
                let mut writes = 1;
                while map.growth_state().growing.is_some() {
                    write(&mut map, len, writes as u64);
                    writes += 1;
                    assert!(
                        writes <= old_buckets,
                        "{name}: still growing, {old_buckets} old buckets"
                    );
                }
                assert!(
                    writes >= old_buckets.div_ceil(2),
                    "{name}: {writes} writes for {old_buckets} old buckets"
                );
                if order == EvacuationOrder::InOrder {
                    assert_eq!(writes, old_buckets.div_ceil(2), "{name}: two a write");
                }
                map.check().unwrap();
            }
        }
    }
}

#[test]
fn lookups_and_iteration_do_no_growth_work() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let mut map = subject.map;
            let before = map.growth_state();
            for id in 0..200 {
                map.get(&id);
                map.get_mut(&id);
                map.contains_key(&id);
            }
            map.iter().count();
            map.values_mut().for_each(|value| *value += 1);
            drop(map.clone());
            let mut cursor = map.cursor();
            while cursor.next(&map).is_some() {}
            let after = map.growth_state();
            assert_eq!(
                (after.mark, after.evacuated_buckets, after.growing, after.growths_started),
                (before.mark, before.evacuated_buckets, before.growing, before.growths_started),
                "{}",
                subject.name
            );
        },
    );
}

#[test]
fn an_empty_map_is_stuck_in_its_growth() {
    for order in ORDERS {
        let mut map = about_to_grow_same_size(order);
        map.insert(7, 7);
        map.remove(&7);
        map.remove(&(1 << 20));
        let before = map.growth_state();
        assert_eq!((map.len(), before.growing), (0, Some(SameSize)));
        for key in 0..40 {
            assert_eq!(map.remove(&key), None);
            assert_eq!(map.remove_entry(&key), None);
        }
        map.clear();
        assert_eq!(
            map.growth_state(),
            before,
            "nothing to remove: no growth work, and clear does nothing"
        );
        map.insert(7, 7);
        assert!(map.growth_state().mark > before.mark);
        map.check().unwrap();
    }
}

#[test]
fn clear_ends_a_growth_and_keeps_the_new_table() {
    for order in ORDERS {
        let mut map = filled(MIX, order, 105);
        let before = map.growth_state();
        assert_eq!(before.growing, Some(Doubled));
        map.clear();
        let after = map.growth_state();
        assert_eq!((after.growing, after.overflow_buckets, after.mark), (None, 0, 0));
        assert_eq!(after.buckets_log2, before.buckets_log2);
        map.check().unwrap();
    }
}

#[test]
fn evacuate_does_as_much_as_it_is_told() {
    for order in ORDERS {
        let mut map = filled(IDENTITY, order, 417);
        let state = map.growth_state();
        assert_eq!((state.growing, state.old_buckets), (Some(Doubled), 64));
        let mut left = 64 - map.growth_state().evacuated;
        assert_eq!(map.evacuate(0), 0);
        for asked in [1, 3, 10] {
            assert_eq!(map.evacuate(asked), asked);
            left -= asked;
            map.check().unwrap();
        }
        assert_eq!(map.evacuate(1000), left);
        assert_eq!((map.growth_state().growing, map.evacuate(5)), (None, 0));
        assert!((0..417).all(|key| map[&key] == key));
    }
}

/// What stands in an evacuated slot says which of the two new buckets has the entry.
#[test]
fn evacuated_slots_say_where_their_entries_went() {
    for order in ORDERS {
        let mut map = filled(IDENTITY, order, limit(3) + 1);
        map.evacuate(2);
        let view = map.view();
        let old = view.old_table().expect("it grows");
        assert_eq!(view.growing(), Some(Doubled));
        assert_eq!((old.buckets_log2(), view.table().buckets_log2()), (3, 4));
        let mut evacuated = 0;
        for index in 0..old.buckets() {
            let tophashes = old.bucket(index).tophashes();
            if !(tophash::EVACUATED_LOW..=tophash::EVACUATED_EMPTY).contains(&tophashes[0]) {
                continue;
            }
            evacuated += 1;
            for (slot, state) in tophashes.into_iter().enumerate() {
                // Key k went to bucket k % 8, slot k / 8, and now to bucket k % 16.
                let expected = match index + 8 * slot {
                    key if key as u64 >= limit(3) => tophash::EVACUATED_EMPTY,
                    key if key % 16 < 8 => tophash::EVACUATED_LOW,
                    _ => tophash::EVACUATED_HIGH,
                };
                assert_eq!(state, expected, "{order:?}: bucket {index} slot {slot}");
            }
        }
        assert!(evacuated >= 2, "{order:?}: {evacuated}");
    }
}

/// A same-size growth knows where everything goes: it calls nobody.
#[test]
fn a_same_size_growth_hashes_the_new_key_alone() {
    #[derive(Clone, Default)]
    struct Counted(std::rc::Rc<std::cell::Cell<u32>>);
    impl std::hash::BuildHasher for Counted {
        type Hasher = <By as std::hash::BuildHasher>::Hasher;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.set(self.0.get() + 1);
            IDENTITY.build_hasher()
        }
    }
    let counted = Counted::default();
    let mut map = Map::with_capacity_and_hasher(104, counted.clone());
    for bucket in 0..16_u64 {
        for j in 0..9 {
            map.insert(bucket + 16 * j, 0);
        }
        for j in 1..9 {
            map.remove(&(bucket + 16 * j));
        }
    }
    for key in 1000..1004 {
        let before = counted.0.replace(0);
        map.insert(key, 0);
        assert_eq!(counted.0.get(), 1, "after {before}");
    }
    assert_eq!(map.growth_state().growing, Some(SameSize));
}

/// Values so large that two buckets are a segment.
#[test]
fn the_mark_leaves_two_segments_at_once() {
    let mut map: Map<u64, [u64; 512], By> = Map::with_hasher(IDENTITY);
    map.set_evacuation_order(EvacuationOrder::Go);
    // The last begins a growth from sixteen buckets, and empties the buckets 8 and 0.
    (0..=limit(4)).for_each(|key| _ = map.insert(key, [key; 512]));
    // Each empties its own bucket and the one at the mark.
    for (key, mark) in [(4, 2), (5, 3), (6, 7)] {
        map.insert(key, [0; 512]);
        assert_eq!((map.growth_state().growing, map.growth_state().mark), (Some(Doubled), mark));
        assert_eq!(map.check(), Ok(()), "at mark {mark}");
    }
}

/// A mark that meets buckets which were evacuated ahead of it does not pass over all of them in one write.
#[test]
fn the_mark_skips_a_bounded_number_of_buckets() {
    let mut map = map(IDENTITY, EvacuationOrder::Go, limit(12) as usize);
    for key in 0..=limit(12) {
        map.insert(key, key);
    }
    let mut most = 0;
    for key in (0..1 << 12).rev() {
        let before = map.growth_state();
        map.insert(key, 0);
        let after = map.growth_state();
        if after.growing.is_none() {
            break;
        }
        assert!(before.mark < after.mark, "{before:?}");
        most = most.max(after.mark - before.mark);
        // The mark may stand at an evacuated bucket now.
        if after.mark - before.mark > 1024 {
            let copy = map.clone();
            assert!(copy == map && copy.check() == Ok(()), "{after:?}");
        }
    }
    assert_eq!(most, 1 + 1024, "as in Go");
}

/// The tophashes of every chain of every table that are still in use, and the chain's name.
fn chains<V>(map: &Map<u64, V, By>) -> Vec<(String, Vec<u8>)> {
    let view = map.view();
    let mut chains = Vec::new();
    for (name, table) in [("new", Some(view.table())), ("old", view.old_table())] {
        let Some(table) = table else { continue };
        for index in 0..table.buckets() {
            let mut tophashes = Vec::new();
            let mut bucket = Some(table.bucket(index));
            while let Some(here) = bucket {
                tophashes.extend(here.tophashes());
                bucket = here.overflow();
            }
            chains.push((format!("{name} bucket {index}"), tophashes));
        }
    }
    chains
}

fn assert_layout<V>(map: &Map<u64, V, By>, when: &str) {
    let mut live = 0;
    for (chain, tophashes) in chains(map) {
        if (tophash::EVACUATED_LOW..=tophash::EVACUATED_EMPTY).contains(&tophashes[0]) {
            let all = tophashes
                .iter()
                .all(|t| (tophash::EVACUATED_LOW..=tophash::EVACUATED_EMPTY).contains(t));
            assert!(all, "{when}: {chain} is half evacuated: {tophashes:?}");
            continue;
        }
        let end =
            tophashes.iter().rposition(|t| *t >= tophash::MIN_TOPHASH).map_or(0, |last| last + 1);
        let (used, rest) = tophashes.split_at(end);
        assert!(
            !used.contains(&tophash::EMPTY_REST),
            "{when}: {chain} ends before its last entry: {tophashes:?}"
        );
        assert!(
            rest.iter().all(|t| *t == tophash::EMPTY_REST),
            "{when}: {chain} has a rest to sweep: {tophashes:?}"
        );
        live += used.iter().filter(|t| **t >= tophash::MIN_TOPHASH).count();
    }
    assert_eq!(live, map.len(), "{when}: live slots");
}

/// Go's `TestMapTombstones`.
#[test]
fn tombstones_are_swept_as_soon_as_they_end_a_chain() {
    let n: u64 = if cfg!(miri) { 150 } else { 10_000 };
    for order in ORDERS {
        for hasher in [MIX, IDENTITY, LOW3].into_iter().take(if cfg!(miri) { 1 } else { 2 }) {
            let mut map = filled(hasher, order, n);
            assert_layout(&map, "filled");
            (0..n).step_by(2).for_each(|key| _ = map.remove(&key));
            assert_layout(&map, "every second key removed");
            map.extend((n..n * 3 / 2).map(|key| (key, key)));
            assert_layout(&map, "holes filled");
            (0..n * 3 / 2).for_each(|key| _ = map.remove(&key));
            assert_layout(&map, "all removed");
            let untouched = chains(&map)
                .iter()
                .all(|(_, tophashes)| tophashes.iter().all(|t| [0, 2, 3, 4].contains(t)));
            assert!(untouched, "an empty map has no tombstones");
        }
    }
}

#[test]
fn the_layout_holds_at_every_step() {
    for order in ORDERS {
        for hasher in [ZERO, LOW3, IDENTITY, MIX] {
            let mut map = map(hasher, order, 0);
            for round in 0..if cfg!(miri) { 60 } else { 600 } {
                let random = common::hashers::mix(round);
                let key = random % 90;
                if random >> 40 & 1 == 0 {
                    _ = map.insert(key, key)
                } else {
                    _ = map.remove(&key)
                }
                assert_layout(&map, &format!("round {round}, {order:?}"));
            }
        }
    }
}

#[test]
fn the_first_empty_slot_is_taken() {
    let mut map = map(ZERO, EvacuationOrder::Go, 0);
    map.extend((0..8).map(|key| (key, key)));
    for key in [2, 5] {
        map.remove(&key);
    }
    assert_eq!(chains(&map)[0].1[2], tophash::EMPTY_ONE);
    for (key, slot) in [(100, 2), (101, 5)] {
        map.insert(key, key);
        assert_eq!(map.view().table().bucket(0).slot(slot), Some((&key, &key)));
    }
}

#[test]
fn in_order_empties_old_buckets_in_order_and_go_the_one_being_written() {
    for hasher in [IDENTITY, MIX] {
        let mut map = filled(hasher, EvacuationOrder::InOrder, 417);
        for step in 0.. {
            let view = map.view();
            let Some(old) = view.old_table() else { break };
            for bucket in 0..old.buckets() {
                assert_eq!(
                    old.is_evacuated(bucket),
                    bucket < view.mark(),
                    "bucket {bucket}, mark {}",
                    view.mark()
                );
            }
            // All over the table, so mostly ahead of the mark.
            map.insert(10_000 + common::hashers::mix(step) % 1000, 0);
            map.check().unwrap();
        }
    }
    let mut map = filled(IDENTITY, EvacuationOrder::Go, 417);
    for bucket in [60, 33, 50] {
        map.remove(&(1024 + bucket));
        let view = map.view();
        let old = view.old_table().expect("is growing");
        assert!(old.is_evacuated(bucket as usize), "Go's order: first the bucket that is written");
        assert!((0..view.mark()).all(|below| old.is_evacuated(below)));
    }
}

#[test]
fn the_order_may_change_in_the_middle() {
    for hasher in [IDENTITY, MIX, LOW3] {
        let mut map = map(hasher, EvacuationOrder::Go, 0);
        for step in 0..if cfg!(miri) { 150_u64 } else { 2000 } {
            let order = ORDERS[(common::hashers::mix(step) >> 20) as usize & 1];
            map.set_evacuation_order(order);
            assert_eq!(map.evacuation_order(), order);
            map.insert(step, step);
            if step % 3 == 0 {
                map.remove(&(step / 2));
            }
            map.check().unwrap();
        }
        for step in 0..if cfg!(miri) { 150 } else { 2000 } {
            let removed =
                (0..).step_by(3).take_while(|s| *s / 2 <= step).any(|s| s / 2 == step && s < 2000);
            if !removed {
                assert_eq!(map.get(&step), Some(&step));
            }
        }
    }
}

/// However many buckets ahead of the mark are evacuated: in Go's order those that were written.
#[test]
fn evacuate_finds_what_is_left_to_do() {
    let (buckets, written) = if cfg!(miri) { (64, 20..40) } else { (8192, 4000..5200) };
    let mut map = map(IDENTITY, EvacuationOrder::Go, 0);
    map.reserve(buckets as usize * 13 / 2);
    let mut key = 0;
    while map.growth_state().growing.is_none() {
        map.insert(key, key);
        key += 1;
    }
    assert_eq!(map.growth_state().old_buckets, buckets as usize);
    for bucket in written.clone() {
        map.insert(bucket, 0);
    }
    while map.growth_state().mark < written.start as usize {
        assert_eq!(map.evacuate(1), 1);
    }
    while map.growth_state().growing.is_some() {
        assert_eq!(map.evacuate(1), 1, "at {:?}", map.growth_state());
    }
    assert_eq!(map.evacuate(1), 0);
}

/// Room is made for all of what is collected, and for half of what is added to as many entries or fewer.
#[test]
fn extending_reserves_for_what_is_many_beside_what_is_there() {
    let collected: Map<u64, u64, By> = (0..1000).map(|key| (key, key)).collect();
    let state = collected.growth_state();
    assert_eq!((state.buckets_log2, state.growths_started), (8, 0));
    for (had, added, log2) in [(100, 100, 5), (100, 1000, 7), (13, 20, 2)] {
        let mut map: Map<u64, u64, By> = Map::with_capacity_and_hasher(had, MIX);
        map.extend((0..had as u64).map(|key| (key, key)));
        // Keys that are there already, so what is reserved is not exceeded.
        map.extend((0..added as u64).map(|key| (key % had as u64, key)));
        let counts = map.health().growths;
        assert_eq!((counts.explicit, counts.doubled), (1, 0), "{added} beside {had}");
        assert_eq!(map.growth_state().buckets_log2, log2, "{added} beside {had}");
    }
}

#[test]
fn a_few_pairs_more_move_no_table() {
    for (added, explicit) in [(1, 0), (12, 0), (51, 0), (52, 1)] {
        let mut map: Map<u64, u64, By> = Map::with_capacity_and_hasher(52, MIX);
        (0..52).for_each(|key| _ = map.insert(key, key));
        map.extend((52..52 + added).map(|key| (key, key)));
        let health = map.health();
        assert_eq!(health.growths.explicit, explicit, "{added} more");
        assert_eq!(health.growths.doubled, 1 - explicit, "{added} more");
        if added == 1 {
            assert_eq!(map.growth_state().evacuated, 2);
        }
        assert_eq!((map.len() as u64, map.check()), (52 + added, Ok(())));
    }
}

#[test]
fn reserve_and_shrink_leave_no_growth_under_way() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let (name, mut map, model) = (subject.name, subject.map, subject.model);
            map.reserve(500);
            assert_eq!(map.growth_state().growing, None, "{name}");
            let started = map.growth_state().growths_started;
            map.extend((0..500).map(|k| (1_000_000 + k, 0)));
            assert_eq!(map.growth_state().growths_started, started, "{name}: room was reserved");
            map.retain(|key, _| *key < 1_000_000);
            map.shrink_to_fit();
            assert_eq!(map.growth_state().growing, None, "{name}");
            assert!(
                map.iter().map(|(k, v)| (*k, *v)).collect::<std::collections::BTreeMap<_, _>>()
                    == model,
                "{name}"
            );
            map.check().unwrap();
        },
    );
}

/// Each entry of the one bucket has 2^17 to go to.
#[test]
fn a_growth_to_very_many_buckets_finds_each_entry_its_own() {
    if cfg!(miri) {
        return;
    }
    let mut map: Map<u64, (), By> = Map::with_hasher(MIX);
    map.extend((0..8).map(|key| (key, ())));
    map.reserve(500_000);
    assert_eq!(map.capacity(), 13 << 16);
    assert!((0..8).all(|key| map.contains_key(&key)));
    map.check().unwrap();
}

#[test]
fn a_clone_goes_on_as_its_original_would() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
    map.set_evacuation_order(EvacuationOrder::Go);
    let alike = |map: &Map<u64, u64, By>| {
        let clone = map.clone();
        assert_eq!(clone.evacuation_order(), EvacuationOrder::Go);
        assert_eq!(clone.growth_state(), map.growth_state());
    };
    alike(&map);
    (0..100).for_each(|key| _ = map.insert(key, key));
    alike(&map);
    map.clear();
    map.shrink_to_fit();
    assert!(map.capacity() == 0 && map.growth_state().growths_started > 0);
    alike(&map);
}

#[test]
fn a_clone_shows_what_its_original_shows() {
    for order in ORDERS {
        let mut map = filled(MIX, order, 53);
        assert_eq!(map.growth_state().growing, Some(Doubled));
        map.evacuate(2);
        assert_eq!(chains(&map.clone()), chains(&map), "{order:?}");
    }
}

/// All in one bucket, with 256 tophashes.
const ONE_BUCKET: By = By(|key| key << 56);

/// The entries of a chain that is as long as chains get in a table of 2^11 buckets.
const LONG: u64 = 13 << 10;

/// How many times as long as a lookup that goes along a chain of all of them does this take? The least of three times.
fn lookups_in(
    prepare: impl Fn(&mut Map<u64, u64, By>),
    act: impl Fn(&mut Map<u64, u64, By>),
) -> f64 {
    let times = [(); 3].map(|()| {
        let mut map = map(ONE_BUCKET, EvacuationOrder::InOrder, LONG as usize);
        map.extend((0..LONG).map(|key| (key, key)));
        assert_eq!(map.growth_state().growing, None);
        let timed = |act: &mut dyn FnMut()| {
            let began = Instant::now();
            act();
            began.elapsed().as_secs_f64()
        };
        let looks = [(); 5].map(|()| timed(&mut || assert_eq!(black_box(&map).get(&LONG), None)));
        prepare(&mut map);
        timed(&mut || act(&mut map)) / looks.into_iter().fold(f64::MAX, f64::min)
    });
    times.into_iter().fold(f64::MAX, f64::min)
}

#[test]
fn an_evacuation_goes_along_a_chain_once() {
    if cfg!(miri) {
        return;
    }
    let insert = |map: &mut Map<u64, u64, By>| {
        map.insert(LONG, LONG);
        assert!(map.growth_state().evacuated > 0);
    };
    let ratio = lookups_in(|_| (), insert);
    assert!(ratio < 400.0, "an insert that evacuates takes {ratio} lookups");
}

#[test]
fn a_removal_goes_along_its_chain_a_few_times() {
    if cfg!(miri) {
        return;
    }
    let head = |map: &Map<u64, u64, By>| map.view().table().bucket(0).tophashes();
    let all_but_one = |map: &mut Map<u64, u64, By>| {
        (0..LONG - 1).for_each(|key| _ = map.remove(&key));
        assert_eq!(head(map), [tophash::EMPTY_ONE; 8]);
    };
    let the_last = |map: &mut Map<u64, u64, By>| {
        map.remove(&(LONG - 1));
        assert_eq!(head(map), [tophash::EMPTY_REST; 8]);
    };
    let ratio = lookups_in(all_but_one, the_last);
    assert!(ratio < 40.0, "the removal of the last of a chain takes {ratio} lookups");
}

#[test]
fn health_says_what_the_state_says() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let (name, map) = (subject.name, subject.map);
            let (state, health) = (map.growth_state(), map.health());
            assert_eq!((health.len, health.growth), (map.len(), state), "{name}");
            assert_eq!(health.growths.started(), state.growths_started, "{name}");
            assert_eq!(health.growths.evacuated_buckets, state.evacuated_buckets, "{name}");
            if state.growing.is_some() {
                assert!(
                    state.mark <= state.evacuated && state.evacuated < state.old_buckets,
                    "{name}: {state:?}"
                );
            } else {
                assert_eq!((state.evacuated, state.old_buckets), (0, 0), "{name}");
            }
            let filled: usize =
                health.slot_fill.iter().enumerate().map(|(fill, buckets)| fill * buckets).sum();
            assert_eq!(filled, map.len(), "{name}: slot_fill");
            // Chains of the tables, evacuated ones and ones that wait for their old bucket left out.
            let mut chained = 0;
            for (index, chains) in health.chain_lengths.iter().enumerate() {
                chained += chains * (index + 1);
            }
            assert_eq!(chained, health.slot_fill.iter().sum::<usize>(), "{name}: chain_lengths");
            let tombstones: usize = chains(&map)
                .iter()
                .map(|(_, tophashes)| {
                    tophashes.iter().filter(|t| **t == tophash::EMPTY_ONE).count()
                })
                .sum();
            assert_eq!(health.tombstones, tombstones, "{name}");
        },
    );
}

/// Every other file relies on it.
#[test]
fn the_states_of_the_stage_are_what_they_are_called() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let (name, state) = (subject.name, subject.map.growth_state());
            let kind = match name.as_str() {
                name if name.contains("doubling") && !name.contains("before") => Some(Doubled),
                name if name.contains("same-size") => Some(SameSize),
                _ => None,
            };
            assert_eq!(state.growing, kind, "{name}: {state:?}");
            assert_eq!(subject.map.len(), subject.model.len(), "{name}");
        },
    );
}
