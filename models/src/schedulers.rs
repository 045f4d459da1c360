//! Policies that choose the schedule, by name.
//!
//! # Checked by
//! `tests/catalogue.rs`, `tests/replay.rs`.

pub mod replay;

use crate::engines::shuttle::{Chance, Policy};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler, UrwRandomScheduler};

/// A policy that the command line knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Named {
    /// shuttle's: any runnable thread, all alike.
    #[default]
    Random,
    /// shuttle's: priorities, changed at 3 steps (Burckhardt et al., 2010).
    Pct,
    /// shuttle's: a uniform random walk (Sen, 2007).
    Urw,
}

impl Named {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Named::Random => "random",
            Named::Pct => "pct",
            Named::Urw => "urw",
        }
    }

    /// The policy, with a thread stalled in one execution of eight, and with or without stale reads.
    pub fn policy(self, seed: u64, stale: bool) -> Policy {
        let forever = usize::MAX;
        let scheduler: Box<dyn Scheduler> = match self {
            Named::Random => Box::new(RandomScheduler::new_from_seed(seed, forever)),
            Named::Pct => Box::new(PctScheduler::new_from_seed(seed, 3, forever)),
            Named::Urw => Box::new(UrwRandomScheduler::new_from_seed(seed, forever)),
        };
        let chooser = Box::new(Chance::new(!seed, 8, 3));
        Policy { scheduler, chooser, stale }
    }
}
