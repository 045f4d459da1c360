//! `cargo models replay FILE…`: a case, as text or as bytes, once more.

use super::Exit;
use crate::case::{Case, Expectation};
use crate::input;
use crate::property::Checks;
use crate::subjects::Subject;
use std::path::{Path, PathBuf};

/// What to replay and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Cases: `.case` files, or inputs of any fuzz target (seeds, corpus, crash files).
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

/// The case a file holds: text if it is called `.case` or begins like one, else bytes.
///
/// # Errors
/// What is wrong with the file, in one line without its name.
pub fn load(path: &Path) -> Result<Case, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let is_case = path.extension().is_some_and(|extension| extension == "case");
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
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("case "))
}

fn one(options: &Options, path: &Path) -> Exit {
    let name = path.display();
    let case = match load(path) {
        Ok(case) => case,
        Err(error) => {
            eprintln!("{name}: {error}");
            return Exit::Bad;
        }
    };
    if !case.is_sequential() {
        eprintln!("{name}: the case has {} threads; `replay` runs one", case.threads.len());
        return Exit::Bad;
    }
    if options.show {
        println!("{case}");
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
