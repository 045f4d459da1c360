//! Stands between shuttle and the policy that chooses.
//!
//! It leaves the policy no choice where there is none: task 0 goes when it can; every thread is brought to its first
//! operation before any goes on; a thread that waits is not runnable until another has stored something; a stalled
//! thread is not runnable until nobody else is. It notes what departs from the ordinary, and finds deadlocks and stalls
//! that stop others.
//!
//! # Invariants
//! - **ordinary**: without departures, a thread goes on until it ends or waits, then the first that can goes on.
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/replay.rs`.

use super::pending::{self, Access, Choice, Pending};
use super::world::{Phase, World, with};
use crate::trace::{self, Event};
use map_core::platform::Point;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::mem::ManuallyDrop;

/// What the guard decided, for the run's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logged {
    /// The task (at its pending operation, or ended) was followed by another that is not the ordinary one.
    Switch { from: usize, at: Option<Pending>, to: usize },
    /// The task is suspended for ever.
    Stall { task: usize, at: Pending },
    /// A choice of the chooser's.
    Chose { task: usize, at: Pending, choice: Choice, chosen: usize },
}

/// Whether another execution is wanted.
pub(super) type More = Box<dyn FnMut() -> bool>;

pub(super) struct Guard {
    /// Not dropped: shuttle's random scheduler prints its seed when it is, unless it ran to its own end.
    policy: ManuallyDrop<Box<dyn Scheduler>>,
    more: More,
    eligible: Vec<*const Task>,
}

impl Guard {
    pub(super) fn new(policy: Box<dyn Scheduler>, more: More) -> Guard {
        Guard { policy: ManuallyDrop::new(policy), more, eligible: Vec::new() }
    }
}

/// What to do with the tasks that shuttle would run.
enum Verdict {
    /// No choice.
    Run(usize),
    /// The policy's choice among those for which the flag is set; the ordinary choice.
    Ask([bool; super::clock::TASKS], usize),
}

impl Scheduler for Guard {
    fn new_execution(&mut self) -> Option<Schedule> {
        if (self.more)() { self.policy.new_execution() } else { None }
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let ids = runnable.iter().map(|task| usize::from(task.id()));
        match with(|world| world.verdict(ids)) {
            Verdict::Run(task) => {
                // The policy may count what it sees (URW does), so it is asked; there is one answer.
                let only = runnable.iter().find(|one| usize::from(one.id()) == task)?;
                if !with(|world| world.phase == Phase::Over) {
                    self.policy.next_task(&[only], current, is_yielding)?;
                }
                Some(only.id())
            }
            Verdict::Ask(eligible, ordinary) => {
                self.eligible.clear();
                let tasks = runnable.iter().filter(|task| eligible[usize::from(task.id())]);
                self.eligible.extend(tasks.map(|&task| std::ptr::from_ref(task)));
                // SAFETY: `&Task` and `*const Task` have the same layout; the pointers came from references that
                // live until the end of this call, and the next call begins by forgetting them.
                let tasks = unsafe {
                    std::mem::transmute::<&[*const Task], &[&Task]>(self.eligible.as_slice())
                };
                let current =
                    with(|world| (world.current != 0).then(|| TaskId::from(world.current)));
                let chosen = self.policy.next_task(tasks, current, is_yielding)?;
                with(|world| world.switched(usize::from(chosen), ordinary));
                Some(chosen)
            }
        }
    }

    fn next_u64(&mut self) -> u64 {
        self.policy.next_u64()
    }
}

impl World {
    /// Sorts the runnable tasks.
    fn verdict(&mut self, runnable: impl Iterator<Item = usize> + Clone) -> Verdict {
        let first = runnable.clone().next().unwrap_or(0);
        if first == 0 || self.phase != Phase::Running {
            // Unwinding, or task 0, which spawns or joins the next.
            let current = self.current;
            return Verdict::Run(runnable.clone().find(|&task| task == current).unwrap_or(first));
        }
        let begins = |task: &usize| {
            pending::of(TaskId::from(*task)).is_some_and(|next| next.access == Access::Begin)
        };
        if let Some(task) = runnable.clone().find(begins) {
            return Verdict::Run(task);
        }
        if self.asked && self.is_free() {
            self.stall(&runnable);
        }
        let mut eligible = [false; super::clock::TASKS];
        let mut some = false;
        for task in runnable.clone() {
            eligible[task] = self.stalled != Some(task) && !self.waits(task);
            some |= eligible[task];
        }
        if !some {
            return self.nobody(runnable);
        }
        // The threads have been brought to their first operations: none of them is ahead.
        let current = if self.asked { self.current } else { 0 };
        self.current = current;
        let ordinary = match eligible[current] {
            true => current,
            false => eligible.iter().position(|&can| can).unwrap_or(first),
        };
        match self.is_free() {
            true => Verdict::Ask(eligible, ordinary),
            false => Verdict::Run(ordinary),
        }
    }

    /// Asks whether the current task is to stall.
    fn stall(&mut self, runnable: &(impl Iterator<Item = usize> + Clone)) {
        let current = self.current;
        let others = runnable.clone().filter(|&task| task != current && !self.waits(task)).count();
        if self.stalls_left == 0 || others == 0 || self.waits(current) {
            return;
        }
        if self.tasks[current].finished || !runnable.clone().any(|task| task == current) {
            return;
        }
        if let Some(at) = self.tasks[current].pending
            && self.chooser.choose(current, Choice::Stall) != 0
        {
            self.stalls_left -= 1;
            self.stalled = Some(current);
            self.log.push(Logged::Stall { task: current, at });
            trace::note(|| Event::Departure {
                thread: current - 1,
                what: "stalled".to_string(),
                place: self.tasks[current].before(),
            });
        }
    }

    /// Everybody waits, or is stalled.
    fn nobody(&mut self, runnable: impl Iterator<Item = usize> + Clone) -> Verdict {
        let waiting: Vec<usize> =
            runnable.clone().filter(|&task| self.stalled != Some(task)).collect();
        let words = |world: &World, task: usize| world.name(world.doer_of(task));
        let names: Vec<String> = waiting.iter().map(|&task| words(self, task)).collect();
        let Some(stalled) = self.stalled.take() else {
            let did = format!("waits for ever; all that wait: {}", names.join(", "));
            self.object_to(waiting[0], "deadlock", "some thread can always go on", did);
            return Verdict::Run(waiting[0]);
        };
        let reader = waiting.iter().find(|&&task| self.tasks[task].is_reading());
        let elsewhere = || waiting.iter().find(|&&task| self.waits_elsewhere(task, stalled));
        let broken = match reader {
            Some(reader) => Some((reader, "a stalled thread never stops a reader")),
            None => {
                elsewhere().map(|task| (task, "a stalled thread stops only who wants its bucket"))
            }
        };
        if let Some((&stopped, rule)) = broken {
            let did = format!("waits for {}, which is stalled", words(self, stalled));
            self.object_to(stopped, "stall", rule, did);
            return Verdict::Run(stopped);
        }
        // All that could be done without it is done: it goes on, so that the end can be judged.
        Verdict::Run(stalled)
    }

    /// Does a task wait for something else than the bucket of its own key, or of its walk, that the stalled one holds? As
    /// far as the moments say: of one that has reached none, nothing is known.
    fn waits_elsewhere(&self, task: usize, stalled: usize) -> bool {
        let Some((point, place)) = self.tasks[task].pending.and_then(|pending| pending.point)
        else {
            return false;
        };
        !matches!(point, Point::WaitForLock | Point::AboutToClearBucket)
            || self.tasks[stalled].holds().is_some_and(|held| held != place)
    }

    fn switched(&mut self, to: usize, ordinary: usize) {
        self.asked = true;
        if to != ordinary {
            let from = self.current;
            let name = &self.tasks[to].name;
            trace::note(|| match from {
                0 => Event::Departure {
                    thread: to - 1,
                    what: "goes first".to_string(),
                    place: String::new(),
                },
                _ => Event::Departure {
                    thread: from - 1,
                    what: format!("switch to {name}"),
                    place: self.tasks[from].before(),
                },
            });
            let at = self.tasks[from].pending.filter(|_| !self.tasks[from].finished);
            self.log.push(Logged::Switch { from, at, to });
        }
    }
}
