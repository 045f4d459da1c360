//! Random operations against a `BTreeMap`, with `check()` after each: the short one, for `cargo test`.
//! The long ones, with cursors, panics and chosen boundaries, are the `models` crate's.
//!
//! # Properties
//! - **reference**: every answer is the `BTreeMap`'s.
//! - **well formed**: `check()` holds after every operation.
//! - **two**: a write empties at most two old buckets of a growth.

mod common;

use common::hashers::{IDENTITY, LOW3, MIX, ZERO};
use common::{By, EvacuationOrder, Map};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Op {
    Insert(u16, u32),
    Remove(u16),
    RemoveEntry(u16),
    Get(u16),
    EntryAdd(u16, u32),
    EntryRemove(u16),
    /// That many consecutive keys: the way to a growth.
    Fill(u16, u8),
    /// The way to tombstones.
    Unfill(u16, u8),
    Retain(u16),
    ExtractIf(u16, u8),
    Drain(u8),
    Clear,
    Reserve(u8),
    ShrinkTo(u8),
    Evacuate(u8),
    Order(bool),
    Clone,
    IterMut(u32),
}

const KEYS: std::ops::Range<u16> = 0..300;

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (KEYS, any::<u32>()).prop_map(|(k, v)| Op::Insert(k, v)),
        8 => KEYS.prop_map(Op::Remove),
        2 => KEYS.prop_map(Op::RemoveEntry),
        4 => KEYS.prop_map(Op::Get),
        4 => (KEYS, any::<u32>()).prop_map(|(k, v)| Op::EntryAdd(k, v)),
        2 => KEYS.prop_map(Op::EntryRemove),
        4 => (KEYS, any::<u8>()).prop_map(|(k, n)| Op::Fill(k, n)),
        3 => (KEYS, any::<u8>()).prop_map(|(k, n)| Op::Unfill(k, n)),
        1 => (1..5_u16).prop_map(Op::Retain),
        1 => (1..5_u16, any::<u8>()).prop_map(|(m, n)| Op::ExtractIf(m, n)),
        1 => any::<u8>().prop_map(Op::Drain),
        1 => Just(Op::Clear),
        1 => any::<u8>().prop_map(Op::Reserve),
        1 => any::<u8>().prop_map(Op::ShrinkTo),
        2 => (0..6_u8).prop_map(Op::Evacuate),
        1 => any::<bool>().prop_map(Op::Order),
        1 => Just(Op::Clone),
        1 => any::<u32>().prop_map(Op::IterMut),
    ]
}

fn insert(map: &mut Map<u64, u32, By>, model: &mut BTreeMap<u64, u32>, key: u64, value: u32) {
    let before = map.growth_state();
    assert_eq!(map.insert(key, value), model.insert(key, value), "insert({key})");
    let after = map.growth_state();
    let started = after.growths_started - before.growths_started;
    let evacuated = after.evacuated_buckets - before.evacuated_buckets;
    assert!(evacuated <= 2 * (1 + started), "insert({key}) emptied {evacuated} old buckets");
}

fn remove(map: &mut Map<u64, u32, By>, model: &mut BTreeMap<u64, u32>, key: u64) {
    let before = map.growth_state();
    assert_eq!(map.remove(&key), model.remove(&key), "remove({key})");
    let evacuated = map.growth_state().evacuated_buckets - before.evacuated_buckets;
    assert!(evacuated <= 2, "remove({key}) emptied {evacuated} old buckets");
}

fn apply(map: &mut Map<u64, u32, By>, model: &mut BTreeMap<u64, u32>, op: &Op) {
    match *op {
        Op::Insert(key, value) => insert(map, model, key.into(), value),
        Op::Remove(key) => remove(map, model, key.into()),
        Op::RemoveEntry(key) => {
            let key = u64::from(key);
            assert_eq!(map.remove_entry(&key), model.remove_entry(&key));
        }
        Op::Get(key) => {
            let key = u64::from(key);
            assert_eq!(map.get(&key), model.get(&key));
            assert_eq!(map.get_key_value(&key), model.get_key_value(&key));
        }
        Op::EntryAdd(key, value) => {
            let add = |old: &mut u32| *old = old.wrapping_add(value);
            map.entry(key.into()).and_modify(add).or_insert(value);
            model.entry(key.into()).and_modify(add).or_insert(value);
        }
        Op::EntryRemove(key) => {
            let key = u64::from(key);
            let removed = match map.entry(key) {
                map_core::hash_map::Entry::Occupied(occupied) => Some(occupied.remove_entry()),
                map_core::hash_map::Entry::Vacant(_) => None,
            };
            assert_eq!(removed, model.remove_entry(&key));
        }
        Op::Fill(from, count) => (0..u64::from(count))
            .for_each(|i| insert(map, model, u64::from(from) + i, count.into())),
        Op::Unfill(from, count) => {
            (0..u64::from(count)).for_each(|i| remove(map, model, u64::from(from) + i))
        }
        Op::Retain(modulus) => {
            map.retain(|key, _| key % u64::from(modulus) == 0);
            model.retain(|key, _| key % u64::from(modulus) == 0);
        }
        Op::ExtractIf(modulus, count) => {
            let taken: Vec<_> =
                map.extract_if(|key, _| key % u64::from(modulus) == 0).take(count.into()).collect();
            for (key, value) in taken {
                assert_eq!((key % u64::from(modulus), model.remove(&key)), (0, Some(value)));
            }
        }
        Op::Drain(count) => {
            map.drain()
                .take(count.into())
                .for_each(|(key, value)| assert_eq!(model.remove(&key), Some(value)));
            model.clear();
        }
        Op::Clear => {
            map.clear();
            model.clear();
        }
        Op::Reserve(additional) => {
            map.reserve(additional.into());
            assert!(map.capacity() >= map.len() + usize::from(additional));
        }
        Op::ShrinkTo(capacity) => {
            let before = map.capacity();
            map.shrink_to(capacity.into());
            assert!(
                map.capacity() <= before
                    && map.capacity() >= map.len().max(before.min(capacity.into()))
            );
        }
        Op::Evacuate(buckets) => {
            assert!(map.evacuate(buckets.into()) <= buckets.into());
        }
        Op::Order(in_order) => map.set_evacuation_order(if in_order {
            EvacuationOrder::InOrder
        } else {
            EvacuationOrder::Go
        }),
        Op::Clone => *map = map.clone(),
        Op::IterMut(value) => {
            map.values_mut().for_each(|it| *it ^= value);
            model.values_mut().for_each(|it| *it ^= value);
        }
    }
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: match (cfg!(miri), std::env::var_os("PROPTEST_CASES")) {
            (true, _) => 2,
            (_, Some(_)) => default.cases,
            _ => 150,
        },
        // In the crate, so that a failure found once is tried first ever after.
        failure_persistence: (!cfg!(miri)).then(|| {
            Box::new(FileFailurePersistence::Direct("proptest-regressions/model.txt")) as Box<_>
        }),
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_answer_is_the_reference_s(
        hasher in prop::sample::select(&[IDENTITY, MIX, LOW3, ZERO][..]),
        in_order in any::<bool>(),
        hint in prop_oneof![3 => Just(0_usize), 1 => 0..200_usize],
        ops in prop::collection::vec(op(), 0..if cfg!(miri) { 20 } else { 120 }),
    ) {
        let mut map = Map::with_capacity_and_hasher(hint, hasher);
        map.set_evacuation_order(if in_order { EvacuationOrder::InOrder } else { EvacuationOrder::Go });
        let mut model = BTreeMap::new();
        for op in &ops {
            apply(&mut map, &mut model, op);
            map.check().unwrap_or_else(|violation| panic!("{op:?}: {violation}"));
            prop_assert_eq!(map.len(), model.len(), "{:?}", op);
        }
        let contents: BTreeMap<u64, u32> = map.iter().map(|(key, value)| (*key, *value)).collect();
        prop_assert_eq!(&contents, &model);
        prop_assert_eq!(map.into_iter().count(), model.len());
    }
}
