//! `cargo models ops`: the property on generated sequences, without libFuzzer, on one core.
//!
//! Sequence `n` of seed `s` is the same on every machine. A `hunter` runs them, a process of its own; this one minds the
//! clock, and keeps what is found: on disk first, then smaller. A hunter that crashed, or does not come back, leaves its
//! number behind, and its sequence is a finding like any other.
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/crashes.rs`.

mod hunter;

use super::keep::told;
use super::summary::Summary;
use super::supervise::{Board, Hunter, News, Patience, ends};
use super::{Exit, stopped_by_ctrl_c, word};
use crate::case::Case;
use crate::command::{command, quoted, replaying_on};
use crate::files;
use crate::finding;
use crate::generators::ops::Mix;
use crate::subjects::{Model, Subject};
use crate::triage::intake::{FINDINGS, KEPT};
use crate::triage::lab::{Lab, Look};
use crate::triage::minimise::{Minimal, Settings, Size};
use crate::triage::pool::minimise_in_workers;
use crate::triage::sighting::HANG;
use crate::triage::verdict::Verdict;
use crate::triage::worker::{Worker, ended_by};
use crate::triage::{Came, Sighting};
use hunter::{Find, Tally, generate, hunt};
use indicatif::ProgressBar;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long to spend on making a finding smaller.
const SHRINK: Duration = Duration::from_secs(10);

/// What to run and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The map under test.
    #[arg(long, default_value_t = Subject::usual(false))]
    pub subject: Subject,
    /// Where the sequences begin (drawn and printed if not given).
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after so many seconds (runs until ctrl-C if neither this nor --ops is given).
    #[arg(long, value_name = "SECONDS", value_parser = some_seconds)]
    pub time: Option<Duration>,
    /// Stop after so many ops.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
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
    /// Seconds that a sequence may take.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub patience: Duration,
    /// Where findings are written.
    #[arg(long, value_name = "DIRECTORY", default_value = FINDINGS)]
    pub findings: PathBuf,
    /// Write what came of it to this file, for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Be the hunter (see `drivers::supervise`).
    #[arg(long, hide = true)]
    hunter: bool,
}

/// A number of seconds from the command line.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds was expected".to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// The same, for a hunt: one of no time finds nothing.
pub(super) fn some_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("a hunt takes some time".to_string()),
        time => Ok(time),
    }
}

/// Runs until the time or the ops are used up, something is found, or ctrl-C.
pub fn drive(options: &Options) -> Exit {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let exit = match options.hunter {
        true => hunt(options, seed).map(ends),
        false => Hunt::new(options, seed).and_then(Hunt::run),
    };
    exit.unwrap_or_else(|error| {
        eprintln!("the hunt is broken off: {error}");
        Exit::Bad
    })
}

/// A hunt, seen by its supervisor.
struct Hunt<'a> {
    options: &'a Options,
    seed: u64,
    board: Board,
    began: Instant,
    stop: Arc<AtomicBool>,
    progress: ProgressBar,
    /// The first of each rule.
    found: Vec<Kept>,
    /// Something could not be kept.
    lost: bool,
}

/// A finding that is on disk.
struct Kept {
    sighting: Sighting,
    case: Case,
    /// How it was found.
    how: String,
}

impl<'a> Hunt<'a> {
    fn new(options: &'a Options, seed: u64) -> io::Result<Self> {
        let (name, length) = (options.subject.name(), options.length);
        files::ready(&options.json)?;
        files::takes(&options.findings)?;
        println!("seed {seed}, subject {name}, sequences of {length} ops");
        let stop = stopped_by_ctrl_c("without a summary");
        let (board, progress) = (Board::new()?, ProgressBar::new_spinner());
        let (began, found) = (Instant::now(), Vec::new());
        Ok(Hunt { options, seed, board, began, stop, progress, found, lost: false })
    }

    /// One hunter after the other, as long as something ends them.
    fn run(mut self) -> io::Result<Exit> {
        Tally::default().write(&self.board)?;
        while let Some(sighting) = self.watch()? {
            let mut tally = Tally::on(&self.board)?;
            self.found(Find { number: tally.sequences, sighting });
            tally.sequences += 1;
            tally.write(&self.board)?;
            if !self.options.keep_going || self.is_over() {
                break;
            }
        }
        self.progress.finish_and_clear();
        let (tally, took) = (Tally::on(&self.board)?, self.began.elapsed());
        self.sum_up(tally, took)?;
        for Kept { sighting, case, how } in &self.found {
            // What hangs takes too long to be made smaller here.
            if !self.options.as_found && sighting.oracle != HANG {
                self.keep_smaller(case, how);
            }
        }
        let words = tally.words(took);
        match self.found.len() {
            0 => println!("nothing found: {words}"),
            1 => println!("broke one rule: {words}"),
            rules => println!("broke {rules} rules: {words}"),
        }
        if self.lost {
            return Ok(Exit::Bad);
        }
        if !self.found.is_empty() {
            return Ok(Exit::Found);
        }
        let limited = self.options.time.is_some() || self.options.ops.is_some();
        let stopped = limited && self.stop.load(Ordering::Relaxed) && !self.is_late();
        Ok(if stopped { Exit::Interrupted } else { Exit::Clean })
    }

    /// Watches a hunter to its end. What ended it, if neither it nor the supervisor did.
    fn watch(&mut self) -> io::Result<Option<Sighting>> {
        let drawn = self.options.seed.is_none().then_some(self.seed);
        let mut hunter = Hunter::start("ops", drawn, &self.board)?;
        let mut patience = Patience::new(self.options.patience);
        // What the hunter was at when the time was up. That may hang, so it is let come to its end.
        let mut last = None;
        loop {
            match hunter.news()? {
                News::Line(line) => match serde_json::from_str(&line) {
                    Ok(find) => self.found(find),
                    // The map under test may talk.
                    Err(_) if !line.is_empty() => println!("{line}"),
                    Err(_) => {}
                },
                News::Nap => {
                    let tally = Tally::on(&self.board)?;
                    self.progress.set_message(tally.words(self.began.elapsed()));
                    self.progress.tick();
                    let is_done =
                        self.is_late() && *last.get_or_insert(tally.sequences) != tally.sequences;
                    if is_done || self.stop.load(Ordering::Relaxed) {
                        // It may have found something just now.
                        let finds = hunter.end().into_iter();
                        finds
                            .filter_map(|line| serde_json::from_str(&line).ok())
                            .for_each(|find| self.found(find));
                        return Ok(None);
                    }
                    if patience.is_out(tally.sequences) {
                        let seconds = self.options.patience.as_secs_f64();
                        let detail = format!("the run has not come to an end in {seconds} s");
                        return Ok(Some(Sighting::of_a_hang(detail)));
                    }
                }
                News::Ended(Exit::Bad) => return Err(io::Error::other("the hunter cannot hunt")),
                News::Ended(_) => return Ok(None),
                News::Gone(status) => return Ok(Some(ended_by(status))),
            }
        }
    }

    fn is_late(&self) -> bool {
        self.options.time.is_some_and(|time| self.began.elapsed() >= time)
    }

    fn is_over(&self) -> bool {
        self.is_late() || self.stop.load(Ordering::Relaxed)
    }

    /// Keeps a finding, if it is the first that breaks its rule.
    fn found(&mut self, Find { number, sighting }: Find) {
        let Sighting { oracle, rule, .. } = &sighting;
        let is_known =
            |Kept { sighting: known, .. }: &Kept| known.oracle == *oracle && known.rule == *rule;
        if self.found.iter().any(is_known) {
            return;
        }
        let mut case = Case::default();
        generate(self.options, self.seed, number, &mut case);
        let how = format!("found by: {}", self.again(number));
        let head = format!("sequence {number}:\n");
        let folder = self.options.findings.clone();
        self.lost |= !self.keep(&folder, "as found", &case, &sighting, (&head, &how));
        self.found.push(Kept { sighting, case, how });
    }

    /// Writes what it came to for programs.
    fn sum_up(&self, tally: Tally, took: Duration) -> io::Result<()> {
        let rule = |Kept { sighting: Sighting { oracle, rule, .. }, .. }: &Kept| {
            format!("{oracle}: {rule}")
        };
        let summary = Summary {
            found: self.found.first().map(rule),
            ..Summary::new(tally.sequences, tally.ops, took, None)
        };
        summary.write(self.options.json.as_deref())
    }

    /// How to find it again.
    fn again(&self, number: u64) -> String {
        let Options { subject, mix, length, keep_going, .. } = self.options;
        let mix = match *mix == Mix::default() {
            true => String::new(),
            false => format!(" --mix {}", word(mix)),
        };
        let seed = self.seed;
        // It need not be the first.
        let on = if *keep_going { " --keep-going" } else { "" };
        format!(
            "{} ops --subject {subject}{mix} --seed {seed} --length {length}{on}  # sequence {number}",
            command()
        )
    }

    /// Keeps a case, and then tells of it: to tell may be the end of us. False if it could not be kept.
    fn keep(
        &self,
        folder: &Path,
        what: &str,
        case: &Case,
        seen: &Sighting,
        (head, how): (&str, &str),
    ) -> bool {
        let message = &seen.message;
        let kept = finding::keep_as(folder, case, &seen.oracle, &format!("{message}\n{how}"));
        self.progress.suspend(|| println!("{head}{message}"));
        let go_on = |path: &Path| {
            let replay = replaying_on(self.options.subject.name(), false, quoted(path));
            format!("{what}: {}\nreplay: {replay}", Size::of(case))
        };
        told(kept, folder, go_on, case)
    }

    /// Keeps a smaller case that fails as this one does with every check, if there is one: where triage keeps its own, as it is no
    /// other finding.
    fn keep_smaller(&self, case: &Case, how: &str) {
        match self.shrink(case) {
            Ok(Some(small)) if small.case != *case => {
                let folder = self.options.findings.join(KEPT);
                // If there is no room for it, it says so.
                let _ = self.keep(&folder, "smaller", &small.case, &small.sighting, ("", how));
            }
            Ok(Some(_)) => {}
            Ok(None) => println!("it passes when it is run alone"),
            Err(error) => eprintln!("no process to make it smaller in: {error}"),
        }
    }

    fn shrink(&self, case: &Case) -> io::Result<Option<Minimal>> {
        let lab = Lab::new(self.options.subject);
        let Came::Failed(seen) = Worker::start()?.run(lab, case, Look::Once)? else {
            return Ok(None);
        };
        let settings = Settings { stop: &self.stop, limit: Some(SHRINK), better: &|_, _, _| {} };
        minimise_in_workers(lab, case, &seen, Verdict::STABLE, None, &settings).map(Some)
    }
}
