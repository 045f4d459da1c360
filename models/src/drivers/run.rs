//! `cargo models run`: scenarios, or generated cases, under an engine.
//!
//! The work is cut into turns. Scenarios under a randomized engine are [`lanes`]; generated cases, and the engines that go
//! through a scenario once, take turns that know nothing of each other: turn `n` of seed `s` is the same on every machine,
//! whichever job takes it. A finding is on disk, with its schedule, before it is looked at again.

mod lanes;

use super::Exit;
use super::ops::seconds;
use super::summary::Summary;
use crate::case::Case;
use crate::catalogue::{self, Allowed, Scenario};
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::{Limits, Report, loom, shuttle};
use crate::finding::{self, Finding};
use crate::generators::hashers::mix;
use crate::generators::scenarios;
use crate::schedulers::Named;
use crate::schedulers::perturb::Table;
use indicatif::{HumanCount, ProgressBar};
use lanes::{Lane, Making};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Executions of a generated case: more cases find more than more schedules of one.
const TURN_GENERATED: u64 = 50;
/// The most that one scenario may take of an exhaustive engine's time, unless it is given a time.
const EXHAUST: Duration = Duration::from_secs(60);

/// What runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
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
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Engine::Shuttle => "shuttle",
            Engine::Stale => "stale",
            Engine::Dfs => "dfs",
            Engine::Loom => "loom",
        }
    }

    fn is_exhaustive(self) -> bool {
        matches!(self, Engine::Dfs | Engine::Loom)
    }
}

/// What to run, how, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Scenarios by name, or part of it. All, if none is given.
    pub scenarios: Vec<String>,
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
    pub preemptions: usize,
    /// Where the draws begin (drawn and printed if not given).
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,
    /// Stop after so many executions of each scenario (runs until ctrl-C if neither this nor --time is given; `dfs` and
    /// `loom` go through each scenario once).
    #[arg(long, value_name = "N")]
    pub executions: Option<u64>,
    /// How many threads run turns.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// Where findings are written.
    #[arg(long, value_name = "DIRECTORY", default_value = "findings")]
    pub findings: PathBuf,
    /// Write what came of it to this file, for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// The catalogue, one scenario a line.
pub fn list() -> Exit {
    for Scenario { name, case, .. } in catalogue::all() {
        let threads: Vec<String> = case
            .running()
            .iter()
            .map(|thread| format!("{}×{}", thread.name, thread.ops.len()))
            .collect();
        println!("{name:58} {}", threads.join(" "));
    }
    Exit::Clean
}

/// What all jobs share.
struct Run {
    options: Options,
    table: Table,
    seed: u64,
    scenarios: Vec<Scenario>,
    next: AtomicU64,
    stop: AtomicBool,
    began: Instant,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    executions: u64,
    steps: u64,
    exhausted: usize,
    found: usize,
    first: Option<Summary>,
    failed: bool,
}

/// Runs until the time or the executions are used up, something is found, or ctrl-C.
pub fn drive(options: &Options) -> Exit {
    let scenarios: Vec<Scenario> = catalogue::all()
        .into_iter()
        .filter(|scenario| {
            let parts = &options.scenarios;
            parts.is_empty() || parts.iter().any(|part| scenario.name.contains(part.as_str()))
        })
        .collect();
    if scenarios.is_empty() {
        eprintln!("no scenario is called so; `cargo models list` has them all");
        return Exit::Bad;
    }
    let table = match options.policy.as_deref().map_or(Ok(Table::default()), table) {
        Ok(table) => table,
        Err(error) => {
            eprintln!("{error}");
            return Exit::Bad;
        }
    };
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!(
        "seed {seed}, engine {}, scheduler {}",
        options.engine.name(),
        options.scheduler.name()
    );
    let run = Arc::new(Run {
        options: options.clone(),
        table,
        seed,
        scenarios,
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        began: Instant::now(),
        tally: Mutex::default(),
    });
    let on_signal = Arc::clone(&run);
    if let Err(error) = ctrlc::set_handler(move || on_signal.stop.store(true, Ordering::Relaxed)) {
        eprintln!("ctrl-C will end the run without a summary: {error}");
    }
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(200));
    std::thread::scope(|scope| {
        for worker in 0..options.jobs {
            let (run, progress) = (&run, &progress);
            scope.spawn(move || match run.has_lanes() {
                true => run.lanes(worker, progress),
                false => run.turns(progress),
            });
        }
    });
    progress.finish_and_clear();
    let tally = run.tally();
    let words = run.words(&tally);
    let summary = tally.first.clone().unwrap_or_else(|| run.summary(&tally, None));
    if let Err(error) = summary.write(options.json.as_deref()) {
        eprintln!("cannot write what came of it: {error}");
        return Exit::Bad;
    }
    match (tally.failed, tally.found) {
        (true, _) => return Exit::Bad,
        (_, 0) => println!("nothing found: {words}"),
        _ => println!("found something: {words}"),
    }
    if tally.found == 0 { Exit::Clean } else { Exit::Found }
}

/// Reads a table of perturbations.
fn table(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let table = text.and_then(|text| Table::parse(&text));
    table.map_err(|error| format!("{}: {}", path.display(), error.trim_end()))
}

impl Run {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn words(&self, tally: &Tally) -> String {
        let elapsed = self.began.elapsed().as_secs_f64();
        let exhausted = match tally.exhausted {
            0 => String::new(),
            some => format!(", {some} scenarios exhausted"),
        };
        format!(
            "{} executions, {} steps in {elapsed:.1} s, {}/s{exhausted}",
            HumanCount(tally.executions),
            HumanCount(tally.steps),
            HumanCount((tally.executions as f64 / elapsed.max(0.001)) as u64)
        )
    }

    fn summary(&self, tally: &Tally, found: Option<&Finding>) -> Summary {
        Summary::new(tally.executions, tally.steps, self.began.elapsed(), found)
    }

    /// Do policies go on from turn to turn?
    fn has_lanes(&self) -> bool {
        !self.options.generated && !self.options.engine.is_exhaustive()
    }

    fn is_over(&self) -> bool {
        let late = self.options.time.is_some_and(|time| self.began.elapsed() >= time);
        late || self.stop.load(Ordering::Relaxed)
    }

    fn time_left(&self) -> Option<Duration> {
        self.options.time.map(|time| time.saturating_sub(self.began.elapsed()))
    }

    /// One job: its lanes, round after round.
    fn lanes(&self, worker: u32, progress: &ProgressBar) {
        let Options { engine, scheduler, executions, jobs, .. } = self.options;
        let making = Making {
            seed: self.seed,
            stale: engine == Engine::Stale,
            table: &self.table,
            executions: executions.unwrap_or(u64::MAX),
        };
        let share = (worker as usize, jobs as usize);
        let mut lanes = Lane::shared(&self.scenarios, &[scheduler], share, &making);
        while lanes.iter().any(Lane::goes_on) {
            for lane in lanes.iter_mut().filter(|lane| lane.goes_on()) {
                if self.is_over() {
                    return;
                }
                let report = lane.take(self.time_left());
                let (name, named) = (lane.scenario.name, lane.named);
                let how = format!("execution {} of its lane", lane.done);
                self.count((name, &lane.scenario.case), named, &how, &report, progress);
            }
        }
    }

    /// One job: turns that know nothing of each other.
    fn turns(&self, progress: &ProgressBar) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(executions) = self.turn(number) else { return };
            if self.is_over() {
                return;
            }
            let (name, case, report) = self.take(number, executions);
            let how = format!("execution {} of turn {number}", report.executions);
            self.count((&name, &case), self.options.scheduler, &how, &report, progress);
        }
    }

    /// The executions of a turn, or `None` if there is no such turn.
    fn turn(&self, number: u64) -> Option<u64> {
        let round = number / self.scenarios.len() as u64;
        if self.options.engine.is_exhaustive() {
            return (round == 0).then(|| self.options.executions.unwrap_or(u64::MAX));
        }
        match self.options.executions {
            None => Some(TURN_GENERATED),
            Some(all) => match all.saturating_sub(round * TURN_GENERATED) {
                0 => None,
                left => Some(left.min(TURN_GENERATED)),
            },
        }
    }

    /// One turn.
    fn take(&self, number: u64, executions: u64) -> (String, Case, Report) {
        let Options { engine, scheduler, preemptions, .. } = self.options;
        let limits = Limits {
            executions: Some(executions),
            time: self.time_left().or(engine.is_exhaustive().then_some(EXHAUST)),
        };
        let seed = mix(self.seed) ^ mix(!number);
        let scenario = &self.scenarios[(number % self.scenarios.len() as u64) as usize];
        let (name, case, allowed) = match self.options.generated {
            true => (format!("generated {number}"), scenarios::draw(seed), Allowed::default()),
            false => (scenario.name.to_string(), scenario.case.clone(), scenario.allowed.clone()),
        };
        let judge = Judge::new(&case, allowed);
        let policy = |stale| scheduler.policy_with(seed, stale, &self.table);
        let report = match engine {
            Engine::Shuttle => shuttle::run(&case, judge, policy(false), &limits),
            Engine::Stale => shuttle::run(&case, judge, policy(true), &limits),
            Engine::Dfs => {
                let explore = Explore { preemptions: Some(preemptions), ..Explore::default() };
                dfs::explore(&case, judge, explore, &limits)
            }
            Engine::Loom => loom::run(&case, judge, preemptions, &limits),
        };
        (name, case, report)
    }

    /// Adds a turn to the tally, and keeps what it found.
    fn count(
        &self,
        (name, case): (&str, &Case),
        named: Named,
        how: &str,
        report: &Report,
        progress: &ProgressBar,
    ) {
        let mut tally = self.tally();
        tally.executions += report.executions;
        tally.steps += report.steps;
        tally.exhausted += usize::from(report.exhausted);
        if let Some(found) = &report.found {
            self.stop.store(true, Ordering::Relaxed);
            tally.found += 1;
            let summary = self.summary(&tally, Some(&found.finding));
            tally.first.get_or_insert(Summary { scenario: Some(name.to_string()), ..summary });
            let kept = progress.suspend(|| self.keep(name, case, named, how, report));
            tally.failed |= !kept;
        }
        if self.options.engine.is_exhaustive() {
            let said = if report.exhausted { "exhausted" } else { "not exhausted" };
            let (executions, outcomes) = (report.executions, report.outcomes.len());
            progress.suspend(|| {
                println!("{name}: {said}, {executions} executions, {outcomes} outcomes");
            });
        }
        progress.set_message(self.words(&tally));
    }

    /// Writes a finding down and says so; false if it could not be written.
    fn keep(&self, name: &str, case: &Case, named: Named, how: &str, report: &Report) -> bool {
        let Some(found) = &report.found else { return true };
        let case = Case { schedule: found.schedule.clone(), ..case.clone() };
        let mut story = format!("scenario {name}, {how}\n");
        for link in &found.chain {
            story += &format!("chain: {link}\n");
        }
        let Options { engine, policy, generated, .. } = &self.options;
        let what = if *generated { "--generated" } else { name };
        story += &format!(
            "found by: cargo models run {what} --engine {} --scheduler {} --seed {}",
            engine.name(),
            named.name(),
            self.seed,
        );
        if let Some(policy) = policy {
            story += &format!(" --policy {}", policy.display());
        }
        let kept = finding::keep(&self.options.findings, &case, &found.finding, &story);
        println!("{name}:\n{}\n{story}", found.finding);
        match kept {
            Ok(path) => {
                println!("replay: cargo models replay {}", path.display());
                true
            }
            Err(error) => {
                let place = self.options.findings.display();
                eprintln!("cannot write to {place}: {error}; the case follows\n{case}");
                false
            }
        }
    }
}

/// Runs a concurrent case again: by its schedule if it has one, else under each engine for a while.
pub fn again(case: &Case) -> Report {
    let bare = Case { schedule: Vec::new(), ..case.bare() };
    let known = catalogue::all().into_iter().find(|scenario| scenario.case.bare() == bare);
    let judge = || {
        let allowed = known.as_ref().map_or_else(Allowed::default, |known| known.allowed.clone());
        Judge::new(case, allowed)
    };
    if !case.schedule.is_empty() {
        return shuttle::run(
            case,
            judge(),
            crate::schedulers::replay::policy(case),
            &Limits::executions(1),
        );
    }
    let limits = Limits { executions: Some(20_000), time: Some(Duration::from_secs(10)) };
    let engines: [&dyn Fn() -> Report; 4] = [
        &|| shuttle::run(case, judge(), Named::Random.policy(1, false), &limits),
        &|| shuttle::run(case, judge(), Named::Random.policy(1, true), &limits),
        &|| {
            let explore = Explore { preemptions: Some(2), ..Explore::default() };
            dfs::explore(case, judge(), explore, &limits)
        },
        &|| match case.running().len() {
            0..=loom::THREADS_MAX => loom::run(case, judge(), 2, &limits),
            _ => Report::default(),
        },
    ];
    let mut sum = Report::default();
    for engine in engines {
        let report = engine();
        sum.executions += report.executions;
        sum.steps += report.steps;
        sum.found = report.found;
        if sum.found.is_some() {
            break;
        }
    }
    sum
}
