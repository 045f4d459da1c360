//! Reclamation as eager as the contract allows.
//!
//! A retired object is dead the moment the last pin that existed at its retiring ends; `objects` reports who touches it
//! later. The memory is kept until the map is gone, and given back then. A pin that begins after a retiring sees the
//! unlinking (the contract's *or that was made later but does not see the unlinking*, which an eager collector rules
//! out): it is given what the retiring thread had seen, but **not** its happens-before, so data races stay visible.
//!
//! Collectors that retire in batches are not that eager, and hide less from stale reads. So with them the policy may have a
//! retiring deferred: no later pin is given anything by it, and the object lives until the map is gone.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::clock::Clock;
use super::objects::PinNumber;
use super::pending::{Access, Choice, Location};
use super::world::{self, with};
use map_core::platform::{Collector, Guard, Reclaim};
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;

/// Frees one retired object.
type Free = Box<dyn FnOnce()>;

/// The collector of the shuttle platform.
pub struct ModelCollector {
    location: Location,
    /// What those who retired had seen.
    seen: Cell<Clock>,
    retired: RefCell<Vec<Free>>,
}

thread_local! {
    static COLLECTING: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: **one OS thread**, see `platform`.
unsafe impl Send for ModelCollector {}
// SAFETY: **one OS thread**, see `platform`.
unsafe impl Sync for ModelCollector {}

impl ModelCollector {
    /// Is a collector giving memory back right now?
    pub(super) fn is_collecting() -> bool {
        COLLECTING.get()
    }
}

// SAFETY: nothing is reclaimed before the collector is dropped, when no guard can exist.
unsafe impl Collector for ModelCollector {
    type Guard<'collector> = ModelGuard<'collector>;

    // The contract's least: a later pin sees every unlinking, so no load needs more to lead to what is protected.
    const PROTECT: Ordering = Ordering::Acquire;

    fn new() -> Self {
        let location = with(|world| world.new_location().0);
        ModelCollector { location, seen: Cell::default(), retired: RefCell::default() }
    }

    fn pin(&self) -> ModelGuard<'_> {
        world::before(self.location, Access::Pin);
        let number = with(|world| {
            let current = world.current;
            let step = world.step();
            step.knowledge.view.seen.join(&self.seen.get());
            world.objects.pin(current)
        });
        ModelGuard { collector: self, number }
    }
}

impl Drop for ModelCollector {
    fn drop(&mut self) {
        let was = COLLECTING.replace(true);
        // One that panics takes none of the others with it: they are freed by the next drop of the vector's rest.
        for free in self.retired.take() {
            free();
        }
        COLLECTING.set(was);
    }
}

/// A pin.
pub struct ModelGuard<'collector> {
    collector: &'collector ModelCollector,
    number: PinNumber,
}

impl Guard for ModelGuard<'_> {
    unsafe fn retire<T: Reclaim>(&self, object: *mut T) {
        world::before(self.collector.location, Access::Retire);
        let fine = with(|world| {
            let deferred = world.stale && world.choose(Choice::Defer) == 1;
            let step = world.step();
            if !deferred {
                let mut seen = self.collector.seen.get();
                seen.join(&step.knowledge.view.seen);
                self.collector.seen.set(seen);
            }
            let locked = world.me().locked;
            world.register(|objects, doer, names| {
                objects.retire(T::identity(object).addr(), doer, locked, deferred, names)
            })
        });
        if !fine {
            world::unwind();
            return;
        }
        // SAFETY: the caller's obligations: valid, unlinked, retired once; and this runs once, when the map is gone.
        let free = move || unsafe { T::reclaim(object) };
        // SAFETY: only the lifetime changes: the object's type may borrow, but it is freed before the map's own
        // lifetime ends, when the collector, which the map owns, is dropped.
        let free = unsafe { std::mem::transmute::<Box<dyn FnOnce() + '_>, Free>(Box::new(free)) };
        self.collector.retired.borrow_mut().push(free);
    }

    fn flush(&self) {}
}

impl Drop for ModelGuard<'_> {
    fn drop(&mut self) {
        world::before(self.collector.location, Access::Unpin);
        with(|world| {
            world.step();
            world.objects.unpin(self.number);
        });
    }
}
