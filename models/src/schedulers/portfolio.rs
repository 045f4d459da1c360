//! Several policies, and more executions for those that meet what none has met.
//!
//! Each execution is one policy's. Which one is drawn: each has a share to begin with, and more while its executions bring
//! new pairs of situations ([`Coverage`]). No policy is best at everything, and a policy that is
//! saturated on one scenario is not on the next; with all of them, a bug costs at most some times what its best policy
//! needs.
//!
//! # Not here
//! Which scenario gets the time: see `drivers::run`.
//! # Checked by
//! `tests/schedulers.rs`.

use super::{Both, Named};
use crate::coverage::Coverage;
use crate::engines::shuttle::pending::{Choice, Chooser, Link};
use crate::schedulers::perturb::Table;
use fastrand::Rng;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::rc::Rc;

/// The policies, and how many shares of the executions each has to begin with. Over all planted faults SURW needed the
/// fewest executions; each of the others finds some that it misses.
const MEMBERS: [(Named, f64); 5] = [
    (Named::Surw, 5.0),
    (Named::Random, 2.0),
    (Named::Pos, 1.5),
    (Named::Perturb, 1.0),
    (Named::Points, 0.5),
];

/// How much a member's last execution counts beside all before.
const RECENT: f64 = 0.1;
/// The chance that a member with new pairs in every execution has, as a multiple of that of one with none.
const FAVOUR: f64 = 5.0;

/// A policy, and what it was good for.
struct Member {
    both: Both,
    share: f64,
    /// The share of its executions that met something new, the last ones most.
    worth: f64,
}

struct Members {
    rng: Rng,
    members: Vec<Member>,
    known: Coverage,
    /// Pairs of this run when the last execution ended.
    met: usize,
    /// Whose execution it is.
    now: usize,
}

impl Members {
    fn draw(&mut self) {
        let weight = |member: &Member| member.share * (1.0 + (FAVOUR - 1.0) * member.worth);
        let total: f64 = self.members.iter().map(weight).sum();
        let mut at = self.rng.f64() * total;
        let won = self.members.iter().position(|member| {
            at -= weight(member);
            at < 0.0
        });
        self.now = won.unwrap_or(0);
    }

    fn member(&mut self) -> &mut Member {
        &mut self.members[self.now]
    }

    fn executed(&mut self, met: &Coverage) {
        let new = met.len() != self.met && self.known.add(met) > 0;
        self.met = met.len();
        let member = self.member();
        member.worth += RECENT * (f64::from(u8::from(new)) - member.worth);
    }
}

struct Drawn(Rc<RefCell<Members>>);

impl Scheduler for Drawn {
    fn new_execution(&mut self) -> Option<Schedule> {
        let mut members = self.0.borrow_mut();
        members.draw();
        members.member().both.0.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.0.borrow_mut().member().both.0.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.borrow_mut().member().both.0.next_u64()
    }
}

impl Chooser for Drawn {
    fn new_execution(&mut self) {
        self.0.borrow_mut().member().both.1.new_execution();
    }

    fn choose(&mut self, task: usize, choice: Choice) -> usize {
        self.0.borrow_mut().member().both.1.choose(task, choice)
    }

    fn chain(&self) -> Vec<Link> {
        self.0.borrow_mut().member().both.1.chain()
    }

    fn executed(&mut self, met: &Coverage) {
        self.0.borrow_mut().executed(met);
    }
}

/// The members, drawn by worth.
pub fn policy(seed: u64, table: &Table) -> Both {
    let mut rng = Rng::with_seed(seed);
    let member = |&(named, share): &(Named, f64)| Member {
        both: named.both(rng.u64(..), table),
        share,
        worth: 0.0,
    };
    let members = MEMBERS.iter().map(member).collect();
    let members = Members { rng, members, known: Coverage::default(), met: 0, now: 0 };
    let members = Rc::new(RefCell::new(members));
    (Box::new(Drawn(Rc::clone(&members))), Box::new(Drawn(members)))
}
