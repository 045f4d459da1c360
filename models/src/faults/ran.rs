//! A run of a detector: a process, minded until it ends or its time is up, and what that says.
//!
//! # Checked by
//! `tests/faults/ran.rs`.

use super::copy::is_of_the_map;
use super::detector::How;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a process is looked at.
const NAP: Duration = Duration::from_millis(10);

/// A process that has ended, or was ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// `None`: it did not come back.
    pub status: Option<ExitStatus>,
    /// How long it took.
    pub seconds: f64,
    /// On both of its outputs.
    pub said: String,
}

impl Ran {
    /// Runs a command to its end, but for no longer than this; what it says goes to a file in `scratch`.
    ///
    /// # Errors
    /// When it cannot be run, or is stopped.
    pub fn of(
        command: &mut Command,
        scratch: &Path,
        patience: Duration,
        stop: &AtomicBool,
    ) -> Result<Ran, String> {
        let log = scratch.join("log");
        let file = std::fs::File::create(&log).map_err(|error| error.to_string())?;
        let twin = file.try_clone().map_err(|error| error.to_string())?;
        // A group of its own, so that what cargo has started ends with it.
        command.stdin(Stdio::null()).stdout(file).stderr(twin).process_group(0);
        let began = Instant::now();
        // Patience is counted in naps, not by the clock: a machine that stood still is not a hang.
        let mut naps = (patience.as_secs_f64() / NAP.as_secs_f64()) as u64;
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let status = loop {
            let stopped = stop.load(Ordering::Relaxed);
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break Some(status),
                None if naps == 0 || stopped => {
                    let group = format!("kill -s KILL -- -{}", child.id());
                    // It may have ended just now.
                    let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
                    let _ = child.kill();
                    child.wait().map_err(|error| error.to_string())?;
                    break None;
                }
                None => {
                    naps -= 1;
                    std::thread::sleep(NAP);
                }
            }
        };
        if stop.load(Ordering::Relaxed) {
            return Err("interrupted".to_string());
        }
        let seconds = began.elapsed().as_secs_f64();
        let said = std::fs::read(&log).map_err(|error| error.to_string())?;
        Ok(Ran { status, seconds, said: String::from_utf8_lossy(&said).into_owned() })
    }

    /// How many inputs libFuzzer says that it ran.
    pub fn units(&self) -> u64 {
        let said =
            self.said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        said.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    }

    /// What was found, from how it ended.
    ///
    /// # Errors
    /// When it could not look: what it said.
    pub fn found(&self, how: &How) -> Result<Option<String>, String> {
        let Some(status) = self.status else { return Ok(Some("hang: does not come back".into())) };
        if let How::Test(_) = how {
            return self.failed_test(status);
        }
        if let Some(signal) = status.signal() {
            return Ok(Some(format!("crash: signal {signal}")));
        }
        let line = |part: &str| self.said.lines().find(|line| line.contains(part));
        match (how, status.code()) {
            (_, Some(0)) => Ok(None),
            (How::Recordings, Some(1)) => Ok(Some("go-trace: a recording differs".into())),
            (How::Hunter { .. }, Some(1)) => {
                let rule = line("rule: ").and_then(|line| line.strip_prefix("rule: "));
                Ok(Some(rule.unwrap_or("a finding without a rule").to_string()))
            }
            (How::Hunter { .. } | How::Recordings, Some(code)) if code > 100 => {
                let what = line("panicked").or(line("memory allocation"));
                Ok(Some(format!(
                    "crash: exit {code}{}",
                    if what.is_some() { ", a panic" } else { "" }
                )))
            }
            (How::LibFuzzer(_), Some(1 | 77)) => {
                let rule = line("rule: ").or(line("SUMMARY: ")).unwrap_or("a crash");
                Ok(Some(rule.trim().to_string()))
            }
            _ => Err(format!("{status}: {}", self.said)),
        }
    }

    /// The test that failed, a doctest that does not compile among them, or how its process ended. A cargo that could not
    /// run the tests exits like one whose tests fail; it has found nothing.
    fn failed_test(&self, status: ExitStatus) -> Result<Option<String>, String> {
        if status.success() {
            return Ok(None);
        }
        let mut lines = self.said.lines();
        let name = |line: &str| {
            Some(line.strip_prefix("---- ")?.strip_suffix(" stdout ----")?.to_string())
        };
        let failed = lines.clone().find_map(name).or_else(|| {
            // A compiler that is killed is reported likewise, but not under this head, which comes after the dots of the
            // tests that have passed.
            lines.find(|line| line.trim_start_matches('.').starts_with("error: test failed"))?;
            lines.find_map(signal)
        });
        match (failed, status.code()) {
            (Some(failed), Some(101)) => Ok(Some(format!("test: {failed}"))),
            _ => Err(format!("{status}: {}", self.said)),
        }
    }
}

/// What a compiler found that objects to the map, or to what a test does with it, by what cargo said.
///
/// # Errors
/// When it is something else that it objects to: all that cargo said.
pub fn does_not_compile(said: String) -> Result<String, String> {
    let error = said.lines().find(|line| line.starts_with("error")).unwrap_or_default();
    match is_of_the_map(&said) {
        true => Ok(format!("test: does not compile: {error}")),
        false => Err(said),
    }
}

/// The signal that ended a process, where cargo says of one that it did not exit successfully.
fn signal(line: &str) -> Option<String> {
    let (_, end) = line
        .trim()
        .strip_prefix("process didn't exit successfully: ")?
        .rsplit_once(" (signal: ")?;
    Some(format!("signal {}", end.strip_suffix(')')?))
}
