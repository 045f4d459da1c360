//! Follows the schedule of a case, leniently.
//!
//! The departures are taken in their order. The first that is still to come is taken when its thread has come to its
//! moment, or is past it (fewer steps lie between two moments than when it was recorded); one whose thread cannot come
//! to it any more is dropped. In between, all is ordinary. So a schedule still does what it is about after code
//! was added or removed elsewhere.
//!
//! # Checked by
//! `tests/replay.rs`.

use crate::case::Case;
use crate::case::schedule::{At, Departure, Forced, Moment};
use crate::engines::shuttle::Policy;
use crate::engines::shuttle::pending::{self, Choice, Chooser, Pending};
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::rc::Rc;

/// How far the schedule has been followed.
struct Script {
    threads: Vec<String>,
    forced: Vec<Forced>,
    next: usize,
    /// The thread of the next departure has been seen at its moment.
    there: bool,
    ran: bool,
}

/// Where a thread is, seen from a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Before,
    At,
    Past,
}

impl Script {
    /// Task numbers are those of the threads, from 1.
    fn task(&self, name: &str) -> Option<usize> {
        self.threads.iter().position(|thread| thread == name).map(|at| at + 1)
    }

    /// Is the next departure due, now that `task` is at `pending` (`None`: has ended)? Asked for departures of a kind.
    fn due(
        &mut self,
        task: usize,
        pending: Option<&Pending>,
        kind: impl Fn(&Departure) -> bool,
    ) -> Option<Departure> {
        loop {
            let Forced { moment: Moment { thread, at }, departure } = self.forced.get(self.next)?;
            let owner = self.task(thread).unwrap_or(0);
            let due = match (owner == task, at, pending) {
                (false, ..) => {
                    // Its thread will not come back to it once it has ended; the first one's is the setup.
                    let gone = owner != 0 && pending::of(TaskId::from(owner)).is_none();
                    if !gone || at.is_none() {
                        return None;
                    }
                    self.pass();
                    continue;
                }
                (true, None, None) => true,
                (true, None, Some(_)) => return None,
                (true, Some(_), None) => true,
                (true, Some(at), Some(pending)) => match place(at, pending) {
                    Is::At if pending.steps >= at.steps => true,
                    Is::At => {
                        self.there = true;
                        false
                    }
                    Is::Past => true,
                    Is::Before => self.there,
                },
            };
            if !due || !kind(departure) {
                return None;
            }
            let departure = departure.clone();
            self.pass();
            return Some(departure);
        }
    }

    fn pass(&mut self) {
        self.next += 1;
        self.there = false;
    }
}

/// Where `pending` is, seen from `at`.
fn place(at: &At, pending: &Pending) -> Is {
    let point = pending.point.map(|(point, _)| point);
    match pending.op.cmp(&at.op) {
        std::cmp::Ordering::Less => Is::Before,
        std::cmp::Ordering::Greater => Is::Past,
        std::cmp::Ordering::Equal if point == at.point && pending.occurrence == at.occurrence => {
            Is::At
        }
        std::cmp::Ordering::Equal if point == at.point && pending.occurrence > at.occurrence => {
            Is::Past
        }
        // In the same op, at another moment: before it, unless it was there already.
        std::cmp::Ordering::Equal => Is::Before,
    }
}

struct Follow(Rc<RefCell<Script>>);

impl Scheduler for Follow {
    fn new_execution(&mut self) -> Option<Schedule> {
        let mut script = self.0.borrow_mut();
        let first = !script.ran;
        script.ran = true;
        (script.next, script.there) = (0, false);
        first.then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _: bool,
    ) -> Option<TaskId> {
        if let [only] = runnable {
            return Some(only.id());
        }
        let here = current.map_or(0, usize::from);
        let pending = current.and_then(pending::of);
        let mut script = self.0.borrow_mut();
        let forced =
            script.due(here, pending.as_ref(), |kind| matches!(kind, Departure::Switch(_)));
        if let Some(Departure::Switch(to)) = forced
            && let Some(to) = script.task(&to)
            && let Some(task) = runnable.iter().find(|task| usize::from(task.id()) == to)
        {
            return Some(task.id());
        }
        let ordinary = runnable.iter().find(|task| Some(task.id()) == current);
        Some(ordinary.unwrap_or(&runnable[0]).id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

struct Choices(Rc<RefCell<Script>>);

impl Chooser for Choices {
    fn choose(&mut self, task: usize, choice: Choice) -> usize {
        let pending = pending::of(TaskId::from(task));
        let kind = |departure: &Departure| {
            matches!(
                (departure, choice),
                (Departure::Stall, Choice::Stall)
                    | (Departure::Abandon, Choice::Abandon(..))
                    | (Departure::Grow, Choice::GrowEarly(_))
                    | (Departure::Read(_), Choice::Read { .. })
                    | (Departure::Write(_), Choice::Write { .. })
                    | (Departure::Defer, Choice::Defer)
                    | (Departure::Recycle, Choice::Recycle)
            )
        };
        match self.0.borrow_mut().due(task, pending.as_ref(), kind) {
            Some(Departure::Read(back) | Departure::Write(back)) => back,
            Some(_) => 1,
            None => 0,
        }
    }
}

/// The policy that runs a case once, by its schedule.
pub fn policy(case: &Case) -> Policy {
    let threads = case.running().iter().map(|thread| thread.name.clone()).collect();
    let script =
        Script { threads, forced: case.schedule.clone(), next: 0, there: false, ran: false };
    let script = Rc::new(RefCell::new(script));
    Policy {
        scheduler: Box::new(Follow(Rc::clone(&script))),
        chooser: Box::new(Choices(script)),
        stale: case.reads_stale(),
    }
}
