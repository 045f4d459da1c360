//! `cargo models replay FILE…`: a case, as text or as bytes, once more; a history, judged again.
//!
//! Cases run in a worker, so that one which kills its process, or never ends, can be told of, and the next file is read.
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/crashes.rs`.

use super::Exit;
use super::brief::brief;
use crate::case::{Case, Expectation};
use crate::command::{quoted, replaying};
use crate::history::History;
use crate::input::threads;
use crate::oracles::linearizability::Budget;
use crate::oracles::{Objection, whole_map};
use crate::subjects::{Shared, Subject};
use crate::triage::intake::{case, foreign, guessed, history, is_anybodys, subject_of};
use crate::triage::lab::{self, Lab, Look};
use crate::triage::worker::{Worker, located};
use crate::triage::{Came, Sighting};
use std::io;
use std::path::{Path, PathBuf};

/// What to replay and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Cases: `.case` files, or inputs of any fuzz target (seeds, corpus, crash files). Histories.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The map under test (else: the one that the file or its folder names).
    #[arg(long)]
    pub subject: Option<Subject>,
    /// Print each case as text first, and all of a finding's history.
    #[arg(long)]
    pub show: bool,
    /// Run in this process, for a debugger.
    #[arg(long)]
    pub in_process: bool,
}

/// Replays every file.
pub fn drive(options: &Options) -> Exit {
    options.files.iter().map(|path| one(options, path)).max().unwrap_or(Exit::Bad)
}

/// Judges a history. What becomes of the map's own failures (a panic, a stall) is not in it.
fn judge(path: &Path, text: &str) -> Result<Exit, String> {
    let name = path.display();
    let history = History::parse(text).map_err(|error| error.to_string())?;
    Ok(match (whole_map::judge(&history, Budget::default()), &history.expect) {
        (Ok(unknown), Expectation::Pass) => {
            let ops = history.operations().len();
            println!("{name}: passes ({ops} ops, {unknown} questions over the budget)");
            Exit::Clean
        }
        (Ok(_), Expectation::Finding(oracle)) => {
            println!("{name}: passes, but {oracle} was expected to object");
            Exit::Found
        }
        (Err(objection), expect) => {
            let Objection { oracle, rule, detail, .. } = &*objection;
            let expected = *expect == Expectation::Finding(oracle.to_string());
            let comment =
                if expected { format!(" {oracle} objects, as expected") } else { String::new() };
            println!("{name}:{comment}\n{oracle}: {detail}\nrule: {rule}");
            if expected { Exit::Clean } else { Exit::Found }
        }
    })
}

fn one(options: &Options, path: &Path) -> Exit {
    again(options, path).unwrap_or_else(|error| {
        eprintln!("{}: {error}", path.display());
        Exit::Bad
    })
}

fn again(options: &Options, path: &Path) -> Result<Exit, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    if let Some(text) = history(&bytes) {
        return judge(path, text);
    }
    if let Some(why) = foreign(path, &bytes) {
        return Err(why);
    }
    // These are run as the target runs them.
    let is_schedules = bytes.starts_with(threads::MAGIC);
    let has_programs = |map: Subject| matches!(map.shared(), Some(Shared::Program));
    if let Some(map) = options.subject.filter(|map| is_schedules && !has_programs(*map)) {
        return Err(format!("an input of `schedules` is for ConcurrentMap, not for {map}"));
    }
    let case = match is_schedules {
        true => threads::decode(&bytes).0,
        false => case(path, &bytes)?,
    };
    if options.show {
        println!("{case}");
    }
    if is_schedules {
        let came = match options.in_process {
            true => lab::run_bytes(&bytes),
            false => in_a_worker(|worker| worker.run_bytes(&bytes)),
        };
        return Ok(told(options, &case, path, Subject::CONCURRENT, came));
    }
    let lab = Lab::new(options.subject.map_or_else(|| subject_of(path, &case), Ok)?);
    if options.subject.is_none() && is_anybodys(path, &bytes) {
        eprintln!("{}", guessed(path, lab.subject));
    }
    let came = match options.in_process {
        true => lab::run(lab, &case, Look::Once),
        false => in_a_worker(|worker| {
            worker.run(lab, &case, Look::Once).and_then(|came| located(lab, &case, came))
        }),
    };
    let on = match case.is_sequential() || !has_programs(lab.subject) {
        true => lab.subject,
        false => Subject::CONCURRENT,
    };
    Ok(told(options, &case, path, on, came))
}

fn in_a_worker(run: impl FnOnce(&mut Worker) -> io::Result<Came>) -> Came {
    let came = Worker::heard().and_then(|mut worker| run(&mut worker));
    came.unwrap_or_else(|error| Came::Unfit(error.to_string()))
}

/// Says what became of a case, and `on` which map.
fn told(options: &Options, case: &Case, path: &Path, on: Subject, came: Came) -> Exit {
    let name = format!("{} on {on}", path.display());
    let said = |message: String| {
        let map = options.subject.map_or(String::new(), |map| map.flag(!case.is_sequential()));
        match options.show {
            true => message,
            false => {
                let again = format_args!("--show{map} {}", quoted(path));
                brief(&message, &replaying(again))
            }
        }
    };
    match (came, &case.expect) {
        (Came::Unfit(why), _) => {
            eprintln!("{}: {why}", path.display());
            Exit::Bad
        }
        (Came::Passed(how), Expectation::Pass) => {
            println!("{name}: passes ({how})");
            Exit::Clean
        }
        (Came::Passed(how), Expectation::Finding(oracle)) => {
            println!("{name}: passes ({how}), but {oracle} was expected to object");
            Exit::Found
        }
        (Came::Failed(sighting), Expectation::Finding(oracle)) if sighting.oracle == *oracle => {
            println!("{name}: {oracle} objects, as expected\n{}", said(sighting.message));
            Exit::Clean
        }
        (Came::Failed(sighting), _) => {
            let Sighting { op, at, message, .. } = *sighting;
            let message = said(message);
            match op {
                Some(_) if case.is_sequential() => {
                    println!("{name}: {at} of {} ops\n{message}", case.ops().len());
                }
                _ => println!("{name}: found something\n{message}"),
            }
            Exit::Found
        }
    }
}
