//! What triage keeps: a record for each bug, with its smallest case and every occurrence.
//!
//! Records are JSON files in a folder of their own. A record is written whole under another name and then renamed, so it is
//! the old one or the new one at every moment; a lock keeps two triages from losing each other's counts.
//!
//! # Checked by
//! `tests/triage.rs`, `tests/killed.rs`.

use super::edit::weight;
use super::minimise::Size;
use super::regression;
use super::sighting::Sighting;
use super::signature::Signature;
use super::verdict::Verdict;
use crate::case::Case;
use crate::files;
use crate::finding::fnv;
use crate::subjects::Subject;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The version this code writes and reads.
const VERSION: u32 = 1;

/// A failing case that was brought to triage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The file.
    pub file: String,
    /// The same for the same contents.
    pub digest: String,
    /// When it was found, in RFC 3339.
    pub found: String,
    /// How it was found, if the file says.
    pub found_by: Option<String>,
    /// How often it failed.
    pub verdict: Verdict,
    /// As it was found.
    pub raw: Size,
    /// What minimising left.
    pub minimal: Size,
    /// How long that took.
    pub seconds: f64,
    /// How many cases were tried.
    pub tried: u64,
}

/// All that is known of a bug.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The signature of its smallest case.
    pub signature: Signature,
    /// The signature in words.
    pub name: String,
    /// The map it was seen on.
    pub subject: String,
    /// The smallest case, as text.
    pub case: String,
    /// What is seen of it.
    pub sighting: Sighting,
    /// Every failing case of this bug, oldest first.
    pub occurrences: Vec<Occurrence>,
}

impl Record {
    /// Of one occurrence.
    pub fn new(subject: String, case: &Case, sighting: Sighting, occurrence: Occurrence) -> Record {
        let signature = Signature::of(case, &sighting);
        Record {
            version: VERSION,
            name: signature.to_string(),
            signature,
            subject,
            case: case.to_string(),
            sighting,
            occurrences: vec![occurrence],
        }
    }

    /// The smallest case.
    ///
    /// # Errors
    /// What is wrong with its text.
    pub fn smallest(&self) -> Result<Case, String> {
        Case::parse(&self.case).map_err(|error| error.to_string())
    }

    /// The name of its files, without extension.
    pub fn stem(&self) -> String {
        // Two maps that fail alike have two bugs.
        let on = if self.subject == Subject::MAP.name() { "" } else { &self.subject };
        let hash = fnv(format!("{}{on}", self.signature.bug()).as_bytes()) as u32;
        format!("{}-{hash:08x}", self.signature.slug())
    }

    /// When it was first and last found.
    pub fn seen(&self) -> (&str, &str) {
        let mut times: Vec<&str> = self.occurrences.iter().map(|one| one.found.as_str()).collect();
        times.sort_unstable();
        (times.first().unwrap_or(&""), times.last().unwrap_or(&""))
    }

    /// Runs in which its case fails again: as many as the flakiest of its cases needs.
    pub fn runs_to_fail(&self) -> usize {
        self.occurrences.iter().map(|one| one.verdict.runs_to_fail()).max().unwrap_or(1)
    }

    /// Takes in another record of the bug, whose case was just seen to fail. The known one stays if it is smaller and `fails`,
    /// too: it may be of another cause, which was mended.
    fn join(&mut self, other: Record, fails: impl FnOnce(&Record) -> bool) {
        let is_smaller = match (self.smallest(), other.smallest()) {
            (Ok(mine), Ok(theirs)) => mine != theirs && weight(&mine) <= weight(&theirs),
            _ => false,
        };
        if !(is_smaller && fails(self)) {
            (self.signature, self.name) = (other.signature, other.name);
            (self.case, self.sighting, self.subject) = (other.case, other.sighting, other.subject);
        }
        for occurrence in other.occurrences {
            match self.occurrences.iter_mut().find(|known| known.digest == occurrence.digest) {
                Some(known) => *known = occurrence,
                None => self.occurrences.push(occurrence),
            }
        }
        self.occurrences.sort_by(|a, b| (&a.found, &a.file).cmp(&(&b.found, &b.file)));
    }
}

/// The folder with the records.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

impl Store {
    /// In this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Store {
        Store(folder.into())
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Adds a record, whose case was just seen to fail, to what is known of its bug; returns all of that. `fails`: does a known
    /// record's case fail now?
    ///
    /// # Errors
    /// When the folder cannot be written, or what is known not be read: that is left as it is.
    pub fn add(&self, record: Record, fails: impl FnOnce(&Record) -> bool) -> io::Result<Record> {
        let _lock = self.lock()?;
        let path = self.0.join(record.stem()).with_extension("json");
        let all = match read(&path) {
            Ok(mut known) => {
                known.join(record, fails);
                known
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => record,
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
            }
        };
        files::replace(&path, serde_json::to_string_pretty(&all)?.as_bytes())?;
        let path = self.case(&all);
        files::replace(&path, regression::told(&all, &path)?.to_string().as_bytes())?;
        Ok(all)
    }

    /// Nobody else adds anything, here or to the regressions, while this is there.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn lock(&self) -> io::Result<File> {
        std::fs::create_dir_all(&self.0)?;
        let lock = File::create(self.0.join(".lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// The file with a record's smallest case and its story.
    pub fn case(&self, record: &Record) -> PathBuf {
        self.0.join(record.stem()).with_extension("case")
    }

    /// The page of a record.
    pub fn page(&self, record: &Record) -> PathBuf {
        self.0.join(record.stem()).with_extension("html")
    }

    /// Every record, and a line for each file that is none. No folder is no record.
    pub fn records(&self) -> (Vec<Record>, Vec<String>) {
        let (mut records, mut errors) = (Vec::new(), Vec::new());
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    errors.push(format!("{}: {error}", self.0.display()));
                }
                return (records, errors);
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        for path in paths {
            match read(&path) {
                Ok(record) => records.push(record),
                Err(error) => errors.push(format!("{}: {error}", path.display())),
            }
        }
        (records, errors)
    }
}

fn read(path: &Path) -> io::Result<Record> {
    let record: Record = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    match record.version {
        VERSION => Ok(record),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("expected version {VERSION}, the only one this program reads, found {other}"),
        )),
    }
}
