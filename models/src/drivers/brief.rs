//! A finding in a terminal: of a long history, what helps.
//!
//! The file that it is kept in has all of it, and so has `replay --show`.
//!
//! # Checked by
//! `tests/plug_in.rs`.

use crate::history::History;
use crate::triage::sighting;

/// A history with more calls is cut to the last so many that are about the key.
const CALLS_MAX: usize = 12;

/// What went wrong and the rule; then the history, if there is one. `whole`: the command that prints all of it.
pub(super) fn brief(message: &str, whole: &str) -> String {
    let Some((said, history, rule)) = parts(message) else { return message.to_string() };
    let all = history.operations().len();
    if all <= CALLS_MAX {
        return format!("{said}\nrule: {rule}\n{history}").trim_end().to_string();
    }
    let last = history.last(key(said), CALLS_MAX);
    let left = all - last.operations().len();
    format!("{said}\nrule: {rule}\n{last}{left} calls left out: {whole} prints all")
}

/// A message's parts: what was seen, the history, the rule.
fn parts(message: &str) -> Option<(&str, History, &str)> {
    let (detail, rule) = message.rsplit_once("\nrule: ")?;
    let (said, _) = detail.split_once("\nhistory ")?;
    Some((said, sighting::history(detail)?, rule))
}

/// The key whose ops are said to have no order.
fn key(said: &str) -> Option<u16> {
    let (_, rest) = said.split_once("the ops on k")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
