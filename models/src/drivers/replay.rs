//! `cargo models replay FILE…`: a case, as text or as bytes, once more; a history, judged again.

use super::fuzz::schedules;
use super::{Exit, run};
use crate::case::{Case, Expectation};
use crate::engines::Report;
use crate::engines::shuttle::THREADS_MAX;
use crate::history::History;
use crate::input::{self, threads};
use crate::oracles::linearizability::Budget;
use crate::oracles::{Objection, whole_map};
use crate::property::Checks;
use crate::subjects::Subject;
use std::path::{Path, PathBuf};

/// What to replay and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Cases: `.case` files, or inputs of any fuzz target (seeds, corpus, crash files). Histories.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The map under test.
    #[arg(long, value_enum, default_value_t)]
    pub subject: Subject,
    /// Print each case as text first.
    #[arg(long)]
    pub show: bool,
}

/// Replays every file.
pub fn drive(options: &Options) -> Exit {
    options.files.iter().map(|path| one(options, path)).max().unwrap_or(Exit::Bad)
}

/// The case a file holds: text if it is called `.case` or begins like one, else bytes. Bytes of the target `schedules`
/// that find something give the case with the schedule that does.
///
/// # Errors
/// What is wrong with the file, in one line without its name.
pub fn load(path: &Path) -> Result<Case, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let is_case = path.extension().is_some_and(|extension| extension == "case");
    if bytes.starts_with(threads::MAGIC) {
        return Ok(schedules::case(&bytes));
    }
    match String::from_utf8(bytes) {
        Ok(text) if is_case || begins_like_a_case(&text) => {
            Case::parse(&text).map_err(|error| error.to_string())
        }
        Err(_) if is_case => Err("a case is text in UTF-8, this is not".to_string()),
        Ok(text) => Ok(input::decode(text.as_bytes())),
        Err(error) => Ok(input::decode(error.as_bytes())),
    }
}

fn begins_like_a_case(text: &str) -> bool {
    begins_with(text, "case ")
}

fn begins_with(text: &str, word: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with(word))
}

/// The text of a file that holds a history.
fn history(path: &Path) -> Option<String> {
    let text = String::from_utf8(std::fs::read(path).ok()?).ok()?;
    begins_with(&text, "history ").then_some(text)
}

/// Judges a history. What becomes of the map's own failures (a panic, a stall) is not in it.
fn judge(path: &Path, text: &str) -> Exit {
    let name = path.display();
    let history = match History::parse(text) {
        Ok(history) => history,
        Err(error) => {
            eprintln!("{name}: {error}");
            return Exit::Bad;
        }
    };
    match (whole_map::judge(&history, Budget::default()), &history.expect) {
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
    }
}

fn one(options: &Options, path: &Path) -> Exit {
    if let Some(text) = history(path) {
        return judge(path, &text);
    }
    let name = path.display();
    if let Ok(bytes) = std::fs::read(path)
        && bytes.starts_with(threads::MAGIC)
    {
        let (case, report) = schedules::execute(&bytes);
        if options.show {
            println!("{case}");
        }
        return told(&case, path, report, "by the schedule of its bytes");
    }
    let case = match load(path) {
        Ok(case) => case,
        Err(error) => {
            eprintln!("{name}: {error}");
            return Exit::Bad;
        }
    };
    if options.show {
        println!("{case}");
    }
    if !case.is_sequential() {
        return concurrent(&case, path);
    }
    match (options.subject.run(&case, Checks::Every), &case.expect) {
        (Ok(report), Expectation::Pass) => {
            println!(
                "{name}: passes ({} ops, {} growths, {} panics)",
                report.ops, report.growths, report.panics
            );
            Exit::Clean
        }
        (Ok(_), Expectation::Finding(oracle)) => {
            println!("{name}: passes, but {oracle} was expected to object");
            Exit::Found
        }
        (Err(finding), Expectation::Finding(oracle)) if finding.objection.oracle == oracle => {
            println!("{name}: {oracle} objects, as expected\n{finding}");
            Exit::Clean
        }
        (Err(finding), _) => {
            println!("{name}: {} of {} ops\n{finding}", finding.at, case.ops().len());
            Exit::Found
        }
    }
}

/// A case with several threads, on the concurrent map.
fn concurrent(case: &Case, path: &Path) -> Exit {
    let name = path.display();
    let threads = case.running().len();
    if threads > THREADS_MAX {
        eprintln!("{name}: the case has {threads} threads; `replay` runs at most {THREADS_MAX}");
        return Exit::Bad;
    }
    let report = run::again(case);
    let how = match case.schedule.len() {
        0 => format!("{} executions", report.executions),
        departures => format!("by its schedule of {departures} departures"),
    };
    told(case, path, report, &how)
}

/// Says what became of a case with several threads.
fn told(case: &Case, path: &Path, report: Report, how: &str) -> Exit {
    let name = path.display();
    match (report.found, &case.expect) {
        (None, Expectation::Pass) => {
            println!("{name}: passes ({how})");
            Exit::Clean
        }
        (None, Expectation::Finding(oracle)) => {
            println!("{name}: passes ({how}), but {oracle} was expected to object");
            Exit::Found
        }
        (Some(found), Expectation::Finding(oracle)) if found.finding.objection.oracle == oracle => {
            println!("{name}: {oracle} objects, as expected ({how})\n{}", found.finding);
            Exit::Clean
        }
        (Some(found), _) => {
            println!("{name}: found something ({how})\n{}", found.finding);
            Exit::Found
        }
    }
}
