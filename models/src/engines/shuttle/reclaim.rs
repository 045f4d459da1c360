//! Reclamation as eager as the contract allows.
//!
//! A retired object is dead the moment the last pin that existed at its retiring ends; `objects` reports who touches it
//! later. The memory is kept until the map is gone, and given back then. A pin that begins after a retiring sees the
//! unlinking (the contract's *or that was made later but does not see the unlinking*, which an eager collector rules
//! out): it is given what the retiring thread had seen, but **not** its happens-before, so data races stay visible.
//!
//! What is kept for use again is reclaimed during the execution, if the policy has it so (that of `dfs` has it both ways): by the
//! thread that ends the last of the pins that could hold it. Of other threads it is given what the contract says: what
//! was done under those pins, and under those that had ended before.
//!
//! Collectors that retire in batches are not that eager, and hide less from stale reads. So with them the policy may have a
//! retiring deferred: no later pin is given anything by it, and the object lives until the map is gone.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::clock::{Clock, View};
use super::objects::{Objects, PinNumber};
use super::pending::{Access, Choice, Location};
use super::task::Doing;
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
    recycled: RefCell<Vec<Recycled>>,
    /// What the threads had done whose pins have ended.
    ended: Cell<View>,
}

/// What is to be reclaimed during the execution.
struct Recycled {
    identity: usize,
    /// What had been done under the pins that had ended before it was retired, and its holders' since.
    ended: View,
    free: Free,
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

    /// A pin has ended, of a thread with this view: what no other may hold.
    fn unheld(&self, pin: PinNumber, view: &View, objects: &Objects) -> Vec<Recycled> {
        let mut ended = self.ended.get();
        ended.join(view);
        self.ended.set(ended);
        let mut recycled = self.recycled.borrow_mut();
        for recycled in recycled.iter_mut() {
            if objects.is_held_by(recycled.identity, pin) {
                recycled.ended.join(view);
            }
        }
        recycled.extract_if(.., |recycled| !objects.is_held(recycled.identity)).collect()
    }
}

// SAFETY: an object is reclaimed when the last of the guards that existed at its retiring ends, by the thread that ends it, if a
// later guard's loads cannot miss its unlinking; or else when the collector is dropped, and no guard can exist.
unsafe impl Collector for ModelCollector {
    type Guard<'collector> = ModelGuard<'collector>;

    // The contract's least: a later pin sees every unlinking, so no load needs more to lead to what is protected. Whether a
    // load asks for this order by name, or for Acquire, no model can tell.
    const PROTECT: Ordering = Ordering::Acquire;

    fn new() -> Self {
        let location = with(|world| world.new_location().0);
        ModelCollector {
            location,
            seen: Cell::default(),
            retired: RefCell::default(),
            recycled: RefCell::default(),
            ended: Cell::default(),
        }
    }

    #[track_caller]
    fn pin(&self) -> ModelGuard<'_> {
        world::before(self.location, Access::Pin, Doing::here(Access::Pin));
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
        let _until_here = Collecting(COLLECTING.replace(true));
        // If one panics, the rest leaks, as what an execution has that failed.
        let recycled = self.recycled.take().into_iter().map(|recycled| recycled.free);
        for free in self.retired.take().into_iter().chain(recycled) {
            free();
        }
    }
}

/// While it lives, this thread is giving memory back; afterwards it is if it was.
struct Collecting(bool);

impl Drop for Collecting {
    fn drop(&mut self) {
        COLLECTING.set(self.0);
    }
}

/// A pin.
pub struct ModelGuard<'collector> {
    collector: &'collector ModelCollector,
    number: PinNumber,
}

impl Guard for ModelGuard<'_> {
    #[track_caller]
    unsafe fn retire<T: Reclaim>(&self, object: *mut T) {
        world::before(self.collector.location, Access::Retire, Doing::here(Access::Retire));
        // SAFETY: the caller's obligations: valid, and only its own any more.
        let identity = unsafe { T::identity(object) }.addr();
        let (fine, recycled) = with(|world| {
            let deferred = world.stale && world.choose(Choice::Defer) == 1;
            if T::IS_KEPT && !world.recycles {
                world.recycles = world.choose(Choice::Recycle) == 1;
            }
            let recycled = T::IS_KEPT && world.recycles && !deferred;
            let step = world.step();
            if !deferred {
                let mut seen = self.collector.seen.get();
                seen.join(&step.knowledge.view.seen);
                self.collector.seen.set(seen);
            }
            let locked = world.me().locked;
            let fine = world.register(|objects, doer, names| {
                objects.retire(identity, doer, locked, deferred, names)
            });
            (fine, recycled)
        });
        if !fine {
            world::unwind();
            return;
        }
        let free = move || {
            with(|world| {
                if T::IS_KEPT && world.recycles {
                    world.objects.kept(identity);
                }
            });
            // SAFETY: the caller's obligations: valid, unlinked, retired once; and this runs once, when every pin has ended
            // that could hold it, or the map is gone.
            unsafe { T::reclaim(object) }
        };
        // SAFETY: only the lifetime changes: the object's type may borrow, but it is freed before the map's own
        // lifetime ends, when the collector, which the map owns, is dropped.
        let free = unsafe { std::mem::transmute::<Box<dyn FnOnce() + '_>, Free>(Box::new(free)) };
        if recycled {
            let recycled = Recycled { identity, ended: self.collector.ended.get(), free };
            self.collector.recycled.borrow_mut().push(recycled);
        } else {
            self.collector.retired.borrow_mut().push(free);
        }
    }

    fn flush(&self) {}
}

impl Drop for ModelGuard<'_> {
    fn drop(&mut self) {
        let doing = Doing { access: Access::Unpin, site: None };
        world::before(self.collector.location, Access::Unpin, doing);
        let unheld = with(|world| {
            world.step();
            world.objects.unpin(self.number);
            let view = world.me().knowledge.view;
            self.collector.unheld(self.number, &view, &world.objects)
        });
        for Recycled { ended, free, .. } in unheld {
            with(|world| world.me().knowledge.view.join(&ended));
            free();
        }
    }
}
