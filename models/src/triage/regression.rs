//! Regressions: a minimal case with its story, under the next number.
//!
//! The story says what the case provokes, what was seen, when and how it was found, and how to run it again. What the
//! cause was is for whoever finds it to add.
//!
//! # Checked by
//! `tests/triage.rs`; `tests/corpus.rs` replays what is there.

use super::intake::map_of;
use super::minimise::Size;
use super::store::Record;
use crate::case::{Case, Expectation};
use crate::command::{quoted, replaying_on};
use crate::files;
use std::io;
use std::path::{Path, PathBuf};

/// Writes `<nnnn>-<slug>.case` into `folder`; returns the file. The file is complete or not there, and replaces no other;
/// a case of this bug, on this map, that is there already and `fails` now is left as it is. One that passes is of a cause
/// that was mended.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn write(folder: &Path, record: &Record, fails: impl Fn(&Case) -> bool) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let slug = record.signature.slug();
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((number, rest)) = name.split_once('-') else { continue };
        if rest == format!("{slug}.case") && of(&path, record).is_some_and(|case| fails(&case)) {
            return Ok(path);
        }
        numbers.extend(number.parse::<u32>());
    }
    let next = numbers.into_iter().max().unwrap_or(0) + 1;
    for number in next.. {
        let path = folder.join(format!("{number:04}-{slug}.case"));
        let kept = told(record, &path)?;
        if files::create(&path, kept.to_string().as_bytes())? {
            return Ok(path);
        }
    }
    unreachable!("some number is free")
}

/// The smallest case of a record with its story, as it stands in this file.
///
/// # Errors
/// When the record's case cannot be read.
pub fn told(record: &Record, path: &Path) -> io::Result<Case> {
    let case = record.smallest().map_err(io::Error::other)?;
    Ok(Case { story: story(&case, record, path), expect: Expectation::Pass, ..case })
}

/// The case in a file, if it is of the record's bug. Two maps that fail alike have two bugs.
fn of(path: &Path, record: &Record) -> Option<Case> {
    let case = Case::parse(&std::fs::read_to_string(path).ok()?).ok()?;
    let (name, seen) =
        (format!("{} · ", record.signature.head()), format!("seen: {}: ", record.signature.oracle));
    let is_of_the_bug = case.story.iter().any(|line| line.starts_with(&name))
        && case.story.iter().any(|line| line.starts_with(&seen));
    (is_of_the_bug && map_of(path, &case) == record.subject).then_some(case)
}

fn story(case: &Case, record: &Record, path: &Path) -> Vec<String> {
    let (first, _) = record.seen();
    let day = first.split('T').next().unwrap_or(first);
    let how = record.occurrences.iter().find_map(|one| one.found_by.clone());
    let mut story = vec![record.name.clone(), provokes(case, record)];
    let mut seen = record.sighting.message.lines().filter(|line| !line.trim().is_empty());
    story.extend(seen.next().map(|line| format!("seen: {line}")));
    story.push(format!("rule: {}", record.sighting.rule_told()));
    story.push(format!("found: {day}{}", how.map_or(String::new(), |how| format!(", {how}"))));
    story.push(format!("replay: {}", replay(record, path)));
    story
}

/// What a case provokes, in a sentence.
fn provokes(case: &Case, record: &Record) -> String {
    let [failed, damage] = &record.signature.pair;
    let size = Size::of(case);
    let when = match record.signature.phase {
        super::signature::Phase::Unknown => String::new(),
        phase => format!(", phase {}", phase.name()),
    };
    let times = record.occurrences.len();
    let often = if times == 1 { String::new() } else { format!(", found {times} times") };
    let what = match case.is_sequential() {
        true => {
            let article = if failed.starts_with(['a', 'e', 'i', 'o', 'u']) { "An" } else { "A" };
            format!("{article} {failed} goes wrong, {damage} is what it takes")
        }
        // Whose op it is that goes wrong is chance.
        false => format!("{failed} against {damage}"),
    };
    format!("{what}{when}: {size}{often}.")
}

/// The command that runs it again.
pub fn replay(record: &Record, path: &Path) -> String {
    let has_several = record.smallest().is_ok_and(|case| !case.is_sequential());
    replaying_on(&record.subject, has_several, quoted(path))
}
