//! What an engine found, on disk and then told.
//!
//! # Checked by
//! `tests/catalogue.rs`, `tests/command_line.rs`.

use super::brief::brief;
use crate::case::Case;
use crate::command::{command, quoted, replaying};
use crate::engines::Found;
use crate::engines::threads::Failure;
use crate::finding;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a finding into `folder` and says so, with how it came about and the line with the command that found it; false if it
/// could not be written.
pub(super) fn keep(
    folder: &Path,
    name: &str,
    case: &Case,
    found: &Found,
    (how, found_by): (&str, &str),
) -> bool {
    let case = Case { schedule: found.schedule.clone(), ..case.clone() };
    let mut story = format!("scenario {name}, {how}\n");
    for link in &found.chain {
        story += &format!("chain: {link}\n");
    }
    story += found_by;
    let kept = finding::keep(folder, &case, &found.finding, &story);
    let message = found.finding.to_string();
    let message = match &kept {
        Ok(file) => brief(&message, &replaying(format_args!("--show {}", quoted(file)))),
        // It is nowhere else.
        Err(_) => message,
    };
    println!("{name}:\n{message}\n{story}");
    told(kept, folder, again, &case)
}

/// The same for what real threads did: their history.
pub(super) fn keep_history(folder: &Path, name: &str, failure: &Failure) -> bool {
    let kept = failure.keep(folder);
    println!("{name}:\n{failure}");
    let again = |path: &Path| format!("judge it again: {}", replaying(quoted(path)));
    told(kept, folder, again, &failure.history)
}

/// How to go on with a case whose story tells of its map.
pub(super) fn again(file: &Path) -> String {
    let file = quoted(file);
    format!("replay: {}\ntriage: {} triage {file}", replaying(&file), command())
}

/// Says how to go on with what was kept; if it was not, all of it: it must not be lost for want of a folder. False then.
pub(super) fn told(
    kept: io::Result<PathBuf>,
    folder: &Path,
    go_on: impl FnOnce(&Path) -> String,
    what: &dyn Display,
) -> bool {
    match &kept {
        Ok(path) => println!("{}", go_on(path)),
        Err(error) => {
            eprintln!("cannot write to {}: {error}; it follows\n{what}", folder.display());
        }
    }
    kept.is_ok()
}
