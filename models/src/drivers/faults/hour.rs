//! `--unpatched`: the hour of every detector, on the map as it is.
//!
//! Who hunts for long wants what no earlier hunt has looked at. So the draws begin elsewhere each time, a detector whose go ends
//! early begins another from the next seed, what bounds the executions of a go is left out, and nothing that is known is believed.
//! Nothing is kept, either, but for findings, with what the detector said, and, with `--ledger`, for what was done: the row of the
//! map without a fault belongs to the runs that plant some.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::{Hunt, unbuilt, unpatched_line};
use crate::command::{command, quoted};
use crate::drivers::Exit;
use crate::faults::copy::{Broken, Copy};
use crate::faults::detector::{Attempt, Detector, Terms};
use crate::faults::ledger::Ledger;
use crate::faults::results::Row;
use crate::faults::table;
use std::path::Path;
use std::time::Duration;

/// What a go counts for at least: what ends at once is not to be repeated for ever.
const LEAST: f64 = 0.1;
/// What one go has at most, so that little is lost when it is interrupted.
const MOST: Duration = Duration::from_secs(600);
/// The least time that another go is worth its start; to libFuzzer, less than a second is for ever.
const WORTH: Duration = Duration::from_secs(1);

impl Hunt {
    /// Lets each detector hunt for so long.
    pub(super) fn hour(&self, time: Duration) -> Result<Exit, String> {
        let seed = self.options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
        println!("seed {seed}");
        let copy = self.copy(0);
        let map = copy.hash_of_the_map().map_err(|error| error.to_string())?;
        let ledger = self.options.ledger.clone();
        let ledger = ledger.map(|file| Ledger::open(file, map)).transpose()?;
        let made = copy.make(None);
        if self.was_stopped(made.is_err()) {
            return Ok(Exit::Interrupted);
        }
        let (program, _) = made.map_err(|broken| match broken {
            Broken::Copy(said) => said,
            Broken::Apply(said) | Broken::Build(said) => unbuilt(&said),
        })?;
        let mut row = Row::new(None, self.source);
        let mut is_blind = false;
        for detector in &self.detectors {
            let known = ledger.as_ref().map_or_else(Vec::new, |ledger| ledger.goes(detector));
            known.iter().for_each(|go| self.tell(detector, go, time));
            let left = ledger.as_ref().map_or(time, |ledger| ledger.left(detector, time));
            if left < WORTH {
                if known.is_empty() {
                    eprintln!("{}: has not looked: a go takes {WORTH:?} at least", detector.name);
                    is_blind = true;
                } else {
                    row.attempts.insert(detector.name.clone(), known);
                }
                continue;
            }
            eprintln!("{}, for {} s", detector.name, left.as_secs_f64());
            match self.goes(detector, &copy, &program, (seed, left), ledger.as_ref()) {
                Ok(Some(goes)) => {
                    row.attempts.insert(detector.name.clone(), [known, goes].concat());
                }
                Ok(None) => return Ok(Exit::Interrupted),
                // The others can look all the same.
                Err(said) => {
                    eprintln!("{said}");
                    is_blind = true;
                }
            }
        }
        if !row.attempts.is_empty() {
            println!("{}\n{}", table::unpatched(&row), unpatched_line(&row));
        }
        Ok(match (row.is_killed(), is_blind) {
            (true, _) => Exit::Found,
            (false, true) => Exit::Bad,
            (false, false) => Exit::Clean,
        })
    }

    /// Go after go of a detector, from this seed on, until something is found or the time is up; `None`: interrupted.
    fn goes(
        &self,
        detector: &Detector,
        copy: &Copy,
        program: &Path,
        (first, time): (u64, Duration),
        ledger: Option<&Ledger>,
    ) -> Result<Option<Vec<Attempt>>, String> {
        let findings = self.findings(&Row::new(None, self.source));
        let (mut goes, mut left) = (Vec::new(), time);
        for seed in first.. {
            let (findings, stop) = (&findings, &self.stop);
            let budget = if detector.is_drawn() { left.min(MOST) } else { left };
            let terms =
                Terms { budget, scenarios: &[], test: None, unbounded: true, findings, stop };
            let go = detector.attempt(copy, program, seed, terms);
            if self.was_stopped(go.is_err()) {
                return Ok(None);
            }
            let go = go.map_err(|said| format!("{}: {said}", detector.name))?;
            let took = Duration::from_secs_f64(go.summary.seconds.max(LEAST));
            let whole = !detector.is_drawn() && took + WORTH < budget;
            if let Some(ledger) = ledger {
                ledger.add(detector, &go, whole).map_err(|error| error.to_string())?;
            }
            left = left.saturating_sub(took);
            self.tell(detector, &go, time);
            let is_over = go.summary.found.is_some() || left < WORTH || !detector.is_drawn();
            goes.push(go);
            if is_over {
                break;
            }
        }
        Ok(Some(goes))
    }

    /// Says of a go that found something what it was, where all that was said of it is, and how to have it found again.
    fn tell(&self, detector: &Detector, go: &Attempt, time: Duration) {
        let Some(found) = &go.summary.found else { return };
        let (name, seed, seconds) = (&detector.name, go.seed, time.as_secs_f64());
        println!("{name}, seed {seed}: {found}");
        let log = detector.log(&self.findings(&Row::new(None, self.source)), seed);
        // One that the ledger knows may have been found on another machine.
        if log.exists() {
            println!("what it said: {}", quoted(&log));
        }
        let workspace = &self.options.place.workspace;
        let of = match workspace.as_path() == Path::new(".") {
            true => String::new(),
            false => format!(" --workspace {}", quoted(workspace)),
        };
        let what = format!("--unpatched {seconds} --seed {seed} --detectors {name}");
        println!("look again: {} faults{of} {what}", command());
    }
}
