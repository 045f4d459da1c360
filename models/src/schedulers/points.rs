//! Priorities that change at the named moments of the protocol, and where threads meet.
//!
//! As in PCT, threads have priorities, the highest that can goes, and at a few change points the thread that runs falls
//! to the lowest. PCT draws its change points from the steps of an execution, all alike. Here half of them are drawn from
//! the *moments* that the threads were seen to reach (`Point`), so the rare ones, where a protocol breaks, come up as
//! often as the everyday ones; and half from the operations at places where threads meet ([`Shared`]), for what nobody
//! thought to name.
//!
//! From: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, *A Randomized Scheduler with Probabilistic Guarantees of
//! Finding Bugs*, ASPLOS 2010.
//!
//! # Departures
//! - A moment is drawn by name, among all names met so far; then one of the times when a thread reached it; then how many
//!   steps later, 0 with a chance of one half, 1 with a quarter, and so on.
//! - A meeting is drawn by thread, then among the operations that the thread did at such places in its last execution.
//! - There are one to [`CHANGES_MAX`] change points, as many as is drawn: their number is not fixed.
//! - The guarantee is over moments and meetings: with `p` names of which one is reached `m` times, a change point is at a
//!   given time, at once, with a chance of 1/(4·p·m), however long the execution is.
//!
//! # Checked by
//! `tests/schedulers.rs`: that chance.

use super::shared::Shared;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// So many steps past a moment.
    Moment { point: Point, at: Reached, steps: u32 },
    /// Before its `nth` operation where threads meet.
    Meeting { task: usize, nth: u32 },
}

/// PCT, aimed.
#[derive(Debug)]
pub struct Points {
    rng: Rng,
    met: BTreeMap<Point, Vec<Reached>>,
    shared: Shared,
    /// Of each task: its operations where threads meet, in the last execution, and so far in this one.
    meetings: [u32; THREADS_MAX + 1],
    meeting: [u32; THREADS_MAX + 1],
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
            shared: Shared::default(),
            meetings: Default::default(),
            meeting: Default::default(),
            changes: Vec::new(),
            priorities: [0; THREADS_MAX + 1],
            lowest: 0,
        }
    }

    fn change(&mut self) -> Option<Change> {
        if self.rng.bool() { self.moment() } else { self.meeting() }
    }

    fn moment(&mut self) -> Option<Change> {
        let (&point, times) = self.met.iter().nth(self.rng.usize(..self.met.len().max(1)))?;
        let at = times[self.rng.usize(..times.len())];
        let steps = self.rng.u32(1..).trailing_zeros();
        Some(Change::Moment { point, at, steps })
    }

    fn meeting(&mut self) -> Option<Change> {
        let tasks = self.meetings.iter().filter(|&&meetings| meetings > 0).count();
        let drawn = self.rng.usize(..tasks.max(1));
        let counts = self.meetings.iter().copied().enumerate();
        let (task, count) = counts.filter(|&(_, meetings)| meetings > 0).nth(drawn)?;
        Some(Change::Meeting { task, nth: self.rng.u32(..count) })
    }

    /// Notes where a thread is; true if its priority changes here.
    fn arrives(&mut self, task: usize, pending: &Pending) -> bool {
        let nth = self.meeting[task];
        let mut falls = false;
        if self.shared.is_shared(pending.location) {
            falls |= self.passes(Change::Meeting { task, nth });
        }
        if let Some((point, _)) = pending.point {
            let at = Reached { task, op: pending.op, occurrence: pending.occurrence };
            let times = self.met.entry(point).or_default();
            if pending.steps == 0 && !times.contains(&at) {
                times.push(at);
            }
            falls |= self.passes(Change::Moment { point, at, steps: pending.steps });
        }
        falls
    }

    /// Takes a change point off the list, if it is there.
    fn passes(&mut self, here: Change) -> bool {
        let at = self.changes.iter().position(|change| *change == here);
        at.map(|at| self.changes.swap_remove(at)).is_some()
    }
}

impl Scheduler for Points {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.priorities = std::array::from_fn(|task| task as i32);
        self.rng.shuffle(&mut self.priorities);
        self.lowest = 0;
        self.meetings = std::mem::take(&mut self.meeting);
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
        let chosen = runnable.iter().max_by_key(priority)?.id();
        if let Some(done) = pending::of(chosen) {
            let task = usize::from(chosen);
            self.shared.note(task, &done);
            self.meeting[task] += u32::from(self.shared.is_shared(done.location));
        }
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.u64(..)
    }
}
