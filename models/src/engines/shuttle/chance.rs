//! What is up to chance, drawn: stale reads, stalls.
//!
//! # Not here
//! Perturbation by a table of moments: see `schedulers`.
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::pending::{Choice, Chooser};
use fastrand::Rng;

/// At one retired segment in so many, drained segments begin to be used again.
const RECYCLE_EVERY: u32 = 4;

/// Draws what departs from the ordinary, each execution from a seed of its own.
#[derive(Clone, Debug)]
pub struct Chance {
    rng: Rng,
    /// One execution in so many has a thread stalled; 0: none.
    stall_every: u32,
    /// One load (or store) in so many is not of the latest (not the last), where it need not be.
    stale_every: u32,
    /// Operations to go until the stall of this execution.
    stall_in: u32,
    /// Operations of the last execution.
    asked: u32,
    asked_last: u32,
}

impl Chance {
    /// Draws from this seed.
    pub fn new(seed: u64, stall_every: u32, stale_every: u32) -> Chance {
        let rng = Rng::with_seed(seed);
        Chance { rng, stall_every, stale_every, stall_in: u32::MAX, asked: 0, asked_last: 100 }
    }
}

impl Chooser for Chance {
    fn new_execution(&mut self) {
        self.asked_last = self.asked.max(10);
        self.asked = 0;
        let stalls = self.stall_every > 0 && self.rng.u32(0..self.stall_every) == 0;
        self.stall_in = if stalls { self.rng.u32(0..self.asked_last) } else { u32::MAX };
    }

    fn choose(&mut self, _: usize, choice: Choice) -> usize {
        match choice {
            Choice::Stall => {
                self.asked += 1;
                usize::from(self.asked > self.stall_in)
            }
            Choice::Read { .. } | Choice::Write { .. } | Choice::Defer => {
                match self.rng.u32(0..self.stale_every.max(1)) {
                    0 => self.rng.usize(0..choice.options()),
                    _ => 0,
                }
            }
            Choice::Recycle => usize::from(self.rng.u32(..RECYCLE_EVERY) == 0),
            Choice::Abandon(..) | Choice::GrowEarly(_) => 0,
        }
    }
}
