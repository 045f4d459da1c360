//! What is known of each fault, on disk as soon as it is known.
//!
//! One file a fault, complete or not there. It counts for as long as the patch and all that is built with it are what
//! they were, hunters and oracles too; so a run that was interrupted goes on where it was, with the detectors that are missing.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::detector::{Attempt, Detector};
use super::patch::{Fault, Kind};
use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Goes that a detector is given before it is said not to find a fault, if all of them fail.
const MISSES: usize = 2;
/// The row of the map as it is.
pub const UNPATCHED: &str = "(unpatched)";

/// What is known of a fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The fault's name.
    pub slug: String,
    /// What it breaks.
    pub breaks: String,
    /// Is the concurrent map broken?
    pub concurrent: bool,
    /// What the results belong to: a hash of the patch and of what it is applied to.
    pub of: u64,
    /// The patch does not apply or build: what was said.
    pub broken: Option<String>,
    /// What the compiler warned of.
    pub warnings: Vec<String>,
    /// What triage calls it.
    #[serde(default)]
    pub signature: Option<String>,
    /// By detector, what each go came to.
    pub attempts: BTreeMap<String, Vec<Attempt>>,
}

impl Row {
    /// Nothing known yet; `source`: a hash of what the patch is applied to.
    pub fn new(fault: Option<&Fault>, source: u64) -> Row {
        let Some(fault) = fault else {
            return Row { slug: UNPATCHED.into(), of: source, ..Row::default() };
        };
        Row {
            slug: fault.slug.clone(),
            breaks: fault.breaks.clone(),
            concurrent: fault.kind == Some(Kind::Concurrent),
            of: crate::finding::fnv(fault.text.as_bytes()) ^ source,
            ..Row::default()
        }
    }

    /// The seed of the next go of a detector, if there is to be one with this budget, with or without `focus`.
    pub fn next(
        &self,
        detector: &Detector,
        seeds: u64,
        budget: Duration,
        focus: bool,
    ) -> Option<u64> {
        let goes = self.attempts.get(&detector.name).into_iter().flatten();
        let done: Vec<&Attempt> = goes.filter(|go| go.answers(budget, focus)).collect();
        let hopeless = done.len() >= MISSES && done.iter().all(|go| go.summary.found.is_none());
        let seeds = if detector.once { 1 } else { seeds };
        let is_open = |seed: &u64| !hopeless && done.iter().all(|go| go.seed != *seed);
        (1..=seeds).find(is_open)
    }

    /// Keeps what a go came to, in place of an earlier one from the same seed.
    pub fn add(&mut self, detector: &Detector, attempt: Attempt) {
        let goes = self.attempts.entry(detector.name.clone()).or_default();
        goes.retain(|go| go.seed != attempt.seed);
        goes.push(attempt);
    }

    /// The scenarios in which the catalogue showed it.
    pub fn scenarios(&self) -> Vec<String> {
        let goes = self.attempts.get("catalogue").into_iter().flatten();
        let scenarios = goes.filter_map(|go| go.summary.scenario.clone());
        scenarios.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Did this detector find it, with or without `focus`?
    pub fn is_found_by(&self, detector: &Detector, focus: bool) -> bool {
        let mut goes = self.attempts.get(&detector.name).into_iter().flatten();
        goes.any(|go| go.summary.found.is_some() && go.answers(go.budget, focus))
    }

    /// Did some detector find it?
    pub fn is_killed(&self) -> bool {
        self.attempts.values().flatten().any(|attempt| attempt.summary.found.is_some())
    }

    /// What these detectors came to, without the others.
    pub fn by(mut self, detectors: &[Detector]) -> Row {
        self.attempts.retain(|name, _| detectors.iter().any(|detector| detector.name == *name));
        self
    }

    /// Forgets findings that the map without a fault has as well.
    pub fn without(mut self, unpatched: &Row) -> Row {
        for (detector, attempts) in &mut self.attempts {
            let known = |found: &String| {
                let theirs = unpatched.attempts.get(detector).into_iter().flatten();
                theirs.filter_map(|attempt| attempt.summary.found.as_ref()).any(|own| own == found)
            };
            for attempt in attempts {
                attempt.summary.found = attempt.summary.found.take().filter(|found| !known(found));
            }
        }
        self
    }
}

/// A folder with a file for each row.
#[derive(Clone, Debug)]
pub struct Store(pub PathBuf);

impl Store {
    fn file(&self, slug: &str) -> PathBuf {
        self.0.join(format!("{slug}.json"))
    }

    /// The row as it was left, if it is of the same patch and source; else `fresh`. That a patch is broken is believed
    /// only `with_broken`.
    pub fn load(&self, fresh: Row, with_broken: bool) -> Row {
        let read = std::fs::read(self.file(&fresh.slug)).ok();
        let row = read.and_then(|text| serde_json::from_slice::<Row>(&text).ok());
        row.filter(|row| row.of == fresh.of && (with_broken || row.broken.is_none()))
            .unwrap_or(fresh)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, row: &Row) -> io::Result<()> {
        files::replace(&self.file(&row.slug), &serde_json::to_vec_pretty(row)?)
    }
}
