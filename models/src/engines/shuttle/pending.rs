//! What each task is about to do: what a scheduler gets to know before it chooses.
//!
//! shuttle calls `Scheduler::next_task` *before* the operation of the task that runs, and its `Task` says nothing of
//! operations. So the platform publishes what is pending first, and switches then:
//!
//! ```text
//!   platform:   publish(Pending { location, access, point, … }) ─► switch ─► do the operation
//!   scheduler:                      next_task(runnable) ─► pending::of(task.id()) for each of them
//! ```
//!
//! Everything a model runs on is on one OS thread, so the table is a thread-local; it is emptied when an execution
//! begins. A task that has not run yet is pending at [`Access::Begin`]; task 0 only sets up, spawns, joins and judges,
//! and has none.
//!
//! A scheduler is any `shuttle::scheduler::Scheduler`. The engine wraps it: it is not asked about tasks that wait for
//! a store that has not happened, or that the run suspends for ever. Where only one task can go (task 0, a thread that
//! begins) it is asked with that one alone.
//! Whatever else is up to chance in a run (a stale read, an abandoned evacuation, an early growth) is put to a
//! [`Chooser`].
//!
//! # Invariants
//! - **published-first**: when `next_task` is called, `of(task)` is the next visible operation of every runnable task.
//! - **stable names**: a [`Location`] is named by the task that made it and how many it had made before, so it is the
//!   same one in every execution in which that task came to it the same way; always, for what the setup made.
//! # Checked by
//! `tests/shuttle_platform.rs`.

use crate::coverage::Coverage;
use map_core::platform::{Place, Point};
use shuttle::scheduler::TaskId;
use std::cell::RefCell;
use std::fmt;

/// A place in memory that operations meet at: an atomic, a mutex, a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location(u32);

impl Location {
    /// No place: fences, waiting, the beginning of a task.
    pub const NONE: Location = Location(u32::MAX);

    /// The `nth` place that a task made.
    pub(super) fn new(task: usize, nth: u32) -> Location {
        Location((task as u32) << 24 | nth & 0xff_ffff)
    }

    /// A number of its own.
    pub(crate) fn code(self) -> u64 {
        u64::from(self.0)
    }

    /// The task that made it.
    pub fn maker(self) -> usize {
        (self.0 >> 24) as usize
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Location::NONE => f.write_str("-"),
            Location(bits) => write!(f, "{}.{}", bits >> 24, bits & 0xff_ffff),
        }
    }
}

/// What is done to a [`Location`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing yet: the task's first step.
    Begin,
    /// An atomic load.
    Read,
    /// An atomic store.
    Write,
    /// An atomic read-modify-write, also one that may fail.
    Rmw,
    /// A fence.
    Fence,
    /// Taking a mutex.
    Lock,
    /// Giving it back.
    Unlock,
    /// Waiting for another task's store ([`map_core::platform::Platform::wait`]).
    Wait,
    /// Beginning a pin of a collector.
    Pin,
    /// Ending one: what waited only for it is reclaimed.
    Unpin,
    /// Handing an object to a collector.
    Retire,
}

impl Access {
    /// Could the order of two such accesses to one place matter? Two reads, or two pins, commute.
    pub fn conflicts(self, other: Access) -> bool {
        use Access::{Begin, Fence, Pin, Read, Unpin, Wait};
        !matches!(
            (self, other),
            (Begin | Fence | Wait, _)
                | (_, Begin | Fence | Wait)
                | (Read, Read)
                | (Pin | Unpin, Pin | Unpin)
        )
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Access::Begin => "first step",
            Access::Read => "load",
            Access::Write => "store",
            Access::Rmw => "read-modify-write",
            Access::Fence => "fence",
            Access::Lock => "lock",
            Access::Unlock => "unlock",
            Access::Wait => "wait",
            Access::Pin => "pin",
            Access::Unpin => "unpin",
            Access::Retire => "retire",
        }
    }

    /// Does it change what others read there?
    pub fn writes(self) -> bool {
        matches!(self, Access::Write | Access::Rmw | Access::Lock | Access::Unlock | Access::Retire)
    }
}

/// The operation that a task will do when it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Where.
    pub location: Location,
    /// What.
    pub access: Access,
    /// Which of the thread's ops it belongs to, counted from 0.
    pub op: usize,
    /// The named moment that the thread reached last in this op.
    pub point: Option<(Point, Place)>,
    /// How often it had reached a moment of that name before, in this op.
    pub occurrence: u32,
    /// Operations done since that moment (since the op's call, if it has reached none). 0: it is there right now.
    pub steps: u32,
}

impl Pending {
    pub(super) const BEGIN: Pending = Pending {
        location: Location::NONE,
        access: Access::Begin,
        op: 0,
        point: None,
        occurrence: 0,
        steps: 0,
    };

    /// Could it matter which of the two goes first?
    pub fn conflicts(&self, other: &Pending) -> bool {
        self.location == other.location
            && self.location != Location::NONE
            && self.access.conflicts(other.access)
    }
}

thread_local! {
    static TABLE: RefCell<Vec<Option<Pending>>> = const { RefCell::new(Vec::new()) };
}

/// What a task will do when it is chosen; `None` for task 0 and for tasks that have finished.
pub fn of(task: TaskId) -> Option<Pending> {
    TABLE.with_borrow(|table| table.get(usize::from(task)).copied().flatten())
}

/// Forgets everything: an execution begins.
pub(super) fn clear() {
    TABLE.with_borrow_mut(Vec::clear);
}

/// Sets what a task will do.
pub(super) fn publish(task: usize, pending: Option<Pending>) {
    TABLE.with_borrow_mut(|table| {
        if table.len() <= task {
            table.resize(task + 1, None);
        }
        table[task] = pending;
    });
}

/// Something that is up to chance and is not the schedule. Every choice is among a number of options, of which 0 is
/// the ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Should the thread give up the evacuation it is at? 1: yes.
    Abandon(Point, Place),
    /// Should this insertion start a growth that nothing asks for? 1: yes.
    GrowEarly(Place),
    /// Should the thread be suspended for ever before its pending operation? 1: yes. It goes on when the others have
    /// done all they can without it. Asked before each of its operations, until one thread of the execution is.
    Stall,
    /// How many stores back a load reads, among those that the rules allow.
    Read {
        /// Where.
        location: Location,
        /// How many values it may return.
        options: usize,
    },
    /// How many stores back in the modification order a store goes.
    Write {
        /// Where.
        location: Location,
        /// How many places it may take.
        options: usize,
    },
    /// Should what is retired stay in its batch, so that pins that begin later may miss its unlinking? 1: yes. Asked with
    /// stale reads only.
    Defer,
    /// Should this drained segment, and all that follow, be reclaimed for use again as soon as nobody may hold it? 1: yes. Asked
    /// when one is retired, until they are.
    Recycle,
}

impl Choice {
    /// How many options there are.
    pub fn options(self) -> usize {
        match self {
            Choice::Read { options, .. } | Choice::Write { options, .. } => options,
            _ => 2,
        }
    }

    /// What was chosen, in words.
    pub(super) fn words(self, chosen: usize) -> String {
        match self {
            Choice::Abandon(..) => "gives the evacuation up".to_string(),
            Choice::GrowEarly(_) => "starts a growth early".to_string(),
            Choice::Stall => "stalls".to_string(),
            Choice::Defer => "leaves what it retires in a batch".to_string(),
            Choice::Recycle => "has drained segments used again from here on".to_string(),
            Choice::Read { .. } => format!("reads {chosen} stores back"),
            Choice::Write { .. } => format!("writes {chosen} stores back"),
        }
    }
}

/// Something that a policy did to a thread on purpose: a link in the chain of events that it tells of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The thread's task.
    pub task: usize,
    /// Where it was.
    pub at: Pending,
    /// What befell it.
    pub what: String,
}

/// Decides what is up to chance. One lives through all executions of a run.
pub trait Chooser {
    /// An execution begins.
    fn new_execution(&mut self) {}

    /// An execution has ended; these are the situations that threads have met in since the run began.
    fn executed(&mut self, _met: &Coverage) {}

    /// What was done to threads in this execution, in order, if the policy keeps account.
    fn chain(&self) -> Vec<Link> {
        Vec::new()
    }

    /// Chooses for a task (whose [`of`] says where it is): less than [`Choice::options`].
    fn choose(&mut self, task: usize, choice: Choice) -> usize;
}

/// Nothing unusual ever happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ordinary;

impl Chooser for Ordinary {
    fn choose(&mut self, _: usize, _: Choice) -> usize {
        0
    }
}
