//! Panics: user code may panic at any call the map makes of it, in any state of growth.
//!
//! Each operation is run again and again with the n-th call of `Hash`, `Eq`, `Clone`, `Drop` or its
//! closure panicking, for every n until none is left to panic.
//!
//! # Properties
//! - **valid**: `check()` holds afterwards, and the map goes on working.
//! - **kept**: entries the operation had no business with are there, with their values.
//! - **all or nothing**: a panic in `Hash` or `Eq` leaves the contents of the map as they were, or as
//!   they would have been after some of the steps of an operation of many steps.
//! - **once**: nothing is dropped twice; nothing leaks, unless it is a drop that panicked.
//! - **lies**: a `Hash` or `Eq` that lies gives wrong answers, no undefined behaviour.

mod common;

use common::{By, Call, Fuse, Ledger, Map, Subject, Tracked, fuse, in_every_state};
use map_core::hash_map::Entry;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};

type Tracks = Map<Tracked, Tracked, By>;
/// Key id → value id.
type Model = BTreeMap<u64, u64>;

/// Tries `act` with every call it makes panicking. `may(model, id, found)` says whether a
/// panic part-way may leave `found` where the entry `id` was; ids from `subject.fresh` on may be added.
fn everywhere(
    act: impl Fn(&mut Tracks, &Model, u64),
    may: impl Fn(&Model, u64, Option<u64>) -> bool,
) {
    for call in Call::ALL {
        // Of the many calls of a long operation some: the later the fewer.
        let mut n = 0;
        let mut blown_somewhere = true;
        while blown_somewhere {
            blown_somewhere = false;
            in_every_state(Tracked::new, Tracked::new, |subject| {
                let Subject { name, mut map, model, fresh } = subject;
                let context = format!("{name}, {call:?} call {n} panics");
                let blown = Fuse::blows(call, n, || act(&mut map, &model, fresh));
                blown_somewhere |= blown;
                if blown {
                    survived(&map, &model, fresh, call, &may, &context);
                    goes_on(&mut map, fresh, &context);
                }
                drop(map);
                Ledger::assert_sound(&context);
                if call != Call::Drop {
                    Ledger::assert_alive(0, &context);
                }
                Ledger::reset();
            });
            n += if cfg!(miri) { 4 } else { (n / 2).max(1) };
            if cfg!(miri) && n > 4 {
                break;
            }
        }
    }
}

fn survived(
    map: &Tracks,
    model: &Model,
    fresh: u64,
    call: Call,
    may: impl Fn(&Model, u64, Option<u64>) -> bool,
    context: &str,
) {
    map.check().unwrap_or_else(|violation| panic!("{context}: {violation}"));
    let mut seen = BTreeMap::new();
    for (key, value) in map {
        key.touch();
        value.touch();
        assert!(seen.insert(key.id, value.id).is_none(), "{context}: {} is there twice", key.id);
    }
    assert_eq!(seen.len(), map.len(), "{context}: len");
    for (&id, &value) in model {
        let found = map.get(&Tracked::new(id)).map(|value| value.id);
        assert_eq!(found, seen.get(&id).copied(), "{context}: get and iter disagree about {id}");
        assert!(
            found == Some(value) || may(model, id, found),
            "{context}: entry {id}, {value} became {found:?}"
        );
    }
    assert!(
        seen.keys().all(|id| model.contains_key(id) || *id >= fresh),
        "{context}: a key from nowhere"
    );
    Ledger::assert_sound(context);
    if call != Call::Drop {
        Ledger::assert_alive(2 * map.len(), context);
    }
}

fn goes_on(map: &mut Tracks, fresh: u64, context: &str) {
    let before = map.len();
    let ids = fresh + 1000..fresh + 1060;
    for id in ids.clone() {
        assert!(map.insert(Tracked::new(id), Tracked::new(id)).is_none(), "{context}");
    }
    assert_eq!(map.len(), before + 60, "{context}");
    map.check().unwrap_or_else(|violation| panic!("{context}, then 60 inserts: {violation}"));
    for id in ids {
        assert_eq!(map.remove(&Tracked::new(id)).map(|value| value.id), Some(id), "{context}");
    }
}

fn all_kept(_: &Model, _: u64, _: Option<u64>) -> bool {
    false
}

fn any_may_go(_: &Model, _: u64, found: Option<u64>) -> bool {
    found.is_none()
}

fn odd_ones_may_go(_: &Model, id: u64, found: Option<u64>) -> bool {
    !is_even(id) && found.is_none()
}

fn is_even(id: u64) -> bool {
    id.is_multiple_of(2)
}

/// Some key that is there.
fn victim(model: &Model) -> Option<u64> {
    model.keys().copied().nth(model.len() / 2)
}

#[test]
fn lookups() {
    everywhere(
        |map, model, fresh| {
            for id in model.keys().copied().take(9).chain([fresh]) {
                map.get(&Tracked::new(id));
                map.get_mut(&Tracked::new(id));
                map.contains_key(&Tracked::new(id));
                map.get_key_value(&Tracked::new(id));
            }
            map.get_disjoint_mut([&Tracked::new(1), &Tracked::new(fresh), &Tracked::new(2)]);
        },
        all_kept,
    );
}

#[test]
fn inserting_new_keys() {
    everywhere(
        |map, _, fresh| {
            for id in fresh..fresh + 9 {
                map.insert(Tracked::new(id), Tracked::new(id));
            }
        },
        all_kept,
    );
}

#[test]
fn overwriting() {
    everywhere(
        |map, model, _| {
            for &id in model.keys() {
                map.insert(Tracked::new(id), Tracked::new(id + 1));
            }
        },
        |_, id, found| found == Some(id + 1),
    );
}

#[test]
fn removing() {
    everywhere(
        |map, model, fresh| {
            map.remove(&Tracked::new(fresh));
            map.remove(&Tracked::new(victim(model).unwrap_or(fresh)));
            map.remove_entry(&Tracked::new(*model.keys().next().unwrap_or(&fresh)));
        },
        |model, id, found| {
            found.is_none() && [victim(model), model.keys().next().copied()].contains(&Some(id))
        },
    );
}

#[test]
fn a_removal_that_could_not_hash_or_compare_removes_nothing() {
    for call in [Call::Hash, Call::Eq] {
        in_every_state(Tracked::new, Tracked::new, |subject| {
            let Subject { name, mut map, model, .. } = subject;
            let Some(id) = victim(&model) else { return };
            let blown = Fuse::blows(call, 0, || drop(map.remove(&Tracked::new(id))));
            assert!(blown, "{name}: remove has to call {call:?}");
            assert_eq!(map.get(&Tracked::new(id)).map(|value| value.id), Some(id), "{name}");
            assert_eq!(map.len(), model.len(), "{name}");
        });
    }
}

#[test]
fn entries() {
    everywhere(
        |map, model, fresh| {
            map.entry(Tracked::new(fresh)).or_insert_with(|| {
                fuse::burn(Call::Closure);
                Tracked::new(fresh)
            });
            map.entry(Tracked::new(fresh + 1)).or_insert_with_key(|key| {
                fuse::burn(Call::Closure);
                Tracked::new(key.id)
            });
            map.entry(Tracked::new(fresh + 2)).insert_entry(Tracked::new(1));
            let Some(id) = victim(model) else { return };
            map.entry(Tracked::new(id))
                .and_modify(|value| {
                    fuse::burn(Call::Closure);
                    value.id += 1;
                })
                .or_insert(Tracked::new(0));
            if let Entry::Occupied(mut occupied) = map.entry(Tracked::new(id)) {
                occupied.insert(Tracked::new(id + 1));
                occupied.remove();
            }
        },
        |model, id, found| victim(model) == Some(id) && found.is_none_or(|found| found == id + 1),
    );
}

#[test]
fn an_entry_whose_closure_panics_adds_nothing() {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, model, fresh } = subject;
        assert!(Fuse::blows(Call::Closure, 0, || {
            map.entry(Tracked::new(fresh)).or_insert_with(|| {
                fuse::burn(Call::Closure);
                Tracked::new(fresh)
            });
        }));
        assert_eq!(map.len(), model.len(), "{name}");
        assert!(!map.contains_key(&Tracked::new(fresh)), "{name}");
        map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
    });
}

#[test]
fn retaining() {
    everywhere(
        |map, _, _| {
            map.retain(|key, _| {
                fuse::burn(Call::Closure);
                is_even(key.id)
            });
        },
        odd_ones_may_go,
    );
}

#[test]
fn extracting() {
    for taken in [usize::MAX, 2] {
        everywhere(
            |map, _, _| {
                map.extract_if(|key, _| {
                    fuse::burn(Call::Closure);
                    !is_even(key.id)
                })
                .take(taken)
                .for_each(drop);
            },
            odd_ones_may_go,
        );
    }
}

#[test]
fn clearing_and_draining() {
    everywhere(|map, _, _| map.clear(), any_may_go);
    everywhere(|map, _, _| map.drain().take(3).for_each(drop), any_may_go);
    everywhere(|map, _, _| drop(map.drain()), any_may_go);
}

/// What is dropped first is a key that was kept for a cursor, which is gone now.
#[test]
fn clearing_and_draining_after_a_cursor() {
    let empty: [fn(&mut Tracks); 2] = [Tracks::clear, |map| drop(map.drain())];
    for act in empty {
        in_every_state(Tracked::new, Tracked::new, |subject| {
            let Subject { name, mut map, model, .. } = subject;
            let cursor = map.cursor();
            map.reserve(2 * map.capacity());
            model.keys().for_each(|id| drop(map.remove(&Tracked::new(*id))));
            map.insert(Tracked::new(0), Tracked::new(0));
            drop(cursor);
            Fuse::blows(Call::Drop, 0, || act(&mut map));
            assert!(map.is_empty(), "{name}: a panic kept what was to go");
            map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
            drop(map);
            Ledger::assert_sound(&name);
            Ledger::reset();
        });
    }
}

/// Likewise, and before anything else happens.
#[test]
fn writing_after_a_cursor() {
    let writes: [fn(&mut Tracks, u64); 8] = [
        |map, id| drop(map.insert(Tracked::new(id), Tracked::new(id))),
        |map, id| _ = map.entry(Tracked::new(id)).or_insert_with(|| Tracked::new(id)),
        |map, id| drop(map.remove(&Tracked::new(id))),
        |map, id| drop(map.remove_entry(&Tracked::new(id))),
        |map, _| map.retain(|_, _| false),
        |map, _| map.extract_if(|_, _| true).for_each(drop),
        |map, _| _ = map.evacuate(2),
        |map, _| map.reserve(1000),
    ];
    for write in writes {
        in_every_state(Tracked::new, Tracked::new, |subject| {
            let Subject { name, mut map, mut model, fresh } = subject;
            let cursor = map.cursor();
            map.reserve(2 * map.capacity());
            let Some((gone, _)) = model.pop_first() else { return };
            map.remove(&Tracked::new(gone));
            drop(cursor);
            let before = map.growth_state();
            // A key that is there.
            let id = victim(&model).unwrap_or(fresh);
            assert!(Fuse::blows(Call::Drop, 0, || write(&mut map, id)), "{name}: a kept key");
            assert_eq!(map.growth_state(), before, "{name}");
            survived(&map, &model, fresh, Call::Drop, all_kept, &name);
            assert_eq!(map.len(), model.len(), "{name}");
            goes_on(&mut map, fresh, &name);
            drop(map);
            Ledger::assert_sound(&name);
            Ledger::reset();
        });
    }
}

#[test]
fn cloning() {
    everywhere(|map, _, _| drop(map.clone()), all_kept);
    everywhere(
        |map, _, fresh| {
            let mut other = Map::with_hasher(*map.hasher());
            for id in fresh..fresh + 20 {
                other.insert(Tracked::new(id), Tracked::new(id));
            }
            map.clone_from(&other);
        },
        any_may_go,
    );
}

#[test]
fn comparing() {
    everywhere(
        |map, model, _| {
            let mut other = Map::with_hasher(*map.hasher());
            for id in model.keys() {
                other.insert(Tracked::new(*id), Tracked::new(*id));
            }
            assert!(*map == other);
        },
        all_kept,
    );
}

#[test]
fn extending() {
    everywhere(
        |map, _, fresh| {
            map.extend((fresh..fresh + 15).map(|id| {
                fuse::burn(Call::Closure);
                (Tracked::new(id), Tracked::new(id))
            }));
        },
        all_kept,
    );
}

#[test]
fn reserving_and_shrinking() {
    everywhere(|map, _, _| map.reserve(300), all_kept);
    everywhere(|map, _, _| map.shrink_to_fit(), all_kept);
    everywhere(
        |map, _, _| {
            map.reserve(1000);
            map.shrink_to(200);
        },
        all_kept,
    );
}

#[test]
fn a_reserve_that_panicked_can_be_called_again() {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, model, .. } = subject;
        for n in [0, 1, 2, 5, 20] {
            Fuse::blows(Call::Hash, n, || map.reserve(500));
            map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
            Fuse::blows(Call::Hash, n, || map.shrink_to_fit());
            map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
        }
        map.reserve(500);
        assert!(map.capacity() >= model.len() + 500, "{name}");
        map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
        assert!(model.keys().all(|id| map.contains_key(&Tracked::new(*id))), "{name}");
    });
}

#[test]
fn evacuating_on_demand() {
    everywhere(|map, _, _| while map.evacuate(1) > 0 {}, all_kept);
}

#[test]
fn stepping_a_cursor() {
    everywhere(
        |map, _, fresh| {
            let mut cursor = map.cursor();
            for id in fresh..fresh + 20 {
                cursor.next(map);
                map.insert(Tracked::new(id), Tracked::new(id));
            }
            while cursor.next(map).is_some() {}
        },
        all_kept,
    );
}

/// It passes over the entry that it was at, if any.
#[test]
fn a_cursor_goes_on_after_a_panic() {
    for call in [Call::Hash, Call::Eq] {
        for n in 0..if cfg!(miri) { 2 } else { 12 } {
            in_every_state(Tracked::new, Tracked::new, |subject| {
                let Subject { name, mut map, model, .. } = subject;
                let context = format!("{name}, {call:?} call {n} panics");
                let mut cursor = map.cursor();
                let mut seen = Vec::new();
                let blown = Fuse::blows(call, n, || {
                    while let Some((key, _)) = cursor.next(&map) {
                        seen.push(key.id);
                    }
                });
                while let Some((key, _)) = cursor.next(&map) {
                    seen.push(key.id);
                }
                let missed = model.keys().filter(|id| !seen.contains(id)).count();
                assert!(missed <= usize::from(blown), "{context}: {missed} are not yielded");
                assert_eq!(seen.len() + missed, model.len(), "{context}: one comes twice");
            });
        }
    }
    Ledger::reset();
}

#[test]
fn dropping_the_map() {
    for n in [0, 1, 2, 3, 10, 50] {
        in_every_state(Tracked::new, Tracked::new, |subject| {
            let Subject { name, map, .. } = subject;
            Fuse::blows(Call::Drop, n, || drop(map));
            Ledger::assert_sound(&name);
            Ledger::reset();
        });
        in_every_state(Tracked::new, Tracked::new, |subject| {
            let Subject { name, map, .. } = subject;
            let mut entries = map.into_iter();
            entries.next();
            Fuse::blows(Call::Drop, n, || drop(entries));
            Ledger::assert_sound(&name);
            Ledger::reset();
        });
    }
}

thread_local! {
    /// Drives the liars: a counter through a mixer, so that a run can be repeated.
    static LIES: Cell<u64> = const { Cell::new(0) };
}

fn lie() -> u64 {
    LIES.set(LIES.get() + 1);
    common::hashers::MIX.hash_one(LIES.get())
}

/// Lies about its hash, or its equality, in one of `every` answers.
struct Liar<const HASH_EVERY: u64, const EQ_EVERY: u64>(Tracked);

impl<const H: u64, const E: u64> Hash for Liar<H, E> {
    fn hash<S: Hasher>(&self, state: &mut S) {
        self.0.touch();
        state.write_u64(if lie().is_multiple_of(H) { lie() } else { self.0.id });
    }
}

impl<const H: u64, const E: u64> PartialEq for Liar<H, E> {
    fn eq(&self, other: &Self) -> bool {
        (self.0 == other.0) ^ lie().is_multiple_of(E)
    }
}

impl<const H: u64, const E: u64> Eq for Liar<H, E> {}

fn lied_to<const H: u64, const E: u64>() {
    Ledger::reset();
    let rounds = if cfg!(miri) { 300 } else { 20_000 };
    for hasher in [common::hashers::MIX, common::hashers::LOW3, common::hashers::ZERO] {
        for order in [common::EvacuationOrder::Go, common::EvacuationOrder::InOrder] {
            let mut map: Map<Liar<H, E>, Tracked, By> = Map::with_hasher(hasher);
            map.set_evacuation_order(order);
            let key = |id| Liar::<H, E>(Tracked::new(id));
            let mut cursor = map.cursor();
            for round in 0..rounds {
                let id = lie() % 150;
                match lie() % 64 {
                    0..24 => drop(map.insert(key(id), Tracked::new(id))),
                    24..40 => drop(map.remove(&key(id))),
                    40..46 => drop(map.get(&key(id)).map(Tracked::touch)),
                    46..50 => map.entry(key(id)).or_insert_with(|| Tracked::new(id)).touch(),
                    50..52 => {
                        if let Entry::Occupied(occupied) = map.entry(key(id)) {
                            drop(occupied.remove_entry());
                        }
                    }
                    52..58 => {
                        if let Some((key, value)) = cursor.next(&map) {
                            key.0.touch();
                            value.touch();
                        } else {
                            cursor = map.cursor();
                        }
                    }
                    58 => drop(map.evacuate(3)),
                    59 if round % 10 == 0 => map.reserve(50),
                    60 if round % 10 == 0 => map.shrink_to_fit(),
                    61 if round % 10 == 0 => map.retain(|key, _| key.0.id % 8 != 0),
                    62 if round % 30 == 0 => map.clear(),
                    63 if round % 30 == 0 => {
                        map.extract_if(|key, _| key.0.id % 4 == 0).for_each(drop)
                    }
                    _ => map.iter().for_each(|(key, value)| {
                        key.0.touch();
                        value.touch();
                    }),
                }
            }
            drop(map);
            drop(cursor);
            Ledger::assert_alive(0, "a map that was lied to");
        }
    }
}

#[test]
fn a_lying_hash_is_no_undefined_behaviour() {
    lied_to::<3, { u64::MAX }>();
    lied_to::<1, { u64::MAX }>();
}

#[test]
fn a_lying_eq_is_no_undefined_behaviour() {
    lied_to::<{ u64::MAX }, 3>();
    lied_to::<{ u64::MAX }, 2>();
}

#[test]
fn lying_about_everything_is_no_undefined_behaviour() {
    lied_to::<5, 5>();
}
