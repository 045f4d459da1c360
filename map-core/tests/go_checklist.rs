//! What the Go project tests of its own map, as far as it says anything here and is not in `growth`,
//! `iteration`, `drops`, `layouts` or `alloc` already. Each test names Go's.
//!
//! # Properties
//! - **checklist**: what Go's tests of the map demand, ours does.

mod common;

use common::hashers::{IDENTITY, MIX};
use common::{By, EvacuationOrder, Map, in_every_state};
use std::collections::BTreeMap;

const N: u64 = if cfg!(miri) { 130 } else { 3000 };

/// `MapOperatorAssignment`: read, change, write, across many growths.
#[test]
fn values_changed_in_place() {
    let mut map: Map<u64, u64> = Map::new();
    for round in 0..2 {
        for key in 0..N {
            *map.entry(key).or_default() += key + round;
            *map.get_mut(&key).unwrap() *= 2;
        }
    }
    assert!((0..N).all(|key| map[&key] == (2 * key + key + 1) * 2));
}

/// `MapAppendAssignment`: values that grow by themselves.
#[test]
fn vectors_appended_to_in_place() {
    let mut map: Map<u64, Vec<u64>> = Map::new();
    for round in 0..3 {
        for key in 0..N / 4 {
            map.entry(key).or_default().push(round * key);
        }
    }
    assert!((0..N / 4).all(|key| map[&key] == [0, key, 2 * key]));
}

/// `NegativeZero`, `GrowWithNegativeZero`: an equal key that can be told apart. Go replaces the stored key,
/// Rust's map keeps it, also when the two tables meet.
#[test]
fn the_stored_key_outlives_overwrites_and_growths() {
    #[derive(Clone, Copy, Debug)]
    struct Zero(f64);
    impl PartialEq for Zero {
        fn eq(&self, other: &Zero) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Zero {}
    impl std::hash::Hash for Zero {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            state.write_u64(if self.0 == 0.0 { 0 } else { self.0.to_bits() });
        }
    }
    let mut map = Map::new();
    map.insert(Zero(0.0), 0);
    for n in 1..N {
        map.insert(Zero(n as f64), n);
        assert!(map.insert(Zero(-0.0), n).is_some());
        let (key, value) = map.get_key_value(&Zero(-0.0)).unwrap();
        assert!(key.0.is_sign_positive() && *value == n);
    }
    assert_eq!(map.len() as u64, N);
}

/// `SingleBucketMapStringKeys_DupLen`, `_NoDupLen`: lookups in one bucket, keys of equal and of different length.
#[test]
fn strings_in_a_single_bucket() {
    let by_length: Map<&str, &str> =
        Map::from([("x", "x1val"), ("xx", "x2val"), ("foo", "fooval"), ("barr", "barval")]);
    assert_eq!((by_length["foo"], by_length["xx"]), ("fooval", "x2val"));
    assert_eq!((by_length.get("fooo"), by_length.get("y")), (None, None));
    let same_length: Map<&str, &str> = Map::from([
        ("aa", "1"),
        ("ab", "2"),
        ("ba", "3"),
        ("bb", "4"),
        ("cc", "5"),
        ("cd", "6"),
        ("dc", "7"),
        ("dd", "8"),
    ]);
    assert!(
        ["aa", "ab", "ba", "bb", "cc", "cd", "dc", "dd"]
            .iter()
            .zip(1..)
            .all(|(key, n)| same_length[key] == n.to_string())
    );
    assert_eq!(same_length.get("ac"), None);
}

/// `IncrementAfterDelete…`, `IncrementAfterBulkClear…`: a reused slot starts afresh.
#[test]
fn a_reused_slot_starts_afresh() {
    for keys in [8, 100] {
        let mut map: Map<String, u64> = Map::new();
        for key in 0..keys {
            *map.entry(key.to_string()).or_default() += 99;
        }
        for key in 0..keys {
            map.remove(&key.to_string());
            *map.entry(format!("other {key}")).or_default() += 1;
        }
        assert!(map.values().all(|value| *value == 1));
        map.clear();
        for key in 0..keys {
            *map.entry(key.to_string()).or_default() += 1;
        }
        assert!(map.values().all(|value| *value == 1));
    }
}

/// `TablePutDelete`: removing and inserting for ever in one table.
#[test]
fn a_removed_slot_is_used_again() {
    for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        map.set_evacuation_order(order);
        for key in 0..8 {
            map.insert(key, key);
        }
        for key in 8..1000 {
            assert_eq!(map.remove(&(key - 8)), Some(key - 8));
            map.insert(key, key);
            let state = map.growth_state();
            assert_eq!(
                (state.buckets_log2, state.overflow_buckets),
                (0, 0),
                "eight at a time fit one bucket"
            );
        }
        map.check().unwrap();
    }
}

/// `MapInterfaceKey`: keys of many shapes in one map.
#[test]
fn keys_of_many_shapes() {
    #[derive(Clone, PartialEq, Eq, Hash, Debug)]
    enum Key {
        Nothing,
        Bool(bool),
        Number(i64),
        Text(String),
        Pair(u8, Box<Key>),
        Bytes([u8; 40]),
    }
    let keys: Vec<Key> = (0..N as i64 / 10)
        .flat_map(|n| {
            [
                Key::Nothing,
                Key::Bool(n % 2 == 0),
                Key::Number(n),
                Key::Text(n.to_string()),
                Key::Pair(n as u8, Box::new(Key::Number(n))),
                Key::Bytes([n as u8; 40]),
            ]
        })
        .collect();
    let mut map = Map::new();
    let mut model: Vec<(Key, usize)> = Vec::new();
    for (n, key) in keys.iter().enumerate().take(400) {
        map.insert(key.clone(), n);
        model.retain(|(other, _)| other != key);
        model.push((key.clone(), n));
    }
    assert_eq!(map.len(), model.len());
    assert!(model.iter().all(|(key, n)| map[key] == *n));
}

/// Issues 62203 and 69110: clones of maps whose len and buckets are out of step.
#[test]
fn clones_of_growing_shrunk_and_overfull_maps() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let (name, mut map, mut model) = (subject.name, subject.map, subject.model);
            for round in 0..30 {
                let copy = map.clone();
                copy.check()
                    .unwrap_or_else(|violation| panic!("{name}, round {round}: {violation}"));
                assert_eq!(copy.growth_state(), map.growth_state(), "{name}, round {round}");
                assert_eq!(
                    copy.iter().map(|(k, v)| (*k, *v)).collect::<BTreeMap<_, _>>(),
                    model,
                    "{name}, round {round}"
                );
                if round % 3 == 0 {
                    map = copy;
                }
                if let Some(key) = model.keys().next().copied() {
                    map.remove(&key);
                    model.remove(&key);
                }
                map.insert(subject.fresh + round, round);
                model.insert(subject.fresh + round, round);
            }
        },
    );
}

/// It has no table left, but a past.
#[test]
fn the_clone_of_a_map_that_gave_its_table_up_has_grown_as_often() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
    for key in 0..N {
        map.insert(key, key);
    }
    map.clear();
    map.shrink_to_fit();
    assert!(map.growth_state().growths_started > 0);
    assert_eq!(map.clone().growth_state(), map.growth_state());
}

/// `maps.Clone…WithDelete`, `…WithMapAssign`, `…Large`: original and clone go separate ways in mid-growth.
#[test]
fn a_clone_in_mid_growth_goes_its_own_way() {
    for len in [53, 105, 209, if cfg!(miri) { 27 } else { 1665 }] {
        let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
        for key in 0..len {
            map.insert(key, key);
        }
        assert!(map.growth_state().growing.is_some());
        let mut copy = map.clone();
        for key in 0..len {
            map.remove(&key);
            copy.insert(key, key + 1);
        }
        assert!(map.is_empty() && (0..len).all(|key| copy[&key] == key + 1));
        map.check().unwrap();
        copy.check().unwrap();
    }
}

/// `maps.Equal`, `Copy`, `DeleteFunc`, `Insert`, `Collect`.
#[test]
fn the_maps_package() {
    let map: Map<u64, u64> = (0..N).map(|key| (key, 1 << (key % 64))).collect();
    assert_eq!(map, map.clone());
    let mut copied: Map<u64, u64> = Map::new();
    copied.extend(&map);
    assert_eq!(copied, map);
    copied.retain(|key, _| key % 2 == 0);
    assert_ne!(copied, map);
    copied.extend((1..N).step_by(2).map(|key| (key, 1 << (key % 64))));
    assert_eq!(copied, map);
}

/// `ConcurrentReadsAfterGrowth`: any number of readers share a map, whatever state of growth it is in.
#[test]
fn readers_share_a_map_in_every_state() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let (name, map, model) = (&subject.name, &subject.map, &subject.model);
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        assert!(
                            model.iter().all(|(key, value)| map.get(key) == Some(value)),
                            "{name}"
                        );
                        assert_eq!(map.iter().count(), model.len(), "{name}");
                        assert!(map.clone() == *map, "{name}");
                    });
                }
            });
        },
    );
}

/// `fuzz_test`: a byte string as gets, puts and deletes on `u16` → `u32` (the fuzzers proper are elsewhere).
#[test]
fn bytes_as_operations() {
    for seed in 0..if cfg!(miri) { 1 } else { 20 } {
        let mut map: Map<u16, u32> = Map::new();
        let mut model = BTreeMap::new();
        for step in 0..N as u32 {
            let random = common::hashers::mix(seed << 32 | u64::from(step));
            let key = random as u16 & 0x3ff;
            match random >> 60 {
                0..4 => assert_eq!(map.get(&key), model.get(&key)),
                4..12 => assert_eq!(map.insert(key, step), model.insert(key, step)),
                _ => assert_eq!(map.remove(&key), model.remove(&key)),
            }
        }
        assert!(map.len() == model.len() && map.iter().all(|(key, value)| model[key] == *value));
    }
}

/// `maplinear.go`: time linear in n, for shapes that have been quadratic elsewhere. Coarse: a factor of
/// 16 in n may cost a factor of 100.
#[test]
#[cfg_attr(miri, ignore = "measures time")]
fn time_is_linear() {
    fn timed(act: impl Fn(u64), n: u64) -> f64 {
        (0..5)
            .map(|_| {
                let start = std::time::Instant::now();
                act(n);
                start.elapsed().as_secs_f64()
            })
            .fold(f64::MAX, f64::min)
    }
    type Shape = (&'static str, fn(u64));
    let shapes: [Shape; 4] = [
        ("strings", |n| drop((0..n).map(|key| (key.to_string(), ())).collect::<Map<_, _>>())),
        ("shifted integers", |n| drop((0..n).map(|key| (key << 40, ())).collect::<Map<_, _>>())),
        ("one map into another, in its order", |n| {
            let map: Map<u64, u64, By> = (0..n).map(|key| (key, key)).collect();
            let mut other: Map<u64, u64, By> = Map::default();
            other.extend(map);
        }),
        ("iterate to the first, remove it", |n| {
            let mut map: Map<u64, u64> = (0..n).map(|key| (key, key)).collect();
            let mut cursor = map.cursor();
            while let Some((&key, _)) = cursor.next(&map) {
                map.remove(&key);
            }
            assert!(map.is_empty());
        }),
    ];
    for (name, shape) in shapes {
        let (small, large) = (timed(shape, 2000), timed(shape, 32_000));
        assert!(large < 100.0 * small, "{name}: {small} s for 2000, {large} s for 32000");
    }
}

/// `mapclear.go`: clearing by removing what one iterates over.
#[test]
fn removing_what_is_iterated_over_empties_the_map() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let (name, mut map) = (subject.name, subject.map);
            let mut cursor = map.cursor();
            while let Some((&key, _)) = cursor.next(&map) {
                map.remove(&key);
            }
            assert!(map.is_empty(), "{name}");
            map.check().unwrap();
        },
    );
}
