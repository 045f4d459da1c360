//! Drops: every key and every value exactly once, and none early.
//!
//! # Properties
//! - **held**: what is in the map is alive, at every moment of every operation.
//! - **given**: what an operation removes is dropped by it or handed to the caller, not both, not neither.
//! - **rest**: dropping the map, or any iterator over it, drops what is left.
//! - **forgotten**: a leaked `Drain`, `ExtractIf` or iterator may leak entries; it never drops one twice
//!   nor leaves one behind that is gone.
//! - **as what**: what is put into a map is dropped as what it was put in as, whatever subtype the map was made for.
//! - **in place**: what nobody is given is dropped where it is, so it need not fit on the stack.
//! - **cursors**: a cursor may keep a removed key alive, at the longest until it and the map are gone.

#![allow(
    clippy::forget_non_drop,
    reason = "whether they have a `Drop` is not the caller's business"
)]

mod common;

use common::fuse::{Call, Fuse};
use common::{By, Ledger, Map, Subject, Tracked, in_every_state};
use std::any::TypeId;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

type Tracks = Map<Tracked, Tracked, By>;

/// Runs `act` on a map in every state. Whatever it does, afterwards the map holds what `act` says it
/// holds and exactly that is alive.
fn everywhere(act: impl Fn(&mut Tracks, &mut BTreeMap<u64, u64>, u64)) {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, mut model, fresh } = subject;
        Ledger::assert_alive(2 * model.len(), &name);
        act(&mut map, &mut model, fresh);
        holds(&map, &model, &name);
        Ledger::assert_alive(2 * model.len(), &name);
        // The growth, if there is one, goes on to its end.
        for id in fresh..fresh + 40 {
            map.insert(Tracked::new(id + 1000), Tracked::new(id));
            model.insert(id + 1000, id);
        }
        holds(&map, &model, &name);
        Ledger::assert_alive(2 * model.len(), &name);
        drop(map);
        Ledger::assert_alive(0, &name);
        Ledger::reset();
    });
}

fn holds(map: &Tracks, model: &BTreeMap<u64, u64>, name: &str) {
    map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
    let mut seen: Vec<_> = map
        .iter()
        .map(|(key, value)| {
            key.touch();
            value.touch();
            (key.id, value.id)
        })
        .collect();
    seen.sort_unstable();
    assert!(
        seen.iter().copied().eq(model.iter().map(|(k, v)| (*k, *v))),
        "{name}: {seen:?} instead of {model:?}"
    );
}

#[test]
fn nothing_happens_and_the_map_is_dropped() {
    everywhere(|_, _, _| {});
}

#[test]
fn inserting_new_keys() {
    everywhere(|map, model, fresh| {
        for id in fresh..fresh + 60 {
            assert!(map.insert(Tracked::new(id), Tracked::new(1)).is_none());
            model.insert(id, 1);
            Ledger::assert_alive(2 * model.len(), "insert");
        }
    });
}

#[test]
fn overwriting() {
    everywhere(|map, model, _| {
        for (&id, value) in model.iter_mut() {
            let old = map.insert(Tracked::new(id), Tracked::new(7)).expect("is there");
            old.touch();
            assert_eq!(old.id, std::mem::replace(value, 7));
        }
    });
}

#[test]
fn removing() {
    everywhere(|map, model, fresh| {
        assert!(map.remove(&Tracked::new(fresh)).is_none());
        for id in model.keys().copied().collect::<Vec<_>>() {
            let value = if id % 2 == 0 {
                map.remove(&Tracked::new(id)).expect("is there")
            } else {
                let (key, value) = map.remove_entry(&Tracked::new(id)).expect("is there");
                key.touch();
                value
            };
            value.touch();
            drop(value);
            model.remove(&id);
            Ledger::assert_alive(2 * model.len(), "remove");
        }
    });
}

#[test]
fn entries() {
    use map_core::hash_map::Entry;
    everywhere(|map, model, fresh| {
        for id in fresh..fresh + 20 {
            map.entry(Tracked::new(id)).or_insert(Tracked::new(1)).touch();
            model.insert(id, 1);
            drop(map.entry(Tracked::new(id + 100)));
        }
        for (step, id) in model.keys().copied().collect::<Vec<_>>().into_iter().enumerate() {
            let Entry::Occupied(mut occupied) = map.entry(Tracked::new(id)) else {
                panic!("{id} is there")
            };
            match step % 4 {
                0 => drop(occupied.insert(Tracked::new(9))),
                1 => drop(occupied.remove()),
                2 => drop(occupied.remove_entry()),
                _ => drop(map.entry(Tracked::new(id)).insert_entry(Tracked::new(9))),
            }
            match step % 4 {
                0 | 3 => model.insert(id, 9),
                _ => model.remove(&id),
            };
            Ledger::assert_alive(2 * model.len(), "entry");
        }
    });
}

#[test]
fn clearing() {
    everywhere(|map, model, _| {
        map.clear();
        model.clear();
    });
}

#[test]
fn retaining() {
    everywhere(|map, model, _| {
        map.retain(|key, value| {
            key.touch();
            value.touch();
            key.id % 3 == 0
        });
        model.retain(|id, _| id % 3 == 0);
    });
}

#[test]
fn draining_to_the_end_part_way_or_not_at_all() {
    for taken in [usize::MAX, 3, 0] {
        everywhere(|map, model, _| {
            for (key, value) in map.drain().take(taken) {
                key.touch();
                value.touch();
            }
            model.clear();
        });
    }
}

#[test]
fn extracting_to_the_end_or_part_way() {
    for taken in [usize::MAX, 2] {
        everywhere(|map, model, _| {
            for (key, value) in map.extract_if(|key, _| key.id % 2 == 1).take(taken) {
                value.touch();
                assert_eq!(model.remove(&key.id), Some(value.id));
            }
        });
    }
}

#[test]
fn reserving_and_shrinking() {
    everywhere(|map, model, _| {
        map.reserve(300);
        Ledger::assert_alive(2 * model.len(), "reserve");
        map.shrink_to(100);
        Ledger::assert_alive(2 * model.len(), "shrink_to");
        map.shrink_to_fit();
    });
}

#[test]
fn evacuating_on_demand() {
    everywhere(|map, model, _| {
        while map.evacuate(1) > 0 {
            Ledger::assert_alive(2 * model.len(), "evacuate");
        }
    });
}

#[test]
fn cloning() {
    everywhere(|map, model, fresh| {
        let mut copy = map.clone();
        Ledger::assert_alive(4 * model.len(), "clone");
        copy.insert(Tracked::new(fresh), Tracked::new(0));
        copy.clone_from(map);
        Ledger::assert_alive(4 * model.len(), "clone_from");
        holds(&copy, model, "the clone");
        drop(copy);
    });
}

#[test]
fn owning_iterators_dropped_part_way() {
    for taken in [0, 1, 5, usize::MAX] {
        everywhere(|map, model, _| {
            let empty = Map::with_hasher(*map.hasher());
            let mut entries = std::mem::replace(map, empty).into_iter();
            for (key, value) in entries.by_ref().take(taken) {
                key.touch();
                value.touch();
            }
            drop(entries);
            model.clear();
        });
        everywhere(|map, model, _| {
            let copy = map.clone();
            copy.into_keys().take(taken).for_each(|key| key.touch());
            let copy = map.clone();
            copy.into_values().take(taken).for_each(|value| value.touch());
            Ledger::assert_alive(2 * model.len(), "into_keys, into_values");
        });
    }
}

/// After a leak the map holds some of its entries, all alive, and works.
fn works_after_a_leak(name: &str, mut map: Tracks, fresh: u64) {
    map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
    for (key, value) in &map {
        key.touch();
        value.touch();
    }
    for id in fresh..fresh + 60 {
        map.insert(Tracked::new(id), Tracked::new(id));
    }
    assert!((fresh..fresh + 60).all(|id| map[&Tracked::new(id)].id == id));
    map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
    drop(map);
    Ledger::assert_sound(name);
    Ledger::reset();
}

// Miri would report the leaks, which are the point here.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn forgotten_iterators_leak_and_harm_nothing() {
    for taken in [0, 1, 7] {
        in_every_state(Tracked::new, Tracked::new, |mut subject| {
            let mut drain = subject.map.drain();
            drain.by_ref().take(taken).for_each(drop);
            forget(drain);
            works_after_a_leak(&subject.name, subject.map, subject.fresh);
        });
        in_every_state(Tracked::new, Tracked::new, |mut subject| {
            let mut extract = subject.map.extract_if(|_, _| true);
            extract.by_ref().take(taken).for_each(drop);
            forget(extract);
            let left = subject.model.len().saturating_sub(taken);
            assert_eq!(subject.map.len(), left, "{}", subject.name);
            Ledger::assert_alive(2 * left, &subject.name);
            works_after_a_leak(&subject.name, subject.map, subject.fresh);
        });
        in_every_state(Tracked::new, Tracked::new, |subject| {
            let left = subject.model.len().saturating_sub(taken);
            let mut entries = subject.map.into_iter();
            entries.by_ref().take(taken).for_each(drop);
            forget(entries);
            Ledger::assert_alive(2 * left, &subject.name);
            Ledger::reset();
        });
        in_every_state(Tracked::new, Tracked::new, |mut subject| {
            forget(subject.map.iter_mut());
            forget(subject.map.entry(Tracked::new(subject.fresh + 100)));
            works_after_a_leak(&subject.name, subject.map, subject.fresh);
        });
    }
}

/// The tables stay with the iterator that is leaked, and with them all that cursors and counts refer to.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_drain_leaves_a_new_map() {
    in_every_state(Tracked::new, Tracked::new, |mut subject| {
        let (some, order) = (!subject.map.is_empty(), subject.map.evacuation_order());
        let mut cursor = subject.map.cursor();
        forget(subject.map.drain());
        assert_eq!(subject.map.growth_state(), Map::<u8, u8>::new().growth_state());
        assert_eq!(subject.map.evacuation_order(), order, "{}", subject.name);
        let unknown = catch_unwind(AssertUnwindSafe(|| _ = cursor.next(&subject.map)));
        assert_eq!(unknown.is_err(), some, "{}: a cursor of the map that was", subject.name);
        works_after_a_leak(&subject.name, subject.map, subject.fresh);
    });
}

#[test]
fn keys_kept_for_a_cursor_are_dropped_at_last() {
    for map_first in [true, false] {
        for steps in [0, 3] {
            in_every_state(Tracked::new, Tracked::new, |subject| {
                let Subject { name, mut map, model, fresh } = subject;
                let mut cursor = map.cursor();
                for _ in 0..steps {
                    if let Some((key, value)) = cursor.next(&map) {
                        key.touch();
                        value.touch();
                    }
                }
                for &id in model.keys().filter(|id| *id % 2 == 0) {
                    map.remove(&Tracked::new(id)).expect("is there").touch();
                }
                for id in fresh..fresh + 60 {
                    map.insert(Tracked::new(id), Tracked::new(id));
                }
                for &id in model.keys().filter(|id| *id % 2 == 1) {
                    map.remove(&Tracked::new(id)).expect("is there").touch();
                }
                map.clear();
                map.insert(Tracked::new(fresh), Tracked::new(fresh));
                if map_first {
                    drop(map);
                    drop(cursor);
                } else {
                    drop(cursor);
                    Ledger::assert_sound(&name);
                    assert_eq!(map.len(), 1);
                    drop(map);
                }
                Ledger::assert_alive(0, &name);
                Ledger::reset();
            });
        }
    }
}

#[test]
fn values_are_dropped_when_removed_even_before_a_cursor() {
    in_every_state(
        |id| id,
        Tracked::new,
        |subject| {
            let Subject { name, mut map, model, .. } = subject;
            let mut cursor = map.cursor();
            cursor.next(&map);
            for id in model.keys() {
                map.remove(id);
            }
            Ledger::assert_alive(0, &name);
            assert!(cursor.next(&map).is_none(), "{name}: an entry that was removed");
            Ledger::reset();
        },
    );
}

#[test]
fn a_drop_that_panics_in_clear_leaks_nothing() {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, .. } = subject;
        let some = !map.is_empty();
        assert_eq!(Fuse::blows(Call::Drop, 0, || map.clear()), some, "{name}");
        assert!(map.is_empty(), "{name}");
        Ledger::assert_alive(0, &name);
        Ledger::reset();
    });
}

type TakesAny = for<'a> fn(&'a u8);
type TakesStatic = fn(&'static u8);

thread_local! {
    static DROPPED_AS: RefCell<Vec<TypeId>> = const { RefCell::new(Vec::new()) };
}

fn dropped_as<T: 'static>() {
    DROPPED_AS.with_borrow_mut(|types| types.push(TypeId::of::<T>()));
}

struct Holds<T: 'static>(#[allow(dead_code, reason = "only its type says something")] T);

impl<T: 'static> Drop for Holds<T> {
    fn drop(&mut self) {
        dropped_as::<T>();
    }
}

type OfStatic = Map<u8, Holds<TakesStatic>, By>;
type Way<'a, M> = &'a dyn Fn(&mut M);

#[test]
fn what_is_put_into_a_map_made_for_a_subtype_is_dropped_as_what_it_is() {
    let said = || Holds((|_| ()) as TakesStatic);
    let ways: [(&str, Way<'_, OfStatic>); 9] = [
        ("insert", &|map| _ = map.insert(1, said())),
        ("another key", &|map| _ = map.insert(2, said())),
        ("entry", &|map| *map.entry(1).or_insert_with(said) = said()),
        ("get_mut", &|map| *map.get_mut(&1).expect("it is there") = said()),
        ("get_disjoint_mut", &|map| {
            let [value] = map.get_disjoint_mut([&1]);
            *value.expect("it is there") = said();
        }),
        ("get_disjoint_unchecked_mut", &|map| {
            // SAFETY: one key.
            let [value] = unsafe { map.get_disjoint_unchecked_mut([&1]) };
            *value.expect("it is there") = said();
        }),
        ("iter_mut", &|map| map.iter_mut().for_each(|(_, value)| *value = said())),
        ("values_mut", &|map| map.values_mut().for_each(|value| *value = said())),
        ("retain", &|map| {
            map.retain(|_, value| {
                *value = said();
                true
            });
        }),
    ];
    for (name, way) in ways {
        let mut map: Map<u8, Holds<TakesAny>, By> = Map::default();
        map.insert(1, Holds(|_| ()));
        let mut map: OfStatic = map;
        way(&mut map);
        DROPPED_AS.take();
        drop(map);
        let types = DROPPED_AS.take();
        let is_static = |id: &TypeId| *id == TypeId::of::<TakesStatic>();
        assert!(!types.is_empty() && types.iter().all(is_static), "{name}");
    }
}

/// Larger than the stack that it is dropped on.
struct Large(#[allow(dead_code, reason = "it is large")] [u8; 2 << 20]);

impl Drop for Large {
    fn drop(&mut self) {
        dropped_as::<Large>();
    }
}

#[test]
fn large_values_are_dropped_where_they_are() {
    type Holding = Map<u8, Large, By>;
    let on_a_stack_of = |size, act: Box<dyn FnOnce() -> Holding + Send>| {
        let thread = thread::Builder::new().stack_size(size).spawn(act).expect("a thread");
        thread.join().expect("no panic")
    };
    let ways: [fn(&mut Holding); 3] =
        [Map::clear, |map| map.retain(|_, _| false), |map| drop(std::mem::take(map))];
    for way in ways {
        let mut map = on_a_stack_of(
            64 << 20,
            Box::new(|| {
                let mut map = Map::default();
                (0..3).for_each(|key| _ = map.insert(key, Large([0; 2 << 20])));
                map
            }),
        );
        let map = on_a_stack_of(
            1 << 20,
            Box::new(move || {
                way(&mut map);
                assert_eq!(DROPPED_AS.take().len(), 3);
                map
            }),
        );
        assert!(map.is_empty());
    }
}
