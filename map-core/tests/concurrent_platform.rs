//! The seam: a platform that is not `Std` controls every primitive, hears every moment, sees every
//! object born and freed, and may make evacuations be given up wherever the protocol allows.

mod common;

use common::hashers::{By, IDENTITY};
use map_core::ConcurrentMap;
use map_core::concurrent::BucketState;
use map_core::platform::{Collector, Mutex, Object, Place, Platform, Point, Std};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

thread_local! {
    static HEARD: RefCell<HashSet<Point>> = RefCell::new(HashSet::new());
    static OBJECTS: RefCell<HashMap<usize, Object>> = RefCell::new(HashMap::new());
    /// The moment at which evacuations are given up, and how often still.
    static ABANDON: Cell<Option<(Point, u32)>> = const { Cell::new(None) };
    /// A bucket that nobody evacuates.
    static STUCK: Cell<Option<Place>> = const { Cell::new(None) };
    static GROW: Cell<bool> = const { Cell::new(false) };
    /// A map to which another thread, so to speak, writes after so many more touches of objects.
    static MEANWHILE: Cell<Option<(u32, Rc<Map>)>> = const { Cell::new(None) };
}

struct Listening;

// SAFETY: every primitive is that of `Std`.
unsafe impl Platform for Listening {
    type AtomicU64 = <Std as Platform>::AtomicU64;
    type AtomicUsize = <Std as Platform>::AtomicUsize;
    type AtomicPtr<T> = <Std as Platform>::AtomicPtr<T>;
    type Cell<T> = <Std as Platform>::Cell<T>;
    type Mutex<T> = <Std as Platform>::Mutex<T>;
    type Collector = <Std as Platform>::Collector;

    const EVACUATION_BARRIER: bool = true;
    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        0
    }
    fn stripes() -> usize {
        1
    }
    fn wait(_: u32) {
        panic!("one thread has nobody to wait for");
    }
    fn fence(order: Ordering) {
        Std::fence(order);
    }
    fn point(point: Point, _: Place) {
        HEARD.with_borrow_mut(|heard| heard.insert(point));
    }
    fn abandons(point: Point, place: Place) -> bool {
        if STUCK.get() == Some(place) {
            return true;
        }
        match ABANDON.get() {
            Some((at, left)) if at == point && left > 0 => {
                ABANDON.set(Some((at, left - 1)));
                true
            }
            _ => false,
        }
    }
    fn grows_early(_: Place) -> bool {
        GROW.get()
    }
    fn allocated<T>(object: *const T, kind: Object) {
        OBJECTS.with_borrow_mut(|objects| {
            assert_eq!(objects.insert(object as usize, kind), None, "allocated twice");
        });
    }
    fn touched<T>(object: *const T) {
        OBJECTS.with_borrow(|objects| {
            assert!(objects.contains_key(&(object as usize)), "touched when not allocated");
        });
        match MEANWHILE.take() {
            Some((0, map)) => assert_eq!(map.pin().remove(&u64::MAX), None),
            later => MEANWHILE.set(later.map(|(touches, map)| (touches - 1, map))),
        }
    }
    fn freed<T>(object: *const T) {
        OBJECTS.with_borrow_mut(|objects| {
            assert!(objects.remove(&(object as usize)).is_some(), "freed when not allocated");
        });
    }
}

type Map = ConcurrentMap<u64, String, By, Listening>;

fn fill(map: &Map, keys: std::ops::Range<u64>) {
    for key in keys {
        map.pin().insert(key, key.to_string());
    }
}

/// Where the buckets of a table are in their lives; the oldest table is 0.
fn states(map: &Map, table: usize) -> Vec<BucketState> {
    map.view(|_, _| ())[table].buckets.iter().map(|bucket| bucket.state).collect()
}

#[test]
fn every_moment_is_heard_and_every_object_accounted_for() {
    let mut map = Map::with_hasher(IDENTITY);
    for key in 0..300 {
        fill(&map, key..key + 1);
        assert!(map.pin().contains_key(&0));
    }
    // A chain of three in one bucket, taken down again.
    for key in 0..20 {
        map.pin().insert(1_024 * key, String::new());
    }
    map.pin().retain(|key, _| key % 3 != 0);
    for key in 0..100 {
        map.pin().insert(key, String::new());
        map.pin().remove(&key);
    }
    assert_eq!(map.pin().iter().count(), map.len());
    map.pin().clear();
    map.check_at_rest().unwrap();
    drop(map);
    let heard = HEARD.take();
    let silent: Vec<_> = Point::ALL.iter().filter(|point| !heard.contains(point)).collect();
    // Only another thread can make this one wait.
    assert_eq!(silent, [&Point::WaitForLock]);
    assert!(OBJECTS.take().is_empty(), "objects leaked");
}

#[test]
fn an_evacuation_given_up_anywhere_is_made_up_for() {
    for &point in Point::ALL.iter().filter(|point| point.abandonable()) {
        for times in if cfg!(miri) { vec![2] } else { vec![1, 2, 7, 40] } {
            let len = if cfg!(miri) { 60 } else { 500 };
            let mut map = Map::with_hasher(IDENTITY);
            ABANDON.set(Some((point, times)));
            fill(&map, 0..len);
            assert_eq!(ABANDON.get(), Some((point, 0)), "the moment never came");
            map.check_at_rest().unwrap();
            assert_eq!(map.len(), len as usize);
            for key in 0..len {
                assert_eq!(map.pin().get(&key), Some(&key.to_string()), "at {point} × {times}");
            }
            drop(map);
            assert!(OBJECTS.take().is_empty(), "objects leaked, given up at {point} × {times}");
        }
    }
}

#[test]
fn a_growth_that_never_ends_is_nested_in_and_then_ends() {
    let mut map = Map::with_hasher(IDENTITY);
    fill(&map, 0..30);
    assert_eq!((map.health().generation, map.health().buckets), (3, 8));
    STUCK.set(Some(Place { generation: 3, bucket: 5 }));
    fill(&map, 30..300);
    let stuck = map.health();
    assert_eq!(stuck.growing.len(), 2, "one growth nested in another, and no more: {stuck:?}");
    let drained = stuck.growing[1].drained_segments;
    assert_eq!(drained, 6, "all but those that the stuck bucket feeds: {stuck:?}");
    let mut expected = [BucketState::Drained; 8];
    expected[4..6].copy_from_slice(&[BucketState::Evacuated, BucketState::Live]);
    assert_eq!(states(&map, 0), expected);
    map.check_at_rest().unwrap();
    assert!((0..300).all(|key| map.pin().contains_key(&key)));
    assert_eq!(map.pin().iter().count(), 300);
    STUCK.set(None);
    fill(&map, 300..400);
    assert!(map.health().growing.len() < 2 && map.health().generation > stuck.generation);
    map.check_at_rest().unwrap();
    assert!((0..400).all(|key| map.pin().contains_key(&key)));
    drop(map);
    assert!(OBJECTS.take().is_empty(), "objects leaked");
}

#[test]
fn a_later_table_is_called_new_and_its_segments_are_unborn_at_first() {
    let map = Map::with_capacity_and_hasher(52, IDENTITY);
    HEARD.take();
    fill(&map, 0..52);
    assert!(!HEARD.take().contains(&Point::AboutToWriteNewTable));
    fill(&map, 52..53);
    // Two of the old buckets are evacuated; those that the others feed have no memory yet.
    let mut expected = [BucketState::Unborn; 16];
    [0, 1, 8, 9].into_iter().for_each(|live: usize| expected[live] = BucketState::Live);
    assert_eq!(states(&map, 1), expected);
    fill(&map, 0..1);
    assert!(HEARD.take().contains(&Point::AboutToWriteNewTable));
    drop(map);
    assert!(OBJECTS.take().is_empty(), "objects leaked");
}

#[test]
fn a_view_calls_no_new_segment_drained_whenever_a_write_provides_it() {
    for touches in (0..).step_by(if cfg!(miri) { 25 } else { 1 }) {
        let map = Rc::new(Map::with_capacity_and_hasher(52, IDENTITY));
        fill(&map, 0..53);
        MEANWHILE.set(Some((touches, Rc::clone(&map))));
        let new = states(&map, 1);
        assert!(!new.contains(&BucketState::Drained), "after {touches} touches: {new:?}");
        if MEANWHILE.take().is_some() {
            break;
        }
    }
    assert!(OBJECTS.take().is_empty(), "objects leaked");
}

/// Segments that the second table does not need yet have given nothing to the third.
#[test]
fn a_view_calls_nothing_drained_in_the_third_of_three_tables() {
    let mut map = Map::with_capacity_and_hasher(52, IDENTITY);
    GROW.set(true);
    let inserted = (0..52).take_while(|&key| {
        fill(&map, key..key + 1);
        map.health().growing.len() < 2
    });
    assert!(inserted.count() < 4, "most of the second table is unborn");
    GROW.set(false);
    assert!(states(&map, 1).contains(&BucketState::Unborn));
    let third = states(&map, 2);
    assert!(!third.contains(&BucketState::Drained), "{third:?}");
    map.check_at_rest().unwrap();
    drop(map);
    assert!(OBJECTS.take().is_empty(), "objects leaked");
}

#[test]
fn segments_are_freed_where_no_platform_asks_for_their_use_again() {
    let map = Map::with_hasher(IDENTITY);
    for key in 0..200 {
        fill(&map, key..key + 1);
        assert_eq!(map.health().spare_segments, 0, "after {key}");
    }
    assert!(map.health().doublings > 3);
}

#[test]
fn a_growth_may_start_at_every_insertion() {
    let mut map = Map::with_hasher(IDENTITY);
    GROW.set(true);
    fill(&map, 0..40);
    GROW.set(false);
    map.check_at_rest().unwrap();
    assert!((0..40).all(|key| map.pin().contains_key(&key)));
    assert!(map.health().doublings > 5);
    drop(map);
    assert!(OBJECTS.take().is_empty(), "objects leaked");
}

#[test]
fn names_are_unique_and_read_back() {
    for &point in Point::ALL {
        assert_eq!(Point::from_name(point.name()), Some(point));
        assert_eq!(point.to_string(), point.name());
    }
    assert_eq!(Point::from_name("lunch"), None);
}

/// It has waited long already, and looks again soon all the same.
#[test]
fn no_wait_is_long_however_many_there_were() {
    let (waited, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        (0..200).chain([u32::MAX]).for_each(Std::wait);
        waited.send(()).unwrap();
    });
    done.recv_timeout(Duration::from_secs(20)).expect("a round of waiting ends");
}

#[test]
fn a_panic_poisons_no_lock() {
    let lock = <<Std as Platform>::Mutex<u32> as Mutex<u32>>::new(0);
    let struck = catch_unwind(AssertUnwindSafe(|| lock.with(|_| panic!("while it is held"))));
    assert!(struck.is_err());
    assert_eq!(lock.with(|number| *number), 0);
}

/// So that they count on different cache lines.
/// Its documentation says so, and x86-64 does not show it.
#[test]
fn loads_are_protected_as_seize_asks() {
    assert_eq!(<Std as Platform>::Collector::PROTECT, Ordering::SeqCst);
}

#[test]
fn threads_are_told_apart_and_have_stripes_enough() {
    let here = Std::task();
    let there = std::thread::spawn(|| (Std::task(), Std::task())).join().unwrap();
    assert_eq!((here, there.0), (Std::task(), there.1));
    assert_ne!(here, there.0);
    let threads = std::thread::available_parallelism().unwrap().get();
    assert!(Std::stripes().is_power_of_two() && Std::stripes() >= (2 * threads).clamp(4, 64));
}
