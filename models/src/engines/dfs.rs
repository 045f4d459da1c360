//! Every schedule up to a number of preemptions, one after the other, by depth-first search.
//!
//! The search keeps the choices of the execution under way as a stack; the next execution repeats all but the last that
//! has an option left, takes that option, and chooses 0 from there on. Choice 0 is always the ordinary one, so the
//! first execution is the ordinary one.
//!
//! With the shuttle platform's memory in its plain mode this explores sequential consistency; with stale reads, which
//! are choices like any other, it explores what `shuttle::memory` allows: litmus tests are exhausted that way.
//!
//! # Invariants
//! - **repeats**: an execution that takes the choices of another comes to the same ones. If one does not, the search ends
//!   in a finding, in release builds too: it would pass for one of everything. That is said before the next execution,
//!   because shuttle does not survive a panic in its scheduler.
//! # Checked by
//! `tests/litmus.rs`, `tests/catalogue.rs`.

use super::judge::Judge;
use super::shuttle::pending::{Choice, Chooser};
use super::shuttle::{Policy, run};
use super::{Limits, Report};
use crate::case::Case;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::rc::Rc;

/// The choices of an execution: what was taken, of how many.
#[derive(Debug, Default)]
struct Tree {
    path: Vec<(usize, usize)>,
    depth: usize,
    begun: bool,
    /// The execution came to a choice that was another when it was met first.
    strayed: bool,
}

impl Tree {
    /// Goes to the next execution; false if there is none.
    fn advance(&mut self) -> bool {
        if !self.begun {
            self.begun = true;
            return true;
        }
        let repeated = !self.strayed && self.depth == self.path.len();
        assert!(repeated, "an execution that is repeated comes to the same choices");
        self.depth = 0;
        while let Some((taken, options)) = self.path.pop() {
            if taken + 1 < options {
                self.path.push((taken + 1, options));
                return true;
            }
        }
        false
    }

    fn choose(&mut self, options: usize) -> usize {
        if options < 2 {
            return 0;
        }
        if self.depth == self.path.len() {
            self.path.push((0, options));
        }
        let (taken, known) = self.path[self.depth];
        self.strayed |= known != options;
        self.depth += 1;
        taken.min(options - 1)
    }
}

/// What is explored besides the schedule, and whether drained segments are used again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Explore {
    /// How many preemptions an execution may have; `None`: any number.
    pub preemptions: Option<usize>,
    /// Loads and stores take every place that the rules allow.
    pub stale: bool,
    /// Every evacuation is also given up at every moment at which it can be, once per execution.
    pub abandon: bool,
}

struct Search {
    tree: Rc<RefCell<Tree>>,
    preemptions_max: usize,
    preemptions: usize,
}

impl Scheduler for Search {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.preemptions = 0;
        self.tree.borrow_mut().advance().then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _: bool,
    ) -> Option<TaskId> {
        let here = runnable.iter().position(|task| Some(task.id()) == current);
        let options = match here {
            Some(_) if self.preemptions >= self.preemptions_max => 1,
            _ => runnable.len(),
        };
        let chosen = self.tree.borrow_mut().choose(options);
        // The task that runs is choice 0, then the others in order.
        let chosen = match here {
            Some(here) if chosen == 0 => here,
            Some(here) if chosen <= here => chosen - 1,
            _ => chosen,
        };
        if here.is_some_and(|here| here != chosen) {
            self.preemptions += 1;
        }
        Some(runnable[chosen].id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

struct Explorer {
    tree: Rc<RefCell<Tree>>,
    abandon: bool,
    abandoned: bool,
    /// Was it asked, at the first segment to be drained, whether such segments are used again?
    asked_to_recycle: bool,
}

impl Chooser for Explorer {
    fn new_execution(&mut self) {
        self.abandoned = false;
        self.asked_to_recycle = false;
    }

    fn choose(&mut self, _: usize, choice: Choice) -> usize {
        match choice {
            Choice::Read { .. } | Choice::Write { .. } | Choice::Defer => {
                self.tree.borrow_mut().choose(choice.options())
            }
            Choice::Abandon(..) if self.abandon && !self.abandoned => {
                let chosen = self.tree.borrow_mut().choose(2);
                self.abandoned = chosen == 1;
                chosen
            }
            // All of an execution's segments, or none.
            Choice::Recycle if !self.asked_to_recycle => {
                self.asked_to_recycle = true;
                self.tree.borrow_mut().choose(2)
            }
            Choice::Abandon(..) | Choice::GrowEarly(_) | Choice::Stall | Choice::Recycle => 0,
        }
    }
}

/// A policy that goes through every execution.
pub fn policy(explore: Explore) -> Policy {
    let tree = Rc::new(RefCell::new(Tree::default()));
    let chooser = Explorer {
        tree: Rc::clone(&tree),
        abandon: explore.abandon,
        abandoned: false,
        asked_to_recycle: false,
    };
    let preemptions_max = explore.preemptions.unwrap_or(usize::MAX);
    Policy {
        scheduler: Box::new(Search { tree, preemptions_max, preemptions: 0 }),
        chooser: Box::new(chooser),
        stale: explore.stale,
    }
}

/// Explores a case.
pub fn explore(case: &Case, judge: Judge, explore: Explore, limits: &Limits) -> Report {
    run(case, judge, policy(explore), limits)
}
