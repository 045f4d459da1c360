//! What can be triaged: cases, libFuzzer's artifacts, folders of them.
//!
//! A folder is searched to the bottom; what hides behind a dot, what triage itself wrote, and the histories of real threads,
//! which `replay` judges, are passed over. Every other file gets a case or a line that says why not.
//!
//! # Checked by
//! `tests/triage.rs`.

use super::Came;
use super::worker::Worker;
use crate::case::Case;
use crate::command::command;
use crate::coverage;
use crate::finding::fnv;
use crate::input::{self, threads};
use crate::subjects::Subject;
use sha1_smol::Sha1;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where hunters leave what they find.
pub const FINDINGS: &str = "findings";
/// Where cargo-fuzz does.
pub const ARTIFACTS: &str = "fuzz/artifacts";
/// The folder, within that of the findings, where triage keeps what it makes of them.
pub const KEPT: &str = "triage";
/// The fuzz targets. A folder that is called like one has inputs of it.
pub const TARGETS: [&str; 5] = ["ops", "iteration", "panics", CONCURRENT_OPS, "schedules"];
/// The one whose bytes are about another map than those of the others.
const CONCURRENT_OPS: &str = "concurrent_ops";

/// How the lines of a story begin that say on which map a case was found.
const ABOUT_THE_MAP: [&str; 3] = ["--subject ", "found by: ", "replay: "];

/// How libFuzzer's artifacts begin.
const PREFIXES: [&str; 6] =
    ["crash-", "leak-", "timeout-", "oom-", "slow-unit-", "minimized-from-"];

/// A case to be looked at.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Where it came from.
    pub path: PathBuf,
    /// What is in it.
    pub case: Case,
    /// The map to run it on.
    pub subject: Subject,
    /// Nothing says that it is this one.
    pub is_guess: bool,
    /// The same for the same file.
    pub digest: String,
    /// When the file was written.
    pub found: SystemTime,
}

/// All files under these paths, in order, each once; and those that are not there.
pub fn files(paths: &[PathBuf]) -> Vec<Result<PathBuf, String>> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => folder(path, &mut files),
            false => files.push(Ok(path.clone())),
        }
    }
    let mut known = HashSet::new();
    let place = |path: &PathBuf| path.canonicalize().unwrap_or(path.clone());
    files.retain(|file| file.as_ref().map_or(true, |path| known.insert(place(path))));
    files
}

fn folder(path: &Path, files: &mut Vec<Result<PathBuf, String>>) {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return files.push(Err(format!("{}: {error}", path.display()))),
    };
    let mut inside: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Runs keep beside their findings what they have covered, and what was said.
        let is_beside = name.starts_with(coverage::FILE) || name.ends_with(".log");
        if name.starts_with('.') || name == "README.md" || is_beside {
            continue;
        }
        match path.is_dir() {
            true if name == KEPT => {}
            true => folder(&path, files),
            false if is_history(&path) => {}
            false => files.push(Ok(path)),
        }
    }
}

/// Reads a file. `subject` if the map is given, else what the file or its place says.
///
/// # Errors
/// Why it is nothing to triage, in one line with the file's name.
pub fn read(path: &Path, subject: Option<Subject>) -> Result<Intake, String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| named(error.to_string()))?;
    let written = std::fs::metadata(path).and_then(|about| about.modified());
    if let Some(error) = foreign(path, &bytes) {
        return Err(named(error));
    }
    let case = case(path, &bytes).map_err(named)?;
    Ok(Intake {
        is_guess: subject.is_none() && is_anybodys(path, &bytes),
        subject: subject.map_or_else(|| subject_of(path, &case), Ok).map_err(named)?,
        path: path.to_path_buf(),
        case,
        digest: format!("{:016x}", fnv(&bytes)),
        found: written.unwrap_or(SystemTime::UNIX_EPOCH),
    })
}

/// The case that a file holds: see [`case()`]. What is surely none is refused.
///
/// # Errors
/// What is wrong with the file, in one line without its name.
pub fn load(path: &Path) -> Result<Case, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    foreign(path, &bytes).map_or_else(|| case(path, &bytes), Err)
}

/// The case in the bytes of a file: text if it is called `.case` or begins like one, else bytes. Bytes of the target
/// `schedules` that find something, which a worker sees, give the case with the schedule that does.
///
/// # Errors
/// What is wrong with them, in one line without the file's name.
pub fn case(path: &Path, bytes: &[u8]) -> Result<Case, String> {
    if bytes.starts_with(threads::MAGIC) {
        let (mut case, _) = threads::decode(bytes);
        let came = Worker::start().and_then(|mut worker| worker.run_bytes(bytes));
        if let Came::Failed(sighting) = came.map_err(|error| error.to_string())? {
            sighting.reschedule(&mut case);
        }
        return Ok(case);
    }
    match std::str::from_utf8(bytes) {
        _ if !is_case(path, bytes) => Ok(input::decode(bytes)),
        Ok(text) => Case::parse(text).map_err(|error| error.to_string()),
        Err(_) => Err("a case is text in UTF-8, this is not".to_string()),
    }
}

/// Is it meant to be a case as text?
fn is_case(path: &Path, bytes: &[u8]) -> bool {
    path.extension().is_some_and(|extension| extension == "case")
        || std::str::from_utf8(bytes).is_ok_and(|text| begins_with(text, "case "))
}

/// Are these bytes an input of a fuzz target, and nothing says of which?
pub fn is_anybodys(path: &Path, bytes: &[u8]) -> bool {
    !is_case(path, bytes) && !bytes.starts_with(threads::MAGIC) && target(path).is_none()
}

/// What is to be said of one that was taken for an input of this map.
pub fn guessed(path: &Path, subject: Subject) -> String {
    format!("{}: taken for an input of {subject}; --subject names another map", path.display())
}

/// The fuzz target that the folder of a file is called after.
fn target(path: &Path) -> Option<&str> {
    let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
    folder.filter(|folder| TARGETS.contains(folder))
}

/// The text of a history, if these bytes are one.
pub fn history(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| begins_with(text, "history "))
}

fn is_history(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "txt")
        && std::fs::read(path).is_ok_and(|bytes| history(&bytes).is_some())
}

fn begins_with(text: &str, word: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with(word))
}

/// Why these bytes are no case, if they surely are not: every byte string is a fuzz input, so the name has to tell, or they are lines
/// of text where no fuzzer has put them.
pub fn foreign(path: &Path, bytes: &[u8]) -> Option<String> {
    const EXPECTED: &str = "expected a `.case` or a libFuzzer artifact (crash-…, no extension)";
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if bytes.is_empty() {
        // libFuzzer tries no bytes first, and names what it finds by its digest.
        let expected = match path.extension() {
            Some(extension) if extension == "case" => "line 1: expected `case 1`",
            _ => EXPECTED,
        };
        let is_artifact = name.ends_with(&Sha1::new().digest().to_string());
        return (!is_artifact).then(|| format!("{expected}, found an empty file"));
    }
    // A corpus has digests for names.
    let is_digest = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    match path.extension().and_then(OsStr::to_str) {
        Some("case") => None,
        _ if std::str::from_utf8(bytes).is_ok_and(|text| begins_with(text, "case ")) => None,
        None if target(path).is_some() => None,
        None => lines(bytes).map(|line| format!("{EXPECTED}, found a text that begins `{line}`")),
        Some("txt") if history(bytes).is_some() => {
            Some(format!("a history is judged by `{} replay`; {EXPECTED}", command()))
        }
        Some(other) => Some(format!("{EXPECTED}, found a file called .{other}")),
    }
}

/// The first of some lines of text, if that is what these bytes are.
fn lines(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_text = |letter: char| !letter.is_control() || letter.is_whitespace();
    let (line, _) = text.split_once('\n').filter(|_| text.chars().all(is_text))?;
    Some(line.trim_end())
}

/// The map that a case was found on: as a line of its story says that is about that, or its fuzz target's; else the usual one.
///
/// # Errors
/// That this program has no map of that name.
pub fn subject_of(path: &Path, case: &Case) -> Result<Subject, String> {
    Subject::known(&map_of(path, case))
}

/// The name of that map.
pub(super) fn map_of(path: &Path, case: &Case) -> String {
    let is_about_it = |line: &&String| ABOUT_THE_MAP.iter().any(|word| line.starts_with(word));
    let lines = case.story.iter().filter(is_about_it);
    let mut commands = lines.filter_map(|line| line.split_once("--subject "));
    match commands.find_map(|(_, rest)| rest.split_whitespace().next()) {
        Some(name) => name.to_string(),
        None if target(path) == Some(CONCURRENT_OPS) => Subject::CONCURRENT.to_string(),
        None => Subject::usual(!case.is_sequential()).to_string(),
    }
}
