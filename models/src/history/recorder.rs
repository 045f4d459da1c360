//! Recording a history while it happens.
//!
//! ```text
//!   thread:   call(op) ── stamp ──►  the op itself  ──►  returned(answer): stamp ──
//! ```
//! The stamps bracket the op: taken after all else is ready, and before anything else is done. So an op's
//! interval is never shorter than the op, and what the checker calls illegal is.
//!
//! Every thread (a task of a model, if that is what runs) writes to a lane of its own, named by number: there are no
//! thread-locals, and the only thing that threads share is the clock, which the caller supplies. A recorder can
//! be read while threads still run, or never will again: their last ops are pending.
//!
//! # Invariants
//! - **bracket**: an op's call is stamped before it begins and its return after it ended.
//! - **real time**: if one op ended before another began, its return has the smaller stamp, or they are equal and
//!   count as concurrent. This is the clock's to give.
//! # Not here
//! Which clock suits which engine is the engine's to say.
//! # Checked by
//! `tests/history.rs`; `tests/threads.rs`.

use super::{Answer, Event, History, What};
use crate::op::Op;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A source of stamps.
pub trait Clock {
    /// A stamp no smaller than any given before, by the order of the run.
    fn tick(&self) -> u64;
}

/// Counts up: a total order. One contended cache line, and a synchronizing one: what threads do between two ticks is
/// ordered by them, which can hide a missing edge of the map under test on real hardware. Under a model
/// scheduler it is invisible, as the model does not know of it.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Clock for Sequence {
    fn tick(&self) -> u64 {
        // SeqCst: an op that ended before another began has ticked before it: read-modify-writes of one
        // location are totally ordered, and on one thread they are in program order.
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Nanoseconds: threads share nothing, and ops closer together than the clock can tell count as concurrent.
#[derive(Debug)]
pub struct Timer(Instant);

impl Default for Timer {
    fn default() -> Self {
        Timer(Instant::now())
    }
}

impl Clock for Timer {
    fn tick(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// A lane, alone on its cache lines. Only its own thread locks it while the run lasts.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Lane(Mutex<Vec<(u64, What)>>);

/// Records the calls and returns of a fixed number of threads.
#[derive(Debug)]
pub struct Recorder<C> {
    clock: C,
    names: Vec<String>,
    lanes: Vec<Lane>,
}

impl<C: Clock> Recorder<C> {
    /// For threads with these names, which are numbered from 0. No two should be the same.
    pub fn new(clock: C, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let lanes = names.iter().map(|_| Lane::default()).collect();
        Recorder { clock, names, lanes }
    }

    /// The thread is about to call.
    pub fn call(&self, thread: usize, op: Op) {
        let mut lane = self.lane(thread);
        lane.reserve(2);
        let last = lane.last().map_or(0, |&(stamp, _)| stamp);
        let mut stamp = self.clock.tick();
        // A clock that is coarser than the pause between two ops must not make them overlap.
        while stamp <= last && !lane.is_empty() {
            stamp = self.clock.tick();
        }
        lane.push((stamp, What::Call(op)));
    }

    /// Its op has returned.
    pub fn returned(&self, thread: usize, answer: Answer) {
        let stamp = self.clock.tick();
        self.lane(thread).push((stamp, What::Return(answer)));
    }

    /// Its op has panicked.
    pub fn panicked(&self, thread: usize) {
        let stamp = self.clock.tick();
        self.lane(thread).push((stamp, What::Panic));
    }

    /// Calls, does and returns.
    pub fn record(&self, thread: usize, op: Op, act: impl FnOnce() -> Answer) {
        self.call(thread, op);
        let answer = act();
        self.returned(thread, answer);
    }

    fn lane(&self, thread: usize) -> std::sync::MutexGuard<'_, Vec<(u64, What)>> {
        // A push that panics has pushed nothing.
        self.lanes[thread].0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What happened so far, on a map that began with these entries.
    pub fn history(&self, given: impl IntoIterator<Item = (u16, u64)>) -> History {
        let mut stamped = Vec::new();
        for thread in 0..self.lanes.len() {
            let lane = self.lane(thread);
            stamped.extend(lane.iter().map(|(stamp, what)| (*stamp, thread, what.clone())));
        }
        // Of equal stamps, calls come first: those ops then overlap. Stable, so a lane keeps its order.
        stamped.sort_by_key(|(stamp, _, what)| (*stamp, !matches!(what, What::Call(_))));
        let mut history = History::given(given);
        // Threads have the numbers that they had when they ran, whoever came first: an engine knows them by these.
        history.threads.clone_from(&self.names);
        history.events.extend(stamped.into_iter().map(|(_, thread, what)| Event { thread, what }));
        history
    }
}
