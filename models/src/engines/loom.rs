//! Every execution up to a preemption bound, under loom's C11 memory model.
//!
//! loom has its own schedules, its own stores to choose from, and its own dynamic partial-order reduction. It is asked
//! for data races (an owner's load is loom's unsynchronized one) and for outcomes; reclamation is `shuttle`'s: here
//! nothing retired is freed before the map is gone.
//!
//! # What a pass means
//! Less than a proof. loom 0.7.2 treats SeqCst accesses as AcqRel (here: those of a bucket's state; `PROTECT` is Acquire), keeps the
//! last 7 stores of an atomic, and misses some interleavings when a load is redundant (its issue 166). So its
//! outcomes are compared with those of `dfs`: every outcome of sequential consistency must be among them, and what is
//! missing is reported.
//!
//! # Checked by
//! `tests/catalogue.rs`.

use super::judge::{Judge, Outcome, Time};
use super::program::{Abandoned, Program, Setup};
use super::{Found, Limits, Report, beat};
use crate::case::{Case, Elements};
use crate::elements::{CountedKey, CountedValue, Injected, Key, Ledger, Value, WideKey, WideValue};
use crate::finding::Finding;
use crate::history::{Recorder, Sequence};
use crate::memory;
use crate::oracles::drops::{self, Allowance};
use crate::oracles::{Objection, panics};
use crate::quiet::quietly;
use loom::sync::atomic as loomed;
use map_core::platform::{self, Atomic, AtomicNumber, Place, Platform, Point, Reclaim};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The threads that loom can have besides the one that sets up.
pub const THREADS_MAX: usize = 4;
/// Operations of one execution. Where some come to an end, one that takes more is a livelock; if the first does, the case is too large.
const BRANCHES_MAX: usize = 20_000;
/// What loom says then.
const TOO_MANY: &str = "exceeded maximum number of branches";

/// loom's primitives.
#[derive(Clone, Copy, Debug)]
pub struct Loom;

std::thread_local! {
    static ABANDONED: Cell<Option<Abandoned>> = const { Cell::new(None) };
}

loom::thread_local! {
    static TASK: Cell<usize> = Cell::new(0);
}

// SAFETY: loom's atomics are atomic in the model, and give at least the orderings asked for; its mutex excludes.
unsafe impl Platform for Loom {
    type AtomicU64 = LoomU64;
    type AtomicUsize = LoomUsize;
    type AtomicPtr<T> = LoomPtr<T>;
    type Cell<T> = LoomCell<T>;
    type Mutex<T> = LoomMutex<T>;
    type Collector = Keep;

    const EVACUATION_BARRIER: bool = true;
    const SEGMENT_BUCKETS_LOG2: u32 = 1;

    fn task() -> usize {
        TASK.with(Cell::get)
    }

    fn stripes() -> usize {
        2
    }

    fn wait(_round: u32) {
        loom::thread::yield_now();
    }

    fn fence(order: Ordering) {
        loomed::fence(order);
    }

    fn abandons(_point: Point, place: Place) -> bool {
        ABANDONED.get().is_some_and(|which| which.has(place))
    }
}

impl Setup for Loom {
    fn abandon(which: Option<Abandoned>) {
        ABANDONED.set(which);
    }
}

// While a thread unwinds, nothing may be asked of loom: it may panic, and that would end the process. The execution has
// failed by then, and the map is leaked: stores do nothing, loads return nothing. What both loads and stores is not asked for by
// any drop that runs then: a lock is given back by a store.
macro_rules! atomic {
    ([$($generics:tt)*] $name:ident $atomic:ty, $value:ty, $nothing:expr) => {
        #[doc = concat!("`", stringify!($atomic), "`.")]
        #[derive(Debug)]
        pub struct $name $($generics)* ($atomic);

        impl $($generics)* Atomic<$value> for $name $($generics)* {
            fn new(value: $value) -> Self {
                $name(<$atomic>::new(value))
            }
            #[track_caller]
            fn load(&self, order: Ordering) -> $value {
                if std::thread::panicking() { $nothing } else { self.0.load(order) }
            }
            #[track_caller]
            fn load_owned(&self) -> $value {
                // SAFETY: loom objects to a store that is not ordered before or after.
                if std::thread::panicking() { $nothing } else { unsafe { self.0.unsync_load() } }
            }
            #[track_caller]
            fn store(&self, value: $value, order: Ordering) {
                if !std::thread::panicking() {
                    self.0.store(value, order);
                }
            }
            #[track_caller]
            fn swap(&self, value: $value, order: Ordering) -> $value {
                if std::thread::panicking() { $nothing } else { self.0.swap(value, order) }
            }
            #[track_caller]
            fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.0.compare_exchange(current, new, success, failure)
            }
        }
    };
}

macro_rules! number {
    ($name:ident, $value:ty) => {
        impl AtomicNumber<$value> for $name {
            #[track_caller]
            fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.0.fetch_add(value, order)
            }
            #[track_caller]
            fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.0.fetch_sub(value, order)
            }
        }
    };
}

atomic!([] LoomU64 loomed::AtomicU64, u64, 0);
atomic!([] LoomUsize loomed::AtomicUsize, usize, 0);
atomic!([<T>] LoomPtr loomed::AtomicPtr<T>, *mut T, std::ptr::null_mut());
number!(LoomU64, u64);
number!(LoomUsize, usize);

/// `loom::cell::UnsafeCell`.
#[derive(Debug)]
pub struct LoomCell<T>(loom::cell::UnsafeCell<T>);

impl<T> platform::Cell<T> for LoomCell<T> {
    fn new(value: T) -> Self {
        LoomCell(loom::cell::UnsafeCell::new(value))
    }
    #[track_caller]
    fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.0.with(read)
    }
    #[track_caller]
    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(write)
    }
    fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

/// `loom::sync::Mutex`.
#[derive(Debug)]
pub struct LoomMutex<T>(loom::sync::Mutex<T>);

impl<T> platform::Mutex<T> for LoomMutex<T> {
    fn new(value: T) -> Self {
        LoomMutex(loom::sync::Mutex::new(value))
    }
    #[track_caller]
    fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps what is retired until the map is gone.
#[derive(Default)]
pub struct Keep(RefCell<Vec<Box<dyn FnOnce()>>>);

// SAFETY: loom's threads are coroutines of one OS thread, and nothing here switches while borrowed.
unsafe impl Send for Keep {}
// SAFETY: as above.
unsafe impl Sync for Keep {}

// SAFETY: nothing is reclaimed before the collector is dropped, when no guard can exist.
unsafe impl platform::Collector for Keep {
    type Guard<'collector> = Kept<'collector>;

    const PROTECT: Ordering = Ordering::Acquire;

    fn new() -> Self {
        Keep::default()
    }

    fn pin(&self) -> Kept<'_> {
        Kept(self)
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|free| free());
    }
}

/// A pin of [`Keep`].
pub struct Kept<'collector>(&'collector Keep);

impl platform::Guard for Kept<'_> {
    unsafe fn retire<T: Reclaim>(&self, object: *mut T) {
        // SAFETY: the caller's obligations: valid, unlinked, retired once; and this runs once, when the map is gone.
        let free = move || unsafe { T::reclaim(object) };
        // SAFETY: only the lifetime changes: what the object borrows outlives the map, which owns this collector.
        let free = unsafe {
            std::mem::transmute::<Box<dyn FnOnce() + '_>, Box<dyn FnOnce()>>(Box::new(free))
        };
        self.0.0.borrow_mut().push(free);
    }

    fn flush(&self) {}
}

/// Ends a run that is to end: loom asks nobody whether it should go on.
struct Stopped;

/// What the executions of a run share.
struct Run {
    case: Case,
    judge: Judge,
    report: Mutex<Report>,
}

/// Runs every execution of a case with so many preemptions at most, until the limits are reached or something is found.
pub fn run(case: &Case, judge: Judge, preemptions: usize, limits: &Limits) -> Report {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = BRANCHES_MAX;
    // loom looks at its limits before each execution, and counts from 1.
    builder.checkpoint_interval = 1;
    builder.max_permutations = limits.executions.map(|max| max.saturating_add(1) as usize);
    builder.max_duration = Some(limits.time.unwrap_or(Duration::MAX));
    let run = Arc::new(Run { case: case.clone(), judge, report: Mutex::default() });
    let (shared, started) = (Arc::clone(&run), limits.start());
    let ran = quietly(move || {
        builder.check(move || match shared.case.elements {
            Elements::Plain => shared.execution::<u64, u64>(),
            Elements::Counted | Elements::CountedKeys | Elements::CountedValues => {
                shared.execution::<CountedKey, CountedValue>()
            }
            Elements::Wide => shared.execution::<WideKey, WideValue>(),
        });
    });
    let mut report = std::mem::take(&mut *run.report());
    report.exhausted = ran.is_ok() && !started.is_over(report.executions);
    if let Err((payload, message)) = ran
        && !payload.is::<Stopped>()
        && !(report.executions == 0 && message.contains(TOO_MANY))
    {
        let objection = payload.downcast::<Objection>().unwrap_or_else(|_| said(&message));
        let finding = Finding { objection: *objection, at: 0, op: None, growth: None };
        report.found = Some(Found { finding, schedule: Vec::new(), chain: Vec::new() });
    }
    report
}

/// What loom (or the map) said when it panicked, as an objection.
fn said(message: &str) -> Box<Objection> {
    let (oracle, rule) = match message {
        _ if message.contains("Causality violation") => {
            ("race", "plain memory is not read and written, or written twice, at once")
        }
        _ if message.contains("deadlock") => ("deadlock", "some thread can always go on"),
        _ if message.contains(TOO_MANY) => ("livelock", "every op returns"),
        _ => panics::broken(message),
    };
    Box::new(Objection::new(oracle, rule, format!("loom said: {message}")))
}

impl Run {
    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn execution<K, V>(self: &Arc<Self>)
    where
        K: Key + Send + Sync + 'static,
        V: Value + Send + Sync + 'static,
    {
        if beat() {
            panic::panic_any(Stopped);
        }
        Ledger::begin();
        let _ = memory::misfreed();
        // Leaked until all has gone well: what a failed execution leaves is not to be trusted.
        let leaked = Box::into_raw(Box::new(Program::<K, V, Loom>::new(&self.case)));
        // SAFETY: freed below, when the threads have ended.
        let map: &'static Program<K, V, Loom> = unsafe { &*leaked };
        let given = map.contents();
        let recorder = Arc::new(self.judge.recorder());
        Ledger::watch(true);
        let threads: Vec<_> = (0..self.case.running().len())
            .map(|thread| {
                let (run, recorder) = (Arc::clone(self), Arc::clone(&recorder));
                loom::thread::spawn(move || {
                    TASK.with(|task| task.set(thread + 1));
                    run.thread(thread, map, &recorder);
                })
            })
            .collect();
        for thread in threads {
            if let Err(payload) = thread.join() {
                panic::resume_unwind(payload);
            }
        }
        Ledger::watch(false);
        // SAFETY: made above from a box; the threads have ended, and `map` is not used any more.
        let mut map = std::mem::ManuallyDrop::new(unsafe { Box::from_raw(leaked) });
        self.report().executions += 1;
        let judged = self
            .judge
            .judge(&given, &recorder, &mut map, Time::Weak(&|_, _| false))
            .and_then(|Outcome(outcome)| {
                drop(std::mem::ManuallyDrop::into_inner(map));
                if self.case.elements.is_counted() {
                    drops::account([0; 2], Allowance::default())?;
                }
                drops::layouts()?;
                Ok(outcome)
            });
        match judged {
            Ok(outcome) => drop(self.report().outcomes.insert(outcome)),
            Err(objection) => panic::resume_unwind(objection),
        }
    }

    fn thread<K: Key, V: Value>(
        &self,
        thread: usize,
        map: &Program<K, V, Loom>,
        recorder: &Recorder<Sequence>,
    ) {
        for (at, &op) in self.case.running()[thread].ops.iter().enumerate() {
            recorder.call(thread, op);
            let stamp = (thread as u32 + 1) << 16 | at as u32;
            match panic::catch_unwind(AssertUnwindSafe(|| map.apply(op, stamp))) {
                Ok(answer) => recorder.returned(thread, answer),
                Err(payload) if payload.is::<Injected>() => recorder.panicked(thread),
                Err(payload) => panic::resume_unwind(payload),
            }
        }
    }
}
