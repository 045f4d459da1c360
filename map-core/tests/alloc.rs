//! Allocation: none before there is something to hold, none to look, and none for ever.
//!
//! # Properties
//! - **empty**: `Map::new` and everything one can ask an empty map allocate nothing.
//! - **lookups**: a borrowed lookup and `iter` allocate nothing, nor do an overwrite and a removal while no growth is under way.
//! - **hint**: what was reserved is not allocated again.
//! - **churn**: removing and inserting at constant length settles in bounded memory.
//! - **clear**: it allocates nothing, but for a note to an open cursor.
//! - **back**: old tables, cleared, shrunk and dropped maps give their memory back.
//! - **segments**: no insert pays for a table, nor for what a growth frees; a growth asks for no more segments than it needs.
//! - **cursors**: of many that come and go beside one that stays, or take over from each other, nothing is kept; nor is anything noted for those that are gone.

mod common;

use common::counting::{Counting, calls, freed, live, most};
use common::hashers::{IDENTITY, LOW3, MIX, ZERO, mix};
use common::{By, EvacuationOrder, Map};
use map_core::{Cursor, GrowthKind};
use std::mem::replace;
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static COUNTING: Counting = Counting;

const ORDERS: [EvacuationOrder; 2] = [EvacuationOrder::Go, EvacuationOrder::InOrder];

#[test]
fn an_empty_map_allocates_nothing() {
    // foldhash gathers the process's seed when first asked, and allocates to do so.
    drop(Map::<u64, u64>::new());
    let made = calls(|| {
        let mut map: Map<u64, String> = Map::new();
        assert!(map.get(&1).is_none() && map.remove(&1).is_none() && !map.contains_key(&1));
        assert_eq!((map.iter().count(), map.drain().count(), map.capacity()), (0, 0, 0));
        map.clear();
        map.retain(|_, _| true);
        map.reserve(0);
        map.shrink_to_fit();
        map.extend([]);
        map.check().unwrap();
        drop(map.into_iter());
        drop(Map::<u64, u64>::with_capacity(0));
        drop(Map::<u64, u64>::default());
    });
    assert_eq!(made, 0);
}

#[test]
fn looking_allocates_nothing_in_any_state() {
    common::in_every_state(
        |id| id.to_string(),
        |id| id.to_string(),
        |mut subject| {
            let keys: Vec<String> = (0..120).map(|id| id.to_string()).collect();
            let map = &mut subject.map;
            let made = calls(|| {
                for key in &keys {
                    map.get(key.as_str());
                    map.get_mut(key.as_str());
                    map.contains_key(key.as_str());
                    map.get_key_value(key.as_str());
                }
                map.iter().for_each(|_| ());
                map.iter_mut().for_each(|_| ());
                map.keys().zip(map.values()).for_each(|_| ());
                _ = map.growth_state();
            });
            assert_eq!(made, 0, "{}", subject.name);
        },
    );
}

#[test]
fn overwriting_and_removing_allocate_nothing_when_no_growth_is_under_way() {
    for order in ORDERS {
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        map.set_evacuation_order(order);
        map.extend((0..1000).map(|key| (key, key)));
        while map.evacuate(100) > 0 {}
        let made = calls(|| {
            for key in 0..1000 {
                map.insert(key, 0);
                *map.entry(key).or_default() += 1;
            }
            for key in 0..1000 {
                map.remove(&key);
            }
        });
        assert_eq!(made, 0);
    }
}

#[test]
fn a_hint_is_one_growth_s_worth_of_allocations_and_no_more() {
    for hint in [8, 100, 10_000] {
        let mut map: Map<u64, u64, By> = Map::with_capacity_and_hasher(hint, IDENTITY);
        let state = map.growth_state();
        map.extend((0..hint as u64).map(|key| (key, key)));
        assert_eq!(map.growth_state().growths_started, state.growths_started, "hint {hint}");
    }
    let small = calls(|| {
        let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
        map.extend((0..8).map(|key| (key, key)));
    });
    assert!(small <= 6, "eight entries took {small} allocations");
}

/// Of a large table one block is asked for ahead, to see whether it can be had, and given back.
#[test]
fn a_table_is_no_more_than_its_directory_and_segments() {
    if cfg!(miri) {
        return;
    }
    for (buckets_log2, ahead) in [(14, 0), (21, 1)] {
        let before = live();
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        let segments = (1 << buckets_log2) / 512;
        assert_eq!(calls(|| map.reserve(13 << (buckets_log2 - 1))), ahead + 1 + segments);
        assert_eq!(live() - before, (segments * (512 * 144 + 8)) as isize);
        drop(map);
        assert_eq!(live(), before);
    }
}

#[test]
fn churn_at_constant_length_settles() {
    let len: u64 = if cfg!(miri) { 40 } else { 300 };
    for order in ORDERS {
        for oldest in [true, false] {
            let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
            map.set_evacuation_order(order);
            let mut keys: Vec<u64> = (0..len).collect();
            map.extend(keys.iter().map(|key| (*key, 0)));
            let mut churn = |rounds: u64, from: u64| {
                let (peak, _) = most(|| {
                    for step in from..from + rounds {
                        let victim = if oldest { step % len } else { mix(step) % len } as usize;
                        let key = len + step;
                        assert!(map.remove(&replace(&mut keys[victim], key)).is_some());
                        map.insert(key, 0);
                    }
                });
                assert_eq!(map.len() as u64, len);
                peak
            };
            let rounds = if cfg!(miri) { 1000 } else { 150_000 };
            let settled = churn(rounds, 0);
            let later = churn(4 * rounds, rounds);
            assert!(
                later <= settled + settled / 4,
                "peak {settled} bytes, later {later} bytes ({order:?})"
            );
            // The overflow buckets are gone with growths to the same size.
            assert!(cfg!(miri) || map.health().growths.same_size > 0);
            assert!(map.growth_state().buckets_log2 <= if cfg!(miri) { 4 } else { 7 });
        }
    }
}

#[test]
fn a_growth_gives_its_old_table_back() {
    for order in ORDERS {
        let start = live();
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        map.set_evacuation_order(order);
        let len = if cfg!(miri) { 105 } else { 106_497 };
        map.extend((0..len).map(|key| (key, key)));
        while map.evacuate(1000) > 0 {}
        let grown = live() - start;
        let mut sized: Map<u64, u64, By> = Map::with_capacity_and_hasher(len as usize, MIX);
        sized.extend((0..len).map(|key| (key, key)));
        let needed = live() - start - grown;
        assert!(
            grown <= needed + needed / 8,
            "{grown} bytes after growing, {needed} when sized at once ({order:?})"
        );
        // Not more than 6.5 entries need per bucket of eight, in a table that may just have doubled.
        if !cfg!(miri) {
            assert!(grown as u64 / len < 60, "{} bytes per 16-byte entry", grown as u64 / len);
        }
    }
}

#[test]
fn no_growth_that_inserts_start_holds_two_whole_tables() {
    if cfg!(miri) {
        return;
    }
    for order in ORDERS {
        let start = live();
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        map.set_evacuation_order(order);
        map.extend((0..212_992).map(|key| (key, key)));
        while map.evacuate(1000) > 0 {}
        let full = live() - start;
        let (peak, _) = most(|| (212_992..260_000).for_each(|key| _ = map.insert(key, key)));
        assert_eq!(map.growth_state().growing, None);
        let (peak, doubled) = (peak - start, live() - start);
        // In order, the new table fills as the old one goes; Go's order needs new segments all over.
        let others = if order == EvacuationOrder::InOrder { SEGMENT as isize } else { full };
        assert!(
            peak < doubled + others,
            "{peak} bytes at most, {full} before, {doubled} after ({order:?})"
        );
    }
}

/// What `act` allocates: how often, the largest block, and how many bytes at once.
fn allocated(act: impl FnOnce()) -> (usize, usize, isize) {
    let (before, mut asked) = (live(), 0);
    let (peak, largest) = most(|| asked = calls(act));
    (asked, largest, peak - before)
}

/// A segment is of this size at most.
const SEGMENT: usize = 128 << 10;

#[test]
fn no_insert_pays_for_a_table() {
    if cfg!(miri) {
        return;
    }
    // 2^14 buckets of 144 bytes, in 32 segments of 512, and with these keys no overflow buckets.
    let full = 13 << 13;
    for order in ORDERS {
        let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
        map.set_evacuation_order(order);
        let mut in_all = 0;
        for key in 0.. {
            let (calls, largest, bytes) = allocated(|| _ = map.insert(key, key));
            // Two old buckets, each with two new ones; the directory and the like.
            assert!(calls <= 8 && largest <= SEGMENT, "{calls} blocks, of {largest} bytes at most");
            assert!(bytes <= 4 * SEGMENT as isize, "{bytes} bytes for one insert");
            in_all += if key < full { 0 } else { calls };
            if key > full && map.growth_state().growing.is_none() {
                break;
            }
        }
        // 64 segments to fill. In order, all that the old table has left serve again but the last.
        let most = if order == EvacuationOrder::InOrder { 40 } else { 70 };
        assert!((30..=most).contains(&in_all), "{in_all} blocks for a growth ({order:?})");
    }
}

#[test]
fn no_insert_pays_for_a_table_of_the_same_size() {
    if cfg!(miri) {
        return;
    }
    for order in ORDERS {
        let mut map: Map<u64, u64, By> = Map::with_capacity_and_hasher(13 << 12, IDENTITY);
        map.set_evacuation_order(order);
        // Nine keys to a bucket, half of the buckets at a time: an overflow bucket for each stays.
        let buckets = 1 << 13;
        for half in [0..buckets / 2, buckets / 2..buckets] {
            let keys = || half.clone().flat_map(|bucket| (0..9).map(move |n| bucket + n * buckets));
            keys().for_each(|key| _ = map.insert(key, key));
            keys().for_each(|key| _ = map.remove(&key));
        }
        assert_eq!(map.growth_state().growing, None);
        let (_, largest, bytes) = allocated(|| _ = map.insert(0, 0));
        assert_eq!(map.growth_state().growing, Some(GrowthKind::SameSize));
        assert!(largest <= SEGMENT && bytes <= 2 * SEGMENT as isize, "{bytes} bytes ({order:?})");
        while map.growth_state().growing.is_some() {
            let before = freed();
            map.insert(0, 0);
            // Of two old buckets an overflow bucket each, and their segments; at the end also what the growth has itself.
            let freed = freed() - before;
            assert!(freed <= 8, "{freed} blocks freed by one insert ({order:?})");
        }
    }
}

#[test]
fn clearing_allocates_nothing_however_far_a_growth_is() {
    if cfg!(miri) {
        return;
    }
    // 2^11 buckets in four segments, which grow to eight.
    let full = 13 << 10;
    for (order, open) in ORDERS.into_iter().flat_map(|order| [(order, false), (order, true)]) {
        for writes in [1, 100, 300, 600, 1000] {
            let name = format!("{writes} writes into a growth ({order:?}, cursor: {open})");
            let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
            map.set_evacuation_order(order);
            (0..full + writes).for_each(|key| _ = map.insert(key, key));
            assert_eq!(map.growth_state().growing, Some(GrowthKind::Doubled), "{name}");
            let cursor = open.then(|| map.cursor());
            let before = live();
            // For a cursor it is noted that the old table was cleared.
            assert_eq!(calls(|| map.clear()), usize::from(open), "{name}");
            assert!(live() < before && map.is_empty(), "{name}: both tables are kept");
            map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
            assert_eq!(cursor.and_then(|mut cursor| cursor.next(&map)), None, "{name}");
            (0..2 * full).for_each(|key| _ = map.insert(key, key));
            map.check().unwrap_or_else(|violation| panic!("{name}, filled again: {violation}"));
        }
    }
}

#[test]
fn shrinking_to_the_same_size_allocates_nothing() {
    let mut map: Map<u64, u64, By> = Map::with_capacity_and_hasher(104, MIX);
    map.extend((0..53).map(|key| (key, key)));
    assert_eq!(calls(|| map.shrink_to_fit()), 0);
}

#[test]
fn a_map_that_is_shrunk_has_what_its_entries_take() {
    let churned = |map: &mut Map<u64, u64, By>| {
        for key in 0..600 {
            map.insert(1000 + key, key);
            map.remove(&key);
        }
        assert!(map.growth_state().growing.is_none() && map.growth_state().overflow_buckets > 20);
    };
    let gone_through = |map: &mut Map<u64, u64, By>| {
        // No bucket is full, so nothing is to be packed.
        *map = Map::with_capacity_and_hasher(700, IDENTITY);
        map.extend((0..700).map(|key| (key, key)));
        let _cursor = map.cursor();
        (0..100).for_each(|key| _ = map.remove(&key));
    };
    let hashed_in_one_piece = |map: &mut Map<u64, u64, By>| {
        *map = Map::with_hasher(LOW3);
        map.extend((0..800).map(|key| (key, key)));
        map.reserve(1000);
        map.clear();
        map.extend((0..8).map(|key| (key, key)));
    };
    let full_but_for_the_last_bucket = |map: &mut Map<u64, u64, By>| {
        *map = Map::with_capacity_and_hasher(26, ZERO);
        map.extend((0..24).map(|key| (key, key)));
        (16..24).for_each(|key| _ = map.remove(&key));
    };
    type Way<'a> = &'a dyn Fn(&mut Map<u64, u64, By>);
    let ways: [Way<'_>; 4] =
        [&churned, &gone_through, &hashed_in_one_piece, &full_but_for_the_last_bucket];
    for (way, lead) in ways.into_iter().enumerate() {
        let empty = live();
        let mut map: Map<u64, u64, By> = Map::with_capacity_and_hasher(13 << 6, MIX);
        map.extend((0..700).map(|key| (key, key)));
        lead(&mut map);
        map.shrink_to_fit();
        let held = live() - empty;
        assert_eq!(calls(|| map.shrink_to_fit()), 0, "once is enough");
        let (entries, table) = (map.len(), map.growth_state().buckets_log2);
        let mut anew: Map<u64, u64, By> = Map::with_capacity_and_hasher(entries, *map.hasher());
        anew.extend(&map);
        assert_eq!(anew.growth_state().buckets_log2, table, "{way}");
        drop(map);
        assert_eq!(live() - empty, held, "{way}: as much as the same entries anew");
    }
}

#[test]
fn cursors_that_are_gone_cost_nothing() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(IDENTITY);
    (0..27).for_each(|key| _ = map.insert(key, key));
    assert!(map.growth_state().growing.is_some());
    let _stays = map.cursor();
    drop(map.cursor());
    let before = live();
    for _ in 0..1000 {
        drop(map.cursor());
    }
    assert_eq!(live(), before);
}

#[test]
fn cursors_that_take_over_from_each_other_leave_no_notes_behind() {
    let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
    (0..100).for_each(|key| _ = map.insert(key, key));
    let mut last = map.cursor();
    let mut held = Vec::new();
    for _ in 0..if cfg!(miri) { 6 } else { 60 } {
        // Two growths, and never a moment without a cursor.
        map.reserve(500);
        drop(replace(&mut last, map.cursor()));
        map.shrink_to_fit();
        drop(replace(&mut last, map.cursor()));
        held.push(live());
    }
    drop(last);
    let (first, end) = (held[2], held[held.len() - 1]);
    assert!(end <= first + first / 10, "{held:?}");
}

#[test]
fn cursors_that_end_on_two_threads_are_both_gone() {
    let grows_by = |cursors: usize| {
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        (0..100).for_each(|key| _ = map.insert(key, key));
        let hands = [(); 2].map(|()| (0..cursors).map(|_| map.cursor()).collect::<Vec<Cursor>>());
        let ready = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for hand in hands {
                let ready = &ready;
                scope.spawn(move || {
                    ready.fetch_add(1, Ordering::Relaxed);
                    // A barrier wakes the second when the first is nearly done.
                    while ready.load(Ordering::Relaxed) < 2 {
                        std::hint::spin_loop();
                    }
                    drop(hand);
                });
            }
        });
        let before = live();
        (100..if cfg!(miri) { 500 } else { 5_000 }).for_each(|key| _ = map.insert(key, key));
        live() - before
    };
    let undisturbed = grows_by(0);
    // Again, so that the two meet. What was kept for them goes as well.
    for _ in 0..if cfg!(miri) { 1 } else { 20 } {
        assert!(grows_by(if cfg!(miri) { 20 } else { 20_000 }) <= undisturbed);
    }
}

#[test]
fn growths_after_the_last_cursor_is_gone_note_nothing() {
    let held = |cursor: bool| {
        let before = live();
        let mut map: Map<u64, u64, By> = Map::with_hasher(MIX);
        (0..100).for_each(|key| _ = map.insert(key, key));
        cursor.then(|| drop(map.cursor()));
        (100..if cfg!(miri) { 500 } else { 5_000 }).for_each(|key| _ = map.insert(key, key));
        live() - before
    };
    assert_eq!(held(true), held(false));
}

/// In the middle of a growth, which has noted what it moved.
#[test]
fn any_write_frees_what_was_kept_for_cursors_that_are_gone() {
    type Numbers = Map<u64, u64, By>;
    type Write = fn(&mut Numbers);
    let writes: [(&str, Write); 9] = [
        ("insert", |map| _ = map.insert(200, 0)),
        ("overwrite", |map| _ = map.insert(1, 0)),
        ("entry", |map| _ = map.entry(1)),
        ("entry of an absent key", |map| _ = map.entry(200)),
        ("remove", |map| _ = map.remove(&1)),
        ("remove of an absent key", |map| _ = map.remove(&200)),
        ("retain", |map| map.retain(|_, _| true)),
        ("extract_if", |map| _ = map.extract_if(|_, _| true)),
        ("evacuate", |map| _ = map.evacuate(1)),
    ];
    for (name, write) in writes {
        let held = |is_open: bool| {
            let before = live();
            let mut map: Numbers = Map::with_hasher(MIX);
            (0..105).for_each(|key| _ = map.insert(key, key));
            let cursor = is_open.then(|| map.cursor());
            map.remove(&0);
            drop(cursor);
            write(&mut map);
            assert!(map.growth_state().growing.is_some());
            live() - before
        };
        assert_eq!(held(true), held(false), "{name}");
    }
}

#[test]
fn memory_comes_back() {
    for order in ORDERS {
        let start = live();
        let mut map: Map<u64, Vec<u64>, By> = Map::with_hasher(MIX);
        map.set_evacuation_order(order);
        let len = if cfg!(miri) { 107 } else { 3400 };
        map.extend((0..len).map(|key| (key, vec![key])));
        let full = live() - start;
        map.retain(|key, _| key % 50 == 0);
        map.shrink_to_fit();
        assert!(live() - start < full / 4, "shrink_to_fit with a fiftieth left");
        map.clear();
        map.shrink_to_fit();
        let cleared = live() - start;
        assert!(cleared <= 512, "{cleared} bytes for an empty, shrunk map");
        map.extend((0..len).map(|key| (key, vec![key])));
        let mut entries = map.into_iter();
        entries.next();
        drop(entries);
        assert_eq!(live(), start, "{order:?}");
    }
}

#[test]
fn nothing_leaks_in_any_state() {
    common::in_every_state(
        |id| id.to_string(),
        |id| vec![id],
        |subject| {
            // What the subject holds itself is freed with it: count from a clone on.
            let start = live();
            let mut copy = subject.map.clone();
            let mut cursor = copy.cursor();
            cursor.next(&copy);
            for id in 0..60 {
                copy.insert(format!("new {id}"), vec![id]);
                copy.remove(&id.to_string());
            }
            drop(copy);
            drop(cursor);
            assert_eq!(live(), start, "{}", subject.name);
        },
    );
}
