//! Policies that choose the schedule, by name.
//!
//! | policy | what it draws |
//! |---|---|
//! | `random`, `pct`, `urw` | shuttle's own |
//! | [`pos`] | an order of the conflicts, each pending operation with a priority of its own |
//! | [`surw`] | an order of the operations at one place, all orders alike |
//! | [`points`] | priorities, and at which named moments they change |
//! | [`perturb`] | what befalls threads at named moments, by a table |
//! | [`bytes`] | a short string of bytes, which is the schedule |
//! | [`portfolio`] | one of the others for each execution, those most that meet something new |
//!
//! Ours know what is pending ([`crate::engines::shuttle::pending`]), which shuttle's do not. A policy lives as long as
//! the executions of one case go on ([`Lasting`]): what it has learned of the case it keeps.
//!
//! # Not here
//! Who gets the time: see `drivers::run`.
//! # Checked by
//! `tests/schedulers.rs`, `tests/catalogue.rs`, `tests/replay.rs`.

pub mod bytes;
pub mod perturb;
pub mod points;
pub mod portfolio;
pub mod pos;
pub mod replay;
pub mod shared;
pub mod surw;

use crate::coverage::Coverage;
use crate::drivers::word;
use crate::engines::shuttle::pending::{Choice, Chooser, Link};
use crate::engines::shuttle::{Chance, Policy};
use clap::ValueEnum;
use perturb::Table;
use shuttle::scheduler::{
    PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId, UrwRandomScheduler,
};
use std::cell::RefCell;
use std::rc::Rc;

/// A policy that the command line knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum Named {
    /// shuttle's: any runnable thread, all alike.
    Random,
    /// shuttle's: priorities, changed at 2 steps (Burckhardt et al., 2010).
    Pct,
    /// shuttle's: a uniform random walk (Zhao et al., 2025).
    Urw,
    /// Partial order sampling where threads meet (Yuan et al., 2018).
    Pos,
    /// Selectively uniform random walk (Zhao et al., 2025).
    Surw,
    /// Priorities, changed at named moments.
    Points,
    /// Stalls, given-up evacuations and early growths, by a table (`--policy`).
    Perturb,
    /// Strings of bytes, drawn; as the fuzz target `schedules` reads them.
    Bytes,
    /// `surw`, `random`, `pos`, `perturb` and `points`, those most that meet something new.
    #[default]
    Portfolio,
}

impl Named {
    /// The word for it on the command line.
    pub fn name(self) -> String {
        word(&self)
    }

    /// The policy, with or without stale reads.
    pub fn policy(self, seed: u64, stale: bool) -> Policy {
        self.policy_with(seed, stale, &Table::default())
    }

    /// The same, with a table of perturbations. Besides the schedule, shuttle's policies stall a thread for ever in one
    /// execution of eight; ours do in every second execution what the table says.
    pub fn policy_with(self, seed: u64, stale: bool, table: &Table) -> Policy {
        let (scheduler, chooser) = self.both(seed, table);
        Policy { scheduler, chooser, stale }
    }

    fn both(self, seed: u64, table: &Table) -> Both {
        match self {
            Named::Random => shuttles(seed, RandomScheduler::new_from_seed(seed, usize::MAX)),
            Named::Pct => shuttles(seed, PctScheduler::new_from_seed(seed, 3, usize::MAX)),
            Named::Urw => shuttles(seed, UrwRandomScheduler::new_from_seed(seed, usize::MAX)),
            Named::Pos => ours(seed, pos::Pos::new(seed, true), table),
            Named::Surw => ours(seed, surw::Surw::new(seed), table),
            Named::Points => ours(seed, points::Points::new(seed), table),
            Named::Perturb => perturb::policy(seed, table.clone()),
            Named::Bytes => bytes::drawn(seed),
            Named::Portfolio => portfolio::policy(seed, table),
        }
    }
}

/// Who goes, and the rest.
type Both = (Box<dyn Scheduler>, Box<dyn Chooser>);

fn shuttles(seed: u64, scheduler: impl Scheduler + 'static) -> Both {
    (Box::new(scheduler), Box::new(Chance::new(!seed, 8, 3)))
}

fn ours(seed: u64, scheduler: impl Scheduler + 'static, table: &Table) -> Both {
    (Box::new(scheduler), perturb::whims(!seed, table.clone()))
}

/// A policy that goes on from one run to the next.
pub struct Lasting {
    scheduler: Rc<RefCell<Box<dyn Scheduler>>>,
    chooser: Rc<RefCell<Box<dyn Chooser>>>,
    stale: bool,
}

impl Lasting {
    /// Keeps a policy.
    pub fn new(policy: Policy) -> Lasting {
        Lasting {
            scheduler: Rc::new(RefCell::new(policy.scheduler)),
            chooser: Rc::new(RefCell::new(policy.chooser)),
            stale: policy.stale,
        }
    }

    /// The policy, for one more run.
    pub fn policy(&self) -> Policy {
        Policy {
            scheduler: Box::new(Lent(Rc::clone(&self.scheduler))),
            chooser: Box::new(Lent(Rc::clone(&self.chooser))),
            stale: self.stale,
        }
    }
}

struct Lent<T: ?Sized>(Rc<RefCell<Box<T>>>);

impl Scheduler for Lent<dyn Scheduler> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.0.borrow_mut().new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.0.borrow_mut().next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.borrow_mut().next_u64()
    }
}

impl Chooser for Lent<dyn Chooser> {
    fn new_execution(&mut self) {
        self.0.borrow_mut().new_execution();
    }

    fn choose(&mut self, task: usize, choice: Choice) -> usize {
        self.0.borrow_mut().choose(task, choice)
    }

    fn chain(&self) -> Vec<Link> {
        self.0.borrow().chain()
    }

    fn executed(&mut self, met: &Coverage) {
        self.0.borrow_mut().executed(met);
    }
}
