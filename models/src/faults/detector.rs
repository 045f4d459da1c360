//! Detectors: what looks for a fault, and what it came to.
//!
//! Each is a command of the program under test, with a seed and a time, in a process of its own that may crash, hang or
//! eat memory: all three are kills, if the map without the fault does not do so.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::copy::{self, Copy, PROFILE};
use super::patch::Kind;
use super::ran::{Ran, does_not_compile};
use crate::drivers::summary::Summary;
use crate::files::{self, named};
use crate::schedulers::Named;
use crate::triage::store::Record;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long after its time a detector may take to come back.
const GRACE: Duration = Duration::from_secs(20);
/// The same of tests, which take the time that they take.
const GRACE_TESTS: Duration = Duration::from_secs(300);
/// Address space of a detector, in KiB.
const MEMORY: u32 = 8 << 20;

/// What cargo is told of map-core's own tests.
const MAP_TESTS: &str = "-p map-core --features serde";

/// Those that go through executions in an order of their own: a seed changes nothing.
const EXHAUSTIVE: [&str; 3] = ["dfs", "loom", "check"];

/// A way to look for a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detector {
    /// What it is called in the matrix and on the command line.
    pub name: String,
    /// What it looks at; `None`: at both.
    pub kind: Option<Kind>,
    /// It needs a build of its own, so it runs only when it is asked for.
    pub slow: bool,
    /// One go is enough: a seed changes nothing, or it takes long and is compared with nothing.
    pub once: bool,
    how: How,
}

/// What a detector runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// `models ARGUMENTS --seed … --time … --json …`. With `wide`, it may be told scenarios; if it is not, `wide` are more
    /// arguments.
    Hunter {
        /// The verb, and what it is told.
        arguments: String,
        /// See above.
        wide: Option<&'static str>,
    },
    /// `models go-trace` with the recordings of the corpus.
    Recordings,
    /// `cargo test ARGUMENTS`.
    Test(&'static str),
    /// `cargo fuzz run TARGET`.
    LibFuzzer(&'static str),
}

/// One go of a detector at a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where its draws began.
    pub seed: u64,
    /// The time it had.
    pub budget: Duration,
    /// It ran the scenarios, or the tests, that it was told, and no others.
    pub focused: bool,
    /// What came of it: executions and seconds until the finding, or in all.
    pub summary: Summary,
}

impl Attempt {
    /// Would it be the same with this budget, as far as one can say? What found nothing in less time may yet; what was told
    /// where to look says nothing of one that is not. The other way round it does: some are never told.
    pub fn answers(&self, budget: Duration, focus: bool) -> bool {
        (focus || !self.focused) && (self.summary.found.is_some() || self.budget >= budget)
    }
}

/// How long, and where to put what is found.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// For one go.
    pub budget: Duration,
    /// Scenarios to run, if not all.
    pub scenarios: &'a [String],
    /// Which of map-core's tests to run, if not all: see `Fault::test`.
    pub test: Option<&'a str>,
    /// Nothing but the time is to end a go.
    pub unbounded: bool,
    /// Where findings are written.
    pub findings: &'a Path,
    /// Set when it is to end at once.
    pub stop: &'a AtomicBool,
}

/// Every detector there is, in the order of the matrix. A scheduler that the command line knows is one.
pub fn all() -> Vec<Detector> {
    let (sequential, concurrent) = (Some(Kind::Sequential), Some(Kind::Concurrent));
    let detector = |name: &str, kind, how| {
        let (slow, once) = match &how {
            How::Hunter { .. } => {
                (false, ["dfs", "loom", "catalogue", "threads", "ops-concurrent"].contains(&name))
            }
            How::Recordings => (false, true),
            How::Test(_) | How::LibFuzzer(_) => (true, true),
        };
        Detector { name: name.to_string(), kind, slow, once, how }
    };
    let all_of = |arguments: &str| How::Hunter { arguments: arguments.to_string(), wide: None };
    let some_of =
        |arguments: &str, wide| How::Hunter { arguments: arguments.to_string(), wide: Some(wide) };
    // As found: triage makes it small. Patience: a hang is known before the time is up.
    let ops = |more: &str| all_of(&format!("ops --as-found --patience 5{more}"));
    let mut all = vec![
        detector("ops", sequential, ops("")),
        detector("ops-iteration", sequential, ops(" --mix iteration")),
        detector("ops-panics", sequential, ops(" --mix panics")),
        detector("go-trace", sequential, How::Recordings),
        detector("catalogue", concurrent, all_of("run --scheduler random")),
    ];
    for scheduler in Named::value_variants() {
        let name = scheduler.name();
        let run = some_of(&format!("run --scheduler {name}"), "");
        all.push(detector(&name, concurrent, run));
    }
    let (stale, dfs, loom) = ("run --engine stale", "run --engine dfs", "run --engine loom");
    all.extend([
        detector("stale", concurrent, some_of(stale, "")),
        detector("dfs", concurrent, some_of(dfs, "--preemptions 1 --executions 3000")),
        detector("loom", concurrent, some_of(loom, "--executions 400")),
        detector("generated", concurrent, all_of("run --generated")),
        detector("threads", concurrent, all_of("run --generated --engine threads")),
        detector("ops-concurrent", concurrent, ops(" --subject concurrent")),
        detector("stress", concurrent, How::Test("-p map-core --test concurrent_stress")),
        detector("proptest", sequential, How::Test("-p models --test properties")),
        detector("map-tests", None, How::Test(MAP_TESTS)),
        detector(
            "check",
            concurrent,
            How::Test("-p models --test check_beside_writes --test two_keys"),
        ),
        detector("fuzz-ops", sequential, How::LibFuzzer("ops")),
        detector("fuzz-iteration", sequential, How::LibFuzzer("iteration")),
        detector("fuzz-panics", sequential, How::LibFuzzer("panics")),
        detector("fuzz-concurrent-ops", concurrent, How::LibFuzzer("concurrent_ops")),
        detector("fuzz-schedules", concurrent, How::LibFuzzer("schedules")),
    ]);
    all
}

/// The detectors with these names; without names, those that need no build of their own. `all` is every one.
///
/// # Errors
/// When there is none of a name.
pub fn select(names: &[String]) -> Result<Vec<Detector>, String> {
    let known = all();
    if names.is_empty() {
        return Ok(known.into_iter().filter(|detector| !detector.slow).collect());
    }
    if names.iter().any(|name| name == "all") {
        return Ok(known);
    }
    if let Some(name) = names.iter().find(|name| !known.iter().any(|known| known.name == **name)) {
        let known: Vec<&str> = known.iter().map(|detector| detector.name.as_str()).collect();
        return Err(format!("no detector is called {name}; there are {}", known.join(", ")));
    }
    Ok(known.into_iter().filter(|detector| names.contains(&detector.name)).collect())
}

impl Detector {
    /// Is it a scheduler of the shuttle engine on the catalogue?
    pub fn is_scheduler(&self) -> bool {
        Named::value_variants().iter().any(|scheduler| scheduler.name() == self.name)
    }

    /// Are map-core's own tests what it runs, of which a fault may name those that show it?
    pub fn is_told_tests(&self) -> bool {
        self.how == How::Test(MAP_TESTS)
    }

    /// Does another seed make another go?
    pub fn is_drawn(&self) -> bool {
        !matches!(self.how, How::Recordings) && !EXHAUSTIVE.contains(&self.name.as_str())
    }

    /// Where it is kept what this detector said as it found something.
    pub fn log(&self, findings: &Path, seed: u64) -> PathBuf {
        findings.join(format!("{}-{seed}.log", self.name))
    }

    fn keep(&self, findings: &Path, seed: u64, said: &str) -> Result<(), String> {
        let log = self.log(findings, seed);
        files::replace(&log, said.as_bytes()).map_err(|error| error.to_string())
    }

    /// Looks for a fault in what was built from the copy.
    ///
    /// # Errors
    /// When it cannot run: what it said.
    pub fn attempt(
        &self,
        copy: &Copy,
        program: &Path,
        seed: u64,
        terms: Terms<'_>,
    ) -> Result<Attempt, String> {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let json = scratch.path().join("summary.json");
        let told_test = terms.test.filter(|_| self.is_told_tests());
        let mut command = match &self.how {
            How::Hunter { arguments, wide } => {
                let mut command = hunter(program);
                command.args(arguments.split(' '));
                match wide {
                    Some(wide) if terms.scenarios.is_empty() && !terms.unbounded => {
                        command.args(wide.split_whitespace());
                    }
                    Some(_) => {
                        command.args(terms.scenarios);
                    }
                    None => {}
                }
                command.args(["--seed", &seed.to_string(), "--json"]).arg(&json);
                command.args(["--time", &terms.budget.as_secs_f64().to_string(), "--findings"]);
                command.arg(terms.findings);
                command
            }
            How::Recordings => {
                let mut command = hunter(program);
                let recordings = copy.recordings().map_err(|error| error.to_string())?;
                command.arg("go-trace").args(recordings);
                command
            }
            How::Test(arguments) => {
                let arguments = match told_test {
                    None => arguments.to_string(),
                    Some(name @ ("lib" | "doc")) => format!("{arguments} --{name}"),
                    Some(file) => format!("{arguments} --test {file}"),
                };
                // Programs in docs are built as they are run.
                let build = || copy::run(test(copy, &arguments).arg("--no-run"));
                if told_test != Some("doc")
                    && let Err(said) = build()
                {
                    let found = Some(does_not_compile(said.clone())?);
                    self.keep(terms.findings, seed, &said)?;
                    let summary = Summary { found, ..Summary::default() };
                    return Ok(Attempt { seed, budget: terms.budget, focused: false, summary });
                }
                let mut command = limited(test(copy, &arguments));
                command.env("MAP_STRESS_SECONDS", terms.budget.as_secs().to_string());
                command.env("MAP_STRESS_SEED", seed.to_string());
                command.env("PROPTEST_RNG_SEED", seed.to_string());
                command
            }
            How::LibFuzzer(target) => {
                copy::run(&mut fuzz(copy, "build", target))?;
                let mut command = fuzz(copy, "run", target);
                let seeds = copy.root.join("corpus/seeds").join(target);
                command.arg(scratch.path()).args(seeds.exists().then_some(seeds));
                command.args(["--", &format!("-seed={seed}"), "-verbosity=0"]);
                // By its name, triage knows which map an input is for.
                let artifacts = terms.findings.join(target);
                std::fs::create_dir_all(&artifacts)
                    .map_err(|error| named(&artifacts, &error).to_string())?;
                command.arg(format!("-artifact_prefix={}/", artifacts.display()));
                command.arg("-print_final_stats=1");
                command.arg(format!("-max_total_time={}", terms.budget.as_secs()));
                command
            }
        };
        command.current_dir(match self.how {
            How::Hunter { .. } | How::Recordings => scratch.path(),
            How::Test(_) | How::LibFuzzer(_) => &copy.root,
        });
        let grace = if matches!(self.how, How::Test(_)) { GRACE_TESTS } else { GRACE };
        let ran = Ran::of(&mut command, scratch.path(), terms.budget + grace, terms.stop)?;
        let said = std::fs::read(&json).ok().and_then(|text| serde_json::from_slice(&text).ok());
        // What libFuzzer did, it says as it ends.
        let mut summary: Summary = said.unwrap_or_else(|| Summary {
            seconds: ran.seconds,
            executions: ran.units(),
            ..Summary::default()
        });
        if summary.found.is_none() {
            summary.found = ran.found(&self.how)?;
        }
        if summary.found.is_some() {
            self.keep(terms.findings, seed, &ran.said)?;
        }
        let is_told = matches!(self.how, How::Hunter { wide: Some(_), .. });
        let focused = is_told && !terms.scenarios.is_empty() || told_test.is_some();
        Ok(Attempt { seed, budget: terms.budget, focused, summary })
    }
}

/// The cases in a folder of findings, by name.
pub fn cases(findings: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(findings).into_iter().flatten();
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let is_case = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "case");
    let mut cases: Vec<PathBuf> = files.filter(is_case).collect();
    cases.sort();
    cases
}

/// What the program's own triage makes of these cases, each after so long at most and for itself; those that do not fail
/// again are left out.
///
/// # Errors
/// When triage cannot run: what it said.
pub fn triage(
    program: &Path,
    cases: &[PathBuf],
    limit: Duration,
    jobs: Option<usize>,
    stop: &AtomicBool,
) -> Result<Vec<Record>, String> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = hunter(program);
    command.args(["triage", "--json", "--runs", "1", "--limit", &limit.as_secs_f64().to_string()]);
    if let Some(jobs) = jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    command.arg("--findings").arg(scratch.path()).args(cases);
    command.current_dir(scratch.path());
    let patience = (limit + GRACE) * cases.len() as u32;
    let ran = Ran::of(&mut command, scratch.path(), patience, stop)?;
    let lines = ran.said.lines().filter_map(|line| serde_json::from_str::<Triaged>(line).ok());
    Ok(lines.filter_map(|line| line.record).collect())
}

/// What is read of a line of triage.
#[derive(Deserialize)]
struct Triaged {
    #[serde(flatten)]
    record: Option<Record>,
}

/// The command, with an end to its memory. Arguments may follow.
fn limited(command: Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// The program, with an end to its memory, that ends when this process does.
fn hunter(program: &Path) -> Command {
    let mut command = limited(Command::new(program));
    command.args(["--child-of", &std::process::id().to_string()]);
    command
}

fn test(copy: &Copy, arguments: &str) -> Command {
    let mut cargo = copy.cargo();
    cargo.args(["test", "--quiet", "--profile", PROFILE]).args(arguments.split(' '));
    cargo
}

/// Like all that is built from a copy, without optimisation, for the build's sake. Coroutine stacks and AddressSanitizer get in each
/// other's way.
fn fuzz(copy: &Copy, verb: &str, target: &str) -> Command {
    let sanitizer = if target == "schedules" { "none" } else { "address" };
    let mut cargo = copy.cargo();
    cargo.args(["fuzz", verb, "--dev", "--sanitizer", sanitizer, target]);
    cargo
}
