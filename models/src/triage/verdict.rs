//! Does it fail again? A few runs, each in a process of its own.
//!
//! # Checked by
//! `tests/triage.rs`.

use super::lab::{Lab, Look};
use super::sighting::{Came, Sighting};
use super::worker::Worker;
use crate::case::Case;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// How often a case fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Runs that failed, all in the same way.
    pub failed: usize,
    /// Runs.
    pub runs: usize,
}

impl Verdict {
    /// Nobody has seen it pass.
    pub const STABLE: Verdict = Verdict { failed: 1, runs: 1 };

    /// It fails every time.
    pub fn is_stable(self) -> bool {
        self.failed == self.runs
    }

    /// Runs that a case is given to fail again: three times as many as it takes on average, if it is flaky.
    pub fn runs_to_fail(self) -> usize {
        if self.is_stable() { 1 } else { 3 * self.runs.div_ceil(self.failed.max(1)) }
    }

    /// It does not fail any more.
    pub fn is_gone(self) -> bool {
        self.failed == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { failed, runs } = self;
        match (self.is_gone(), self.is_stable()) {
            (true, _) => write!(f, "gone (passes {runs} of {runs} runs)"),
            (_, true) => write!(f, "stable (fails {failed} of {runs} runs)"),
            _ => write!(f, "flaky (fails {failed} of {runs} runs, {} %)", 100 * failed / runs),
        }
    }
}

/// What replaying a case came to.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Of its commonest failure.
    pub verdict: Verdict,
    /// Its failures and how often each was seen, the commonest first.
    pub seen: Vec<(Sighting, usize)>,
}

impl Replayed {
    /// Was there a failure like this?
    pub fn has(&self, wanted: &Sighting) -> bool {
        self.seen.iter().any(|(seen, _)| seen.is_like(wanted))
    }
}

/// Runs a case so often.
///
/// # Errors
/// When no process can be started.
pub fn replay(lab: Lab, case: &Case, runs: usize) -> io::Result<Result<Replayed, String>> {
    let mut seen: Vec<(Sighting, usize)> = Vec::new();
    for _ in 0..runs {
        let mut worker = Worker::start()?;
        seen.iter().for_each(|(seen, _)| worker.expect(seen));
        match worker.run(lab, case, Look::Once)? {
            Came::Passed(_) => {}
            Came::Unfit(why) => return Ok(Err(why)),
            Came::Failed(sighting) => match seen.iter_mut().find(|(one, _)| one.is_like(&sighting))
            {
                Some((_, times)) => *times += 1,
                None => seen.push((*sighting, 1)),
            },
        }
    }
    seen.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let failed = seen.first().map_or(0, |(_, times)| *times);
    Ok(Ok(Replayed { verdict: Verdict { failed, runs }, seen }))
}
