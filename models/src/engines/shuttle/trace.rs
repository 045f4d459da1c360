//! A hash of an execution's happens-before order, operation by operation.
//!
//! An operation's hash is made of its task's one before, its place and kind, and the last write there. The execution's is
//! the sum, so independent operations may come in any order. That a write comes after a read is in the read's hash: it
//! knows of an earlier write.
//!
//! # Checked by
//! `tests/coverage.rs`.

use super::clock::TASKS;
use super::pending::{Access, Location};
use crate::generators::hashers::mix;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The order so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    tasks: [u64; TASKS],
    /// The last write at each place.
    writes: HashMap<Location, u64, FixedState>,
    sum: u64,
}

impl Trace {
    pub(super) fn begin(&mut self) {
        // Tasks are told apart.
        self.tasks = std::array::from_fn(|task| mix(task as u64));
        self.writes.clear();
        self.sum = 0;
    }

    /// A task does this. What has no place (fences, waiting) orders nothing here.
    pub(super) fn step(&mut self, task: usize, location: Location, access: Access) {
        if location == Location::NONE {
            return;
        }
        let write = self.writes.entry(location).or_default();
        let own = mix(self.tasks[task] ^ mix(location.code() ^ (access as u64) << 40));
        let hash = mix(own ^ mix(*write));
        if access.writes() {
            *write = hash;
        }
        self.became(task, hash);
    }

    /// A choice other than the schedule was made for a task.
    pub(super) fn chose(&mut self, task: usize, chosen: usize) {
        let hash = mix(self.tasks[task] ^ mix(!(chosen as u64)));
        self.became(task, hash);
    }

    fn became(&mut self, task: usize, hash: u64) {
        self.tasks[task] = hash;
        self.sum = self.sum.wrapping_add(hash);
    }

    /// The whole order.
    pub(super) fn hash(&self) -> u64 {
        mix(self.sum)
    }
}
