//! A thread that stalls for ever, wherever it stalls, keeps nobody from reading or iterating, nor
//! from writing to buckets that it has not locked, nor the map from growing.

mod common;

use common::hashers::{By, IDENTITY, ZERO};
use map_core::ConcurrentMap;
use map_core::concurrent::Operation;
use map_core::growth::{GrowthKind, WORK_PER_WRITE};
use map_core::platform::{Object, Place, Platform, Point, Std};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

thread_local! {
    /// Where this thread stalls; taken when it does.
    static STALL: Cell<Option<Stall>> = const { Cell::new(None) };
    /// How often this thread has claimed an old bucket.
    static CLAIMS: Cell<usize> = const { Cell::new(0) };
    /// How many tables this thread has allocated.
    static TABLES: Cell<usize> = const { Cell::new(0) };
}

/// How often a thread has waited for a lock, for the one test that counts it.
static WAITS: AtomicUsize = AtomicUsize::new(0);

struct Stall {
    at: Point,
    /// Told where the thread has stalled.
    stalled: Sender<Place>,
    /// Closed when the thread may go on.
    go_on: Receiver<()>,
}

struct Stalling;

// SAFETY: every primitive is that of `Std`.
unsafe impl Platform for Stalling {
    type AtomicU64 = <Std as Platform>::AtomicU64;
    type AtomicUsize = <Std as Platform>::AtomicUsize;
    type AtomicPtr<T> = <Std as Platform>::AtomicPtr<T>;
    type Cell<T> = <Std as Platform>::Cell<T>;
    type Mutex<T> = <Std as Platform>::Mutex<T>;
    type Collector = <Std as Platform>::Collector;

    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        Std::task()
    }
    fn stripes() -> usize {
        Std::stripes()
    }
    fn wait(round: u32) {
        Std::wait(round);
    }
    fn fence(order: Ordering) {
        Std::fence(order);
    }
    fn allocated<T>(_: *const T, kind: Object) {
        TABLES.set(TABLES.get() + usize::from(kind == Object::Table));
    }
    fn point(point: Point, place: Place) {
        CLAIMS.set(CLAIMS.get() + usize::from(point == Point::ClaimedBucket));
        WAITS.fetch_add(usize::from(point == Point::WaitForLock), Ordering::Relaxed);
        match STALL.take() {
            Some(stall) if stall.at == point => {
                stall.stalled.send(place).unwrap();
                let _ = stall.go_on.recv();
            }
            stall => STALL.set(stall),
        }
    }
}

type Map = ConcurrentMap<u64, u64, By, Stalling>;

/// Keys that are there from before the stall to the end.
const STEADY: u64 = 60;
/// Far more than a growth takes.
const WRITES: u64 = if cfg!(miri) { 500 } else { 50_000 };
/// The first key of the thread that stalls.
const STALLERS: u64 = 1 << 20;

/// Stalls a writer at a moment, and has another thread do everything else meanwhile.
fn goes_on_without_a_thread_stalled(at: Point) {
    let map = Arc::new(Map::with_hasher(IDENTITY));
    for key in 0..STEADY {
        map.pin().insert(key, key);
    }
    let (stalled, place) = channel();
    let (release, go_on) = channel();
    let staller = {
        let map = map.clone();
        std::thread::spawn(move || {
            STALL.set(Some(Stall { at, stalled, go_on }));
            // Few buckets, so that chains overflow; more and more keys, so that the map grows.
            for key in (STALLERS..).step_by(8) {
                map.pin().insert(key, 0);
                map.pin().update(key, |value| value + 1);
                map.pin().remove(&(key - 24 - key % 16));
                map.pin().get(&key);
                if STALL.take().map(|stall| STALL.set(Some(stall))).is_none() {
                    return;
                }
            }
        })
    };
    let place =
        place.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{at} never came"));
    let (finished, done) = channel();
    let others = {
        let map = map.clone();
        std::thread::spawn(move || {
            let generation = map.health().generation;
            // The bucket that may be locked, in a table of eight buckets or more.
            let free = |key: &u64| key % 8 != place.bucket as u64 % 8;
            for round in 0..20 {
                for key in 0..STEADY {
                    assert_eq!(map.pin().get(&key), Some(&key), "round {round}");
                }
                let pin = map.pin();
                let steady = pin.keys().filter(|&&key| key < STEADY).count();
                assert_eq!(steady as u64, STEADY, "round {round}");
                for key in (1_000 + 100 * round..1_100 + 100 * round).filter(free) {
                    pin.insert(key, key);
                    pin.update(key, |value| value + 1);
                }
                for key in (1_000 + 100 * round..1_050 + 100 * round).filter(free) {
                    assert_eq!(pin.remove(&key), Some(&(key + 1)));
                }
                pin.reserve(0);
            }
            // Each old bucket's turn comes hundreds of times meanwhile.
            let writable = (0..STEADY).find(free).unwrap();
            for _ in 0..WRITES {
                map.pin().insert(writable, writable);
            }
            map.check().unwrap();
            finished.send(map.health().generation > generation).unwrap();
        })
    };
    let grew = done.recv_timeout(Duration::from_secs(20));
    assert!(grew.is_ok(), "somebody waits for a thread stalled at {at}, {place}");
    // One growth can be kept from ending, and one may be nested in it; one of them began meanwhile
    // unless both had before.
    assert!(grew.unwrap(), "no growth began while a thread was stalled at {at}, {place}");
    others.join().unwrap();
    drop(release);
    staller.join().unwrap();
    for _ in 0..WRITES {
        map.pin().insert(0, 0);
    }
    let health = map.health();
    assert!(health.growing.is_empty(), "writes go on, and no growth ends: {health:?}");
    let Ok(mut map) = Arc::try_unwrap(map) else { unreachable!("both threads are gone") };
    map.check_at_rest().unwrap();
}

/// A write that waits for a lock does its share of a growth once, however long it waits.
#[test]
fn who_waits_does_no_more_growth_work() {
    let map = Map::with_hasher(IDENTITY);
    let mut len = 0;
    while map.health().growing.first().is_none_or(|growth| growth.old_buckets < 64) {
        map.pin().insert(len, len);
        len += 1;
    }
    let (stalled, place) = channel();
    let (release, go_on) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            STALL.set(Some(Stall { at: Point::Locked, stalled, go_on }));
            map.pin().insert(63, 0);
        });
        let place = place.recv().unwrap();
        assert_eq!((place.bucket, map.health().growing.len()), (63, 1));
        let waiter = scope.spawn(|| {
            CLAIMS.set(0);
            map.pin().insert(63, 1);
            CLAIMS.get()
        });
        while WAITS.load(Ordering::Relaxed) < 50 && !waiter.is_finished() {
            std::thread::yield_now();
        }
        drop(release);
        assert_eq!(waiter.join().unwrap(), WORK_PER_WRITE);
    });
    assert!(WAITS.load(Ordering::Relaxed) >= 50);
}

/// Reclaiming runs user code, which may write to the very bucket that the entry was in.
#[test]
fn no_lock_is_held_where_an_entry_is_retired() {
    type Act = fn(&Map);
    let acts: [(&str, Act); 6] = [
        ("insert", |map| _ = map.pin().insert(1, 1)),
        ("remove", |map| _ = map.pin().remove(&1)),
        ("update", |map| _ = map.pin().update(1, |value| value + 1)),
        ("compute", |map| _ = map.pin().compute(1, |_| Operation::<u64, ()>::Remove)),
        ("retain", |map| map.pin().retain(|_, _| false)),
        ("clear", |map| map.pin().clear()),
    ];
    for (name, act) in acts {
        let map = Map::with_hasher(ZERO);
        map.pin().insert(1, 0);
        let (stalled, place) = channel();
        let (release, go_on) = channel::<()>();
        let (finished, done) = channel();
        std::thread::scope(|scope| {
            let map = &map;
            scope.spawn(move || {
                STALL.set(Some(Stall { at: Point::AboutToRetireEntry, stalled, go_on }));
                act(map);
            });
            place.recv().unwrap();
            scope.spawn(move || {
                map.pin().insert(1, 2);
                finished.send(()).unwrap();
            });
            let written = done.recv_timeout(Duration::from_secs(20));
            drop(release);
            assert!(written.is_ok(), "{name} keeps the bucket locked");
        });
        assert_eq!(map.pin().get(&1), Some(&2), "{name}");
    }
}

/// Has a thread act until it stalls at a moment, does the other thing meanwhile, told where that is, and lets the thread
/// go on, also if that panics.
fn beside_one_stalled(
    map: &Map,
    at: Point,
    act: impl FnOnce(&Map) + Send,
    meanwhile: impl FnOnce(Place),
) {
    let (stalled, place) = channel();
    let (release, go_on) = channel::<()>();
    std::thread::scope(|scope| {
        // Closed at the end of this, before the thread is waited for.
        let _release = release;
        scope.spawn(move || {
            STALL.set(Some(Stall { at, stalled, go_on }));
            act(map);
        });
        meanwhile(place.recv().unwrap());
    })
}

/// What a writer still has to do for a growth when the last bucket is evacuated, others need not wait for.
#[test]
fn a_growth_ends_without_who_has_a_segment_to_retire() {
    let map = Map::with_hasher(IDENTITY);
    (0..53).for_each(|key| _ = map.pin().insert(key, key));
    assert_eq!(map.health().growing.len(), 1);
    let act = |map: &Map| (0..9).for_each(|_| _ = map.pin().insert(0, 0));
    beside_one_stalled(&map, Point::AboutToRetireSegment, act, |_| {
        (0..9).for_each(|_| _ = map.pin().insert(1, 1));
        let health = map.health();
        assert!(health.growing.is_empty(), "{health:?}");
    });
}

/// Behind a thread that has stalled there is room for one more growth: that goes to the one that makes room.
#[test]
fn a_growth_within_a_growth_doubles() {
    let map = Map::with_hasher(IDENTITY);
    (0..53).for_each(|key| _ = map.pin().insert(key, key));
    let act = |map: &Map| _ = map.pin().insert(0, 0);
    beside_one_stalled(&map, Point::AboutToCopyBucket, act, |stuck| {
        let stuck = stuck.bucket as u64;
        // 16 buckets, each of which gets an overflow bucket, and keeps it; but for those that are stuck.
        let free = |bucket: &u64| bucket % 8 != stuck;
        for bucket in (0..16).filter(free) {
            let keys = (0..16).map(|nth| 1_000 * 16 + bucket + 16 * nth);
            keys.clone().for_each(|key| _ = map.pin().insert(key, key));
            keys.for_each(|key| _ = map.pin().remove(&key));
        }
        let health = map.health();
        assert_eq!((health.buckets, health.growing.len()), (16, 1), "{health:?}");
        assert!(health.overflow_buckets >= 16, "{health:?}");
        let mut key = 1_000;
        while map.health().growing.len() == 1 && map.len() < 200 {
            if free(&(key % 8)) {
                map.pin().insert(key, key);
            }
            key += 1;
        }
        let health = map.health();
        let kinds: Vec<_> = health.growing.iter().map(|growth| growth.kind).collect();
        assert_eq!(kinds, [GrowthKind::Doubled, GrowthKind::Doubled], "{health:?}");
    });
}

/// Two growths are all there are at once. Who finds a third due goes on as if it were not.
#[test]
fn a_growth_that_must_wait_costs_nothing() {
    let map = Map::with_hasher(IDENTITY);
    let mut key = 0;
    while map.health().growing.first().is_none_or(|growth| growth.old_buckets < 64) {
        map.pin().insert(key, key);
        key += 1;
    }
    let act = |map: &Map| _ = map.pin().insert(0, 0);
    beside_one_stalled(&map, Point::AboutToCopyBucket, act, |stuck| {
        let stuck = stuck.bucket as u64;
        let (mut waiting, mut claims, mut tables) = (0, 0, 0);
        while waiting < 2_000 {
            let may_begin = map.health().growing.len() < 2;
            CLAIMS.set(0);
            TABLES.set(0);
            if key % 64 != stuck {
                map.pin().insert(key, key);
            }
            key += 1;
            if !may_begin {
                waiting += 1;
                claims = claims.max(CLAIMS.get());
                tables += TABLES.get();
            }
        }
        let health = map.health();
        assert!(health.growing.len() == 2 && health.load_factor > 6.5, "{health:?}");
        assert_eq!(tables, 0, "tables that were made for no growth");
        assert!(claims <= 2 * WORK_PER_WRITE, "{claims} buckets claimed by one write");
    });
}

#[test]
fn wherever_it_stalls() {
    // What a single writer comes past. It never waits for a lock.
    let moments = Point::ALL.iter().filter(|point| {
        !matches!(point, Point::WaitForLock | Point::AboutToClearBucket | Point::AboutToVisitBucket)
    });
    for &point in moments {
        goes_on_without_a_thread_stalled(point);
    }
}
