//! Entries, whatever state of growth they are taken in.

use super::Map;
use super::hash_map::Entry;
use crate::LENGTHS;
use core::hash::{Hash, Hasher};

/// Equal by its first field only.
#[derive(Clone, Debug)]
struct Marked(u64, &'static str);

impl PartialEq for Marked {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Marked {}
impl Hash for Marked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

fn stored(len: u64) -> Map<Marked, u64> {
    let mut map = Map::new();
    for key in 0..len {
        map.insert(Marked(key, "stored"), key);
    }
    map
}

fn asked(id: u64) -> Marked {
    Marked(id, "asked")
}

#[test]
fn vacant_entries_insert_where_they_said() {
    for &len in LENGTHS {
        let mut map = stored(len);
        assert_eq!(map.entry(asked(len)).key().1, "asked");
        *map.entry(asked(len)).or_insert(1) += 1;
        *map.entry(asked(len + 1)).or_insert_with(|| 10) += 1;
        *map.entry(asked(len + 2)).or_insert_with_key(|key| key.0) += 1;
        *map.entry(asked(len + 3)).or_default() += 1;
        map.entry(asked(len + 4)).and_modify(|_| panic!("nothing to modify")).or_insert(5);
        let mut occupied = map.entry(asked(len + 5)).insert_entry(6);
        assert_eq!((occupied.key().1, *occupied.get()), ("asked", 6));
        *occupied.get_mut() += 1;
        let Entry::Vacant(vacant) = map.entry(asked(len + 6)) else { panic!("was never inserted") };
        assert_eq!(vacant.key().0, len + 6);
        *vacant.insert(8) += 1;
        let Entry::Vacant(vacant) = map.entry(asked(len + 7)) else { panic!("was never inserted") };
        *vacant.insert_entry(9).into_mut() += 1;
        let seen: Vec<u64> = (len..len + 8).map(|k| map[&asked(k)]).collect();
        assert_eq!(seen, [2, 11, len + 3, 1, 5, 7, 9, 10], "entries taken from length {len} on");
        assert_eq!(map.len() as u64, len + 8);
        assert!((0..len).all(|k| map[&asked(k)] == k));
    }
}

#[test]
fn a_vacant_entry_left_alone_changes_nothing() {
    for &len in LENGTHS {
        let mut map = stored(len);
        let Entry::Vacant(vacant) = map.entry(asked(len)) else { panic!("was never inserted") };
        assert_eq!(vacant.into_key().1, "asked");
        drop(map.entry(asked(len)));
        assert_eq!(map.len() as u64, len);
        assert!(!map.contains_key(&asked(len)));
        assert_eq!(map, stored(len));
    }
}

#[test]
fn occupied_entries_stay_on_their_slot() {
    for &len in LENGTHS {
        for id in 0..len {
            let mut map = stored(len);
            *map.entry(asked(id)).or_insert_with(|| panic!("is there")) += 1;
            *map.entry(asked(id)).or_insert_with_key(|_| panic!("is there")) += 1;
            *map.entry(asked(id)).or_default() += 1;
            map.entry(asked(id)).and_modify(|value| *value += 1);
            let Entry::Occupied(mut occupied) = map.entry(asked(id)) else {
                panic!("{id} of {len} is there")
            };
            assert_eq!((occupied.key().1, *occupied.get()), ("stored", id + 4));
            assert_eq!(occupied.insert(100), id + 4);
            *occupied.get_mut() += 1;
            *occupied.into_mut() += 1;
            assert_eq!(map.entry(asked(id)).insert_entry(200).insert(201), 200);
            assert_eq!(map.get_key_value(&asked(id)).unwrap().0.1, "stored");
            assert_eq!(map.len() as u64, len);
            let Entry::Occupied(occupied) = map.entry(asked(id)) else {
                panic!("{id} of {len} is there")
            };
            let (key, value) = occupied.remove_entry();
            assert_eq!((key.1, value, map.len() as u64), ("stored", 201, len - 1));
            assert!(!map.contains_key(&asked(id)));
            assert!((0..len).filter(|k| *k != id).all(|k| map[&asked(k)] == k));
            if cfg!(miri) || len > 120 {
                break;
            }
        }
    }
}

#[test]
fn entries_alone_fill_and_empty_a_map() {
    let mut map: Map<u64, u64> = Map::new();
    for round in 0..2 {
        for key in 0..500 {
            *map.entry(key).or_insert(0) += round;
        }
    }
    assert_eq!((map.len(), map.values().sum::<u64>()), (500, 500));
    for key in 0..500 {
        let Entry::Occupied(occupied) = map.entry(key) else { panic!("{key} was inserted") };
        assert_eq!(occupied.remove(), 1);
    }
    assert!(map.is_empty());
}

#[test]
fn an_entry_taken_from_an_insert_can_be_removed_again() {
    for &len in LENGTHS {
        let mut map = stored(len);
        let Entry::Vacant(vacant) = map.entry(asked(len)) else { panic!("was never inserted") };
        let occupied = vacant.insert_entry(7);
        assert_eq!(occupied.remove(), 7);
        assert_eq!(map, stored(len));
    }
}

#[test]
fn entries_print_as_std_prints_them() {
    let mut map = Map::from([(1, 'a')]);
    assert_eq!(format!("{:?}", map.entry(1)), "Entry(OccupiedEntry { key: 1, value: 'a', .. })");
    assert_eq!(format!("{:?}", map.entry(2)), "Entry(VacantEntry(2))");
}
