//! Engines: ways to run a concurrent case.
//!
//! | engine | what it explores |
//! |---|---|
//! | [`shuttle`] | schedules drawn at random, with our own happens-before clocks; stale reads on request |
//! | [`dfs`] | every schedule with so many preemptions at most; the same platform |
//! | [`threads`] | what real threads happen to do, for any map |
//! | [`loom`] | every execution up to a preemption bound, under loom's C11 memory model |
//!
//! The models run the same [`program`] and ask the same [`judge`]; for a map of your own there is [`shuttle::run_own`].
//!
//! # Not here
//! What is run: see `catalogue`.
//! # Checked by
//! `tests/catalogue.rs`.

pub mod dfs;
pub mod judge;
pub mod loom;
pub mod program;
pub mod shuttle;
pub mod threads;

use crate::case::Forced;
use crate::coverage::Coverage;
use crate::coverage::saturation::Saturation;
use crate::finding::Finding;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

/// When to stop.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// After so many executions.
    pub executions: Option<u64>,
    /// After so long.
    pub time: Option<Duration>,
}

/// Limits, and when they began.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    limits: Limits,
    began: Instant,
}

impl Limits {
    /// So many executions.
    pub fn executions(executions: u64) -> Limits {
        Limits { executions: Some(executions), time: None }
    }

    /// So long.
    pub fn time(time: Duration) -> Limits {
        Limits { executions: None, time: Some(time) }
    }

    /// Begins now.
    pub fn start(&self) -> Started {
        Started { limits: *self, began: Instant::now() }
    }
}

impl Started {
    /// May there be another execution after so many? The clock is read now and then.
    pub fn more(&mut self, executions: u64) -> bool {
        if beat() {
            return false;
        }
        match executions.is_multiple_of(16) {
            true => !self.is_over(executions),
            false => !self.are_enough(executions),
        }
    }

    /// Are the limits reached after so many executions?
    pub fn is_over(&self, executions: u64) -> bool {
        let late = self.limits.time.is_some_and(|time| self.began.elapsed() >= time);
        late || self.are_enough(executions)
    }

    fn are_enough(&self, executions: u64) -> bool {
        self.limits.executions.is_some_and(|max| executions >= max)
    }
}

/// So many jobs of a process have a pulse of their own.
pub const JOBS_MAX: usize = 1024;
/// What each job of this process has begun: executions, whatever the engine, and ops of cases with one thread, which count for the
/// first. Who watches it sees that the job goes on.
static PULSES: [AtomicU64; JOBS_MAX] = [const { AtomicU64::new(0) }; JOBS_MAX];

thread_local! {
    static JOB: Cell<usize> = const { Cell::new(0) };
}

/// This thread does the work of a job from now on; of the first, if nothing is said.
///
/// # Panics
/// If there are not so many: see [`JOBS_MAX`].
pub fn works_as(job: usize) {
    assert!(job < JOBS_MAX, "there are {JOBS_MAX} jobs at most");
    JOB.set(job);
}
/// Runs of this process are to end after the execution that they are at.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// An execution begins; is it not to?
fn beat() -> bool {
    // Relaxed, both: nothing is published by them.
    PULSES[JOB.get()].fetch_add(1, Relaxed);
    is_stopping()
}

/// An op of a case with one thread begins.
#[inline]
pub(crate) fn op_begins() {
    let [pulse, ..] = &PULSES;
    // Not in one step, which would cost more: a beat that is lost beside another is no standstill.
    pulse.store(pulse.load(Relaxed).wrapping_add(1), Relaxed);
}

/// How much a job of this process has begun: see [`works_as`].
pub fn pulse(job: usize) -> u64 {
    PULSES[job].load(Relaxed)
}

/// Ends every run of this process, now and from now on.
pub fn stop() {
    STOPPING.store(true, Relaxed);
}

/// Are runs of this process to end?
pub fn is_stopping() -> bool {
    STOPPING.load(Relaxed)
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Executions done.
    pub executions: u64,
    /// Operations done in them.
    pub steps: u64,
    /// The longest of them.
    pub longest: u32,
    /// Each outcome met.
    pub outcomes: BTreeSet<String>,
    /// The situations in which threads met, if the engine can see them.
    pub coverage: Coverage,
    /// How many orders there were, likewise.
    pub saturation: Saturation,
    /// There was nothing more to explore, and no limit was reached before; nor did an execution go on for so long that
    /// choices were left out.
    pub exhausted: bool,
    /// Departures from the ordinary schedule in the last execution, if the engine can see them.
    pub departures: usize,
    /// The first thing that went wrong.
    pub found: Option<Found>,
}

/// A finding, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The finding.
    pub finding: Finding,
    /// The departures from the ordinary schedule, in order. Empty if the engine cannot say.
    pub schedule: Vec<Forced>,
    /// What the policy did to threads on purpose, in order, a line each. Empty if it keeps no account.
    pub chain: Vec<String>,
}
