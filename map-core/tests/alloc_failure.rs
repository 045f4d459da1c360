//! Allocation failure: `try_reserve` answers with an error, whichever allocation fails, and harms nothing.
//!
//! An allocator that fails on demand, per thread.
//!
//! # Properties
//! - **error**: when any allocation that `try_reserve` makes fails, it returns an error. (But for those
//!   that note moves for open cursors, which come last.)
//! - **kept**: the map is valid afterwards, holds what it held, has the room that it had, and can be
//!   used and asked again, while memory is short as well.

mod common;

use common::hashers::IDENTITY;
use common::{Ledger, Subject, Tracked, in_every_state};
use map_core::{Map, TryReserveError};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::iter;

struct Failing;

thread_local! {
    /// How many allocations still succeed.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

fn refuses() -> bool {
    LEFT.try_with(|left| match left.get() {
        Some(0) => true,
        Some(n) => {
            left.set(Some(n - 1));
            false
        }
        None => false,
    })
    .unwrap_or(false)
}

// SAFETY: passes everything on to `System`, or refuses, which every caller has to expect.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if refuses() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's obligations are `System`'s.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are `System`'s.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static FAILING: Failing = Failing;

/// Does something while only `left` allocations succeed.
fn with_allocations<T>(left: usize, act: impl FnOnce() -> T) -> T {
    LEFT.set(Some(left));
    let result = act();
    LEFT.set(None);
    result
}

/// How many allocations it makes.
fn allocations(act: impl FnOnce()) -> usize {
    const ENOUGH: usize = 1 << 20;
    with_allocations(ENOUGH, || {
        act();
        ENOUGH - LEFT.get().expect("it was set")
    })
}

#[test]
fn whichever_allocation_fails_the_map_stays_as_it_was() {
    for additional in [20, 300, 5000] {
        let mut n = 0;
        let mut failed_somewhere = true;
        while failed_somewhere && n < 400 {
            failed_somewhere = false;
            in_every_state(Tracked::new, Tracked::new, |subject| {
                let Subject { name, mut map, model, fresh } = subject;
                let context = format!("{name}, try_reserve({additional}), allocation {n} fails");
                let capacity = map.capacity();
                let result = with_allocations(n, || map.try_reserve(additional));
                failed_somewhere |= result.is_err();
                map.check().unwrap_or_else(|violation| panic!("{context}: {violation}"));
                assert_eq!(map.len(), model.len(), "{context}");
                for (id, value) in &model {
                    assert_eq!(
                        map.get(&Tracked::new(*id)).map(|value| value.id),
                        Some(*value),
                        "{context}"
                    );
                }
                match result {
                    Ok(()) => assert!(map.capacity() >= model.len() + additional, "{context}"),
                    Err(error) => {
                        assert!(!error.to_string().is_empty(), "{context}");
                        assert_eq!(map.capacity(), capacity, "{context}");
                        let again = with_allocations(0, || map.try_reserve(additional));
                        assert!(again.is_err(), "{context}, and again");
                    }
                }
                for id in fresh..fresh + 30 {
                    map.insert(Tracked::new(id), Tracked::new(id));
                }
                map.check()
                    .unwrap_or_else(|violation| panic!("{context}, then 30 inserts: {violation}"));
                assert_eq!(map.try_reserve(additional), Ok(()), "{context}, then memory");
                assert!(map.capacity() >= map.len() + additional, "{context}, then memory");
                assert!(model.keys().all(|id| map.contains_key(&Tracked::new(*id))), "{context}");
                drop(map);
                Ledger::assert_alive(0, &context);
                Ledger::reset();
            });
            n += if n < 8 { 1 } else { n / 3 };
        }
        assert!(n > 0 && n < 400, "try_reserve({additional}) made no allocation, or hundreds");
    }
}

/// Whatever memory was refused, a map that needs none can be written, cleared and shrunk meanwhile.
#[test]
fn a_map_that_was_refused_room_works_while_memory_is_short() {
    let made = |keys: std::ops::Range<u64>| {
        let mut map = Map::with_hasher(IDENTITY);
        map.extend(keys.map(|key| (key, key)));
        map
    };
    let needed = allocations(|| made(0..60).reserve(5000)) - allocations(|| drop(made(0..60)));
    assert!(needed > 4, "a table, its segments, the growth");
    for n in 0..needed {
        let mut map = made(0..60);
        let capacity = map.capacity();
        assert!(with_allocations(n, || map.try_reserve(5000)).is_err(), "allocation {n}");
        with_allocations(0, || {
            assert_eq!(map.capacity(), capacity);
            assert!(map.try_reserve(5000).is_err());
            assert_eq!((map.insert(60, 60), map.remove(&7)), (None, Some(7)));
            map.shrink_to(capacity);
            map.check().unwrap();
            assert_eq!(map.len(), 60);
            map.clear();
            assert_eq!(map.insert(60, 60), None);
        });
    }
}

/// Up to where the moves are noted for the cursor, that is.
#[test]
fn a_cursor_outlives_a_refusal() {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, model, .. } = subject;
        // The growth under way notes its moves before the larger table is asked for.
        while map.evacuate(1000) > 0 {}
        let mut sized = map.clone();
        // Where entries are to move, also the room to note the moves of a bucket.
        let needed = allocations(|| sized.reserve(300)) + usize::from(!model.is_empty());
        drop(sized);
        for n in 0..needed {
            let context = format!("{name}, allocation {n} of {needed} fails");
            let mut map = map.clone();
            let capacity = map.capacity();
            let mut cursor = map.cursor();
            assert!(with_allocations(n, || map.try_reserve(300)).is_err(), "{context}");
            assert_eq!(map.capacity(), capacity, "{context}");
            let mut seen = Vec::from_iter(cursor.next(&map).map(|(key, _)| key.id));
            map.reserve(300);
            map.check().unwrap_or_else(|violation| panic!("{context}: {violation}"));
            seen.extend(iter::from_fn(|| cursor.next(&map).map(|(key, _)| key.id)));
            seen.sort_unstable();
            assert!(seen.iter().eq(model.keys()), "{context}: a cursor saw {seen:?}");
        }
        drop(map);
        Ledger::assert_alive(0, &name);
        Ledger::reset();
    });
}

#[test]
fn a_shrink_after_failed_reservations_keeps_the_map() {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, model, .. } = subject;
        for n in 0..4 {
            _ = with_allocations(n, || map.try_reserve(1000));
        }
        map.shrink_to_fit();
        map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
        assert!(
            map.len() == model.len() && model.keys().all(|id| map.contains_key(&Tracked::new(*id)))
        );
    });
}

/// Or else a system that promises more than it has would end the process half way.
#[test]
fn a_table_too_large_for_any_memory_is_refused_in_one_piece() {
    let entries = 1 << 32;
    let mut map = Map::<u64, u64>::new();
    // The directory is granted, and nothing is asked for after the whole.
    let refused = with_allocations(1, || map.try_reserve(entries));
    let Err(TryReserveError::AllocError { layout }) = refused else { panic!("{refused:?}") };
    assert!(layout.size() > entries * size_of::<(u64, u64)>(), "{layout:?}");
}

/// 2^59 buckets of 16 bytes are one byte more than any block may have.
#[test]
fn a_table_that_could_not_be_addressed_is_an_overflow() {
    let refused = Map::<(), ()>::new().try_reserve(13 << (usize::BITS - 6));
    assert_eq!(refused, Err(TryReserveError::CapacityOverflow));
}
