//! What a hunter came to, for programs: one JSON object in the file that `--json` names.
//!
//! # Checked by
//! `tests/faults.rs`.

use crate::files;
use crate::finding::Finding;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::time::Duration;

/// What a hunter came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Executions, or sequences: until the first finding, or, if there is none or the hunt went on, in all.
    pub executions: u64,
    /// Operations in them, as the hunter counts.
    pub steps: u64,
    /// Seconds that they took.
    pub seconds: f64,
    /// What the first finding is called.
    pub found: Option<String>,
    /// In which scenario.
    #[serde(default)]
    pub scenario: Option<String>,
}

impl Summary {
    /// The state of a hunt after so many executions.
    pub fn new(executions: u64, steps: u64, took: Duration, found: Option<&Finding>) -> Summary {
        let (seconds, found) = (took.as_secs_f64(), found.map(name));
        Summary { executions, steps, seconds, found, scenario: None }
    }

    /// Writes it, if there is a file to write it to.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: Option<&Path>) -> io::Result<()> {
        match file {
            Some(file) => files::replace(file, (serde_json::to_string(self)? + "\n").as_bytes()),
            None => Ok(()),
        }
    }
}

/// What a finding is called: by the rule that it breaks.
fn name(finding: &Finding) -> String {
    let objection = &finding.objection;
    format!("{}: {}", objection.oracle, objection.rule)
}
