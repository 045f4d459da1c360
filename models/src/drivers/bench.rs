//! `cargo models bench`: executions a processor second of each engine on one scenario of 3 threads with 4 ops each, beside plain
//! shuttle and plain loom on the same ops over a `Mutex<HashMap>`.
//!
//! The plain ones schedule at the mutex alone and judge nothing: they are the least that an execution costs. Ours
//! schedule at every atomic operation of the map, keep clocks, and judge every history.
//!
//! # Checked by
//! `tests/command_line.rs`.

use super::Exit;
use super::fuzz::processor_seconds;
use super::ops::seconds;
use crate::case::Case;
use crate::catalogue::{self, Allowed, KEY, NEIGHBOUR, SIBLING, TWIN};
use crate::concurrent_subjects::SharedSubject;
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::threads::{SETUP, Settings};
use crate::engines::{Limits, Report, loom, shuttle};
use crate::op::Op::{self, EvacuateTo, Get, Insert, Remove};
use crate::schedulers::Named;
use clap::ValueEnum;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Seconds for each engine.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "3")]
    pub time: Duration,
}

/// Three threads in the middle of a growth, four ops each.
fn scenario() -> Case {
    catalogue::scenario("bench")
        .given([Insert(KEY, 1), Insert(SIBLING, 2), EvacuateTo(0)])
        .thread("first", [Insert(NEIGHBOUR, 3), Get(KEY), Remove(KEY), Get(NEIGHBOUR)])
        .thread("second", [Get(KEY), Insert(TWIN, 4), Get(SIBLING), Remove(TWIN)])
        .thread("third", [Insert(KEY, 5), Get(TWIN), Insert(SIBLING, 6), Get(KEY)])
        .case
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

/// Real threads, over and over.
fn threads(case: &Case, time: Duration) -> Report {
    let mut case = case.clone();
    case.threads[0].name = SETUP.into();
    let (mut report, mut started) = (Report::default(), Limits::time(time).start());
    while started.more(report.executions) {
        let done = SharedSubject::Map.on_threads()(&case, Settings::default());
        debug_assert!(done.is_ok(), "the map is right");
        report.executions += 1;
    }
    report
}

/// Measures each engine and prints a table.
pub fn drive(options: &Options) -> Exit {
    let case = Arc::new(scenario());
    let time = options.time;
    let judge = || Judge::new(&case, Allowed::default());
    let limits = Limits::time(time);
    println!(
        "| engine | map | executions a processor second | operations each |\n|---|---|---:|---:|"
    );
    let row = |engine: &str, map: &str, run: &dyn Fn() -> Report| {
        let before = processor_seconds();
        let report = run();
        let rate = report.executions as f64 / (processor_seconds() - before).max(1e-6);
        let steps = match report.steps {
            0 => "·".to_string(),
            steps => (steps / report.executions.max(1)).to_string(),
        };
        let note = if report.exhausted { " (exhausted)" } else { "" };
        println!("| {engine}{note} | {map} | {rate:.0} | {steps} |");
        report.found.is_none()
    };
    let (locked, ours) = ("`Mutex<HashMap>`", "`ConcurrentMap`");
    row("plain shuttle, random", locked, &|| plain_shuttle(&case, time));
    row("plain loom, 2 preemptions", locked, &|| plain_loom(&case, time));
    let mut clean = true;
    for named in Named::value_variants() {
        let run = || shuttle::run(&case, judge(), named.policy(1, false), &limits);
        clean &= row(&format!("shuttle, {}", named.name()), ours, &run);
    }
    let stale = || shuttle::run(&case, judge(), Named::default().policy(1, true), &limits);
    clean &= row("stale, portfolio", ours, &stale);
    let explore = Explore { preemptions: Some(2), ..Explore::default() };
    clean &= row("dfs, 2 preemptions", ours, &|| dfs::explore(&case, judge(), explore, &limits));
    clean &= row("loom, 2 preemptions", ours, &|| loom::run(&case, judge(), 2, &limits));
    clean &= row("threads", ours, &|| threads(&case, time));
    if clean { Exit::Clean } else { Exit::Found }
}
