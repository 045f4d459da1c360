//! `cargo models run`: scenarios, or generated cases, under an engine.
//!
//! The work is cut into turns. Scenarios under a randomized engine are `lanes`; generated cases, and the engines that go
//! through a scenario once, take turns that know nothing of each other: turn `n` of seed `s` is the same on every machine,
//! whichever job takes it. A finding is on disk, with its schedule, before it is looked at again.

mod lanes;
mod options;
pub(super) mod real;
mod supervised;
mod tally;

use super::summary::Summary;
use super::supervise::ends;
use super::{Exit, keep};
use crate::case::Case;
use crate::catalogue::{self, Allowed, Scenario};
use crate::coverage::{self, Coverage};
use crate::engines::dfs::{self, Explore};
use crate::engines::judge::Judge;
use crate::engines::threads::Failure;
use crate::engines::{self, Limits, Report, loom};
use crate::finding::Finding;
use crate::generators::hashers::mix;
use crate::generators::scenarios;
use crate::schedulers::Named;
use crate::schedulers::perturb::Table;
use crate::subjects::Shared;
use indicatif::{ProgressBar, ProgressStyle};
use lanes::{Lane, Making};
pub use options::{Engine, Options};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use supervised::Place;
use tally::Tally;

/// Executions of a generated case: more cases find more than more schedules of one.
const TURN_GENERATED: u64 = 50;
/// The most that one scenario may take of an exhaustive engine's time, unless it is given a time.
const EXHAUST: Duration = Duration::from_secs(60);

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

/// What became of a turn.
struct Turn {
    name: String,
    case: Case,
    report: Report,
    /// Of real threads.
    failure: Option<Box<Failure>>,
}

/// What a turn is about.
struct Work {
    name: String,
    case: Case,
    allowed: Allowed,
    seed: u64,
}

impl Work {
    /// Of turn `number`: the scenarios in turn, or a generated case.
    fn of_turn(options: &Options, scenarios: &[Scenario], seed: u64, number: u64) -> Work {
        let seed = mix(seed) ^ mix(!number);
        let is_program = matches!(options.subject.shared(), Some(Shared::Program));
        let (name, case, allowed) = match (options.generates(), options.engine) {
            (false, _) => {
                let Scenario { name, case, allowed, .. } =
                    &scenarios[(number % scenarios.len() as u64) as usize];
                (name.to_string(), case.clone(), allowed.clone())
            }
            (_, Engine::Threads) => {
                (format!("program {number}"), real::program(seed), Allowed::default())
            }
            _ => {
                let draw = if is_program { scenarios::draw } else { scenarios::draw_for_any };
                (format!("generated {number}"), draw(seed), Allowed::default())
            }
        };
        let case = match options.subject.shared() {
            Some(shared) => shared.fitted(case),
            None => case,
        };
        Work { name, case, allowed, seed }
    }
}

/// What all jobs share.
struct Run {
    place: Place,
    options: Options,
    shared: Shared,
    table: Table,
    seed: u64,
    scenarios: Vec<Scenario>,
    next: AtomicU64,
    began: Instant,
    tally: Mutex<Tally>,
}

/// Runs until the time or the executions are used up, something is found, or ctrl-C.
pub fn drive(options: &Options) -> Exit {
    if options.hunter {
        return ends(hunt(options));
    }
    supervised::drive(options).unwrap_or_else(|error| {
        eprintln!("the run is broken off: {error}");
        Exit::Bad
    })
}

fn hunt(options: &Options) -> Exit {
    let run = match Run::new(options) {
        Ok(run) => Arc::new(run),
        Err(error) => {
            eprintln!("{error}");
            return Exit::Bad;
        }
    };
    let watched = Arc::clone(&run);
    std::thread::spawn(move || watched.place.watch(watched.options.jobs));
    let progress = bar(options.time);
    std::thread::scope(|scope| {
        for worker in 0..options.jobs {
            let (run, progress) = (&run, &progress);
            scope.spawn(move || {
                engines::works_as(worker as usize);
                match run.has_lanes() {
                    true => run.lanes(worker, progress),
                    false => run.turns(worker, progress),
                }
                run.place.is_done(worker);
            });
        }
    });
    progress.finish_and_clear();
    run.end()
}

/// A bar, if it is known when it is full.
fn bar(time: Option<Duration>) -> ProgressBar {
    let (bar, template) = match time {
        Some(time) => (ProgressBar::new(time.as_millis() as u64), "{bar:30} {wide_msg}"),
        None => (ProgressBar::new_spinner(), "{spinner} {wide_msg}"),
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is right"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Reads a table of perturbations.
fn table(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let table = text.and_then(|text| Table::parse(&text));
    table.map_err(|error| format!("{}: {}", path.display(), error.trim_end()))
}

/// The pairs that runs before this one have met.
fn known(file: &Path) -> Coverage {
    Coverage::load(file).unwrap_or_else(|error| {
        // Of another version, perhaps: no reason not to hunt.
        let aside = file.with_extension("txt.old");
        let moved = std::fs::rename(file, &aside).is_ok();
        let kept = if moved { format!(", kept as {}", aside.display()) } else { String::new() };
        eprintln!("{}: {error}{kept}; pairs are counted afresh", file.display());
        Coverage::default()
    })
}

impl Run {
    /// What these options ask for; says what it is.
    fn new(options: &Options) -> Result<Run, String> {
        let shared = options.shared()?;
        let scenarios = catalogue::matching(&options.scenarios)?;
        let table = options.policy.as_deref().map_or(Ok(Table::default()), table)?;
        let before = known(&options.findings.join(coverage::FILE));
        let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
        let engine = options.engine;
        let scheduler = match engine.has_policy() {
            true => format!(", scheduler {}", options.scheduler.name()),
            false => String::new(),
        };
        let on = match shared {
            Shared::Program => String::new(),
            _ => format!(", subject {}", options.subject),
        };
        println!("seed {seed}, engine {}{scheduler}{on}", engine.name());
        if engine == Engine::Threads && !options.generates() {
            real::left_out(&scenarios).into_iter().for_each(|line| println!("{line}"));
        }
        let place =
            Place::given().map_err(|error| format!("the hunter has no supervisor: {error}"))?;
        Ok(Run {
            place,
            options: options.clone(),
            shared,
            table,
            seed,
            scenarios,
            next: AtomicU64::new(0),
            began: Instant::now(),
            tally: Mutex::new(Tally::after(before)),
        })
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what the run came to.
    fn end(&self) -> Exit {
        let tally = self.tally();
        let words = tally.words(self.began.elapsed());
        let summary = tally.first.clone().unwrap_or_else(|| self.summary(&tally, None));
        if let Err(error) = summary.write(self.options.json.as_deref()) {
            eprintln!("cannot write what came of it: {error}");
            return Exit::Bad;
        }
        if self.options.engine.is_exhaustive() {
            let what = if self.options.generates() { "generated cases" } else { "scenarios" };
            println!("{}", tally.exhaustion(self.scenarios.len(), what));
        }
        if let Some(covered) = tally.coverage() {
            println!("{covered}");
        }
        if let Err(error) = tally.save(&self.options.findings) {
            eprintln!("cannot keep the pairs in {}: {error}", self.options.findings.display());
        }
        match (tally.failed, tally.found) {
            (true, _) => return Exit::Bad,
            (_, 0) => println!("nothing found: {words}"),
            _ => println!("found something: {words}"),
        }
        if tally.found == 0 { Exit::Clean } else { Exit::Found }
    }

    fn summary(&self, tally: &Tally, found: Option<&Finding>) -> Summary {
        Summary::new(tally.executions, tally.steps, self.began.elapsed(), found)
    }

    /// Notes that something was found, before it is kept.
    fn found(&self, tally: &mut Tally, name: &str, finding: &Finding) {
        engines::stop();
        let summary = self.summary(tally, Some(finding));
        tally.first.get_or_insert(Summary { scenario: Some(name.to_string()), ..summary });
    }

    /// Do policies go on from turn to turn?
    fn has_lanes(&self) -> bool {
        !self.options.generates() && self.options.engine.has_policy()
    }

    fn is_over(&self) -> bool {
        let late = self.options.time.is_some_and(|time| self.began.elapsed() >= time);
        late || engines::is_stopping()
    }

    fn time_left(&self) -> Option<Duration> {
        self.options.time.map(|time| time.saturating_sub(self.began.elapsed()))
    }

    /// The time of the turn of an exhaustive engine: what is left goes to the scenarios that are left, in equal parts, so
    /// that one which cannot be exhausted does not take it from the others.
    fn share(&self, number: u64) -> Duration {
        let Some(left) = self.time_left() else { return EXHAUST };
        let turns = self.scenarios.len() as u32 - number as u32;
        left / turns.div_ceil(self.options.jobs)
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
        let mut lanes = Lane::shared(&self.scenarios, scheduler, share, &making);
        let mut known = Coverage::default();
        while lanes.iter().any(Lane::goes_on) {
            for at in lanes::round(&lanes, scheduler == Named::Portfolio) {
                if self.is_over() {
                    return;
                }
                let lane = &mut lanes[at];
                self.place.says(worker, lane.number);
                let report = lane.take(self.time_left(), &mut known);
                let how = format!("execution {} of its lane", lane.done);
                let Scenario { name, case, .. } = lane.scenario;
                let turn =
                    Turn { name: name.to_string(), case: case.clone(), report, failure: None };
                self.count(&turn, &how, progress);
            }
        }
    }

    /// One job: turns that know nothing of each other.
    fn turns(&self, worker: u32, progress: &ProgressBar) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(executions) = self.turn(number) else { return };
            if self.is_over() {
                return;
            }
            self.place.says(worker, number);
            let turn = self.take(number, executions);
            let how = format!("execution {} of turn {number}", turn.report.executions);
            self.count(&turn, &how, progress);
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
    fn take(&self, number: u64, executions: u64) -> Turn {
        let Options { engine, scheduler, preemptions, .. } = self.options;
        let preemptions = usize::from(preemptions);
        let limits = Limits {
            executions: Some(executions),
            time: match engine.is_exhaustive() {
                true => Some(self.share(number)),
                false => self.time_left(),
            },
        };
        let Work { name, case, allowed, seed } =
            Work::of_turn(&self.options, &self.scenarios, self.seed, number);
        let policy = match engine {
            Engine::Shuttle => scheduler.policy_with(seed, false, &self.table),
            Engine::Stale => scheduler.policy_with(seed, true, &self.table),
            Engine::Dfs => {
                dfs::policy(Explore { preemptions: Some(preemptions), ..Explore::default() })
            }
            Engine::Loom => {
                let report = loom::run(&case, Judge::new(&case, allowed), preemptions, &limits);
                return Turn { name, case, report, failure: None };
            }
            Engine::Threads => {
                let (report, failure) = real::turn(self.shared.on_threads(), &case, &limits);
                return Turn { name, case, report, failure };
            }
        };
        let report = self.shared.under_model(&case, &allowed, policy, &limits);
        let report = report.expect("the options ask for what the map can do");
        Turn { name, case, report, failure: None }
    }

    /// Adds a turn to the tally, and keeps what it found.
    fn count(&self, turn: &Turn, how: &str, progress: &ProgressBar) {
        let Turn { name, case, report, failure } = turn;
        let (folder, mut tally) = (&self.options.findings, self.tally());
        tally.add((!self.options.generates()).then_some(name.as_str()), report);
        if let Some(found) = &report.found {
            self.found(&mut tally, name, &found.finding);
            let found_by = self.options.found_by(name, self.seed);
            let kept = progress.suspend(|| keep::keep(folder, name, case, found, (how, &found_by)));
            tally.failed |= !kept;
        }
        if let Some(failure) = failure {
            tally.found += 1;
            let objection = failure.objection.clone();
            let finding = Finding { objection, at: 0, op: None, growth: None };
            self.found(&mut tally, name, &finding);
            let kept = progress.suspend(|| keep::keep_history(folder, name, failure));
            tally.failed |= !kept;
        }
        if self.options.engine.is_exhaustive() {
            let said = if report.exhausted { "exhausted" } else { "not exhausted" };
            let (executions, outcomes) = (report.executions, report.outcomes.len());
            progress.suspend(|| {
                println!("{name}: {said}, {executions} executions, {outcomes} outcomes");
            });
        }
        progress.set_position(self.began.elapsed().as_millis() as u64);
        progress.set_message(format!(
            "{}, {} findings",
            tally.words(self.began.elapsed()),
            tally.found
        ));
    }
}
