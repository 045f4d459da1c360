//! A walk that is uniform over the orders of some operations, and random in between.
//!
//! An execution looks at one place where threads meet, drawn among those known: the operations there are its *selected*
//! ones. A thread that is to do the next of them is drawn, each with the chance of its share of those that are left. Any
//! thread may go, but one that is about to do a selected operation and is not the drawn one waits for it. So each order
//! of the selected operations is as likely as any other, whatever else the threads do.
//!
//! From: H. Zhao, D. Wolff, U. Mathur, A. Roychoudhury, *Selectively Uniform Concurrency Testing*, ASPLOS 2025.
//!
//! # Departures
//! - How many selected operations a thread will do is what it did in its last execution, not in one trial run: the counts
//!   follow threads whose ways differ.
//! - Places are learned ([`Shared`]) as the executions go; until there is one, the walk is a plain random one.
//! - When the drawn thread cannot go (it waits, has ended, or does fewer than was thought), another is drawn.
//!
//! # Checked by
//! `tests/schedulers.rs`: the odds of the orders.

use super::shared::Shared;
use crate::engines::shuttle::THREADS_MAX;
use crate::engines::shuttle::pending::{self, Location};
use fastrand::Rng;
use foldhash::fast::FixedState;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::collections::HashMap;

/// How many operations each task does.
type Counts = [u32; THREADS_MAX + 1];

/// Selectively uniform random walk.
#[derive(Debug)]
pub struct Surw {
    rng: Rng,
    shared: Shared,
    /// Operations at each place, in the last execution that came there.
    counts: HashMap<Location, Counts, FixedState>,
    /// The same, so far.
    counting: HashMap<Location, Counts, FixedState>,
    selected: Location,
    /// Selected operations still to come.
    left: Counts,
    /// Who does the next.
    drawn: Option<TaskId>,
}

impl Surw {
    /// Draws from this seed.
    pub fn new(seed: u64) -> Surw {
        Surw {
            rng: Rng::with_seed(seed),
            shared: Shared::default(),
            counts: HashMap::default(),
            counting: HashMap::default(),
            selected: Location::NONE,
            left: Counts::default(),
            drawn: None,
        }
    }

    fn is_selected(&self, task: TaskId) -> bool {
        self.selected != Location::NONE
            && pending::of(task).is_some_and(|pending| pending.location == self.selected)
    }

    fn choose(&mut self, runnable: &[&Task]) -> Option<TaskId> {
        // Where one task alone can go, nobody is drawn: others may come who have more to do.
        if let [only] = runnable {
            return Some(only.id());
        }
        if self.drawn.is_none_or(|drawn| runnable.iter().all(|task| task.id() != drawn)) {
            self.drawn = self.draw(runnable);
        }
        self.walk(runnable).or_else(|| {
            self.drawn = self.draw(runnable);
            self.drawn
        })
    }

    /// Draws who does the next selected operation. One that is about to has one left, whatever was counted.
    fn draw(&mut self, runnable: &[&Task]) -> Option<TaskId> {
        let weights = self.weights(runnable, |surw, task| {
            surw.left[usize::from(task)].max(u32::from(surw.is_selected(task)))
        });
        self.lottery(&weights)
    }

    /// One of those that may go now, all alike.
    fn walk(&mut self, runnable: &[&Task]) -> Option<TaskId> {
        let weights = self.weights(runnable, |surw, task| {
            u32::from(Some(task) == surw.drawn || !surw.is_selected(task))
        });
        self.lottery(&weights)
    }

    fn weights(&self, runnable: &[&Task], weight: impl Fn(&Surw, TaskId) -> u32) -> Counts {
        let mut weights = Counts::default();
        for task in runnable {
            weights[usize::from(task.id())] = weight(self, task.id());
        }
        weights
    }

    /// A task, with the chance of its share of the weights.
    fn lottery(&mut self, weights: &Counts) -> Option<TaskId> {
        let total: u32 = weights.iter().sum();
        if total == 0 {
            return None;
        }
        let mut at = self.rng.u32(..total);
        let won = |weight: &u32| match at.checked_sub(*weight) {
            None => true,
            Some(rest) => {
                at = rest;
                false
            }
        };
        weights.iter().position(won).map(TaskId::from)
    }
}

impl Scheduler for Surw {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.counts.extend(self.counting.drain());
        let places = self.shared.places();
        self.selected = match places.len() {
            0 => Location::NONE,
            known => places[self.rng.usize(..known)],
        };
        self.left = self.counts.get(&self.selected).copied().unwrap_or_default();
        self.drawn = None;
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        let chosen = self.choose(runnable)?;
        if let Some(done) = pending::of(chosen) {
            let task = usize::from(chosen);
            self.shared.note(task, &done);
            self.counting.entry(done.location).or_default()[task] += 1;
            if done.location == self.selected && self.selected != Location::NONE {
                self.left[task] = self.left[task].saturating_sub(1);
                self.drawn = None;
            }
        }
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.u64(..)
    }
}
