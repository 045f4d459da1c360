//! Iterators: each entry once, honest sizes, fused, and what is left over is dropped or kept as std does.

use super::{Map, hash_map};
use crate::LENGTHS;
use core::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// Filled one by one: `collect` reserves, and then no growth would be under way.
fn squares(len: u64) -> Map<u64, u64> {
    let mut map = Map::new();
    for key in 0..len {
        map.insert(key, key * key);
    }
    map
}

/// The iterator's hint is exact at every step, its length too, and it stays at its end.
fn honest<I: ExactSizeIterator>(mut iterator: I, len: u64) -> Vec<I::Item> {
    let mut items = Vec::new();
    for left in (0..len as usize).rev() {
        assert_eq!((iterator.len(), iterator.size_hint()), (left + 1, (left + 1, Some(left + 1))));
        items.push(iterator.next().expect("fewer items than len"));
    }
    for _ in 0..3 {
        assert_eq!((iterator.len(), iterator.size_hint()), (0, (0, Some(0))));
        assert!(iterator.next().is_none(), "an item past the end");
    }
    items
}

fn all_once<T: Ord + Debug>(mut items: Vec<T>, expected: impl Iterator<Item = T>) {
    items.sort_unstable();
    let mut expected: Vec<T> = expected.collect();
    expected.sort_unstable();
    assert_eq!(items, expected);
}

#[test]
fn borrowing_iterators_yield_every_entry_once() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let pairs = || (0..len).map(|k| (k, k * k));
        all_once(honest(map.iter(), len), pairs().collect::<Vec<_>>().iter().map(|(k, v)| (k, v)));
        all_once(honest(map.keys().copied(), len), 0..len);
        all_once(honest(map.values().copied(), len), pairs().map(|(_, v)| v));
        all_once(honest(map.iter_mut().map(|(k, v)| (*k, *v)), len), pairs());
        all_once(honest(map.values_mut().map(|v| *v), len), pairs().map(|(_, v)| v));
        for n in [0, len / 2, len, len + 9] {
            let mut iter = map.iter();
            assert_eq!(iter.nth(n as usize).is_some(), n < len, "{n} of {len}");
            assert_eq!(iter.count() as u64, len.saturating_sub(n + 1), "{n} of {len}");
        }
        assert_eq!((&map).into_iter().count(), len as usize);
        assert_eq!((&mut map).into_iter().count(), len as usize);
        for (_, value) in &mut map {
            *value += 1;
        }
        map.values_mut().for_each(|value| *value += 1);
        map.iter_mut().for_each(|(key, value)| *value -= key);
        assert!(map.iter().all(|(k, v)| *v == k * k + 2 - k));
    }
}

#[test]
fn owning_iterators_yield_every_entry_once() {
    for &len in LENGTHS {
        let pairs = || (0..len).map(|k| (k, k * k));
        all_once(honest(squares(len).into_iter(), len), pairs());
        all_once(honest(squares(len).into_keys(), len), 0..len);
        all_once(honest(squares(len).into_values(), len), pairs().map(|(_, v)| v));
        let mut map = squares(len);
        all_once(honest(map.drain(), len), pairs());
        assert_eq!((map.len(), map.iter().count()), (0, 0));
        map.insert(1, 2);
        assert_eq!(map, Map::from([(1, 2)]));
    }
}

#[test]
fn a_drain_dropped_early_still_empties_the_map_and_keeps_its_capacity() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let capacity = map.capacity();
        let taken = map.drain().take(3).count();
        assert_eq!(taken as u64, len.min(3));
        assert_eq!((map.len(), map.iter().count(), map.capacity()), (0, 0, capacity));
    }
}

#[test]
fn extract_if_takes_what_is_asked_for_and_only_as_far_as_it_is_driven() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let odd: Vec<_> = map
            .extract_if(|key, value| {
                *value += 1;
                key % 2 == 1
            })
            .collect();
        all_once(odd, (0..len).filter(|k| k % 2 == 1).map(|k| (k, k * k + 1)));
        all_once(
            map.iter().map(|(k, v)| (*k, *v)).collect(),
            (0..len).filter(|k| k % 2 == 0).map(|k| (k, k * k + 1)),
        );

        let mut map = squares(len);
        let first: Vec<_> = map.extract_if(|_, _| true).take(2).collect();
        assert_eq!(map.len() as u64, len - first.len() as u64);
        assert!(first.iter().all(|(k, _)| !map.contains_key(k)));
        let mut seen = 0;
        let mut nothing = map.extract_if(|_, _| {
            seen += 1;
            false
        });
        assert_eq!((nothing.next(), nothing.next()), (None, None));
        assert_eq!(nothing.size_hint(), (0, Some(0)));
        drop(nothing);
        assert_eq!(seen, map.len(), "each entry is judged once");
    }
}

#[test]
fn a_cloned_iterator_goes_the_same_way() {
    for &len in LENGTHS {
        let map = squares(len);
        let mut iter = map.iter();
        iter.next();
        assert!(iter.clone().eq(iter.clone()));
        let mut keys = map.keys();
        keys.next();
        assert!(keys.clone().eq(keys));
        let mut values = map.values();
        values.next();
        assert!(values.clone().eq(values));
    }
}

#[test]
fn iterations_of_one_map_agree_with_each_other() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let keys: Vec<u64> = map.keys().copied().collect();
        assert!(map.iter().map(|(k, _)| *k).eq(keys.iter().copied()));
        assert!(map.values().copied().eq(keys.iter().map(|k| k * k)));
        assert!(map.iter_mut().map(|(k, _)| *k).eq(keys.iter().copied()));
        assert!(map.into_keys().eq(keys));
    }
}

#[test]
fn folds_agree_with_loops() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let sum: u64 = (0..len).sum();
        assert_eq!(map.iter().fold(0, |sum, (k, _)| sum + k), sum);
        assert_eq!(map.keys().sum::<u64>(), sum);
        assert_eq!(map.iter_mut().fold(0, |sum, (k, _)| sum + k), sum);
        let mut half = map.iter();
        let driven: u64 = half.by_ref().take(len as usize / 2).map(|(k, _)| k).sum();
        assert_eq!(driven + half.fold(0, |sum, (k, _)| sum + k), sum);
        assert_eq!(map.clone().into_iter().fold(0, |sum, (k, _)| sum + k), sum);
        assert_eq!(map.drain().fold(0, |sum, (k, _)| sum + k), sum);
    }
}

#[test]
fn an_iteration_that_panics_drops_what_it_has_not_come_to() {
    let of = |held: &Rc<()>, len: u64| -> Map<u64, Rc<()>> {
        let mut map = Map::new();
        (0..len).for_each(|key| drop(map.insert(key, Rc::clone(held))));
        map
    };
    let stops = |ways: &dyn Fn(Map<u64, Rc<()>>, &mut dyn FnMut())| {
        for &len in LENGTHS {
            let held = Rc::new(());
            let (map, mut left) = (of(&held, len), len / 2);
            let mut visit = || left = left.checked_sub(1).expect("half of them are enough");
            let stopped = catch_unwind(AssertUnwindSafe(|| ways(map, &mut visit)));
            assert_eq!((stopped.is_err(), Rc::strong_count(&held)), (len > 0, 1), "{len}");
        }
    };
    stops(&|map, visit| map.into_iter().for_each(|_| visit()));
    stops(&|map, visit| map.into_keys().for_each(|_| visit()));
    stops(&|map, visit| map.into_values().for_each(|_| visit()));
    stops(&|mut map, visit| map.drain().for_each(|_| visit()));
    stops(&|mut map, visit| map.extract_if(|_, _| true).for_each(|_| visit()));
    stops(&|mut map, visit| {
        map.retain(|_, _| {
            visit();
            true
        })
    });
}

#[test]
fn default_iterators_are_empty() {
    assert_eq!(hash_map::Iter::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::IterMut::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::IntoIter::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::Keys::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::Values::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::ValuesMut::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::IntoKeys::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::IntoValues::<u8, u8>::default().next(), None);
    assert_eq!(hash_map::Iter::<u8, u8>::default().len(), 0);
}

#[test]
fn iterators_print_what_is_left_of_them() {
    let mut map = Map::from([(1, 'a')]);
    assert_eq!(format!("{:?}", map.iter()), "[(1, 'a')]");
    assert_eq!(format!("{:?}", map.iter_mut()), "[(1, 'a')]");
    assert_eq!(format!("{:?}", map.keys()), "[1]");
    assert_eq!(format!("{:?}", map.values()), "['a']");
    assert_eq!(format!("{:?}", map.values_mut()), "['a']");
    assert_eq!(format!("{:?}", map.clone().into_iter()), "[(1, 'a')]");
    assert_eq!(format!("{:?}", map.clone().into_keys()), "[1]");
    assert_eq!(format!("{:?}", map.clone().into_values()), "['a']");
    assert_eq!(format!("{:?}", map.extract_if(|_, _| true)), "ExtractIf { .. }");
    let mut drain = map.drain();
    assert_eq!(format!("{drain:?}"), "[(1, 'a')]");
    drain.next();
    assert_eq!(format!("{drain:?}"), "[]");
}
