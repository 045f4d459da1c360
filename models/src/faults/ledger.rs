//! A ledger of the hunts in the map as it is: no session is as long as an hour of every detector.
//!
//! A line of JSON for each go, written when that has ended and never again. Those of another `map-core/src` stay, and count for
//! nothing. Two hunts may share a file: a line is written in one piece, at its end.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::detector::{Attempt, Detector};
use crate::drivers::summary::Summary;
use crate::files::named;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A go.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    /// When it had ended.
    ended: String,
    /// A hash of the map.
    map: String,
    detector: String,
    seed: u64,
    seconds: f64,
    executions: u64,
    found: Option<String>,
    /// It came to an end by itself, and another would be the same.
    whole: bool,
}

/// What was done so far.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    map: String,
    lines: Vec<Line>,
}

impl Ledger {
    /// What a file says of the map with this hash. It need not be there yet.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none.
    pub fn open(file: PathBuf, map: u64) -> Result<Ledger, String> {
        let text = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| named(&file, &error).to_string())?,
        };
        let map = format!("{map:016x}");
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| format!("{}: line {}: {error}", file.display(), number + 1))?;
            if line.map == map {
                lines.push(line);
            }
        }
        Ok(Ledger { file, map, lines })
    }

    fn of(&self, detector: &Detector) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.detector == detector.name)
    }

    /// The goes of a detector.
    pub fn goes(&self, detector: &Detector) -> Vec<Attempt> {
        let attempt = |line: &Line| {
            let Line { seed, seconds, executions, found, .. } = line.clone();
            let summary = Summary { executions, seconds, found, ..Summary::default() };
            Attempt { seed, budget: Duration::from_secs_f64(seconds), focused: false, summary }
        };
        self.of(detector).map(attempt).collect()
    }

    /// How much of this time a detector has still to hunt.
    pub fn left(&self, detector: &Detector, time: Duration) -> Duration {
        if self.of(detector).any(|line| line.whole || line.found.is_some()) {
            return Duration::ZERO;
        }
        let done: f64 = self.of(detector).map(|line| line.seconds).sum();
        time.saturating_sub(Duration::from_secs_f64(done))
    }

    /// Writes down a go; `whole`: another would be the same.
    ///
    /// # Errors
    /// When that cannot be.
    pub fn add(&self, detector: &Detector, go: &Attempt, whole: bool) -> io::Result<()> {
        let Summary { seconds, executions, found, .. } = go.summary.clone();
        let ended = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let (map, detector) = (self.map.clone(), detector.name.clone());
        let line = Line { ended, map, detector, seed: go.seed, seconds, executions, found, whole };
        let text = serde_json::to_string(&line)? + "\n";
        let write = || {
            let mut file = File::options().create(true).append(true).open(&self.file)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| named(&self.file, &error))
    }
}
