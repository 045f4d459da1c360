//! Allocation failure: `try_reserve` answers with an error, whichever allocation fails, and harms nothing.
//!
//! An allocator that fails on demand, per thread.
//!
//! # Properties
//! - **error**: when any allocation that `try_reserve` makes fails, it returns an error.
//! - **kept**: the map is valid afterwards, holds what it held, and can be used and asked again.

mod common;

use common::{Ledger, Subject, Tracked, in_every_state};
use map_core::{Map, TryReserveError};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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
                LEFT.set(Some(n));
                let result = map.try_reserve(additional);
                LEFT.set(None);
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
                    Err(error) => assert!(!error.to_string().is_empty(), "{context}"),
                }
                for id in fresh..fresh + 30 {
                    map.insert(Tracked::new(id), Tracked::new(id));
                }
                map.check()
                    .unwrap_or_else(|violation| panic!("{context}, then 30 inserts: {violation}"));
                assert_eq!(map.try_reserve(additional), Ok(()), "{context}, then memory");
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

#[test]
fn a_shrink_after_failed_reservations_keeps_the_map() {
    in_every_state(Tracked::new, Tracked::new, |subject| {
        let Subject { name, mut map, model, .. } = subject;
        for n in 0..4 {
            LEFT.set(Some(n));
            _ = map.try_reserve(1000);
            LEFT.set(None);
        }
        map.shrink_to_fit();
        map.check().unwrap_or_else(|violation| panic!("{name}: {violation}"));
        assert!(
            map.len() == model.len() && model.keys().all(|id| map.contains_key(&Tracked::new(*id)))
        );
    });
}

/// 2^59 buckets of 16 bytes are one byte more than any block may have.
#[test]
fn a_table_that_could_not_be_addressed_is_an_overflow() {
    let refused = Map::<(), ()>::new().try_reserve(13 << 58);
    assert_eq!(refused, Err(TryReserveError::CapacityOverflow));
}
