//! Iteration: each entry once, with one table or two, borrowing the map or not.
//!
//! # Properties
//! - **throughout**: a cursor yields an entry that is there from its opening to its end exactly once,
//!   with its current value.
//! - **removed**: it doesn't yield an entry after its removal.
//! - **added**: it yields an entry that was added meanwhile at most once; one removed and added again
//!   is another entry.
//! - **anywhere**: this holds from any start, across any number of growths of either kind, `clear`,
//!   `reserve`, `shrink_to_fit`, `retain`, `drain` and `extract_if`, and for several cursors at once.
//! - **both tables**: std's iterators find every entry once while both tables are live.
//!
//! The two defects that Go's runtime has here (an iterator forgets to filter when a same-size growth
//! follows the doubling it began in; `clear` hands out overflow buckets that an iterator stands in) have
//! tests of their own: random operations rarely meet them.

mod common;

use common::hashers::{IDENTITY, LOW3, MIX, ZERO, mix};
use common::{By, EvacuationOrder, Map, Subject, in_every_state};
use map_core::{Cursor, GrowthKind};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

type Subjects = Subject<u64, u64>;

/// A map with its model, where each entry has an incarnation: removed and added again it is another.
struct Stage {
    name: String,
    map: Map<u64, u64, By>,
    model: BTreeMap<u64, (u64, u64)>,
    incarnations: u64,
    fresh: u64,
}

/// A cursor and what the contract says it still has to yield.
struct Walk {
    cursor: Cursor,
    due: BTreeSet<u64>,
    yielded: BTreeSet<u64>,
    over: bool,
}

impl Stage {
    fn new(subject: Subjects) -> Stage {
        let mut stage = Stage {
            name: subject.name,
            map: subject.map,
            model: BTreeMap::new(),
            incarnations: 0,
            fresh: subject.fresh,
        };
        for (key, value) in subject.model {
            stage.model.insert(key, (value, stage.incarnations));
            stage.incarnations += 1;
        }
        stage
    }

    fn walk(&mut self, start: Option<(usize, usize)>) -> Walk {
        let cursor = match start {
            Some((bucket, offset)) => self.map.cursor_at(bucket, offset),
            None => self.map.cursor(),
        };
        let due = self.model.values().map(|(_, incarnation)| *incarnation).collect();
        Walk { cursor, due, yielded: BTreeSet::new(), over: false }
    }

    fn insert(&mut self, key: u64, value: u64) {
        self.map.insert(key, value);
        let incarnation = self.model.get(&key).map_or(self.incarnations, |entry| entry.1);
        self.incarnations += 1;
        self.model.insert(key, (value, incarnation));
    }

    fn remove(&mut self, key: u64) {
        assert_eq!(
            self.map.remove(&key),
            self.model.remove(&key).map(|entry| entry.0),
            "{}",
            self.name
        );
    }

    fn insert_fresh(&mut self, count: u64) {
        for _ in 0..count {
            self.fresh += 1;
            self.insert(self.fresh, self.fresh);
        }
    }

    fn clear(&mut self) {
        self.map.clear();
        self.model.clear();
    }

    fn step(&self, walk: &mut Walk) -> Option<u64> {
        let name = &self.name;
        let Some((key, value)) = walk.cursor.next(&self.map) else {
            assert!(walk.cursor.is_finished(), "{name}: ended, but not finished");
            assert!(walk.cursor.next(&self.map).is_none(), "{name}: an entry after the end");
            for (key, (_, incarnation)) in &self.model {
                let missed = walk.due.contains(incarnation) && !walk.yielded.contains(incarnation);
                assert!(!missed, "{name}: {key} was there throughout and was not yielded");
            }
            walk.over = true;
            return None;
        };
        let Some((current, incarnation)) = self.model.get(key) else {
            panic!("{name}: {key} was yielded after its removal");
        };
        assert_eq!(value, current, "{name}: the value of {key}");
        assert!(walk.yielded.insert(*incarnation), "{name}: {key} was yielded twice");
        Some(*key)
    }

    fn finish(&self, walk: &mut Walk) {
        let entries_max = self.model.len() + walk.yielded.len() + 1;
        for _ in 0..=entries_max {
            if walk.over || self.step(walk).is_none() {
                return;
            }
        }
        panic!("{}: a cursor without an end", self.name);
    }

    fn check(&self) {
        self.map.check().unwrap_or_else(|violation| panic!("{}: {violation}", self.name));
    }
}

/// One operation, chosen by `random`, among all that may come between two steps of a cursor.
fn disturb(stage: &mut Stage, random: u64) {
    let key = {
        let keys = stage.model.len().max(1);
        stage.model.keys().nth(random as usize % keys).copied().unwrap_or(3)
    };
    match random >> 32 & 127 {
        0..30 => stage.insert_fresh(1),
        30..34 => stage.insert_fresh(30),
        34..54 => stage.remove(key),
        54..64 => {
            stage.remove(key);
            stage.insert(key, random);
        }
        64..80 => stage.insert(key, random),
        80..90 => _ = stage.map.evacuate((random >> 40) as usize & 7),
        90 => stage.clear(),
        91..93 => stage.map.reserve((random >> 40) as usize & 255),
        93..96 => stage.map.shrink_to_fit(),
        96..98 => {
            stage.map.retain(|key, _| mix(*key ^ random) & 3 != 0);
            stage.model.retain(|key, _| mix(*key ^ random) & 3 != 0);
        }
        98..100 => {
            stage.map.extract_if(|key, _| mix(*key ^ random) & 7 == 0).for_each(drop);
            stage.model.retain(|key, _| mix(*key ^ random) & 7 != 0);
        }
        100 => {
            stage.map.drain().take(5).for_each(drop);
            stage.model.clear();
        }
        101..105 => {
            let order =
                [EvacuationOrder::Go, EvacuationOrder::InOrder][(random >> 40) as usize & 1];
            stage.map.set_evacuation_order(order);
        }
        105..109 => {
            for key in stage.model.keys().take(20).copied().collect::<Vec<_>>() {
                stage.remove(key);
            }
        }
        _ => {}
    }
}

fn stages(mut visit: impl FnMut(Stage)) {
    in_every_state(|id| id, |id| id, |subject| visit(Stage::new(subject)));
}

#[test]
fn a_cursor_yields_everything_once_from_every_start() {
    stages(|mut stage| {
        let buckets = stage.map.view().table().buckets().max(1);
        for bucket in (0..buckets).step_by(if cfg!(miri) { 5 } else { 1 }) {
            for offset in 0..8 {
                let mut walk = stage.walk(Some((bucket, offset)));
                stage.finish(&mut walk);
            }
        }
        let mut walk = stage.walk(None);
        stage.finish(&mut walk);
    });
}

#[test]
fn a_cursor_on_an_empty_map_is_finished_at_once() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
    let mut cursor = map.cursor();
    map.insert(1, 1);
    assert!(cursor.is_finished() && cursor.next(&map).is_none());
    map.clear();
    let mut cursor = map.cursor();
    map.insert(1, 1);
    assert!(cursor.next(&map).is_none());
}

/// reflect's `MapIterDelete0` and `MapIterDelete1`, and its first next.
#[test]
fn what_happens_before_the_first_step_is_seen() {
    stages(|mut stage| {
        let mut walk = stage.walk(None);
        for key in stage.model.keys().copied().collect::<Vec<_>>() {
            stage.remove(key);
        }
        assert_eq!(stage.step(&mut walk), None, "{}: all was removed", stage.name);
    });
    stages(|mut stage| {
        let mut walk = stage.walk(None);
        stage.step(&mut walk);
        for key in stage.model.keys().copied().collect::<Vec<_>>() {
            stage.remove(key);
        }
        assert_eq!(stage.step(&mut walk), None, "{}: all was removed", stage.name);
    });
}

#[test]
fn the_contract_holds_whatever_happens_between_two_steps() {
    let seeds = if cfg!(miri) { 1 } else { 15 };
    let mut seed_of_stage = 0;
    for seed in 0..seeds {
        stages(|mut stage| {
            seed_of_stage += 1;
            stage.name = format!("{}, seed {seed}", stage.name);
            let mut random = mix(seed << 32 | seed_of_stage);
            let mut walks = vec![stage.walk(None)];
            for _ in 0..if cfg!(miri) { 60 } else { 300 } {
                random = mix(random);
                disturb(&mut stage, random);
                for walk in walks.iter_mut().filter(|walk| !walk.over) {
                    if random >> 60 != 0 {
                        stage.step(walk);
                    }
                }
                if random >> 56 & 15 == 0 && walks.len() < 4 {
                    walks.push(stage.walk(
                        (random & 1 == 0).then_some((random as usize >> 3, random as usize >> 20)),
                    ));
                }
                walks.retain(|walk| !walk.over);
            }
            stage.check();
            for mut walk in walks {
                stage.finish(&mut walk);
            }
        });
    }
}

#[test]
fn a_cursor_crosses_several_growths() {
    stages(|mut stage| {
        let mut walk = stage.walk(None);
        let before = stage.map.growth_state().growths_started;
        // Slow enough to live through as many growths as the entries it started with allow.
        for step in 0..if cfg!(miri) { 12 } else { 60 } {
            stage.step(&mut walk);
            stage.insert_fresh(if cfg!(miri) { 12 } else { 40 });
            if step % 3 == 0 {
                stage.check();
            }
        }
        assert!(stage.map.growth_state().growths_started >= before + 2);
        stage.finish(&mut walk);
    });
}

/// Tables are counted for ever.
#[test]
fn a_cursor_follows_moves_in_a_map_that_has_grown_often() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
    map.extend((0..8).map(|key| (key, key)));
    for _ in 0..if cfg!(miri) { 40 } else { 1 << 15 } {
        map.reserve(100);
        map.shrink_to_fit();
    }
    let mut cursor = map.cursor();
    let mut seen: Vec<u64> = cursor.next(&map).map(|entry| *entry.0).into_iter().collect();
    map.reserve(100);
    seen.extend(std::iter::from_fn(|| cursor.next(&map).map(|entry| *entry.0)));
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..8));
    map.check().unwrap();
}

/// Where every key has one hash, more slots of a chain are evacuated than a byte can tell apart.
#[test]
fn a_cursor_crosses_a_growth_with_a_long_chain() {
    for removed in [None, Some(256), Some(299)] {
        let mut map: Map<u64, u64, By> = Map::with_hasher(ZERO);
        map.extend((0..300).map(|key| (key, key)));
        map.evacuate(usize::MAX);
        let mut cursor = map.cursor_at(0, 0);
        let started = map.growth_state().growths_started;
        map.reserve(1000);
        assert!(map.growth_state().growths_started > started);
        removed.map(|key| map.remove(&key));
        let mut seen: Vec<u64> = std::iter::from_fn(|| cursor.next(&map).map(|e| *e.0)).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq((0..300).filter(|&key| Some(key) != removed)), "{removed:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "a large table, of which Miri would write every header")]
fn cursors_start_anywhere_in_a_large_table() {
    const BUCKETS: u64 = 1 << 18;
    let mut map: Map<u64, (), By> = Map::with_capacity_and_hasher(1_700_000, MIX);
    assert_eq!(1 << map.growth_state().buckets_log2, BUCKETS);
    map.extend((0..4_096).map(|key| (key, ())));
    let mut quarters = [0; 4];
    for _ in 0..64 {
        let mut cursor = map.cursor();
        let (key, ()) = cursor.next(&map).expect("there are entries");
        let bucket = map.hasher().hash_one(key) % BUCKETS;
        quarters[(bucket / (BUCKETS / 4)) as usize] += 1;
    }
    assert!(quarters.iter().all(|&starts| starts > 0), "{quarters:?}");
}

#[test]
fn where_a_cursor_starts_is_reduced_to_its_range() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
    map.extend((0..26).map(|key| (key, key)));
    assert_eq!(map.growth_state().buckets_log2, 2);
    let mut walked = |bucket, offset| {
        let mut cursor = map.cursor_at(bucket, offset);
        std::iter::from_fn(|| cursor.next(&map).map(|(key, _)| *key)).collect::<Vec<_>>()
    };
    for bucket in [2, 5, usize::MAX] {
        for offset in [0, 9, usize::MAX - 3, usize::MAX] {
            let seen = walked(bucket, offset);
            assert_eq!(seen, walked(bucket % 4, offset % 8));
            assert_eq!((seen[0] % 4, seen.len()), (bucket as u64 % 4, 26));
        }
    }
}

#[test]
fn growing_from_100_to_1000_while_removing_the_odd_ones() {
    for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
        for hasher in [MIX, IDENTITY, LOW3] {
            for start in 0..if cfg!(miri) { 1 } else { 16 } {
                let mut map = Map::with_hasher(hasher);
                map.set_evacuation_order(order);
                map.extend((0..100).map(|key| (key, key)));
                let mut cursor = map.cursor_at(start, start);
                let (mut seen, mut first) = (BTreeSet::new(), true);
                while let Some((&key, &value)) = cursor.next(&map) {
                    assert_eq!(key, value);
                    assert!(seen.insert(key), "{key} twice");
                    if std::mem::take(&mut first) {
                        map.extend((100..1000).map(|key| (key, key)));
                        (0..1000).filter(|key| key % 2 == 1).for_each(|key| _ = map.remove(&key));
                    } else {
                        assert!(key % 2 == 0, "{key} was removed");
                    }
                }
                assert!((0..100).step_by(2).all(|key| seen.contains(&key)));
            }
        }
    }
}

/// Go's `TestMapNanGrowIterator`, with ordinary keys: opened during a growth that ends on the way.
#[test]
fn a_growth_ends_in_the_middle_of_an_iteration() {
    for steps in 0..if cfg!(miri) { 3 } else { 60 } {
        stages(|mut stage| {
            let mut walk = stage.walk(Some((steps, steps)));
            for _ in 0..steps {
                if !walk.over {
                    stage.step(&mut walk);
                }
            }
            while stage.map.evacuate(1) > 0 {
                if !walk.over {
                    stage.step(&mut walk);
                }
            }
            stage.finish(&mut walk);
        });
    }
}

/// A doubling from 8 buckets just begun, most old buckets still to be evacuated.
fn in_a_doubling(order: EvacuationOrder) -> Stage {
    let mut map = Map::with_hasher(IDENTITY);
    map.set_evacuation_order(order);
    for key in 0..53 {
        map.insert(key, key);
    }
    assert_eq!(map.growth_state().growing, Some(GrowthKind::Doubled));
    Stage::new(Subject {
        name: format!("in a doubling ({order:?})"),
        map,
        model: (0..53).map(|key| (key, key)).collect(),
        fresh: 1 << 32,
    })
}

/// Ends the doubling and starts a growth of the same size; the entries stay.
fn on_to_a_same_size_growth(stage: &mut Stage) {
    while stage.map.evacuate(8) > 0 {}
    for bucket in 0..16 {
        // Until it has an overflow bucket, which stays: the last one makes it too many.
        let before = stage.map.growth_state().overflow_buckets;
        let mut added = Vec::new();
        while stage.map.growth_state().overflow_buckets == before {
            let key = 160 + bucket + 16 * added.len() as u64;
            stage.insert(key, 0);
            added.push(key);
        }
        for key in added {
            stage.remove(key);
        }
    }
    stage.insert(10_000, 0);
    assert_eq!(stage.map.growth_state().growing, Some(GrowthKind::SameSize), "{}", stage.name);
}

/// The first defect: the filter of an old chain is decided when the bucket is entered, not at each slot.
#[test]
fn a_same_size_growth_after_the_doubling_an_iteration_began_in() {
    for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
        for bucket in 0..16 {
            for offset in [0, 3, 7] {
                for steps in 0..if cfg!(miri) { 2 } else { 12 } {
                    let mut stage = in_a_doubling(order);
                    let mut walk = stage.walk(Some((bucket, offset)));
                    for _ in 0..steps {
                        stage.step(&mut walk);
                    }
                    on_to_a_same_size_growth(&mut stage);
                    stage.finish(&mut walk);
                    stage.check();
                }
            }
        }
    }
}

/// The second: after a `clear`, a cursor must not stand in a chain that belongs to another bucket now.
#[test]
fn clear_does_not_lead_a_cursor_into_another_chain() {
    for hasher in [LOW3, IDENTITY, ZERO, MIX] {
        for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
            for steps in 0..if cfg!(miri) { 4 } else { 90 } {
                let mut map = Map::with_capacity_and_hasher(104, hasher);
                map.set_evacuation_order(order);
                map.extend((0..100).map(|key| (key, key)));
                let mut stage = Stage::new(Subject {
                    name: format!("clear after {steps} steps ({order:?})"),
                    map,
                    model: (0..100).map(|key| (key, key)).collect(),
                    fresh: 1 << 32,
                });
                let mut walk = stage.walk(Some((steps, steps / 16)));
                for _ in 0..steps {
                    stage.step(&mut walk);
                }
                stage.clear();
                // The same buckets in another order, and twice as full.
                for key in (100..200).rev() {
                    stage.insert(key, key);
                }
                stage.check();
                stage.finish(&mut walk);
            }
        }
    }
}

/// Nor go on in an overflow bucket of the chain that is there now.
#[test]
fn a_cursor_leaves_the_overflow_bucket_of_a_cleared_chain() {
    let refill = |map: &mut Map<u64, (), By>| map.extend((0..12).map(|n| (8 * n, ())));
    for steps in 1..12 {
        let mut map = Map::with_capacity_and_hasher(52, IDENTITY);
        refill(&mut map);
        let mut cursor = map.cursor_at(0, 0);
        for _ in 0..steps {
            cursor.next(&map).expect("twelve entries");
        }
        map.clear();
        refill(&mut map);
        let left = std::iter::from_fn(|| cursor.next(&map).map(drop)).count();
        assert_eq!(left, if steps <= 8 { 12 - steps } else { 0 }, "after {steps} steps");
    }
}

/// Go marks the old buckets empty: an iteration over them is over, whatever is inserted afterwards.
#[test]
fn a_cursor_on_an_old_table_that_is_cleared_finds_nothing() {
    for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
        for (steps, evacuated) in (1..9).flat_map(|steps| (0..5).map(move |n| (steps, n))) {
            let mut map = Map::with_capacity_and_hasher(52, IDENTITY);
            map.set_evacuation_order(order);
            map.extend((0..52).map(|key| (key, ())));
            let mut cursor = map.cursor_at(0, 0);
            for _ in 0..steps {
                cursor.next(&map).expect("52 entries");
            }
            map.insert(52, ());
            map.evacuate(evacuated);
            map.clear();
            map.extend((0..52).map(|key| (key, ())));
            assert_eq!(cursor.next(&map), None, "{steps} steps, {evacuated} evacuated ({order:?})");
        }
    }
}

#[test]
fn no_cursor_was_opened_on_a_table_made_after_the_last_one() {
    let mut map = Map::with_hasher(IDENTITY);
    let opened = |map: &Map<u64, (), By>| {
        let state = map.growth_state();
        (state.cursor_on_table, state.cursor_on_old_table)
    };
    assert_eq!(opened(&map), (false, false));
    map.extend((0..52).map(|key| (key, ())));
    map.cursor();
    assert_eq!(opened(&map), (true, true));
    map.insert(52, ());
    assert_eq!(opened(&map), (false, true), "a growth has begun");
    map.clear();
    map.shrink_to_fit();
    map.insert(0, ());
    assert_eq!(opened(&map), (false, false), "all tables are gone");
    map.cursor();
    map.clear();
    map.shrink_to_fit();
    map.insert(0, ());
    assert_eq!(opened(&map), (false, false), "the table is gone");
}

/// Go's issues 59411 and 70189.
#[test]
fn clear_in_the_loop_ends_it() {
    stages(|mut stage| {
        let mut walk = stage.walk(None);
        let mut steps = 0;
        while stage.step(&mut walk).is_some() {
            stage.clear();
            steps += 1;
        }
        assert!(steps <= 1, "{}: {steps} entries of a cleared map", stage.name);
    });
}

/// Overwrites go to the new table while the cursor stands in the old one: the current value counts.
#[test]
fn values_written_meanwhile_are_the_ones_yielded() {
    stages(|mut stage| {
        let mut walk = stage.walk(None);
        let mut value = 1 << 40;
        while stage.step(&mut walk).is_some() {
            for key in stage.model.keys().copied().collect::<Vec<_>>() {
                value += 1;
                if value % 3 == 0 {
                    stage.insert(key, value);
                } else {
                    *stage.map.get_mut(&key).expect("is there") = value;
                    stage.model.get_mut(&key).expect("is there").0 = value;
                }
            }
        }
    });
}

#[test]
fn an_abandoned_cursor_harms_nothing() {
    stages(|mut stage| {
        for _ in 0..20 {
            let mut walk = stage.walk(None);
            stage.step(&mut walk);
            stage.insert_fresh(5);
        }
        stage.map.shrink_to_fit();
        stage.check();
        assert_eq!(stage.map.len(), stage.model.len());
    });
}

#[test]
fn a_cursor_belongs_to_the_map_that_opened_it_wherever_that_is_moved() {
    let map: Map<u64, u64, By> = (0..60).map(|key| (key, key)).collect();
    let mut boxed = Box::new(map);
    let mut cursor = boxed.cursor();
    let mut seen: BTreeSet<u64> = cursor.next(&boxed).map(|(key, _)| *key).into_iter().collect();
    let mut moved = *boxed;
    let mut other = moved.clone();
    let _others_own = other.cursor();
    assert!(
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cursor.next(&other);
        }))
        .is_err(),
        "a clone is another map"
    );
    std::mem::swap(&mut moved, &mut other);
    while let Some((key, _)) = cursor.next(&other) {
        assert!(seen.insert(*key));
    }
    assert_eq!(seen.len(), 60);
}

#[test]
fn the_start_of_an_iteration_varies() {
    let mut map: Map<u64, u64> = (0..60).map(|key| (key, key)).collect();
    let firsts: BTreeSet<u64> = (0..100)
        .map(|_| {
            let mut cursor = map.cursor();
            *cursor.next(&map).expect("60 entries").0
        })
        .collect();
    assert!(firsts.len() > 5, "a hundred iterations began with {firsts:?}");
    // One bucket still has eight starts.
    let mut small: Map<u64, u64> = (0..8).map(|key| (key, key)).collect();
    let firsts: BTreeSet<u64> =
        (0..200).map(|_| *small.cursor().next(&small).expect("8 entries").0).collect();
    assert_eq!(firsts.len(), 8);
}

#[test]
fn the_borrowing_iterators_of_std_find_both_tables() {
    stages(|mut stage| {
        let expected: BTreeMap<u64, u64> =
            stage.model.iter().map(|(key, (value, _))| (*key, *value)).collect();
        let name = &stage.name;
        let once = |entries: Vec<(u64, u64)>, way: &str| {
            assert_eq!(entries.len(), expected.len(), "{name}: {way}");
            assert_eq!(entries.into_iter().collect::<BTreeMap<_, _>>(), expected, "{name}: {way}");
        };
        once(stage.map.iter().map(|(k, v)| (*k, *v)).collect(), "iter");
        once(stage.map.iter_mut().map(|(k, v)| (*k, *v)).collect(), "iter_mut");
        once(
            stage.map.keys().copied().zip(stage.map.values().copied()).collect(),
            "keys and values",
        );
        let mut visited = Vec::new();
        stage.map.retain(|key, value| {
            visited.push((*key, *value));
            true
        });
        once(visited, "retain");
        let mut visited = Vec::new();
        stage
            .map
            .extract_if(|key, value| {
                visited.push((*key, *value));
                false
            })
            .for_each(drop);
        once(visited, "extract_if, predicate");
        once(stage.map.clone().into_iter().collect(), "into_iter");
        once(stage.map.clone().drain().collect(), "drain");
        once(stage.map.clone().extract_if(|_, _| true).collect(), "extract_if");
        once(stage.map.clone().into_keys().map(|key| (key, expected[&key])).collect(), "into_keys");
        let mut values: Vec<u64> = stage.map.clone().into_values().collect();
        values.sort_unstable();
        assert_eq!(values, {
            let mut all: Vec<u64> = expected.values().copied().collect();
            all.sort_unstable();
            all
        });
        stage.check();
    });
}

#[test]
fn retain_and_extract_if_leave_a_valid_map_in_every_state() {
    for kept in [2, 3, 50] {
        stages(|mut stage| {
            stage.map.retain(|key, _| key % kept == 0);
            stage.check();
            stage.model.retain(|key, _| key % kept == 0);
            assert!(stage.model.keys().all(|key| stage.map.contains_key(key)), "{}", stage.name);
            stage.insert_fresh(30);
            stage.check();
        });
        stages(|mut stage| {
            let taken = stage.map.extract_if(|key, _| key % kept == 0).take(5).count();
            stage.check();
            assert_eq!(stage.map.len() + taken, stage.model.len(), "{}", stage.name);
            stage.map.drain().take(2).for_each(drop);
            stage.check();
            assert!(stage.map.is_empty());
        });
    }
}

#[test]
fn a_clone_in_any_state_is_a_valid_map_of_its_own() {
    stages(|mut stage| {
        let copy = stage.map.clone();
        copy.check().unwrap_or_else(|violation| panic!("{}: {violation}", stage.name));
        stage.insert_fresh(30);
        let mut copied = Stage {
            name: format!("the clone of {}", stage.name),
            model: copy.iter().map(|(k, v)| (*k, (*v, *k))).collect(),
            map: copy,
            incarnations: 1 << 40,
            fresh: 1 << 33,
        };
        assert_eq!(copied.model.len() + 30, stage.model.len());
        let mut walk = copied.walk(None);
        copied.step(&mut walk);
        copied.insert_fresh(60);
        copied.finish(&mut walk);
        copied.check();
    });
}
