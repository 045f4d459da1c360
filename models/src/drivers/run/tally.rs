//! What a run has come to, and how it is told.
//!
//! # Checked by
//! `tests/command_line.rs`.

use crate::coverage::saturation::Saturation;
use crate::coverage::{self, Coverage};
use crate::drivers::summary::Summary;
use crate::engines::Report;
use indicatif::HumanCount;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Scenarios named as the least saturated.
const LEAST: usize = 3;

/// The sum of all turns.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) executions: u64,
    pub(super) steps: u64,
    turns: usize,
    exhausted: usize,
    pub(super) found: usize,
    /// Of the first finding.
    pub(super) first: Option<Summary>,
    pub(super) failed: bool,
    /// Of this run, and of those before.
    coverage: Coverage,
    before: Coverage,
    saturation: BTreeMap<String, Saturation>,
}

impl Tally {
    /// Goes on from the pairs that were met before.
    pub(super) fn after(before: Coverage) -> Tally {
        Tally { before, ..Tally::default() }
    }

    /// Adds a turn; of which scenario, if its orders are to be counted.
    pub(super) fn add(&mut self, scenario: Option<&str>, report: &Report) {
        self.executions += report.executions;
        self.steps += report.steps;
        self.turns += 1;
        self.exhausted += usize::from(report.exhausted);
        self.found += usize::from(report.found.is_some());
        self.coverage.add(&report.coverage);
        if let Some(name) = scenario {
            self.saturation.entry(name.to_string()).or_default().add(&report.saturation);
        }
    }

    /// One line.
    pub(super) fn words(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64();
        let rate = (self.executions as f64 / seconds.max(0.001)) as u64;
        let mut words = format!(
            "{} executions, {} steps in {seconds:.1} s, {}/s",
            HumanCount(self.executions),
            HumanCount(self.steps),
            HumanCount(rate)
        );
        if !self.coverage.is_empty() {
            words += &format!(", {} pairs", HumanCount(self.coverage.len() as u64));
        }
        words
    }

    /// What became of so many scenarios (or other cases), each of which was to be exhausted.
    pub(super) fn exhaustion(&self, scenarios: usize, what: &str) -> String {
        let Tally { turns, exhausted, found, .. } = self;
        format!(
            "of {scenarios} {what}: {exhausted} exhausted, {} cut short, {found} with a finding, {} not looked at",
            turns - exhausted - found,
            scenarios - turns
        )
    }

    /// What was covered, in some lines; nothing, if the engine cannot tell.
    pub(super) fn coverage(&self) -> Option<String> {
        if self.coverage.is_empty() {
            return None;
        }
        let (mut all, met) = (self.before.clone(), self.coverage.len());
        let new = all.add(&self.coverage);
        let mut text = format!(
            "evacuation phases: {met} pairs of situations met, {new} for the first time; by who comes, the state of its bucket,\n\
             and where the other is (same bucket/sibling/elsewhere):\n{}",
            self.coverage
        );
        if let Some(orders) = self.orders() {
            text += &format!("\n{orders}");
        }
        Some(text)
    }

    /// How saturated the scenarios are.
    fn orders(&self) -> Option<String> {
        let mut all: Vec<(&str, &Saturation)> = self
            .saturation
            .iter()
            .filter(|(_, one)| one.executions() > 0)
            .map(|(name, one)| (name.as_str(), one))
            .collect();
        let executions: u64 = all.iter().map(|(_, one)| one.executions()).sum();
        let distinct: f64 = all.iter().map(|(_, one)| one.distinct()).sum();
        let unseen = |one: &Saturation| one.unseen() * one.executions() as f64;
        let unseen = all.iter().map(|(_, one)| unseen(one)).sum::<f64>() / executions.max(1) as f64;
        all.sort_by(|one, other| other.1.unseen().total_cmp(&one.1.unseen()));
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let least: Vec<String> = all
            .iter()
            .take(LEAST)
            .map(|(name, one)| format!("{name} {}", percent(one.unseen())))
            .collect();
        (!all.is_empty()).then(|| {
            format!(
                "orders: about {} distinct; the next execution has a new one with a chance of about {}, at most in: {}",
                HumanCount(distinct as u64),
                percent(unseen),
                least.join(", ")
            )
        })
    }

    /// Writes the pairs of this run and of those before.
    pub(super) fn save(&self, findings: &Path) -> io::Result<()> {
        let mut all = self.before.clone();
        match all.add(&self.coverage) {
            0 => Ok(()),
            _ => all.save(&findings.join(coverage::FILE)),
        }
    }
}
