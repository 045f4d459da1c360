//! Priorities that change at the named moments of the protocol.
//!
//! As in PCT, threads have priorities, the highest that can goes, and at a few change points the thread that runs falls
//! to the lowest. PCT draws its change points from the steps of an execution, all alike; here they are drawn from the
//! *moments* that the threads were seen to reach (`Point`), so the rare ones, where a protocol breaks, come up as often
//! as the everyday ones.
//!
//! From: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, *A Randomized Scheduler with Probabilistic Guarantees of
//! Finding Bugs*, ASPLOS 2010.
//!
//! # Departures
//! - A change point is a name of a moment, drawn among all names met so far; then one of the times when a thread reached
//!   it; then how many steps later, 0 with a chance of one half, 1 with a quarter, and so on.
//! - There are one to [`CHANGES_MAX`] of them, as many as is drawn: their number is not fixed.
//! - The guarantee is over moments: with `p` names of which one is reached `m` times, one change point hits a given time,
//!   at once, with a chance of at least 1/(2·p·m), however long the execution is.
//!
//! # Checked by
//! `tests/schedulers.rs`: that chance.

use crate::engines::shuttle::THREADS_MAX;
use crate::engines::shuttle::pending::{self, Pending};
use fastrand::Rng;
use map_core::platform::Point;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::collections::BTreeMap;

/// The most change points in an execution.
pub const CHANGES_MAX: usize = 3;

/// A thread reached a moment, in its so manyth op, for the so manyth time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reached {
    task: usize,
    op: usize,
    occurrence: u32,
}

/// Where a thread falls to the lowest priority.
#[derive(Clone, Copy, Debug)]
struct Change {
    point: Point,
    at: Reached,
    steps: u32,
}

/// PCT, aimed at moments.
#[derive(Debug)]
pub struct Points {
    rng: Rng,
    met: BTreeMap<Point, Vec<Reached>>,
    changes: Vec<Change>,
    /// Higher goes first.
    priorities: [i32; THREADS_MAX + 1],
    lowest: i32,
}

impl Points {
    /// Draws from this seed.
    pub fn new(seed: u64) -> Points {
        Points {
            rng: Rng::with_seed(seed),
            met: BTreeMap::new(),
            changes: Vec::new(),
            priorities: [0; THREADS_MAX + 1],
            lowest: 0,
        }
    }

    fn change(&mut self) -> Option<Change> {
        let (&point, times) = self.met.iter().nth(self.rng.usize(..self.met.len().max(1)))?;
        let at = times[self.rng.usize(..times.len())];
        let steps = self.rng.u32(1..).trailing_zeros();
        Some(Change { point, at, steps })
    }

    /// Notes where a thread is; true if its priority changes here.
    fn arrives(&mut self, task: usize, pending: &Pending) -> bool {
        let Some((point, _)) = pending.point else { return false };
        let at = Reached { task, op: pending.op, occurrence: pending.occurrence };
        if pending.steps == 0 {
            let times = self.met.entry(point).or_default();
            if !times.contains(&at) {
                times.push(at);
            }
        }
        let here =
            |change: &Change| (change.point, change.at, change.steps) == (point, at, pending.steps);
        match self.changes.iter().position(here) {
            Some(change) => {
                self.changes.swap_remove(change);
                true
            }
            None => false,
        }
    }
}

impl Scheduler for Points {
    fn new_execution(&mut self) -> Option<Schedule> {
        let mut order: [i32; THREADS_MAX + 1] = std::array::from_fn(|task| task as i32);
        self.rng.shuffle(&mut order);
        self.priorities = order;
        self.lowest = 0;
        let changes = self.rng.usize(1..=CHANGES_MAX);
        self.changes = (0..changes).filter_map(|_| self.change()).collect();
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _: bool,
    ) -> Option<TaskId> {
        if let Some(current) = current
            && let Some(pending) = pending::of(current)
            && self.arrives(usize::from(current), &pending)
        {
            self.lowest -= 1;
            self.priorities[usize::from(current)] = self.lowest;
        }
        let priority = |task: &&&Task| self.priorities[usize::from(task.id())];
        runnable.iter().max_by_key(priority).map(|task| task.id())
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.u64(..)
    }
}
