//! `cargo models bench`: executions a processor second of each engine on one scenario of 3 threads with 4 ops each, beside plain
//! shuttle and plain loom on the same ops over a `Mutex<HashMap>`.
//!
//! The plain ones schedule at the mutex alone and judge nothing: they are the least that an execution costs. Ours
//! schedule at every atomic operation of the map, keep clocks, and judge every history. What is found is kept.
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/catalogue.rs`.

use super::fuzz::processor_seconds;
use super::ops::seconds;
use super::run::real;
use super::{Exit, keep};
use crate::case::Case;
use crate::catalogue::{self, KEY, NEIGHBOUR, SIBLING, Scenario, TWIN};
use crate::command::command;
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, loom, shuttle};
use crate::files;
use crate::op::Op::{self, EvacuateTo, Get, Insert, Remove};
use crate::schedulers::Named;
use crate::subjects::Shared;
use crate::triage::intake::FINDINGS;
use clap::ValueEnum;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Seconds for each engine.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "3")]
    pub time: Duration,
    /// Where findings are written.
    #[arg(long, value_name = "DIRECTORY", default_value = FINDINGS)]
    pub findings: PathBuf,
}

/// Three threads in the middle of a growth, four ops each.
fn scenario() -> Scenario {
    catalogue::scenario("bench")
        .given([Insert(KEY, 1), Insert(SIBLING, 2), EvacuateTo(0)])
        .thread("first", [Insert(NEIGHBOUR, 3), Get(KEY), Remove(KEY), Get(NEIGHBOUR)])
        .thread("second", [Get(KEY), Insert(TWIN, 4), Get(SIBLING), Remove(TWIN)])
        .thread("third", [Insert(KEY, 5), Get(TWIN), Insert(SIBLING, 6), Get(KEY)])
}

/// A map behind a lock of an engine's own.
macro_rules! plain {
    ($engine:ident, $case:expr) => {{
        let map = Arc::new(::$engine::sync::Mutex::new(HashMap::new()));
        apply(&mut map.lock().expect("nobody panics"), $case.given());
        let threads: Vec<_> = (0..$case.running().len())
            .map(|thread| {
                let (map, case) = (Arc::clone(&map), Arc::clone($case));
                ::$engine::thread::spawn(move || {
                    for op in &case.running()[thread].ops {
                        apply(&mut map.lock().expect("nobody panics"), std::slice::from_ref(op));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("nobody panics"));
    }};
}

fn apply(map: &mut HashMap<u16, u16>, ops: &[Op]) {
    for op in ops {
        match *op {
            Insert(key, value) => drop(map.insert(key, value)),
            Remove(key) => drop(map.remove(&key)),
            Get(key) => {
                std::hint::black_box(map.get(&key));
            }
            _ => {}
        }
    }
}

/// Plain shuttle, at random.
fn plain_shuttle(case: &Arc<Case>, time: Duration) -> Report {
    // The scheduler prints its seed unless it runs to its own end: so many executions at a time.
    const EACH: usize = 1_000;
    let (mut report, began) = (Report::default(), Instant::now());
    while began.elapsed() < time {
        let shared = Arc::clone(case);
        let scheduler = ::shuttle::scheduler::RandomScheduler::new_from_seed(1, EACH);
        let runner = ::shuttle::Runner::new(scheduler, ::shuttle::Config::new());
        report.executions += runner.run(move || plain!(shuttle, &shared)) as u64;
    }
    report
}

/// Plain loom, exhaustively.
fn plain_loom(case: &Arc<Case>, time: Duration) -> Report {
    let count = Arc::new(AtomicU64::new(0));
    let (shared, counted) = (Arc::clone(case), Arc::clone(&count));
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_duration = Some(time);
    builder.checkpoint_interval = 64;
    builder.check(move || {
        plain!(loom, &shared);
        counted.fetch_add(1, Ordering::Relaxed);
    });
    Report { executions: count.load(Ordering::Relaxed), ..Report::default() }
}

/// Measures each engine and prints a table.
pub fn drive(options: &Options) -> Exit {
    if let Err(error) = files::takes(&options.findings) {
        eprintln!("{error}");
        return Exit::Bad;
    }
    measure(&scenario(), options)
}

/// Measures each engine on a scenario and prints a table; what one of them finds is kept.
pub fn measure(scenario: &Scenario, options: &Options) -> Exit {
    println!(
        "| engine | map | executions a processor second | operations each |\n|---|---|---:|---:|"
    );
    let mut bench = Bench { scenario, options, exit: Exit::Clean };
    let Scenario { case, allowed, .. } = scenario;
    let (shared, time, limits) = (Arc::new(case.clone()), options.time, Limits::time(options.time));
    let judge = || Judge::new(case, allowed.clone());
    let (locked, ours) = ("`Mutex<HashMap>`", "`ConcurrentMap`");
    bench.row("plain shuttle, random", locked, || plain_shuttle(&shared, time));
    bench.row("plain loom, 2 preemptions", locked, || plain_loom(&shared, time));
    for &named in Named::value_variants() {
        let run = || shuttle::run(case, judge(), named.policy(1, false), &limits);
        bench.row(&format!("shuttle, {}", named.name()), ours, run);
    }
    let stale = || shuttle::run(case, judge(), Named::default().policy(1, true), &limits);
    bench.row("stale, portfolio", ours, stale);
    let explore = Explore { preemptions: Some(2), ..Explore::default() };
    bench.row("dfs, 2 preemptions", ours, || dfs::explore(case, judge(), explore, &limits));
    bench.row("loom, 2 preemptions", ours, || loom::run(case, judge(), 2, &limits));
    let mut failure = None;
    bench.row("threads", ours, || {
        let (report, failed) = real::turn(Shared::Program.on_threads(), case, &limits);
        failure = failed;
        // It counts the ops of the case, the others those on atomics.
        Report { steps: 0, ..report }
    });
    if let Some(failure) = failure {
        bench.found(keep::keep_history(&options.findings, scenario.name, &failure));
    }
    bench.exit
}

/// A scenario under each engine in turn, and what came of it so far.
struct Bench<'run> {
    scenario: &'run Scenario,
    options: &'run Options,
    exit: Exit,
}

impl Bench<'_> {
    /// Measures an engine, keeps what it finds, and prints a line of the table.
    fn row(&mut self, engine: &str, map: &str, run: impl FnOnce() -> Report) {
        let before = processor_seconds();
        let report = run();
        let rate = report.executions as f64 / (processor_seconds() - before).max(1e-6);
        if let Some(found) = &report.found {
            let Scenario { name, case, .. } = self.scenario;
            let found_by = format!("found by: {} bench", command());
            let how = (engine, found_by.as_str());
            self.found(keep::keep(&self.options.findings, name, case, found, how));
        }
        let steps = match report.steps {
            0 => "·".to_string(),
            steps => (steps / report.executions.max(1)).to_string(),
        };
        let note = match (&report.found, report.exhausted) {
            (Some(_), _) => " (FOUND something)",
            (None, true) => " (exhausted)",
            (None, false) => "",
        };
        println!("| {engine}{note} | {map} | {rate:.0} | {steps} |");
    }

    /// Something was found: was it kept?
    fn found(&mut self, kept: bool) {
        self.exit = self.exit.max(if kept { Exit::Found } else { Exit::Bad });
    }
}
