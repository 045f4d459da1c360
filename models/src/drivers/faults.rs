//! `cargo models faults`: the kill matrix.
//!
//! Patches that do not apply are named first, before anything is built. Then one fault after the other (or two at once):
//! apply, build, and let each detector look for it, seed by seed, until it finds something or its time is up. What is
//! known is on disk after each go, so an interrupted run goes on. Exit 0: all that a detector has looked for are killed; 1:
//! some survived; 2: a patch does not apply or build, a detector objects to the map as it is, or none has looked for
//! anything; 130: interrupted, and no matrix is written. With `--unpatched`, which plants nothing (`hour`), 1: a detector
//! objects to the map as it is.

mod hour;

use super::ops::seconds;
use super::{Exit, stopped_by_ctrl_c};
use crate::faults::copy::{Broken, Copy, is_of_the_map};
use crate::faults::detector::{self, Detector, Terms};
use crate::faults::matrix::{Fate, Matrix};
use crate::faults::mutants::Mutants;
use crate::faults::patch::Fault;
use crate::faults::results::{Row, Store};
use crate::faults::site::{Place, Site};
use crate::faults::{page, table};
use crate::files;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most that a detector has for the map without a fault, before the hunt for faults.
const UNPATCHED: Duration = Duration::from_secs(5);
/// How long a ctrl-C may take to get here after the end of a build that it ended.
const AFTER_A_BUILD: Duration = Duration::from_millis(100);

/// Which faults, which detectors, for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Which faults, and where.
    #[command(flatten)]
    pub place: Place,
    /// In place of a folder: what `cargo mutants --list --json --diff` lists.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub mutants: Option<PathBuf>,
    /// Of these, leave out those that this file calls equivalent.
    #[arg(long, value_name = "FILE", requires = "mutants")]
    pub equivalent: Option<PathBuf>,
    /// Only these detectors; `all`: also those that need a build of their own.
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    pub detectors: Vec<String>,
    /// Detectors that look, after all others, for what none of those has found: they take long.
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    pub last: Vec<String>,
    /// Seconds that a detector has for one go.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub budget: Duration,
    /// Goes of each detector, from seed 1 on; after two that both find nothing it is given up.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Seconds that triage has to make a finding smaller and name it; 0: none.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub triage: Duration,
    /// Go on with the next fault as soon as one detector has found this one. With `--focus`, the tests that a fault names come
    /// first.
    #[arg(long)]
    pub first: bool,
    /// Run the scenarios and tests that a fault names, or where `catalogue` found it, not all of them.
    #[arg(long)]
    pub focus: bool,
    /// Faults that are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// Hunt for nothing, and report what is known from earlier runs.
    #[arg(long, conflicts_with = "fresh")]
    pub known: bool,
    /// Plant nothing: let every detector look at the map as it is, for so long each, whatever is known from an earlier run.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with_all = ["mutants", "only", "shard", "first", "focus", "known", "json", "html", "markdown"])]
    pub unpatched: Option<Duration>,
    /// Where the draws of `--unpatched` begin (drawn and printed if not given).
    #[arg(long, requires = "unpatched")]
    pub seed: Option<u64>,
    /// Where the goes of `--unpatched` are written down, a line each: those of the same map that are there already count.
    #[arg(long, value_name = "FILE", requires = "unpatched")]
    pub ledger: Option<PathBuf>,
    /// Do not look at what is known from an earlier run.
    #[arg(long)]
    pub fresh: bool,
    /// Write all results to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the matrix to this file, as a page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the matrix to this file, as Markdown.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// What all jobs share.
struct Hunt {
    options: Options,
    detectors: Vec<Detector>,
    site: Site,
    store: Store,
    source: u64,
    next: AtomicUsize,
    stop: Arc<AtomicBool>,
    rows: Mutex<Vec<Row>>,
    /// Of what nothing is known: names.
    unknown: Mutex<Vec<String>>,
    failed: Mutex<Vec<String>>,
}

/// Hunts for every fault.
pub fn drive(options: &Options) -> Exit {
    match hunt(options) {
        Ok(Exit::Interrupted) => {
            let next = match (options.unpatched, &options.ledger) {
                (Some(_), None) => "the next run begins afresh",
                (Some(_), Some(_)) => "the next run goes on behind what the ledger says",
                (None, _) => "no matrix is written; the next run goes on from here",
            };
            eprintln!("interrupted: {next}");
            Exit::Interrupted
        }
        Ok(exit) => exit,
        Err(said) => {
            eprintln!("{said}");
            Exit::Bad
        }
    }
}

fn hunt(options: &Options) -> Result<Exit, String> {
    let Options { json, html, markdown, ledger, .. } = options;
    let written = json.iter().chain(html).chain(markdown).chain(ledger);
    files::ready(written).map_err(|error| error.to_string())?;
    let mut detectors = detector::select(&options.detectors)?;
    if !options.last.is_empty() {
        detectors.retain(|detector| !options.last.contains(&detector.name));
        detectors.extend(detector::select(&options.last)?);
    }
    let equivalent = match &options.equivalent {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?
        }
        None => String::new(),
    };
    let mutants = options.mutants.as_deref();
    let mutants = mutants.map(|list| Mutants { list, equivalent: &equivalent });
    let site = options.place.open(mutants)?;
    let stop = stopped_by_ctrl_c("at once");
    let source = Copy::new(&options.place.workspace, &site.scratch, 0).hash();
    let mut hunt = Hunt {
        source: source.map_err(|error| error.to_string())?,
        store: Store(site.scratch.join("results")),
        options: options.clone(),
        next: AtomicUsize::new(0),
        rows: Mutex::default(),
        unknown: Mutex::default(),
        failed: Mutex::default(),
        detectors,
        site,
        stop,
    };
    if let Some(time) = options.unpatched {
        return hunt.hour(time);
    }
    if !options.known {
        hunt.set_aside()?;
    }
    hunt.go()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hunt {
    /// Says which patches do not apply, and leaves the others: whoever made the former need not wait for the latter.
    fn set_aside(&mut self) -> Result<(), String> {
        let copy = self.copy(0);
        let refused = copy.refused(&mut self.site.faults).map_err(|error| error.to_string())?;
        // ctrl-C ends git, too.
        if self.was_stopped(!refused.is_empty()) {
            return Ok(());
        }
        for (fault, said) in refused {
            let row = self.broken(Row::new(Some(&fault), self.source), "apply", &said)?;
            println!("{}", table::line(&row));
            locked(&self.rows).push(row);
        }
        Ok(())
    }

    fn go(&self) -> Result<Exit, String> {
        let unpatched = self.look(0, None)?.by(&self.detectors);
        if self.is_stopped() {
            return Ok(Exit::Interrupted);
        }
        println!("{}", unpatched_line(&unpatched));
        std::thread::scope(|scope| {
            for job in 0..usize::from(self.options.jobs) {
                scope.spawn(move || self.job(job));
            }
        });
        let failed = std::mem::take(&mut *locked(&self.failed));
        if let Some(said) = failed.into_iter().next() {
            return Err(said);
        }
        if self.is_stopped() {
            return Ok(Exit::Interrupted);
        }
        if let Some(line) = table::unknown(&mut locked(&self.unknown)) {
            println!("{line}");
        }
        let mut rows = std::mem::take(&mut *locked(&self.rows));
        rows.sort_by(|one, other| one.slug.cmp(&other.slug));
        let rows: Vec<Row> = rows.into_iter().map(|row| row.without(&unpatched)).collect();
        let matrix = Matrix::new(rows, &self.detectors);
        println!("{}", table::terminal(&matrix));
        if !matrix.rows.is_empty() {
            self.write(&matrix)?;
        }
        let none = |fate| matrix.slugs(fate).is_empty();
        // A mutant that does not build is nobody's mistake.
        let broken = self.options.mutants.is_none() && !none(Fate::Broken);
        if none(Fate::Killed) && none(Fate::Survived) {
            return Err("no detector has looked for any of these faults".into());
        }
        Ok(match (broken || unpatched.is_killed(), none(Fate::Survived)) {
            (true, _) => Exit::Bad,
            (_, false) => Exit::Found,
            (_, true) => Exit::Clean,
        })
    }

    /// Writes the files that were asked for.
    fn write(&self, matrix: &Matrix) -> Result<(), String> {
        let rows: Vec<&Row> = matrix.rows.iter().map(|(row, _)| row).collect();
        let json = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
        let Options { json: json_file, html, markdown, .. } = &self.options;
        for (file, text) in [
            (json_file, json + "\n"),
            (html, page::html(matrix).map_err(|error| error.to_string())?),
            (markdown, table::markdown(matrix)),
        ] {
            let Some(file) = file else { continue };
            files::replace(file, text.as_bytes()).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn job(&self, job: usize) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let faults = &self.site.faults;
            let Some(fault) = faults.get(number) else { return };
            if self.is_stopped() {
                return;
            }
            match self.look(job, Some(fault)).map(|row| row.by(&self.detectors)) {
                // It may be half done.
                Ok(_) if self.is_stopped() => return,
                Ok(row)
                    if self.options.known && row.attempts.is_empty() && self.looks_at(fault) =>
                {
                    locked(&self.unknown).push(row.slug);
                }
                Ok(row) => {
                    println!("[{}/{}] {}", number + 1, faults.len(), table::line(&row));
                    locked(&self.rows).push(row);
                }
                Err(said) => {
                    self.stop.store(true, Ordering::Relaxed);
                    locked(&self.failed).push(format!("{}: {said}", fault.slug));
                }
            }
        }
    }

    /// Lets the detectors look for a fault, as far as that is not done.
    fn look(&self, job: usize, fault: Option<&Fault>) -> Result<Row, String> {
        let fresh = Row::new(fault, self.source);
        // Of mutants, many do not build, and none ever will.
        let with_broken = self.options.mutants.is_some();
        let mut row = match self.options.fresh {
            true => fresh,
            false => self.store.load(fresh, with_broken),
        };
        if self.options.known || row.broken.is_some() || self.wanted(fault, &row).is_none() {
            return Ok(row);
        }
        let copy = self.copy(job);
        let made = copy.make(fault.map(|fault| fault.path.as_path()));
        // ctrl-C ends cargo, too: that says nothing of the fault.
        if self.was_stopped(made.is_err()) {
            return Ok(row);
        }
        let program = match made {
            Ok((program, warnings)) => {
                row.warnings = warnings;
                program
            }
            Err(Broken::Copy(said)) => return Err(said),
            Err(Broken::Apply(said)) if fault.is_some() => return self.broken(row, "apply", &said),
            Err(Broken::Build(said)) if self.is_broken(fault, &said) => {
                return self.broken(row, "build", &said);
            }
            Err(Broken::Build(said)) if fault.is_some() => {
                return Err(format!("the build fails, and not for the mutant: {said}"));
            }
            Err(Broken::Apply(said) | Broken::Build(said)) => return Err(unbuilt(&said)),
        };
        let row = self.hunted(&copy, &program, fault, row)?;
        match row.is_killed() && !self.options.triage.is_zero() && !self.is_stopped() {
            true => self.named(&program, row),
            false => Ok(row),
        }
    }

    /// Has one detector after the other look for what is planted in the program.
    fn hunted(
        &self,
        copy: &Copy,
        program: &Path,
        fault: Option<&Fault>,
        mut row: Row,
    ) -> Result<Row, String> {
        let (budget, focus) = (self.budget(fault), self.options.focus);
        let findings = self.findings(&row);
        while let Some((detector, seed)) = self.wanted(fault, &row) {
            let scenarios = match fault {
                Some(fault) if focus && !fault.scenarios.is_empty() => fault.scenarios.clone(),
                Some(_) if focus => row.scenarios(),
                _ => Vec::new(),
            };
            let stop = &self.stop;
            let (scenarios, findings) = (&scenarios, &findings);
            let test = fault.filter(|_| focus).and_then(|fault| fault.test.as_deref());
            let terms = Terms { budget, scenarios, test, unbounded: false, findings, stop };
            let attempt = detector.attempt(copy, program, seed, terms);
            // A detector that was interrupted, too, has found nothing.
            if self.was_stopped(attempt.is_err()) {
                return Ok(row);
            }
            let attempt = attempt.map_err(|said| format!("{}: {said}", detector.name))?;
            row.add(detector, attempt);
            row = self.saved(row)?;
        }
        Ok(row)
    }

    /// Gives what was found the name that triage has for its smallest case: that is the quickest.
    fn named(&self, program: &Path, mut row: Row) -> Result<Row, String> {
        let size = |path: &PathBuf| path.metadata().map_or(u64::MAX, |meta| meta.len());
        let smallest = detector::cases(&self.findings(&row)).into_iter().min_by_key(size);
        let limit = self.options.triage;
        let triaged = detector::triage(program, smallest.as_slice(), limit, Some(1), &self.stop);
        if self.is_stopped() {
            return Ok(row);
        }
        row.signature = triaged?.into_iter().next().map(|record| record.name);
        self.saved(row)
    }

    /// Where what is found of a fault is kept.
    fn findings(&self, row: &Row) -> PathBuf {
        self.site.scratch.join("findings").join(&row.slug)
    }

    /// Is it the fault that does not build? Of a mutant that is believed ever after, so it must be the mutant.
    fn is_broken(&self, fault: Option<&Fault>, said: &str) -> bool {
        fault.is_some() && (self.options.mutants.is_none() || is_of_the_map(said))
    }

    /// The row of a fault that cannot be planted.
    fn broken(&self, mut row: Row, what: &str, said: &str) -> Result<Row, String> {
        row.broken = Some(format!("does not {what}: {said}"));
        self.saved(row)
    }

    fn copy(&self, number: usize) -> Copy {
        Copy::new(&self.options.place.workspace, &self.site.scratch, number)
    }

    /// The row, when it is on disk.
    fn saved(&self, row: Row) -> Result<Row, String> {
        self.store.save(&row).map_err(|error| error.to_string())?;
        Ok(row)
    }

    /// What is to be done next for a fault.
    fn wanted(&self, fault: Option<&Fault>, row: &Row) -> Option<(&Detector, u64)> {
        let Options { first, focus, .. } = self.options;
        let is_found = self.detectors.iter().any(|detector| row.is_found_by(detector, focus));
        if self.is_stopped() || first && is_found {
            return None;
        }
        let is_needed = |detector: &&Detector| {
            fault.is_none() || !is_found || !self.options.last.contains(&detector.name)
        };
        let relevant = |detector: &&Detector| match fault {
            Some(fault) => fault.is(detector.kind),
            None => self.site.faults.iter().any(|fault| fault.is(detector.kind)),
        };
        // The map as it is gets one go of each.
        let seeds = if fault.is_some() { self.options.seeds } else { 1 };
        let budget = self.budget(fault);
        // One kill is enough: where the fault says that it shows.
        let is_named = |detector: &&Detector| {
            first && focus && detector.is_told_tests() && fault.is_some_and(|it| it.test.is_some())
        };
        let wanted = self.detectors.iter().filter(relevant).filter(is_needed);
        let (named, others): (Vec<_>, Vec<_>) = wanted.partition(is_named);
        named
            .into_iter()
            .chain(others)
            .find_map(|detector| Some((detector, row.next(detector, seeds, budget, focus)?)))
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The same, after a build; one that may have ended by the same ctrl-C may be known to have ended first.
    fn was_stopped(&self, in_doubt: bool) -> bool {
        if in_doubt {
            std::thread::sleep(AFTER_A_BUILD);
        }
        self.is_stopped()
    }

    /// The time that a go has.
    fn budget(&self, fault: Option<&Fault>) -> Duration {
        let budget = self.options.budget;
        if fault.is_some() { budget } else { budget.min(UNPATCHED) }
    }

    /// Is there a detector for it?
    fn looks_at(&self, fault: &Fault) -> bool {
        self.detectors.iter().any(|detector| fault.is(detector.kind))
    }
}

fn unbuilt(said: &str) -> String {
    format!("the map without a fault does not build: {said}")
}

fn unpatched_line(row: &Row) -> String {
    let goes = row.attempts.iter().flat_map(|(name, goes)| goes.iter().map(move |go| (name, go)));
    let found: Vec<String> = goes
        .filter_map(|(name, go)| Some(format!("{name}: {}", go.summary.found.as_ref()?)))
        .collect();
    match found.is_empty() {
        true => format!("the map without a fault: {} detectors find nothing", row.attempts.len()),
        false => format!("THE MAP WITHOUT A FAULT: {}", found.join("; ")),
    }
}
