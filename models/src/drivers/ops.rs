//! `cargo models ops`: the property on generated sequences, without libFuzzer, on one core.
//!
//! Sequence `n` of seed `s` is the same on every machine. A finding is on disk before it is made smaller. A map that
//! does not come back is found by a watchdog, which writes the sequence down and ends the program.

use super::Exit;
use super::summary::Summary;
use crate::case::Case;
use crate::finding::{self, Finding};
use crate::generators::hashers::mix;
use crate::generators::ops::{self, Mix};
use crate::oracles::Objection;
use crate::property::{Checks, Report};
use crate::subjects::{Model, Subject};
use crate::triage::Came;
use crate::triage::lab::{Lab, Look};
use crate::triage::minimise::{Minimal, Settings, Size};
use crate::triage::verdict::Verdict;
use crate::triage::worker::{Worker, minimise_in_workers};
use fastrand::Rng;
use indicatif::{HumanCount, ProgressBar};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long to spend on making a finding smaller.
const SHRINK: Duration = Duration::from_secs(10);
/// In the `get-insert-remove` mix, which is for speed, only one sequence in so many is looked at inside.
const LOOK_EVERY: u64 = 16;

/// What to run and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The map under test.
    #[arg(long, value_enum, default_value_t)]
    pub subject: Subject,
    /// Where the sequences begin (drawn and printed if not given).
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after so many seconds (runs until ctrl-C if neither this nor --ops is given).
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,
    /// Stop after so many ops.
    #[arg(long, value_name = "N")]
    pub ops: Option<u64>,
    /// Ops in a sequence.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub length: u32,
    /// What the sequences are made of.
    #[arg(long, value_enum, default_value_t)]
    pub mix: Mix,
    /// What answers are compared with.
    #[arg(long, value_enum, default_value_t)]
    pub oracle: Model,
    /// Go on after a finding; only the first that breaks a rule is kept.
    #[arg(long)]
    pub keep_going: bool,
    /// Do not make a finding smaller.
    #[arg(long)]
    pub as_found: bool,
    /// Seconds that a sequence may take before the watchdog steps in.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub patience: Duration,
    /// Where findings are written.
    #[arg(long, value_name = "DIRECTORY", default_value = "findings")]
    pub findings: PathBuf,
    /// Write what came of it to this file, for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// A number of seconds from the command line.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds was expected".to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Runs until the time or the ops are used up, something is found, or ctrl-C.
pub fn drive(options: &Options) -> Exit {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!(
        "seed {seed}, subject {}, sequences of {} ops",
        options.subject.name(),
        options.length
    );
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    if let Err(error) = ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed)) {
        eprintln!("ctrl-C will end the run without a summary: {error}");
    }
    let sequence = Arc::new(AtomicU64::new(0));
    watch(options.clone(), seed, Arc::clone(&sequence));
    let progress = ProgressBar::new_spinner();
    let mut tally = Tally::new();
    let runner = options.subject.runner(options.oracle);
    let mut case = Case::default();
    let mut found: Vec<Finding> = Vec::new();
    let mut first = None;
    let mut number = 0;
    loop {
        generate(options, seed, number, &mut case);
        let checks = match options.mix {
            Mix::GetInsertRemove if !number.is_multiple_of(LOOK_EVERY) => Checks::Answers,
            _ => Checks::Boundaries,
        };
        match runner(&case, checks) {
            Ok(report) => tally.add(report),
            Err(finding) => {
                sequence.store(u64::MAX, Ordering::Relaxed);
                first.get_or_insert_with(|| tally.summary(Some(&finding)));
                if !found.iter().any(|known| finding.is_like(known)) {
                    progress.println("");
                    println!("sequence {number}:\n{finding}");
                    let how = format!("found by: {}", again(options, seed, number));
                    keep(options, &how, &case, &finding, &stop);
                    found.push(*finding);
                }
                if !options.keep_going {
                    break;
                }
            }
        }
        let stopped = stop.load(Ordering::Relaxed);
        let over = options.ops.is_some_and(|ops| tally.report.ops >= ops);
        if stopped || over || number.is_multiple_of(64) {
            let late = options.time.is_some_and(|time| tally.started.elapsed() >= time);
            progress.set_message(tally.to_string());
            progress.tick();
            if stopped || over || late {
                break;
            }
        }
        number += 1;
        sequence.store(number, Ordering::Relaxed);
    }
    sequence.store(u64::MAX, Ordering::Relaxed);
    progress.finish_and_clear();
    let summary = first.unwrap_or_else(|| tally.summary(None));
    if let Err(error) = summary.write(options.json.as_deref()) {
        eprintln!("cannot write what came of it: {error}");
        return Exit::Bad;
    }
    match found.len() {
        0 => println!("nothing found: {tally}"),
        1 => println!("broke one rule: {tally}"),
        rules => println!("broke {rules} rules: {tally}"),
    }
    if found.is_empty() { Exit::Clean } else { Exit::Found }
}

fn generate(options: &Options, seed: u64, number: u64, case: &mut Case) {
    let mut rng = Rng::with_seed(mix(seed) ^ mix(!number));
    ops::fill(case, &mut rng, options.mix, options.length as usize);
}

fn again(options: &Options, seed: u64, number: u64) -> String {
    let subject = options.subject.name();
    format!(
        "cargo models ops --subject {subject} --seed {seed} --length {} (sequence {number})",
        options.length
    )
}

/// Writes the finding down, then a smaller one beside it, and says where.
fn keep(options: &Options, how: &str, case: &Case, found: &Finding, stop: &AtomicBool) {
    write(options, "as found", case, found.objection.oracle, &format!("{found}\n{how}"));
    if options.as_found {
        return;
    }
    match shrink(options.subject, case, stop) {
        Ok(Some(small)) if small.case != *case => {
            let Minimal { case, sighting, .. } = small;
            println!("{}", sighting.message);
            let story = format!("{}\n{how}", sighting.message);
            write(options, "smaller", &case, &sighting.oracle, &story);
        }
        Ok(_) => {}
        Err(error) => eprintln!("no process to make it smaller in: {error}"),
    }
}

fn write(options: &Options, what: &str, case: &Case, oracle: &str, story: &str) {
    match finding::keep_as(&options.findings, case, oracle, story) {
        Ok(path) => println!("{what}: {}\nreplay: {}", Size::of(case), replay(options, &path)),
        Err(error) => {
            // The case must not be lost for want of a directory.
            let folder = options.findings.display();
            eprintln!("cannot write to {folder}: {error}; the case follows\n{case}");
        }
    }
}

/// A smaller case that fails as this one does with every check, if it does.
fn shrink(subject: Subject, case: &Case, stop: &AtomicBool) -> std::io::Result<Option<Minimal>> {
    let lab = Lab::new(subject);
    let Came::Failed(seen) = Worker::start()?.run(lab, case, Look::Once)? else { return Ok(None) };
    let settings = Settings { stop, limit: Some(SHRINK), better: &|_, _, _| {} };
    minimise_in_workers(lab, case, &seen, Verdict::STABLE, None, &settings).map(Some)
}

fn replay(options: &Options, path: &Path) -> String {
    let subject = match options.subject == Subject::default() {
        true => String::new(),
        false => format!("--subject {} ", options.subject.name()),
    };
    format!("cargo models replay {subject}{}", path.display())
}

/// Ends the program with a finding when a sequence takes too long.
fn watch(options: Options, seed: u64, sequence: Arc<AtomicU64>) {
    let began = Instant::now();
    std::thread::spawn(move || {
        let (mut last, mut since) = (u64::MAX, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let now = sequence.load(Ordering::Relaxed);
            if now != last || now == u64::MAX {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() >= options.patience {
                let mut case = Case::default();
                generate(&options, seed, now, &mut case);
                let detail = format!("has not come in {:.0} s", options.patience.as_secs_f64());
                let objection = Objection::new("hang", "every op comes to an end", detail);
                let found = Finding { objection, at: case.ops().len(), op: None, growth: None };
                println!("sequence {now}:\n{found}");
                let summary = Summary::new(now, 0, began.elapsed(), Some(&found));
                if let Err(error) = summary.write(options.json.as_deref()) {
                    eprintln!("cannot write what came of it: {error}");
                }
                let how = format!("found by: {}", again(&options, seed, now));
                match finding::keep(&options.findings, &case, &found, &how) {
                    Ok(path) => println!("replay: {}", replay(&options, &path)),
                    Err(error) => {
                        eprintln!("cannot write to {}: {error}\n{case}", options.findings.display())
                    }
                }
                std::process::exit(Exit::Found as i32);
            }
        }
    });
}

/// What has been done so far.
struct Tally {
    started: Instant,
    sequences: u64,
    /// Sequences that reached a growth.
    grew: u64,
    report: Report,
}

impl Tally {
    fn new() -> Self {
        Tally { started: Instant::now(), sequences: 0, grew: 0, report: Report::default() }
    }

    fn add(&mut self, report: Report) {
        self.sequences += 1;
        self.grew += u64::from(report.growths > 0);
        self.report.ops += report.ops;
        self.report.growths += report.growths;
        self.report.panics += report.panics;
    }

    fn summary(&self, found: Option<&Finding>) -> Summary {
        let sequences = self.sequences + u64::from(found.is_some());
        Summary::new(sequences, self.report.ops, self.started.elapsed(), found)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.started.elapsed().as_secs_f64().max(1e-9);
        let Report { ops, growths, panics } = self.report;
        write!(
            f,
            "{} ops in {seconds:.1} s ({:.1} M ops/s), {} sequences, {}, {} growths, {} panics",
            HumanCount(ops),
            ops as f64 / seconds / 1e6,
            HumanCount(self.sequences),
            super::reached_a_growth(self.grew, self.sequences),
            HumanCount(growths),
            HumanCount(panics),
        )
    }
}
