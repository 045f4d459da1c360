//! What each method answers, at every length, against a `BTreeMap` where a model helps.

use super::Map;
use super::hash_map::{DefaultHasher, HashMap, RandomState};
use crate::LENGTHS;
use core::hash::{BuildHasher, Hash, Hasher};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::rc::Rc;

/// Filled one by one: `collect` reserves, and then no growth would be under way.
fn squares(len: u64) -> Map<u64, u64> {
    let mut map = Map::new();
    for key in 0..len {
        map.insert(key, key * key);
    }
    map
}

fn sorted(map: &Map<u64, u64>) -> Vec<(u64, u64)> {
    let mut entries: Vec<_> = map.iter().map(|(k, v)| (*k, *v)).collect();
    entries.sort_unstable();
    entries
}

/// Equal by `id` only, so that which of two equal keys is stored can be seen.
#[derive(Clone, Debug)]
struct Marked {
    id: u64,
    mark: &'static str,
}

impl PartialEq for Marked {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
impl Eq for Marked {}
impl Hash for Marked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[test]
fn every_key_is_found_and_no_other() {
    for &len in LENGTHS {
        let mut map = squares(len);
        assert_eq!((map.len(), map.is_empty()), (len as usize, len == 0));
        for key in 0..len {
            let value = key * key;
            assert_eq!(map.get(&key), Some(&value), "{key} of {len}");
            assert_eq!(map.get_key_value(&key), Some((&key, &value)));
            assert_eq!(map.get_mut(&key), Some(&mut { value }));
            assert_eq!(map[&key], value);
            assert!(map.contains_key(&key));
        }
        for key in len..len + 20 {
            assert_eq!(map.get(&key), None, "{key} of {len}");
            assert_eq!(map.get_key_value(&key), None);
            assert_eq!(map.get_mut(&key), None);
            assert!(!map.contains_key(&key));
            assert_eq!(map.remove(&key), None);
            assert_eq!(map.remove_entry(&key), None);
        }
        assert_eq!(map.len(), len as usize);
    }
}

#[test]
fn insert_gives_back_the_old_value_and_keeps_the_stored_key() {
    for &len in LENGTHS {
        let mut map = Map::new();
        for id in 0..len {
            assert_eq!(map.insert(Marked { id, mark: "first" }, id), None);
        }
        for id in 0..len {
            assert_eq!(map.insert(Marked { id, mark: "second" }, id + 1), Some(id));
        }
        assert_eq!(map.len(), len as usize);
        assert!(map.iter().all(|(key, value)| key.mark == "first" && *value == key.id + 1));
        for id in 0..len {
            let asked = Marked { id, mark: "asked" };
            assert_eq!(map.get_key_value(&asked).map(|(key, _)| key.mark), Some("first"));
            let (key, value) = map.remove_entry(&asked).unwrap();
            assert_eq!((key.mark, value), ("first", id + 1));
        }
        assert!(map.is_empty());
    }
}

#[test]
fn remove_gives_each_value_once_in_any_order() {
    for &len in LENGTHS {
        // 7 and `len` have no common factor, or else the stride is 1.
        let stride = if len % 7 == 0 { 1 } else { 7 };
        let mut map = squares(len);
        for step in 0..len {
            let key = step * stride % len;
            assert_eq!(map.remove(&key), Some(key * key), "{key} of {len}");
            assert_eq!(map.remove(&key), None);
            assert_eq!(map.len() as u64, len - step - 1);
        }
    }
}

#[test]
fn lookups_take_borrowed_keys() {
    let mut map: Map<String, u64> = (0..60).map(|k| (k.to_string(), k)).collect();
    assert_eq!(map.get("41"), Some(&41));
    assert_eq!(map.get_key_value("41"), Some((&"41".to_owned(), &41)));
    assert_eq!(map["17"], 17);
    *map.get_mut("17").unwrap() += 1;
    assert_eq!(map.remove("17"), Some(18));
    assert_eq!(map.remove_entry("18"), Some(("18".to_owned(), 18)));
    assert!(!map.contains_key("17"));
    let mut by_slice: Map<Vec<u8>, ()> = Map::default();
    by_slice.insert(vec![1, 2], ());
    assert!(by_slice.contains_key(&[1, 2][..]));
}

#[test]
fn index_panics_for_an_absent_key() {
    assert!(catch_unwind(|| squares(60)[&60]).is_err());
    assert!(catch_unwind(|| Map::<u64, u64>::new()[&0]).is_err());
}

#[test]
fn get_disjoint_mut_gives_distinct_places_and_refuses_equal_keys() {
    for &len in LENGTHS.iter().filter(|&&len| len >= 9) {
        let mut map = squares(len);
        let [a, absent, b] = map.get_disjoint_mut([&3, &len, &8]);
        assert_eq!((a.as_deref(), absent, b.as_deref()), (Some(&9), None, Some(&64)));
        core::mem::swap(a.unwrap(), b.unwrap());
        assert_eq!((map[&3], map[&8]), (64, 9));
        // SAFETY: the keys differ.
        let [a, b] = unsafe { map.get_disjoint_unchecked_mut([&3, &8]) };
        core::mem::swap(a.unwrap(), b.unwrap());
        assert_eq!((map[&3], map[&8]), (9, 64));
        // Absent keys are never the same place.
        assert_eq!(map.get_disjoint_mut([&len, &len]), [None, None]);
        let twice = catch_unwind(core::panic::AssertUnwindSafe(|| {
            let _ = map.get_disjoint_mut([&3, &5, &3]);
        }));
        assert!(twice.is_err(), "two references to one value at length {len}");
        let _: [Option<&mut u64>; 0] = map.get_disjoint_mut([]);
    }
}

#[test]
fn retain_visits_each_entry_once_and_keeps_what_it_is_told_to() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let mut visited = Vec::new();
        map.retain(|key, value| {
            visited.push(*key);
            *value += 1;
            key % 3 != 0
        });
        visited.sort_unstable();
        assert!(visited.iter().copied().eq(0..len), "length {len}");
        let kept: Vec<_> = (0..len).filter(|k| k % 3 != 0).map(|k| (k, k * k + 1)).collect();
        assert_eq!(sorted(&map), kept);
        assert_eq!(map.len(), kept.len());
        for key in 0..len {
            assert_eq!(map.contains_key(&key), key % 3 != 0);
        }
        map.retain(|_, _| false);
        assert!(map.is_empty());
    }
}

#[test]
fn clear_empties_and_keeps_the_capacity() {
    for &len in LENGTHS {
        let mut map = squares(len);
        let capacity = map.capacity();
        map.clear();
        assert_eq!((map.len(), map.capacity(), map.iter().next()), (0, capacity, None));
        assert!((0..len).all(|k| !map.contains_key(&k)));
        map.extend((0..len).map(|k| (k, 1)));
        assert_eq!(sorted(&map), (0..len).map(|k| (k, 1)).collect::<Vec<_>>());
    }
}

#[test]
fn clone_is_equal_and_apart() {
    for &len in LENGTHS {
        let original = squares(len);
        let mut copy = original.clone();
        assert_eq!(copy, original);
        assert_eq!(sorted(&copy), sorted(&original));
        for key in 0..len {
            copy.insert(key, 0);
        }
        copy.insert(len, 0);
        assert_eq!(sorted(&original), (0..len).map(|k| (k, k * k)).collect::<Vec<_>>());
        for &other in LENGTHS {
            let mut target = squares(other);
            target.clone_from(&original);
            assert_eq!(target, original, "clone_from of {len} into {other}");
        }
    }
}

#[test]
fn a_clone_holds_values_of_its_own() {
    let counted = Rc::new(());
    let map: Map<u64, Rc<()>> = (0..60).map(|k| (k, counted.clone())).collect();
    let copy = map.clone();
    assert_eq!(Rc::strong_count(&counted), 121);
    drop(map);
    assert_eq!(Rc::strong_count(&counted), 61);
    drop(copy);
    assert_eq!(Rc::strong_count(&counted), 1);
}

#[test]
fn equality_is_of_contents() {
    for &len in LENGTHS {
        let forward = squares(len);
        let mut backward: Map<u64, u64> = Map::with_capacity(500);
        backward.extend((0..len).rev().map(|k| (k, k * k)));
        assert_eq!(forward, backward);
        backward.insert(len, 0);
        assert_ne!(forward, backward);
        backward.remove(&len);
        if len > 0 {
            backward.insert(0, 7);
            assert_ne!(forward, backward);
            backward.remove(&0);
            backward.insert(len, 0);
            assert_ne!(forward, backward);
        }
    }
    let strange = Map::from([(1, f64::NAN)]);
    let itself = &strange;
    assert!(strange != *itself, "a value differs from itself");
}

#[test]
fn debug_prints_as_std_does() {
    assert_eq!(format!("{:?}", Map::<u8, u8>::new()), "{}");
    assert_eq!(format!("{:?}", Map::from([(1, "a")])), r#"{1: "a"}"#);
    assert_eq!(format!("{:#?}", Map::from([(1, "a")])), "{\n    1: \"a\",\n}");
    let printed = format!("{:?}", squares(60));
    assert!((0..60).all(|k| printed.contains(&format!("{k}: {}", k * k))));
}

#[test]
fn built_from_arrays_iterators_and_extend_the_last_of_equal_keys_wins() {
    let pairs: Vec<(u64, u64)> = (0..300).map(|i| (i % 110, i)).collect();
    let model: BTreeMap<_, _> = pairs.iter().copied().collect();
    let model: Vec<_> = model.into_iter().collect();
    assert_eq!(sorted(&pairs.iter().copied().collect()), model);
    let mut extended = squares(50);
    extended.extend(pairs.iter().copied());
    assert_eq!(sorted(&extended), model);
    let mut copied = Map::new();
    copied.extend(pairs.iter().map(|(k, v)| (k, v)));
    assert_eq!(sorted(&copied), model);
    let mut from_map = Map::new();
    from_map.extend(&extended);
    assert_eq!(from_map, extended);
    assert_eq!(sorted(&Map::from([(1, 1), (2, 2), (1, 3)])), [(1, 3), (2, 2)]);
    assert!(Map::<u8, u8>::from([]).is_empty());
}

#[test]
fn an_iterator_that_may_yield_any_number_is_taken_for_what_it_yields() {
    let few = || (0..u64::MAX).take_while(|key| *key < 60).map(|key| (key, key * key));
    assert_eq!(few().size_hint(), (0, Some(usize::MAX)));
    assert_eq!(few().collect::<Map<_, _>>(), squares(60));
    let mut map = squares(30);
    map.extend(few());
    assert_eq!(map, squares(60));
}

#[test]
fn a_built_map_remembers_its_hasher() {
    #[derive(Clone)]
    struct Named(RandomState, &'static str);
    impl BuildHasher for Named {
        type Hasher = <RandomState as BuildHasher>::Hasher;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.build_hasher()
        }
    }
    let mut map = Map::with_hasher(Named(RandomState::default(), "mine"));
    map.extend((0..60).map(|k| (k, k)));
    map.shrink_to_fit();
    map.reserve(500);
    map.clear();
    assert_eq!(map.hasher().1, "mine");
    let sized: Map<u8, u8, _> =
        Map::with_capacity_and_hasher(100, Named(RandomState::default(), "sized"));
    assert_eq!(sized.clone().hasher().1, "sized");
    for source in [Map::with_hasher(Named(RandomState::default(), "source")), map] {
        let mut target = sized.clone();
        target.clone_from(&source);
        assert_eq!(target.hasher().1, source.hasher().1);
    }
}

#[test]
fn capacity_holds_what_was_asked_without_growing() {
    assert_eq!(
        (Map::<u8, u8>::new().capacity(), Map::<u8, u8>::with_capacity(0).capacity()),
        (0, 0)
    );
    for &len in LENGTHS {
        let mut map: Map<u64, u64> = Map::with_capacity(len as usize);
        let capacity = map.capacity();
        assert!(capacity >= len as usize);
        map.extend((0..len).map(|k| (k, k)));
        assert_eq!(map.capacity(), capacity, "{len} entries were asked for");
    }
}

#[test]
fn reserve_makes_room_and_never_shrinks() {
    for &len in LENGTHS {
        for additional in [0, 1, 8, 100] {
            let mut map = squares(len);
            let before = map.capacity();
            map.reserve(additional);
            let capacity = map.capacity();
            assert!(capacity >= before.max(len as usize + additional), "{len} + {additional}");
            map.extend((0..additional as u64).map(|k| (len + k, 0)));
            assert_eq!(map.capacity(), capacity, "{additional} were reserved beside {len}");
            assert!((0..len).all(|k| map[&k] == k * k));
            assert_eq!(map.try_reserve(additional), Ok(()));
            assert!(map.capacity() >= map.len() + additional);
        }
    }
}

/// `hash_one` may be another way to a hash than `build_hasher`, and is the one to go.
#[test]
fn a_hasher_with_a_way_of_its_own_is_asked_in_that_way() {
    #[derive(Clone, Default)]
    struct Own(RandomState);
    impl BuildHasher for Own {
        type Hasher = <RandomState as BuildHasher>::Hasher;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.build_hasher()
        }
        fn hash_one<T: Hash>(&self, of: T) -> u64 {
            self.0.hash_one(of).rotate_left(17)
        }
    }
    let mut map: Map<u64, u64, Own> = Map::default();
    let holds = |map: &mut Map<u64, u64, Own>| {
        assert!((0..100).all(|key| map.get(&key) == Some(&key)));
        assert!((0..100).all(|key| map.insert(key, key) == Some(key)));
    };
    map.extend((0..100).map(|key| (key, key)));
    holds(&mut map);
    map.reserve(1000);
    holds(&mut map);
    map.try_reserve(5000).unwrap();
    holds(&mut map);
    map.shrink_to(200);
    holds(&mut map);
    map.extend((100..2000).map(|key| (key, key)));
    map.retain(|key, _| *key < 100);
    map.shrink_to_fit();
    holds(&mut map.clone());
    holds(&mut map);
    assert_eq!(map, (0..100).map(|key| (key, key)).collect::<Map<u64, u64, Own>>());
    assert_eq!(map.len(), 100);
}

#[test]
fn reserve_in_room_enough_changes_nothing() {
    let mut map = squares(30);
    map.reserve(200);
    let capacity = map.capacity();
    map.reserve(100);
    assert_eq!(map.capacity(), capacity);
}

#[test]
fn shrinking_keeps_the_entries_and_the_room_asked_for() {
    for &len in LENGTHS {
        let mut map = squares(len);
        map.reserve(2000);
        let roomy = map.capacity();
        map.shrink_to(500);
        let capacity = map.capacity();
        assert!(
            capacity < roomy && capacity >= 500.max(len as usize),
            "{capacity} at length {len}"
        );
        let mut empty: Map<u64, u64> = Map::with_capacity(2000);
        empty.extend((0..len).map(|key| (key, key)));
        empty.clear();
        empty.shrink_to(500);
        assert!(empty.capacity() < roomy && empty.capacity() >= 500, "{}", empty.capacity());
        for more in [roomy, isize::MAX as usize, usize::MAX] {
            map.shrink_to(more);
            assert_eq!(map.capacity(), capacity, "shrink_to never grows");
        }
        map.shrink_to_fit();
        assert!(map.capacity() >= len as usize && map.capacity() <= capacity);
        assert_eq!(map.capacity() == 0, len == 0, "an empty map keeps nothing");
        assert_eq!(sorted(&map), (0..len).map(|k| (k, k * k)).collect::<Vec<_>>());
        map.insert(len, 0);
        assert_eq!(map.len() as u64, len + 1);
    }
}

#[test]
fn impossible_reservations_are_errors_or_panics() {
    let mut map = squares(60);
    for impossible in [usize::MAX, usize::MAX / 2, isize::MAX as usize / 16] {
        let error = map.try_reserve(impossible).unwrap_err();
        assert!(!error.to_string().is_empty() && !format!("{error:?}").is_empty());
        assert_eq!(error, error.clone());
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::OutOfMemory);
    }
    assert_eq!(map, squares(60));
    assert!(catch_unwind(core::panic::AssertUnwindSafe(|| map.reserve(usize::MAX))).is_err());
    assert_eq!(map, squares(60));
    assert!(catch_unwind(|| Map::<u64, u64>::with_capacity(usize::MAX)).is_err());
}

#[test]
fn zero_sized_entries_count_too() {
    let mut map = Map::new();
    assert_eq!(map.insert((), ()), None);
    assert_eq!(map.insert((), ()), Some(()));
    assert_eq!((map.len(), map.get(&()), map.iter().count()), (1, Some(&()), 1));
    assert_eq!(map.remove(&()), Some(()));
    assert!(map.is_empty());
}

#[test]
fn hashers_agree_with_themselves_and_their_copies() {
    let parts = |mut hasher: DefaultHasher| {
        (1u8, 2u16, 3u32, 4u64, 5u128, 6usize).hash(&mut hasher);
        let mut copy = hasher.clone();
        ("a word", [7i64; 9]).hash(&mut hasher);
        ("a word", [7i64; 9]).hash(&mut copy);
        assert_eq!(hasher.finish(), copy.finish());
        hasher.finish()
    };
    assert_eq!(parts(DefaultHasher::new()), parts(DefaultHasher::default()));
    let state = RandomState::new();
    assert_eq!(parts(state.build_hasher()), parts(state.clone().build_hasher()));
    assert_ne!(parts(state.build_hasher()), parts(DefaultHasher::new()));
    assert_ne!(parts(state.build_hasher()), parts(RandomState::new().build_hasher()));
    assert_ne!(state.hash_one("a"), state.hash_one("b"));
    assert_eq!(format!("{:?}", DefaultHasher::new()).find("DefaultHasher"), Some(0));
    assert_eq!(format!("{state:?}"), "RandomState { .. }", "its seed is nobody's business");
    let mut map = HashMap::with_hasher(state);
    map.insert("key", 1);
    assert_eq!(map["key"], 1);
}

#[test]
fn every_part_counts_in_a_hash() {
    let hash = |part: usize| {
        let at = |index| u8::from(part == index);
        let bytes = [at(0); 20];
        let ints = (at(1), at(2) as u16, at(3) as u32, at(4) as u64, at(5) as u128, at(6) as usize);
        let signed = (at(7) as i8, at(8) as i64, at(9) as isize);
        let mut hasher = DefaultHasher::new();
        (&bytes[..], ints, signed).hash(&mut hasher);
        hasher.finish()
    };
    let distinct: std::collections::BTreeSet<u64> = (0..=10).map(hash).collect();
    assert_eq!(distinct.len(), 11);
}
