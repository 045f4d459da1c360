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
pub mod pos;
pub mod replay;
pub mod shared;
pub mod surw;

use crate::engines::shuttle::pending::{Choice, Chooser, Link};
use crate::engines::shuttle::{Chance, Policy};
use perturb::Table;
use shuttle::scheduler::{
    PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId, UrwRandomScheduler,
};
use std::cell::RefCell;
use std::rc::Rc;

/// A policy that the command line knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Named {
    /// shuttle's: any runnable thread, all alike.
    Random,
    /// shuttle's: priorities, changed at 3 steps (Burckhardt et al., 2010).
    Pct,
    /// shuttle's: a uniform random walk (Zhao et al., 2025).
    Urw,
    /// Partial order sampling where threads meet (Yuan et al., 2018).
    #[default]
    Pos,
    /// Selectively uniform random walk (Zhao et al., 2025).
    Surw,
    /// Priorities, changed at named moments.
    Points,
    /// Stalls, given-up evacuations and early growths, by a table (`--policy`).
    Perturb,
    /// Strings of bytes, drawn; as the fuzz target `schedules` reads them.
    Bytes,
}

impl Named {
    /// Every policy.
    pub const ALL: [Named; 8] = [
        Named::Random,
        Named::Pct,
        Named::Urw,
        Named::Pos,
        Named::Surw,
        Named::Points,
        Named::Perturb,
        Named::Bytes,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Named::Random => "random",
            Named::Pct => "pct",
            Named::Urw => "urw",
            Named::Pos => "pos",
            Named::Surw => "surw",
            Named::Points => "points",
            Named::Perturb => "perturb",
            Named::Bytes => "bytes",
        }
    }

    /// The policy, with or without stale reads. But for `perturb` and `bytes`, which see to it themselves, it stalls a
    /// thread for ever in one execution of eight.
    pub fn policy(self, seed: u64, stale: bool) -> Policy {
        self.policy_with(seed, stale, &Table::default())
    }

    /// The same, with a table for `perturb`.
    pub fn policy_with(self, seed: u64, stale: bool, table: &Table) -> Policy {
        let forever = usize::MAX;
        let scheduler: Box<dyn Scheduler> = match self {
            Named::Random => Box::new(RandomScheduler::new_from_seed(seed, forever)),
            Named::Pct => Box::new(PctScheduler::new_from_seed(seed, 3, forever)),
            Named::Urw => Box::new(UrwRandomScheduler::new_from_seed(seed, forever)),
            Named::Pos => Box::new(pos::Pos::new(seed, true)),
            Named::Surw => Box::new(surw::Surw::new(seed)),
            Named::Points => Box::new(points::Points::new(seed)),
            Named::Perturb => return both(perturb::policy(seed, table.clone()), stale),
            Named::Bytes => return both(bytes::drawn(seed), stale),
        };
        both((scheduler, Box::new(Chance::new(!seed, 8, 3))), stale)
    }
}

fn both((scheduler, chooser): (Box<dyn Scheduler>, Box<dyn Chooser>), stale: bool) -> Policy {
    Policy { scheduler, chooser, stale }
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
}
