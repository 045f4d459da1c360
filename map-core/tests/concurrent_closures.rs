//! User code inside an operation: closures, `Hash`, `Eq` and `Drop` may use the map and may panic.
//! No deadlock (a test that hangs is one), nothing half done.

mod common;

use common::hashers::{By, ZERO};
use map_core::ConcurrentMap;
use map_core::concurrent::{Computed, Operation};
use map_core::platform::Std;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Every key in one bucket.
type Map = ConcurrentMap<u32, u32, By>;
type Pinned<'map> = map_core::concurrent::Pinned<'map, u32, u32, By, Std>;

#[test]
fn a_closure_may_write_the_very_key_it_is_asked_about() {
    let map = Map::with_hasher(ZERO);
    let pin = map.pin();
    // The value stored meanwhile wins; the made one is dropped.
    let value = *pin.get_or_insert_with(1, || {
        map.pin().insert(1, 10);
        11
    });
    assert_eq!(value, 10);
    // Asked again, about what it stored itself.
    let mut asked = 0;
    let updated = pin.update(1, |&value| {
        asked += 1;
        if asked == 1 {
            map.pin().insert(1, 20);
        }
        value + 1
    });
    assert_eq!((updated, asked), (Some(&21), 2));
    let computed = pin.compute(1, |entry| {
        if entry.is_some() {
            map.pin().remove(&1);
            Operation::<_, ()>::Insert(30)
        } else {
            Operation::Insert(31)
        }
    });
    assert_eq!(computed, Computed::Inserted(&1, &31));
    pin.retain(|&key, _| {
        map.pin().insert(key + 1, 0);
        map.pin().remove(&key);
        key > 3
    });
    pin.clear();
    assert!(map.is_empty());
}

/// However often the entry changes under a closure, and though it be as often as a counter of a byte, or
/// of two, takes to come round: it is asked again.
#[test]
fn a_closure_is_asked_again_after_any_number_of_changes() {
    let most: u32 = if cfg!(miri) { 300 } else { 70_000 };
    let map = Map::with_hasher(ZERO);
    let pin = map.pin();
    let all = [1, 63, 64, 128, 255, 256, 1 << 14, 1 << 15, 1 << 16];
    for changes in all.into_iter().take_while(|&changes| changes <= most) {
        pin.insert(1, 0);
        let mut asked = 0;
        let updated = pin.update(1, |&value| {
            asked += 1;
            if asked == 1 {
                for change in 1..=changes {
                    map.pin().insert(1, change);
                }
            }
            value + 1
        });
        assert_eq!((updated, asked), (Some(&(changes + 1)), 2));
    }
}

/// A thread that never finds the entry as it was when it asked goes on asking, with no lock held meanwhile:
/// not even the closure that keeps it from its end is locked out.
#[test]
fn a_closure_may_keep_itself_from_its_end_for_long() {
    let map = Map::with_hasher(ZERO);
    let pin = map.pin();
    pin.insert(1, 0);
    let rounds = if cfg!(miri) { 100 } else { 100_000 };
    let mut asked = 0;
    let updated = pin.update(1, |&value| {
        asked += 1;
        if asked <= rounds {
            map.pin().insert(1, asked);
        }
        value + 1
    });
    assert_eq!((updated, asked), (Some(&(rounds + 1)), rounds + 1));
}

#[test]
fn a_closure_may_make_the_map_grow() {
    let mut map = Map::with_hasher(ZERO);
    let rounds = if cfg!(miri) { 1 } else { 20 };
    for round in 0..rounds {
        map.pin().update(0, |value| value + 1);
        map.pin().get_or_insert_with(round * 100, || {
            for key in 1..100 {
                map.pin().insert(round * 100 + key, key);
            }
            0
        });
    }
    assert_eq!(map.len(), 100 * rounds as usize);
    map.check_at_rest().unwrap();
}

#[test]
fn a_closure_is_asked_once_about_an_entry_whose_neighbour_changed() {
    let map = Map::with_hasher(ZERO);
    let pin = map.pin();
    for before in [None, Some(11)] {
        let mut asked = 0;
        pin.compute(1, |entry| {
            assert_eq!(entry.map(|(_, &value)| value), before);
            asked += 1;
            if asked == 1 {
                // Another key of the bucket: what was found before the lock must be found again.
                map.pin().insert(2, asked);
            }
            Operation::<_, ()>::Insert(11)
        });
        assert_eq!(asked, 1, "about {before:?}");
    }
    assert_eq!(pin.get(&1), Some(&11));
}

#[test]
fn a_closure_that_panics_leaves_the_map_as_it_was() {
    let mut map: Map = Map::with_hasher(ZERO);
    for key in 0..20 {
        map.pin().insert(key, key);
    }
    for key in [5, 99] {
        let pin = AssertUnwindSafe(map.pin());
        assert!(catch_unwind(|| pin.compute::<()>(key, |_| panic!("compute"))).is_err());
        assert!(catch_unwind(|| pin.update(5, |_| panic!("update"))).is_err());
        assert!(catch_unwind(|| pin.get_or_insert_with(99, || panic!("make"))).is_err());
        assert!(catch_unwind(|| pin.retain(|_, _| panic!("retain"))).is_err());
    }
    assert_eq!(map.len(), 20);
    map.check_at_rest().unwrap();
    map.pin().insert(99, 1);
    assert_eq!(map.pin().remove(&5), Some(&5));
}

#[test]
fn a_retain_that_panics_has_removed_what_it_was_told_to() {
    let map: Map = Map::with_hasher(ZERO);
    (0..20).for_each(|key| _ = map.pin().insert(key, key));
    for stays in (0..20).rev() {
        let asked = Cell::new(0);
        let all = AssertUnwindSafe(|| {
            map.pin().retain(|_, _| {
                asked.set(asked.get() + 1);
                assert!(asked.get() == 1, "asked about a second");
                false
            });
        });
        assert_eq!(catch_unwind(all).is_err(), stays > 0);
        assert_eq!(map.len(), stays, "one was judged");
        map.check().unwrap();
    }
}

/// Also by the pin that it was called with.
#[test]
fn a_retain_may_empty_the_map_in_its_midst() {
    let map: Map = Map::with_hasher(ZERO);
    let pin = map.pin();
    for act in [
        |pin: &Pinned| pin.clear(),
        |pin: &Pinned| pin.retain(|_, _| false),
        |pin: &Pinned| (0..20).for_each(|key| _ = pin.remove(&key)),
    ] {
        (0..20).for_each(|key| _ = pin.insert(key, key));
        pin.retain(|_, _| {
            act(&pin);
            true
        });
        assert!(map.is_empty());
    }
}

thread_local! {
    /// Comparisons until one panics.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

#[derive(Debug)]
struct Fused(u32);

impl Hash for Fused {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.0);
    }
}

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        if let Some(left) = FUSE.get() {
            assert_ne!(left, 0, "the fuse");
            FUSE.set(Some(left - 1));
        }
        self.0 == other.0
    }
}

impl Eq for Fused {}

#[test]
fn a_comparison_that_panics_leaves_the_map_as_it_was() {
    let mut map = ConcurrentMap::<Fused, String, By>::with_hasher(ZERO);
    for key in 0..30 {
        map.pin().insert(Fused(key), key.to_string());
    }
    for fuse in (0..30).step_by(if cfg!(miri) { 13 } else { 1 }) {
        let attempt = |body: &dyn Fn()| {
            FUSE.set(Some(fuse));
            assert!(
                catch_unwind(AssertUnwindSafe(body)).is_err(),
                "the fuse of {fuse} did not blow"
            );
            FUSE.set(None);
        };
        attempt(&|| drop(map.pin().get(&Fused(100)).cloned()));
        attempt(&|| drop(map.pin().insert(Fused(100), "x".into()).cloned()));
        attempt(&|| drop(map.pin().remove(&Fused(100)).cloned()));
        attempt(&|| drop(map.pin().get_or_insert(Fused(100), "x".into()).clone()));
        attempt(&|| drop(map.pin().update(Fused(100), Clone::clone).cloned()));
    }
    assert_eq!(map.len(), 30);
    map.check_at_rest().unwrap();
    // The bucket's lock is free.
    map.pin().insert(Fused(100), "y".into());
    assert_eq!(map.pin().get(&Fused(100)).map(String::as_str), Some("y"));
}

static MEDDLED: OnceLock<ConcurrentMap<u32, Meddler, By>> = OnceLock::new();

/// A value that uses its map when dropped.
struct Meddler(u32);

impl Drop for Meddler {
    fn drop(&mut self) {
        let pin = MEDDLED.get().expect("set before the first value").pin();
        pin.get(&self.0);
        if self.0 < 2_000 {
            pin.insert(self.0 + 10_000, Meddler(self.0 + 10_000));
        }
        pin.remove(&(self.0 + 10_000));
    }
}

#[test]
fn a_drop_may_use_the_map() {
    let map = MEDDLED.get_or_init(ConcurrentMap::default);
    let keys = if cfg!(miri) { 20 } else { 300 };
    for key in 0..keys {
        map.pin().insert(key, Meddler(key));
    }
    for key in 0..keys {
        map.pin().insert(key, Meddler(key));
        map.pin().remove(&key);
    }
    map.pin().clear();
    map.check().unwrap();
}

/// An answer that another write has made stale is dropped, which may write to the very key, before the lock is taken again.
#[test]
fn an_answer_that_went_stale_is_dropped_without_a_lock() {
    static MAP: OnceLock<ConcurrentMap<u32, Writes, By>> = OnceLock::new();
    struct Writes(bool);
    impl Drop for Writes {
        fn drop(&mut self) {
            if self.0 {
                MAP.get().expect("it was made").pin().insert(1, Writes(false));
            }
        }
    }
    let map = MAP.get_or_init(|| ConcurrentMap::with_hasher(ZERO));
    for last in [true, false] {
        let (finished, done) = channel();
        std::thread::spawn(move || {
            let pin = map.pin();
            pin.insert(1, Writes(false));
            let mut first = true;
            pin.compute(1, |_| {
                if std::mem::take(&mut first) {
                    pin.insert(1, Writes(false));
                    return Operation::Insert(Writes(true));
                }
                if last { Operation::Remove } else { Operation::Abort(()) }
            });
            finished.send(()).unwrap();
        });
        done.recv_timeout(Duration::from_secs(20)).expect("it waits for its own lock");
    }
}

#[test]
fn a_drop_that_panics_leaves_a_valid_map() {
    static DROPS: [AtomicUsize; 200] = [const { AtomicUsize::new(0) }; 200];
    struct Touchy(usize);
    impl Drop for Touchy {
        fn drop(&mut self) {
            DROPS[self.0].fetch_add(1, Ordering::Relaxed);
            assert_ne!(self.0, 50, "too touchy");
        }
    }
    let mut map = ConcurrentMap::new();
    (&map).extend((0..100).map(|key| (key, Touchy(key))));
    let pin = map.pin();
    pin.retain(|key, _| key % 2 == 1);
    pin.flush();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(pin))).is_err(), "nothing was dropped");
    map.check_at_rest().unwrap();
    assert!((0..100).all(|key| map.pin().contains_key(&key) == (key % 2 == 1)));
    (&map).extend((100..200).map(|key| (key, Touchy(key))));
    (100..110).for_each(|key| _ = map.pin().remove(&key));
    map.check_at_rest().unwrap();
    drop(map);
    for (key, drops) in DROPS.iter().enumerate() {
        assert_eq!(drops.load(Ordering::Relaxed), 1, "drops of {key}");
    }
}

/// One pin for all, so that all of many batches wait for it; and others that panic, at the map's end too.
#[test]
fn what_is_reclaimed_after_a_drop_that_panics_is_dropped_too() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Touchy(u32, Arc<ConcurrentMap<u32, u32>>);
    impl Drop for Touchy {
        fn drop(&mut self) {
            // It pins a map, and what panicked before is not heard of here.
            self.1.pin().insert(self.0, self.0);
            DROPS.fetch_add(1, Ordering::Relaxed);
            assert!(!matches!(self.0, 7 | 1_500 | 2_000), "too touchy: {}", self.0);
        }
    }
    const VALUES: u32 = 2_000;
    let others = Arc::new(ConcurrentMap::new());
    let map = ConcurrentMap::new();
    let pin = map.pin();
    for number in 0..=VALUES {
        pin.insert(0, Touchy(number, others.clone()));
    }
    let said = |act: Box<dyn FnOnce() + '_>| {
        *catch_unwind(AssertUnwindSafe(act))
            .expect_err("nothing panicked")
            .downcast::<String>()
            .unwrap()
    };
    let first = said(Box::new(|| drop(pin)));
    assert!(["too touchy: 7", "too touchy: 1500"].contains(&&*first), "{first}");
    let dropped = DROPS.load(Ordering::Relaxed);
    assert!(dropped >= 1_501, "{dropped} of three batches and what is left");
    map.pin().remove(&0);
    assert_eq!(said(Box::new(|| drop(map))), "too touchy: 2000");
    assert_eq!(DROPS.load(Ordering::Relaxed), VALUES as usize + 1);
    assert_eq!(others.len(), VALUES as usize + 1);
}

/// Counts its drops, and panics if it says so.
struct Panics<'a>(bool, &'a AtomicUsize);

impl Drop for Panics<'_> {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
        assert!(!self.0, "too touchy");
    }
}

#[test]
fn a_map_whose_entries_panic_drops_them_all() {
    for removed in [0, 1, 2] {
        let drops = AtomicUsize::new(0);
        let map = ConcurrentMap::new();
        (0..100).for_each(|key| _ = map.pin().insert(key, Panics(key % 10 == 0, &drops)));
        // They await a grace period that comes with the map's end.
        (0..removed).for_each(|nth| _ = map.pin().remove(&(nth * 10)));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(map))).is_err());
        assert_eq!(drops.into_inner(), 100);
    }
}

#[test]
fn a_drop_that_panics_as_a_closure_has_is_not_heard_of() {
    let drops = AtomicUsize::new(0);
    let map = ConcurrentMap::new();
    map.pin().insert(0, Panics(true, &drops));
    let closure = || {
        let pin = map.pin();
        pin.remove(&0);
        pin.flush();
        pin.compute::<()>(1, |_| panic!("the closure"));
    };
    let said = catch_unwind(AssertUnwindSafe(closure)).expect_err("it panics");
    assert_eq!(said.downcast_ref(), Some(&"the closure"));
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    map.pin().insert(2, Panics(false, &drops));
}

/// A map in a map's value: its pin ends inside of a reclamation, whose end is when the panic goes on.
#[test]
fn a_drop_within_a_drop_that_panics_keeps_neither_from_its_end() {
    struct Outer<'a>(ConcurrentMap<u32, Panics<'a>>, &'a AtomicUsize);
    impl Drop for Outer<'_> {
        fn drop(&mut self) {
            for key in 0..2 {
                let pin = self.0.pin();
                pin.remove(&key);
                pin.flush();
                drop(pin);
                self.1.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let [drops, ends] = [const { AtomicUsize::new(0) }; 2];
    let inner = ConcurrentMap::new();
    (0..2).for_each(|key| _ = inner.pin().insert(key, Panics(true, &drops)));
    let map = ConcurrentMap::new();
    map.pin().insert(0, Outer(inner, &ends));
    let remove = || {
        let pin = map.pin();
        pin.remove(&0);
        pin.flush();
    };
    assert!(catch_unwind(AssertUnwindSafe(remove)).is_err());
    assert_eq!((drops.load(Ordering::Relaxed), ends.load(Ordering::Relaxed)), (2, 2));
}
