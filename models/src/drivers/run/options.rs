//! What `cargo models run` can be told.

use super::super::ops::{seconds, some_seconds};
use super::super::word;
use crate::command::{command, quoted};
use crate::engines::JOBS_MAX;
use crate::schedulers::Named;
use crate::subjects::{Shared, Subject};
use crate::triage::intake::FINDINGS;
use clap::ValueEnum;
use std::path::PathBuf;
use std::time::Duration;

/// What runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Random schedules, sequentially consistent values, happens-before as written.
    #[default]
    Shuttle,
    /// The same, and loads may return older values where the orderings allow it.
    Stale,
    /// Every schedule with so many preemptions.
    Dfs,
    /// Every execution under loom, with so many preemptions.
    Loom,
    /// Real threads: what they happen to do.
    Threads,
}

impl Engine {
    /// The word for it on the command line.
    pub(super) fn name(self) -> String {
        word(&self)
    }

    /// Does a policy choose?
    pub(super) fn has_policy(self) -> bool {
        matches!(self, Engine::Shuttle | Engine::Stale)
    }

    pub(super) fn is_exhaustive(self) -> bool {
        matches!(self, Engine::Dfs | Engine::Loom)
    }
}

/// What to run, how, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Scenarios by name, or part of it. All, if none is given.
    pub scenarios: Vec<String>,
    /// The map under test. The catalogue is about ConcurrentMap; others get generated cases.
    #[arg(long, default_value_t = Subject::usual(true))]
    pub subject: Subject,
    /// Generated cases in place of the catalogue.
    #[arg(long, conflicts_with = "scenarios")]
    pub generated: bool,
    /// What runs them.
    #[arg(long, value_enum, default_value_t)]
    pub engine: Engine,
    /// Who chooses the schedules (of `shuttle` and `stale`).
    #[arg(long, value_enum, default_value_t)]
    pub scheduler: Named,
    /// What `--scheduler perturb` does, in TOML (models/src/schedulers/perturb.toml, if not given).
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How many preemptions an execution may have (of `dfs` and `loom`).
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub preemptions: u8,
    /// Where the draws begin (drawn and printed if not given).
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after so many seconds (`dfs` and `loom` share them out among the scenarios).
    #[arg(long, value_name = "SECONDS", value_parser = some_seconds)]
    pub time: Option<Duration>,
    /// Stop after so many executions of each scenario (runs until ctrl-C if neither this nor --time is given; `dfs` and
    /// `loom` go through each scenario once).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub executions: Option<u64>,
    /// How many threads run turns.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=JOBS_MAX as i64))]
    pub jobs: u32,
    /// A run in which no execution comes to an end for so long hangs, and is ended.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub patience: Duration,
    /// Where findings are written.
    #[arg(long, value_name = "DIRECTORY", default_value = FINDINGS)]
    pub findings: PathBuf,
    /// Write what came of it to this file, for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Be the hunter (see `drivers::supervise`).
    #[arg(long, hide = true)]
    pub(super) hunter: bool,
}

impl Options {
    /// How the map runs what has several threads, if these options ask for what it can do.
    ///
    /// # Errors
    /// What it cannot, in words.
    pub(super) fn shared(&self) -> Result<Shared, String> {
        let Options { subject, engine, .. } = self;
        let shared = subject.shared().ok_or_else(|| {
            format!("{subject} is for one thread: {} ops --subject {subject}", command())
        })?;
        match (shared, engine) {
            (Shared::Program, _) => {}
            _ if !self.scenarios.is_empty() => {
                return Err(format!(
                    "the catalogue is about ConcurrentMap; {subject} gets generated cases"
                ));
            }
            (Shared::Threads(..), Engine::Threads) => {}
            (Shared::Threads(..), _) => {
                return Err(format!("{subject} runs under real threads alone: --engine threads"));
            }
            (Shared::Model(..), Engine::Loom) => {
                return Err(format!(
                    "{subject} does not run under loom; what loads may return is explored by --engine stale"
                ));
            }
            (Shared::Model(..), _) => {}
        }
        Ok(shared)
    }

    /// Are cases generated?
    pub(super) fn generates(&self) -> bool {
        self.generated || !matches!(self.subject.shared(), Some(Shared::Program))
    }

    /// Does the run end by itself?
    pub(super) fn is_limited(&self) -> bool {
        self.time.is_some() || self.executions.is_some() || self.engine.is_exhaustive()
    }

    /// The command that finds it again.
    pub(super) fn found_by(&self, name: &str, seed: u64) -> String {
        let Options { engine, scheduler, policy, subject, preemptions, jobs, .. } = self;
        let what = if self.generates() { "--generated" } else { name };
        // A case is about the map that its story names, wherever it is replayed; if it names none, the usual one there.
        let on = match subject.shared() {
            Some(Shared::Program) => subject.flag(true),
            _ => format!(" --subject {subject}"),
        };
        let engine_name = engine.name();
        let mut command =
            format!("found by: {} run {what}{on} --engine {engine_name} --seed {seed}", command());
        if engine.has_policy() {
            command += &format!(" --scheduler {}", scheduler.name());
        }
        if engine.is_exhaustive() {
            command += &format!(" --preemptions {preemptions}");
        }
        if let Some(policy) = policy {
            command += &format!(" --policy {}", quoted(policy));
        }
        // Jobs that share a scenario each have draws of their own.
        if *jobs > 1 {
            command += &format!(" --jobs {jobs}");
        }
        command
    }
}
