//! A worker's share of the work: lanes, each a scenario under a policy that goes on, taken in turn.
//!
//! A policy learns as it goes, so a lane belongs to one worker, and its executions are the same whatever else runs: they
//! depend on the seed, the scenario's name and the policy, and, where several workers share a scenario, on which lane of it
//! that is. Turns begin short, so that the first look at everything comes soon, and double.
//!
//! # Checked by
//! `tests/command_line.rs`.

use crate::catalogue::Scenario;
use crate::coverage::Coverage;
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, shuttle};
use crate::finding::fnv;
use crate::generators::hashers::mix;
use crate::schedulers::perturb::Table;
use crate::schedulers::{Lasting, Named};
use std::time::Duration;

/// Executions of a lane's first turn.
const TURN_MIN: u64 = 2;
/// Executions of its longest ones.
const TURN_MAX: u64 = 512;

/// A scenario under a policy.
pub(super) struct Lane<'run> {
    pub(super) scenario: &'run Scenario,
    /// Of the scenario among all.
    pub(super) number: u64,
    policy: Lasting,
    /// Executions of the next turn.
    turn: u64,
    /// Executions still to do.
    left: u64,
    pub(super) done: u64,
    /// New pairs that the last turn met, per execution.
    gained: f64,
}

/// Whose turns a round has: everybody's that goes on; then, if the new is favoured, once more those of the quarter that
/// met most of it.
pub(super) fn round(lanes: &[Lane<'_>], favours_new: bool) -> Vec<usize> {
    let all: Vec<usize> = (0..lanes.len()).filter(|&at| lanes[at].goes_on()).collect();
    let mut best: Vec<usize> = all.iter().copied().filter(|&at| lanes[at].gained > 0.0).collect();
    best.sort_by(|&one, &other| lanes[other].gained.total_cmp(&lanes[one].gained));
    best.truncate(if favours_new { all.len().div_ceil(4) } else { 0 });
    [all, best].concat()
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
        (number, scenario): (usize, &'run Scenario),
        named: Named,
        nth: u64,
        making: &Making<'_>,
    ) -> Lane<'run> {
        let seed = mix(mix(making.seed) ^ fnv(scenario.name.as_bytes())).wrapping_add(nth);
        let policy = Lasting::new(named.policy_with(seed, making.stale, making.table));
        let left = making.executions;
        Lane { scenario, number: number as u64, policy, turn: TURN_MIN, left, done: 0, gained: 0.0 }
    }

    /// The worker's share of the lanes: each scenario is one worker's, unless there are more workers.
    pub(super) fn shared(
        scenarios: &'run [Scenario],
        named: Named,
        (worker, workers): (usize, usize),
        making: &Making<'_>,
    ) -> Vec<Lane<'run>> {
        let (first, nth) = (worker % scenarios.len(), (worker / scenarios.len()) as u64);
        // Some scenarios have several workers, each with a lane of its own, and a share of the executions.
        let lanes = (workers - first).div_ceil(scenarios.len()) as u64;
        let more = u64::from(nth < making.executions % lanes);
        let each = Making { executions: making.executions / lanes + more, ..*making };
        let mine = scenarios.iter().enumerate().skip(first).step_by(workers);
        mine.map(|scenario| Lane::new(scenario, named, nth, &each)).collect()
    }

    /// Is there another turn?
    pub(super) fn goes_on(&self) -> bool {
        self.left > 0
    }

    /// Takes a turn; the pairs that it met go to those that the worker knows.
    pub(super) fn take(&mut self, time: Option<Duration>, known: &mut Coverage) -> Report {
        let limits = Limits { executions: Some(self.turn.min(self.left)), time };
        let Scenario { case, allowed, .. } = self.scenario;
        let judge = Judge::new(case, allowed.clone());
        let report = shuttle::run(case, judge, self.policy.policy(), &limits);
        self.left -= report.executions.min(self.left);
        self.done += report.executions;
        self.turn = (self.turn * 2).min(TURN_MAX);
        self.gained = known.add(&report.coverage) as f64 / report.executions.max(1) as f64;
        report
    }
}
