//! The platform: shuttle's scheduling, our memory, cells and owned memory that see data races.
//!
//! No shuttle primitive holds a value: shuttle treats every ordering as SeqCst and its clocks are not ours. Each
//! operation publishes itself, switches, and is then done on `memory` in one step.
//!
//! # Invariants
//! - **one OS thread**: the tasks of an execution are coroutines of one OS thread, and a map does not outlive its
//!   execution: what is `Sync` here is never shared between OS threads.
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/litmus.rs`.

use super::clock::{Clock, Stamp, TASKS};
use super::guard::Logged;
use super::memory::Memory;
use super::objects::{Doer, Names};
use super::pending::{Access, Choice};
use super::reclaim::ModelCollector;
use super::task::Doing;
use super::world::{self, Phase, World, with};
use crate::engines::program::{Abandoned, Setup};
use map_core::platform::{Atomic, AtomicNumber, Cell, Mutex, Object, Place, Platform, Point};
use std::cell::UnsafeCell;
use std::panic::Location as Site;
use std::sync::atomic::Ordering;

/// The oracle that reports data races.
pub const RACE: &str = "race";

/// shuttle, with our own memory model. See the module.
#[derive(Clone, Copy, Debug)]
pub struct Model;

// SAFETY: the atomics are atomic: one OS thread, and each operation is one step of it. The orderings are at least as
// strong as asked for, see `memory`. A cell's pointer is to the value in it. The mutex excludes.
unsafe impl Platform for Model {
    type AtomicU64 = ModelAtomic<u64>;
    type AtomicUsize = ModelAtomic<usize>;
    type AtomicPtr<T> = ModelAtomic<*mut T>;
    type Cell<T> = ModelCell<T>;
    type Mutex<T> = ModelMutex<T>;
    type Collector = ModelCollector;

    const EVACUATION_BARRIER: bool = true;
    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        with(|world| world.current)
    }

    fn stripes() -> usize {
        2
    }

    #[track_caller]
    fn wait(_round: u32) {
        with(World::wait);
        world::before(super::pending::Location::NONE, Access::Wait, Doing::here(Access::Wait));
    }

    #[track_caller]
    fn fence(order: Ordering) {
        world::before(super::pending::Location::NONE, Access::Fence, Doing::here(Access::Fence));
        with(|world| {
            let step = world.step();
            step.knowledge.fence(order, step.sequential);
        });
    }

    fn point(point: Point, place: Place) {
        with(|world| world.reach(point, place));
    }

    fn abandons(point: Point, place: Place) -> bool {
        with(|world| {
            // While threads run none is to be given up, and at other times there is nothing to choose.
            let abandons = world.abandoned.is_some_and(|which| which.has(place))
                || world.choose(Choice::Abandon(point, place)) == 1;
            if abandons {
                world.me().locked = None;
            }
            abandons
        })
    }

    fn grows_early(place: Place) -> bool {
        with(|world| world.choose(Choice::GrowEarly(place))) == 1
    }

    fn recycles_segments() -> bool {
        with(|world| world.recycles)
    }

    fn allocated<T>(object: *const T, kind: Object) {
        with(|world| {
            let doer = world.doer();
            world.objects.allocated(object.addr(), kind, doer);
        });
    }

    #[track_caller]
    fn touched<T>(object: *const T) {
        ask(|world| {
            world.phase != Phase::Running
                || world
                    .register(|objects, doer, names| objects.touch(object.addr(), doer.task, names))
        });
    }

    fn freed<T>(object: *const T) {
        let collected = ModelCollector::is_collecting();
        ask(|world| {
            world.register(|objects, _: Doer, names: Names<'_>| {
                objects.freed(object.addr(), collected, names)
            })
        });
    }
}

impl Setup for Model {
    fn abandon(which: Option<Abandoned>) {
        with(|world| world.abandoned = which);
    }

    fn returned_to_an_op() {
        with(|world| world.me().stores_seen = u64::MAX);
    }

    fn has_grown_early() -> bool {
        let grown =
            |logged: &Logged| matches!(logged, Logged::Chose { choice: Choice::GrowEarly(_), .. });
        with(|world| world.log.iter().any(grown))
    }
}

/// Unwinds if the answer is no.
fn ask(question: impl FnOnce(&mut World) -> bool) {
    if !with(question) {
        world::unwind();
    }
}

/// What the map's code does, and where.
type Told = (Access, &'static Site<'static>);

/// An atomic.
#[derive(Debug)]
pub struct ModelAtomic<T>(UnsafeCell<Memory<T>>);

// SAFETY: **one OS thread**.
unsafe impl<T> Send for ModelAtomic<T> {}
// SAFETY: **one OS thread**.
unsafe impl<T> Sync for ModelAtomic<T> {}

impl<T: Copy + PartialEq> ModelAtomic<T> {
    /// One operation: switch, check that the atomic is seen made, do it.
    #[track_caller]
    fn visit<R>(&self, access: Access, body: impl FnOnce(&mut World, &mut Memory<T>) -> R) -> R {
        self.visit_as(access, (access, Site::caller()), body)
    }

    /// The same, which the map's code calls so and does there.
    fn visit_as<R>(
        &self,
        access: Access,
        (told, caller): Told,
        body: impl FnOnce(&mut World, &mut Memory<T>) -> R,
    ) -> R {
        // SAFETY: **one OS thread**; the location does not change.
        let location = unsafe { (*self.0.get()).location };
        world::before(location, access, Doing { access: told, site: Some(caller) });
        let (answer, fine) = with(|world| {
            // SAFETY: **one OS thread**, and no switch until the end of this block.
            let memory = unsafe { &mut *self.0.get() };
            let runs = world.phase == Phase::Running;
            let made = !runs || seen_made(world, memory.birth, caller);
            let stores = world.stores;
            let answer = body(world, memory);
            // A compare-exchange that fails stores nothing; what one acquires that succeeds comes before its store.
            let fine = made
                && (!runs
                    || world.stores == stores
                    || ordered(world, &memory.owned, ["stored", "loaded"], caller));
            (answer, fine)
        });
        if !fine {
            world::unwind();
        }
        answer
    }

    fn store_as(&self, told: Told, value: T, order: Ordering) {
        self.visit_as(Access::Write, told, |world, memory| {
            let mut back = 0;
            if world.stale {
                let sequential = (order == Ordering::SeqCst).then_some(world.sequential);
                let options = memory.writable(&world.me().knowledge, sequential.as_ref());
                back = world.choose(Choice::Write { location: memory.location, options });
            }
            memory.store(world.step(), order, back, value);
            world.stored();
        });
    }

    fn exchange_as(
        &self,
        told: Told,
        [current, new]: [T; 2],
        [success, failure]: [Ordering; 2],
    ) -> Result<T, T> {
        self.visit_as(Access::Rmw, told, |world, memory| {
            let back = back(world, memory, failure);
            if back > 0 && memory.value(back) != current {
                return Err(memory.load(world.step(), failure, back));
            }
            if memory.peek() != current {
                return Err(memory.load(world.step(), failure, 0));
            }
            world.stored();
            Ok(memory.update(world.step(), success, |_| new))
        })
    }
}

/// Has the current task seen the atomic made at `birth`?
fn seen_made(world: &mut World, birth: Stamp, caller: &'static Site<'static>) -> bool {
    if world.me().knowledge.view.ordered.knows(birth) {
        return true;
    }
    let did = format!(
        "used an atomic at {} that {} made; nothing orders the making before the use",
        world::site(caller),
        world.tasks[birth.task as usize].name,
    );
    world.object(RACE, "an atomic is used only after its making is seen", did);
    false
}

/// Is all that was done with owned memory ordered before what the current task does with it?
fn ordered(
    world: &mut World,
    done: &Clock,
    [does, before]: [&str; 2],
    caller: &'static Site<'static>,
) -> bool {
    let Some(other) = world.me().knowledge.view.ordered.unordered(done) else { return true };
    let did = format!(
        "{does} at {} owned memory that {} had {before}; nothing orders one before the other",
        world::site(caller),
        world.tasks[other].name,
    );
    world.object(RACE, "owned memory is not loaded by its owner and stored at once", did);
    false
}

/// Which store a load reads.
fn back<T: Copy + PartialEq>(world: &mut World, memory: &Memory<T>, order: Ordering) -> usize {
    if !world.stale {
        return 0;
    }
    let sequential = (order == Ordering::SeqCst).then_some(world.sequential);
    let options = memory.readable(&world.me().knowledge, sequential.as_ref());
    world.choose(Choice::Read { location: memory.location, options })
}

impl<T: Copy + PartialEq> Atomic<T> for ModelAtomic<T> {
    fn new(value: T) -> Self {
        let memory = with(|world| {
            let (location, stamp) = world.new_location();
            Memory::new(location, stamp, value)
        });
        ModelAtomic(UnsafeCell::new(memory))
    }

    #[track_caller]
    fn load(&self, order: Ordering) -> T {
        self.visit(Access::Read, |world, memory| {
            let back = back(world, memory, order);
            memory.load(world.step(), order, back)
        })
    }

    /// No switch: nobody else may write it now.
    #[track_caller]
    fn load_owned(&self) -> T {
        let caller = Site::caller();
        let (answer, fine) = with(|world| {
            // SAFETY: **one OS thread**, and no switch until the end of this block.
            let memory = unsafe { &mut *self.0.get() };
            let fine = world.phase != Phase::Running
                || seen_made(world, memory.birth, caller)
                    && ordered(world, &memory.stores, ["loaded", "stored"], caller);
            (memory.load_owned(world.step()), fine)
        });
        if !fine {
            world::unwind();
        }
        answer
    }

    #[track_caller]
    fn store(&self, value: T, order: Ordering) {
        self.store_as((Access::Write, Site::caller()), value, order);
    }

    #[track_caller]
    fn swap(&self, value: T, order: Ordering) -> T {
        self.visit(Access::Rmw, |world, memory| {
            world.stored();
            memory.update(world.step(), order, |_| value)
        })
    }

    #[track_caller]
    fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.exchange_as((Access::Rmw, Site::caller()), [current, new], [success, failure])
    }
}

macro_rules! number {
    ($($number:ty),+) => {$(
        impl AtomicNumber<$number> for ModelAtomic<$number> {
            #[track_caller]
            fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                self.visit(Access::Rmw, |world, memory| {
                    world.stored();
                    memory.update(world.step(), order, |old| old.wrapping_add(value))
                })
            }

            #[track_caller]
            fn fetch_sub(&self, value: $number, order: Ordering) -> $number {
                self.visit(Access::Rmw, |world, memory| {
                    world.stored();
                    memory.update(world.step(), order, |old| old.wrapping_sub(value))
                })
            }
        }
    )+};
}

number!(u64, usize);

/// An access to a cell.
#[derive(Clone, Copy, Debug)]
struct Accessed {
    stamp: Stamp,
    site: Option<&'static Site<'static>>,
    doer: Doer,
}

#[derive(Debug)]
struct Accesses {
    write: Accessed,
    /// The last read of each task.
    reads: [Option<Accessed>; TASKS],
}

/// What has been done to a piece of plain memory.
#[derive(Debug)]
struct Traced(UnsafeCell<Box<Accesses>>);

impl Traced {
    fn new() -> Traced {
        let write = with(|world| {
            let doer = world.doer();
            Accessed { stamp: world.step().stamp, site: None, doer }
        });
        Traced(UnsafeCell::new(Box::new(Accesses { write, reads: [None; TASKS] })))
    }

    /// One more access, at a place in the code; at none, the memory is given back.
    fn access(&self, writes: bool, site: Option<&'static Site<'static>>) {
        ask(|world| {
            if matches!(world.phase, Phase::Idle | Phase::Over) {
                return true;
            }
            // SAFETY: **one OS thread**, and no switch until the end of this block.
            let accesses = unsafe { &mut **self.0.get() };
            let doer = world.doer();
            let stamp = world.step().stamp;
            let now = Accessed { stamp, site, doer };
            let clock = world.me().knowledge.view.ordered;
            let unordered = |before: &&Accessed| !clock.knows(before.stamp);
            let reads = accesses.reads.iter().flatten().filter(|_| writes);
            let racing = std::iter::once(&accesses.write).chain(reads).find(unordered).copied();
            let wrote = racing.is_some_and(|before| before.stamp == accesses.write.stamp);
            if writes {
                accesses.write = now;
                accesses.reads = [None; TASKS];
            } else {
                accesses.reads[doer.task] = Some(now);
            }
            let Some(before) = racing else { return true };
            let does = match site {
                None => "gave back".to_string(),
                Some(site) if writes => format!("wrote at {}", world::site(site)),
                Some(site) => format!("read at {}", world::site(site)),
            };
            let had_done = match before.site {
                None => "made".to_string(),
                Some(site) if wrote => format!("wrote at {}", world::site(site)),
                Some(site) => format!("read at {}", world::site(site)),
            };
            let who = world.name(before.doer);
            world.object(
                RACE,
                "plain memory is not read and written, or written twice, at once",
                format!("{does} what {who} {had_done}; nothing orders one before the other"),
            );
            false
        });
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.access(true, None);
    }
}

/// Plain memory: two accesses of different tasks, one of them a write, neither ordered before the other, are a data
/// race. To give it back is a write.
#[derive(Debug)]
pub struct ModelCell<T> {
    value: UnsafeCell<T>,
    accesses: Traced,
}

// SAFETY: **one OS thread**, and the value's.
unsafe impl<T: Send> Send for ModelCell<T> {}
// SAFETY: **one OS thread**, and the value's.
unsafe impl<T: Sync> Sync for ModelCell<T> {}

impl<T> Cell<T> for ModelCell<T> {
    fn new(value: T) -> Self {
        ModelCell { value: UnsafeCell::new(value), accesses: Traced::new() }
    }

    #[track_caller]
    fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.accesses.access(false, Some(Site::caller()));
        read(self.value.get())
    }

    #[track_caller]
    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.accesses.access(true, Some(Site::caller()));
        write(self.value.get())
    }

    #[track_caller]
    fn into_inner(self) -> T {
        self.accesses.access(true, Some(Site::caller()));
        self.value.into_inner()
    }
}

/// A lock: taken by a compare-exchange, waited for as for any store.
#[derive(Debug)]
pub struct ModelMutex<T> {
    locked: ModelAtomic<usize>,
    value: UnsafeCell<T>,
}

// SAFETY: **one OS thread**, and as std's, which hands the value from thread to thread.
unsafe impl<T: Send> Send for ModelMutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for ModelMutex<T> {}

impl<T> Mutex<T> for ModelMutex<T> {
    fn new(value: T) -> Self {
        ModelMutex { locked: ModelAtomic::new(0), value: UnsafeCell::new(value) }
    }

    #[track_caller]
    fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        struct Unlock<'m>(&'m ModelAtomic<usize>, Told);
        impl Drop for Unlock<'_> {
            fn drop(&mut self) {
                self.0.store_as(self.1, 0, Ordering::Release);
            }
        }
        let caller = Site::caller();
        let orders = [Ordering::Acquire, Ordering::Relaxed];
        let take = || self.locked.exchange_as((Access::Lock, caller), [0, 1], orders).is_ok();
        let mut round = 0;
        while !take() {
            Model::wait(round);
            round += 1;
        }
        let _unlock = Unlock(&self.locked, (Access::Unlock, caller));
        // SAFETY: `locked` went from 0 to 1 for this task alone, and goes back after the last use.
        body(unsafe { &mut *self.value.get() })
    }
}
