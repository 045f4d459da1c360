//! Partial order sampling, and only where threads meet.
//!
//! Every pending operation has a random priority; the highest goes. When it goes, the pending operations that conflict
//! with it draw new ones, so that what comes after does not depend on what lost. An order of the conflicts is drawn,
//! where a random walk draws an order of all steps and hits most orders of conflicts over and over.
//!
//! From: X. Yuan, J. Yang, R. Gu, *Partial Order Aware Concurrency Sampling*, CAV 2018.
//!
//! # Departures
//! - **filter**: an operation at a place that is not known to be shared ([`Shared`]) goes before all others, at once. As
//!   published, a thread that has many private operations to do before it comes to a conflict needs luck at each: it
//!   hardly ever comes first. With the filter, only conflicts are ever waited at.
//! - Two operations conflict as `Pending::conflicts` says, which knows pins and retirements too.
//!
//! # Checked by
//! `tests/schedulers.rs`: the odds of two orders, with and without the filter.

use super::shared::Shared;
use crate::engines::shuttle::THREADS_MAX;
use crate::engines::shuttle::pending;
use fastrand::Rng;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// Partial order sampling.
#[derive(Debug)]
pub struct Pos {
    rng: Rng,
    /// `None`: as published.
    shared: Option<Shared>,
    /// Of each task's pending operation.
    priorities: [u64; THREADS_MAX + 1],
}

impl Pos {
    /// Draws from this seed; with the filter, or as published.
    pub fn new(seed: u64, filter: bool) -> Pos {
        Pos {
            rng: Rng::with_seed(seed),
            shared: filter.then(Shared::default),
            priorities: [0; THREADS_MAX + 1],
        }
    }

    /// What the filter has learned.
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    /// A task whose operation cannot matter to another, as far as is known; the one that runs, if it is among them.
    fn private(&self, runnable: &[&Task], current: Option<TaskId>) -> Option<TaskId> {
        let shared = self.shared.as_ref()?;
        let is_private = |task: &TaskId| {
            pending::of(*task).is_none_or(|pending| !shared.is_shared(pending.location))
        };
        let ids = || runnable.iter().map(|task| task.id());
        let goes_on =
            current.filter(|current| ids().any(|id| id == *current) && is_private(current));
        goes_on.or_else(|| ids().find(is_private))
    }
}

impl Scheduler for Pos {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.priorities = std::array::from_fn(|_| self.rng.u64(..));
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _: bool,
    ) -> Option<TaskId> {
        let highest = || {
            let priority = |task: &&&Task| self.priorities[usize::from(task.id())];
            runnable.iter().max_by_key(priority).map(|task| task.id())
        };
        let chosen = self.private(runnable, current).or_else(highest)?;
        self.priorities[usize::from(chosen)] = self.rng.u64(..);
        if let Some(done) = pending::of(chosen) {
            for task in runnable.iter().filter(|task| task.id() != chosen) {
                if pending::of(task.id()).is_some_and(|next| next.conflicts(&done)) {
                    self.priorities[usize::from(task.id())] = self.rng.u64(..);
                }
            }
            if let Some(shared) = &mut self.shared {
                shared.note(usize::from(chosen), &done);
            }
        }
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.u64(..)
    }
}
