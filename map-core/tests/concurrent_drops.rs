//! Every key and value dropped exactly once, and soon: what is removed when the pins of its time
//! are gone, an old table when its growth is over.
//!
//! Each test does its work in one thread: its memory is what that thread allocated.

mod common;

use common::counting::{Counting, blocks, live, most};
use map_core::ConcurrentMap;
use map_core::concurrent::{ConcurrentHealth, Operation};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tests of this file count values together, so they take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // What one of them has failed at is no failure of the others.
    TURN.lock().unwrap_or_else(|poisoned| {
        TURN.clear_poison();
        ALIVE.store(0, Ordering::Relaxed);
        poisoned.into_inner()
    })
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Counted {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

fn alive() -> usize {
    ALIVE.load(Ordering::Relaxed)
}

/// The bytes that a map at rest needs, of entries of so many: buckets are of 96, and overflow buckets of 128.
fn needed(entry: usize, health: &ConcurrentHealth) -> isize {
    (entry * health.len + 96 * health.buckets + 128 * health.overflow_buckets) as isize
}

#[test]
fn whatever_became_of_them_entries_are_dropped_once() {
    let _turn = turn();
    let map = ConcurrentMap::new();
    for key in 0..5_000u32 {
        map.pin().insert(key, Counted::new());
    }
    for key in 0..1_000 {
        map.pin().insert(key, Counted::new());
        map.pin().remove(&(key + 1_000));
        map.pin().update(key + 2_000, |_| Counted::new());
        map.pin().get_or_insert(key + 3_000, Counted::new());
    }
    map.pin().retain(|key, _| key % 2 == 0);
    assert!(alive() >= map.len());
    for key in 0..500 {
        map.pin().insert(key, Counted::new());
    }
    drop(map);
    assert_eq!(alive(), 0);
}

#[test]
fn a_map_dropped_while_growing_leaks_nothing() {
    let _turn = turn();
    let before = (live(), blocks());
    for len in (1..40).chain([53, 60, 105, 110, 209, 220, 6_700, 7_000]) {
        let map = ConcurrentMap::new();
        for key in 0..len {
            map.pin().insert(key, Counted::new());
        }
        drop(map);
        assert_eq!(alive(), 0, "a map of {len} entries leaks entries");
    }
    // What the thread keeps (its number).
    let left = (live() - before.0, blocks() - before.1);
    assert!(left.0 < 4_096 && left.1 < 16, "(bytes, blocks) left: {left:?}");
}

/// Segments that are drained become some of the new table's, all but those of the last grace period.
#[test]
fn no_growth_that_inserts_start_holds_two_whole_tables() {
    if cfg!(miri) {
        return;
    }
    let _turn = turn();
    /// 6.5 entries in each of 2^16 buckets: one more starts a growth.
    const FULL: u32 = 13 << 15;
    let start = live();
    let map = ConcurrentMap::new();
    (0..FULL).for_each(|key| _ = map.pin().insert(key, ()));
    let before = live() - start;
    let (peak, _) = most(|| (FULL..FULL + 80_000).for_each(|key| _ = map.pin().insert(key, ())));
    assert!(map.health().growing.is_empty() && map.health().buckets == 1 << 17);
    let (peak, after) = (peak - start, live() - start);
    assert!(peak < after + before / 4, "{peak} bytes at most, {before} before, {after} after");
}

/// Each has drained less than a batch, and retires nothing else.
#[test]
fn a_growth_by_several_threads_gives_its_old_table_back() {
    if cfg!(miri) {
        return;
    }
    let _turn = turn();
    /// 6.5 entries in each of 2^16 buckets: one more starts a growth.
    const FULL: u32 = 13 << 15;
    const THREADS: u32 = 8;
    const EACH: u32 = 80_000 / THREADS;
    let start = live();
    let map = ConcurrentMap::with_capacity(FULL as usize);
    (0..FULL).for_each(|key| _ = map.pin().insert(key, ()));
    let insert = |thread| {
        let first = FULL + thread * EACH;
        for key in first..first + EACH {
            map.pin().insert(key, ());
            if key % 64 == 0 {
                std::thread::yield_now();
            }
        }
        live()
    };
    let others = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|nth| scope.spawn(move || insert(nth))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<isize>()
    });
    let health = map.health();
    assert!(health.growing.is_empty() && health.buckets == 1 << 17, "{health:?}");
    for _ in 0..health.spare_segments {
        map.pin().insert(0, ());
    }
    let spare = others + live() - start - needed(16, &health);
    assert!(spare < 96 << 16 >> 3, "{spare} bytes more than needed: {health:?}");
}

#[test]
fn what_a_growth_has_drained_is_flushed() {
    let _turn = turn();
    // 6.5 entries in each of 2^10 buckets: one more starts a growth.
    let map = ConcurrentMap::with_capacity(13 << 9);
    (0..13 << 9).for_each(|key| _ = map.pin().insert(key, ()));
    while map.health().growing.iter().all(|growth| growth.drained_segments < 4) {
        map.pin().insert(0, ());
        map.pin().insert(map.len(), ());
    }
    assert_eq!(map.health().spare_segments, 0);
    map.pin().flush();
    assert!(map.health().spare_segments >= 4, "{:?}", map.health());
}

/// All at once they would wait for its pin.
#[test]
fn extending_uses_the_old_segments_again() {
    let _turn = turn();
    let map = ConcurrentMap::new();
    (&map).extend((0..if cfg!(miri) { 5_000 } else { 200_000u64 }).map(|key| (key, key)));
    let health = map.health();
    assert!(health.spare_segments <= health.buckets / 128 / 4, "{health:?}");
}

/// The writer finds a full chain and allocates; its closure makes room meanwhile.
#[test]
fn an_overflow_bucket_that_was_not_needed_is_freed_as_it_was_allocated() {
    let _turn = turn();
    let held = || {
        let map = ConcurrentMap::new();
        for key in 0..8u32 {
            map.pin().insert(key, ());
        }
        map.pin().compute(8, |_| {
            map.pin().remove(&0);
            Operation::<(), ()>::Insert(())
        });
        assert_eq!((map.len(), map.health().overflow_buckets), (8, 0), "the room was used");
        drop(map);
        (live(), blocks())
    };
    // What the thread keeps, it has after the first.
    assert_eq!(held(), held());
}

#[test]
fn what_is_removed_is_dropped_while_the_map_lives() {
    let _turn = turn();
    let map = ConcurrentMap::new();
    for round in 0..100u32 {
        for key in 0..100 {
            map.pin().insert(key, Counted::new());
        }
        for key in 0..100 {
            map.pin().remove(&key);
        }
        assert!(alive() < 600, "round {round}: {} values removed and alive", alive());
    }
}

/// A few removals do not start a grace period by themselves.
#[test]
fn what_is_flushed_is_dropped_when_the_pins_end() {
    let _turn = turn();
    let map = ConcurrentMap::new();
    map.pin().insert(1, Counted::new());
    let other = map.pin();
    map.pin().remove(&1);
    assert_eq!(alive(), 1);
    map.pin().flush();
    assert_eq!(alive(), 1, "a pin of that time is left");
    drop(other);
    assert_eq!(alive(), 0);
}

/// What ends a growth begins a grace period, for all that was removed until then.
#[test]
fn what_the_end_of_a_growth_has_displaced_is_dropped_with_its_pin() {
    let _turn = turn();
    for removes in [false, true] {
        let map = ConcurrentMap::new();
        let mut key = 0u32;
        while map.health().growing.first().is_none_or(|growth| growth.old_buckets < 64) {
            map.pin().insert(key, Counted::new());
            key += 1;
        }
        let mut nth = 0;
        while !map.health().growing.is_empty() {
            let pin = map.pin();
            match removes {
                true => drop(pin.remove(&nth)),
                false => drop(pin.insert(nth, Counted::new())),
            }
            nth += 1;
        }
        assert!(nth > 8 && nth < key, "{nth} writes to {key} entries");
        assert_eq!(alive(), map.len(), "removes: {removes}");
    }
}

#[test]
fn a_pin_keeps_what_was_removed_meanwhile() {
    let _turn = turn();
    let map = ConcurrentMap::new();
    let pin = map.pin();
    for key in 0..1_000u32 {
        pin.insert(key, Counted::new());
        pin.remove(&key);
    }
    assert_eq!(alive(), 1_000);
    drop(pin);
    assert!(alive() < 600, "{} values removed and alive", alive());
}

#[test]
fn segments_that_a_pin_outlasted_are_freed_by_writes_one_each() {
    let _turn = turn();
    let map = ConcurrentMap::new();
    let pin = map.pin();
    (0..if cfg!(miri) { 50_000 } else { 500_000u64 }).for_each(|key| _ = pin.insert(key, key));
    drop(pin);
    let health = map.health();
    let spares = health.spare_segments;
    // As many as the old table of half the size had, of 128 buckets each.
    assert!(health.growing.is_empty() && spares >= health.buckets / 256, "{health:?}");
    for freed in 1..=spares {
        assert_eq!(map.pin().get(&1), Some(&1), "lookups free nothing");
        map.pin().insert(0, 0);
        assert_eq!(map.health().spare_segments, spares - freed);
    }
}

#[test]
fn memory_after_a_growth_is_what_the_entries_need() {
    let _turn = turn();
    let before = live();
    let map = ConcurrentMap::new();
    let mut most = 0;
    let mut key = 0u64;
    while map.health().doublings < 16 || !map.health().growing.is_empty() {
        map.pin().insert(key, key);
        key += 1;
        most = most.max(live() - before);
    }
    // Segments that the old table left are freed by later writes, one each; too few to fill a batch.
    for _ in 0..64 {
        map.pin().insert(0, 0);
    }
    let health = map.health();
    let bytes = live() - before;
    let need = needed(24, &health);
    let spare = bytes - need;
    println!("{} entries: {bytes} bytes, {need} needed, {most} at most", health.len);
    // A batch not full yet, the directory, the collector's own.
    assert!((0..1 << 16).contains(&spare), "{spare} bytes more than needed: {health:?}");
    assert!(most < 2 * bytes, "{most} bytes on the way to {bytes}");
}
