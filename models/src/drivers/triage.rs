//! `cargo models triage PATH…`: replay, make small, name, keep, show.
//!
//! What was found stays where it is; what triage makes of it goes to a folder beside it. ctrl-C ends the minimising that
//! runs and keeps its best so far.

use super::ops::seconds;
use super::{Exit, stopped_by_ctrl_c};
use crate::case::Case;
use crate::files;
use crate::subjects::Subject;
use crate::triage::intake::{self, ARTIFACTS, FINDINGS, Intake, KEPT};
use crate::triage::lab::Lab;
use crate::triage::minimise::{Minimal, Settings, Size};
use crate::triage::pool::minimise_in_workers;
use crate::triage::store::{Occurrence, Record, Store};
use crate::triage::story::Story;
use crate::triage::verdict::{self, Replayed, Verdict};
use crate::triage::{Sighting, page, regression, terminal};
use indicatif::ProgressBar;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What to triage, and how far to go.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Cases, libFuzzer artifacts, folders of them. All that was found so far, if none is given.
    pub paths: Vec<PathBuf>,
    /// The map under test (else: the one that the file or its folder names).
    #[arg(long)]
    pub subject: Option<Subject>,
    /// How often each is replayed, each time in a fresh process.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// How long one may be minimised.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub limit: Duration,
    /// How many cases are tried at once (default: one for each core).
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Write a regression for each signature.
    #[arg(long)]
    pub regression: bool,
    /// Where regressions go.
    #[arg(
        long,
        value_name = "DIRECTORY",
        default_value = "corpus/regressions",
        requires = "regression"
    )]
    pub to: PathBuf,
    /// Where findings are (default: findings); what triage keeps goes to `triage` in it.
    #[arg(long, value_name = "DIRECTORY")]
    pub findings: Option<PathBuf>,
    /// Tell the whole story in the terminal.
    #[arg(long)]
    pub show: bool,
    /// A line of JSON for each file.
    #[arg(long)]
    pub json: bool,
}

/// A run of the command.
struct Triage<'a> {
    options: &'a Options,
    store: Store,
    stop: Arc<AtomicBool>,
}

/// What a file came to.
#[derive(serde::Serialize)]
struct Line<'a> {
    file: String,
    verdict: String,
    /// What was seen besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
    #[serde(flatten)]
    record: Option<&'a Record>,
}

/// Triages every file.
pub fn drive(options: &Options) -> Exit {
    let findings = options.findings.clone().unwrap_or(FINDINGS.into());
    let paths = match options.paths.is_empty() {
        true => {
            // One that was named has to be there.
            let mut paths = vec![findings.clone(), ARTIFACTS.into()];
            paths.retain(|path| path.exists() || options.findings.as_ref() == Some(path));
            paths
        }
        false => options.paths.clone(),
    };
    let files = intake::files(&paths);
    if files.is_empty() {
        println!("nothing to triage");
    }
    let (store, stop) = (Store::new(findings.join(KEPT)), stopped_by_ctrl_c("at once"));
    let triage = Triage { options, store, stop };
    let mut worst = Exit::Clean;
    for file in files {
        if triage.stop.load(Ordering::Relaxed) {
            worst = Exit::Interrupted;
            break;
        }
        let read = file.and_then(|path| intake::read(&path, options.subject));
        let exit = read.and_then(|intake| triage.one(&intake)).unwrap_or_else(|error| {
            eprintln!("{error}");
            Exit::Bad
        });
        worst = worst.max(exit);
    }
    if worst != Exit::Clean
        && let Err(error) = triage.index()
    {
        eprintln!("{error}");
        return Exit::Bad;
    }
    worst
}

impl Triage<'_> {
    /// One file.
    fn one(&self, intake: &Intake) -> Result<Exit, String> {
        let Intake { path, case, subject, .. } = intake;
        if intake.is_guess {
            eprintln!("{}", intake::guessed(path, *subject));
        }
        let named = |error: String| format!("{}: {error}", path.display());
        let replayed = verdict::replay(Lab::new(*subject), case, self.options.runs as usize);
        let Replayed { verdict, seen } =
            replayed.map_err(|error| named(error.to_string()))?.map_err(named)?;
        let mut seen = seen.into_iter();
        let Some((sighting, _)) = seen.next() else {
            self.say_gone(path, verdict)?;
            return Ok(Exit::Clean);
        };
        let also = seen.map(|(seen, times)| {
            let said = seen.message.lines().next().unwrap_or_default();
            format!("{said} ({times} of {} runs)", verdict.runs)
        });
        let also: Vec<String> = also.collect();
        let minimal =
            self.minimise(intake, &sighting, verdict).map_err(|error| named(error.to_string()))?;
        let occurrence = Occurrence {
            file: path.display().to_string(),
            digest: intake.digest.clone(),
            found: humantime::format_rfc3339_seconds(intake.found).to_string(),
            found_by: found_by(case),
            verdict,
            raw: Size::of(case),
            minimal: Size::of(&minimal.case),
            seconds: minimal.elapsed.as_secs_f64(),
            tried: minimal.tried,
        };
        let Minimal { case, sighting, is_minimal, .. } = minimal;
        let record = Record::new(subject.to_string(), &case, sighting, occurrence);
        let fails =
            |known: &Record| known.smallest().is_ok_and(|case| fails(*subject, known, &case));
        let kept = self.store.add(record.clone(), fails);
        let known = kept.map_err(|error| format!("{}: {error}", self.store.folder().display()))?;
        self.say(intake, &record, &known, (is_minimal, also))?;
        Ok(Exit::Found)
    }

    fn minimise(
        &self,
        intake: &Intake,
        sighting: &Sighting,
        verdict: Verdict,
    ) -> io::Result<Minimal> {
        let progress = ProgressBar::new_spinner();
        progress.enable_steady_tick(Duration::from_millis(200));
        let mut case = intake.case.clone();
        sighting.reschedule(&mut case);
        let better = |case: &Case, _: &Sighting, tried: u64| {
            progress.set_message(format!(
                "{}: {} after {tried} tries",
                intake.path.display(),
                Size::of(case)
            ));
        };
        let settings =
            Settings { stop: &self.stop, limit: Some(self.options.limit), better: &better };
        let lab = Lab::new(intake.subject);
        let minimal =
            minimise_in_workers(lab, &case, sighting, verdict, self.options.jobs, &settings);
        progress.finish_and_clear();
        minimal
    }

    fn say_gone(&self, path: &Path, verdict: Verdict) -> Result<(), String> {
        match self.options.json {
            true => self.json(path, verdict, Vec::new(), None),
            false => {
                println!("{}: {verdict}", path.display());
                Ok(())
            }
        }
    }

    fn json(
        &self,
        path: &Path,
        verdict: Verdict,
        also: Vec<String>,
        record: Option<&Record>,
    ) -> Result<(), String> {
        let (file, verdict) = (path.display().to_string(), verdict.to_string());
        let line = Line { file, verdict, also, record };
        println!("{}", serde_json::to_string(&line).map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Says what a file came to: `record` of it alone, `known` with all that came to the same signature, `also` what else was
    /// seen.
    fn say(
        &self,
        Intake { path, subject, .. }: &Intake,
        record: &Record,
        known: &Record,
        (is_minimal, also): (bool, Vec<String>),
    ) -> Result<(), String> {
        let occurrence = &record.occurrences[0];
        let regression = self.options.regression.then(|| {
            let _lock = self.store.lock()?;
            regression::write(&self.options.to, known, |case| fails(*subject, known, case))
        });
        let regression = regression.transpose();
        let regression =
            regression.map_err(|error| format!("{}: {error}", self.options.to.display()))?;
        let story = self.told(known, regression.as_deref());
        let story = story.map_err(|error| format!("{}: {error}", path.display()))?;
        if self.options.json {
            return self.json(path, occurrence.verdict, also, Some(record));
        }
        println!("{}: {}", path.display(), occurrence.verdict);
        println!("  {}", record.name);
        also.iter().for_each(|also| println!("  also seen: {also}"));
        let stopped = if is_minimal { "" } else { ", stopped before it was minimal" };
        println!(
            "  {} → {} in {:.1} s, {} tries{stopped}",
            occurrence.raw, occurrence.minimal, occurrence.seconds, occurrence.tried
        );
        if known.occurrences.len() > 1 {
            println!("  the same was found {} times", known.occurrences.len());
        }
        if let Some(path) = &regression {
            println!("  regression: {}", path.display());
        }
        println!("  page: {}", self.store.page(known).display());
        if self.options.show {
            anstream::print!("\n{}", terminal::report(&story));
        }
        Ok(())
    }

    /// The story of all that came to a signature, with its page written.
    fn told(&self, known: &Record, regression: Option<&Path>) -> io::Result<Story> {
        let smallest = self.store.case(known);
        let story = Story::of(known, regression.unwrap_or(&smallest))?;
        let page = page::page(&story).map_err(io::Error::other)?;
        files::replace(&self.store.page(known), page.as_bytes())?;
        Ok(story)
    }

    /// Writes the index of all that is kept, if anything is.
    fn index(&self) -> io::Result<()> {
        let (records, _) = self.store.records();
        if records.is_empty() {
            return Ok(());
        }
        let index = page::index(&records).map_err(io::Error::other)?;
        files::replace(&self.store.folder().join("index.html"), index.as_bytes())
    }
}

/// Does a case fail now as the record's does?
fn fails(subject: Subject, known: &Record, case: &Case) -> bool {
    let replayed = verdict::replay(Lab::new(subject), case, known.runs_to_fail());
    matches!(replayed, Ok(Ok(replayed)) if replayed.has(&known.sighting))
}

/// How a case was found, as its story says.
fn found_by(case: &Case) -> Option<String> {
    let line = case.story.iter().find_map(|line| line.strip_prefix("found by: "))?;
    Some(line.to_string())
}
