//! Vector clocks, and what a task has seen.
//!
//! # Not here
//! Which operations join which clocks: see `memory`.
//! # Checked by
//! `tests/litmus.rs`.

/// Tasks in an execution: task 0, which sets up and judges, and the threads of a case.
pub const TASKS: usize = 8;

/// When something happened: the time of the task that did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) task: u8,
    pub(super) time: u32,
}

/// Up to which of its times each task is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock([u32; TASKS]);

impl Clock {
    /// Learns all that `other` knows.
    #[inline]
    pub(super) fn join(&mut self, other: &Clock) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }

    /// Does what happened then come before?
    #[inline]
    pub(super) fn knows(&self, stamp: Stamp) -> bool {
        stamp.time <= self.0[stamp.task as usize]
    }

    /// Whose doings, of all these, need not come before?
    #[inline]
    pub(super) fn unordered(&self, done: &Clock) -> Option<usize> {
        self.0.iter().zip(done.0).position(|(&known, time)| time > known)
    }

    /// Adds what happened then.
    #[inline]
    pub(super) fn note(&mut self, stamp: Stamp) {
        self.0[stamp.task as usize] = stamp.time;
    }

    /// The next time of a task.
    #[inline]
    pub(super) fn tick(&mut self, task: usize) -> Stamp {
        self.0[task] += 1;
        Stamp { task: task as u8, time: self.0[task] }
    }

    /// The time of a task, as far as it is known.
    #[inline]
    pub(super) fn of(&self, task: usize) -> u32 {
        self.0[task]
    }
}

/// What a task has seen, in two senses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View {
    /// What happens-before its next operation, by the orderings as written: data races are judged by it.
    pub(super) ordered: Clock,
    /// What its loads must not read behind. Includes `ordered`, and what SeqCst operations and reclamation add.
    pub(super) seen: Clock,
}

impl View {
    /// Learns all of `other`.
    #[inline]
    pub(super) fn join(&mut self, other: &View) {
        self.ordered.join(&other.ordered);
        self.seen.join(&other.seen);
    }
}
