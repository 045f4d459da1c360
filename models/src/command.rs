//! What a user types to have this program do something.
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/plug_in.rs`.

use crate::subjects::Subject;
use std::fmt::Display;
use std::path::Path;
use std::sync::OnceLock;

/// What starts this program, if that is not `cargo models`.
static COMMAND: OnceLock<String> = OnceLock::new();

/// This program is another, which was started by this name.
pub(crate) fn started_as(name: String) {
    let _ = COMMAND.set(name);
}

/// What a user types before the verb.
pub fn command() -> &'static str {
    COMMAND.get().map_or("cargo models", String::as_str)
}

/// A path as a shell takes it, and a command that has options.
pub fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let path = if path.starts_with('-') { format!("./{path}") } else { path };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_./=+-".contains(letter);
    match !path.is_empty() && path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

/// The command that runs what a file holds again, which names its map.
pub fn replaying(file: impl Display) -> String {
    format!("{} replay {file}", command())
}

/// The same of a file that need not: a case with several threads, or one, on the map with this name.
pub fn replaying_on(map: &str, has_several: bool, file: impl Display) -> String {
    match Subject::named(map) {
        Some(subject) => format!("{} replay{} {file}", command(), subject.flag(has_several)),
        // The map is another program's.
        None => format!("YOUR-PROGRAM replay --subject {map} {file}"),
    }
}
