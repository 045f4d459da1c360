//! A worker's share of the work: lanes, each a scenario under a policy that goes on, taken in turn.
//!
//! A policy learns as it goes, so a lane belongs to one worker, and its executions are the same whatever else runs: they
//! depend on the seed, the scenario's name and the policy. Turns begin short, so that the first look at everything comes
//! soon, and double.
//!
//! # Checked by
//! `tests/command_line.rs`.

use crate::catalogue::Scenario;
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, shuttle};
use crate::finding::fnv;
use crate::generators::hashers::mix;
use crate::schedulers::perturb::Table;
use crate::schedulers::{Lasting, Named};
use std::time::Duration;

/// Executions of a lane's first turn.
const TURN_MIN: u64 = 16;
/// Executions of its longest ones.
const TURN_MAX: u64 = 512;

/// A scenario under a policy.
pub(super) struct Lane<'run> {
    pub(super) scenario: &'run Scenario,
    pub(super) named: Named,
    policy: Lasting,
    /// Executions of the next turn.
    turn: u64,
    /// Executions still to do.
    left: u64,
    pub(super) done: u64,
}

/// What every lane of a run is made with.
#[derive(Clone, Copy)]
pub(super) struct Making<'run> {
    pub(super) seed: u64,
    pub(super) stale: bool,
    pub(super) table: &'run Table,
    /// Executions of each scenario.
    pub(super) executions: u64,
}

impl<'run> Lane<'run> {
    /// The `nth` lane of this scenario and policy.
    pub(super) fn new(
        scenario: &'run Scenario,
        named: Named,
        nth: u64,
        making: &Making<'_>,
    ) -> Lane<'run> {
        let seed = mix(mix(making.seed) ^ fnv(scenario.name.as_bytes())).wrapping_add(nth);
        let policy = Lasting::new(named.policy_with(seed, making.stale, making.table));
        let left = making.executions;
        Lane { scenario, named, policy, turn: TURN_MIN, left, done: 0 }
    }

    /// The worker's share of the lanes: each `(scenario, policy)` is one worker's, unless there are more workers.
    pub(super) fn shared(
        scenarios: &'run [Scenario],
        policies: &[Named],
        (worker, workers): (usize, usize),
        making: &Making<'_>,
    ) -> Vec<Lane<'run>> {
        let pairs =
            scenarios.iter().flat_map(|one| policies.iter().map(move |&named| (one, named)));
        let pairs: Vec<_> = pairs.collect();
        // Some pairs have several workers, each with a lane of its own.
        let rounds = workers.div_ceil(pairs.len()) as u64;
        let each = Making { executions: making.executions.div_ceil(rounds), ..*making };
        let mine = (worker % pairs.len()..pairs.len()).step_by(workers);
        let lane =
            |(scenario, named)| Lane::new(scenario, named, (worker / pairs.len()) as u64, &each);
        mine.map(|at| lane(pairs[at])).collect()
    }

    /// Is there another turn?
    pub(super) fn goes_on(&self) -> bool {
        self.left > 0
    }

    /// Takes a turn.
    pub(super) fn take(&mut self, time: Option<Duration>) -> Report {
        let limits = Limits { executions: Some(self.turn.min(self.left)), time };
        let Scenario { case, allowed, .. } = self.scenario;
        let judge = Judge::new(case, allowed.clone());
        let report = shuttle::run(case, judge, self.policy.policy(), &limits);
        self.left -= report.executions.min(self.left);
        self.done += report.executions;
        self.turn = (self.turn * 2).min(TURN_MAX);
        report
    }
}
