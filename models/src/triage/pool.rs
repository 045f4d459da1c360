//! Minimising in workers: a bench with one for each lane.
//!
//! # Checked by
//! `tests/triage.rs`.

use super::lab::{Lab, Look};
use super::minimise::{Bench, Minimal, Settings, minimise, shrink};
use super::sighting::{Came, Sighting};
use super::signature::Phase;
use super::verdict::Verdict;
use super::worker::Worker;
use crate::case::Case;
use crate::property::Checks;
use std::io;
use std::sync::{Mutex, PoisonError};

/// Workers for a minimiser.
#[derive(Debug)]
pub struct Pool {
    lab: Lab,
    /// A flaky case is run so often, until it fails.
    repeats: usize,
    /// What is looked for.
    seen: Sighting,
    workers: Vec<Mutex<Worker>>,
    /// Why there is no process any more.
    broken: Mutex<Option<io::Error>>,
}

impl Pool {
    /// So many workers, for what failed so often, and like this.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn start(lab: Lab, jobs: usize, verdict: Verdict, seen: &Sighting) -> io::Result<Pool> {
        let mut workers = Vec::new();
        for _ in 0..jobs.max(1) {
            let mut worker = Worker::start()?;
            worker.expect(seen);
            workers.push(Mutex::new(worker));
        }
        let (repeats, seen) = (verdict.runs_to_fail(), seen.clone());
        Ok(Pool { lab, repeats, seen, workers, broken: Mutex::default() })
    }

    /// The least that has to be looked at to see the same of this case: looking at everything after every op takes most
    /// of the time.
    pub fn look_less(&mut self, case: &Case, wanted: &Sighting) {
        let all = self.lab.checks;
        for checks in [Checks::Answers, Checks::End, Checks::Boundaries] {
            self.lab.checks = checks;
            if self.run(0, case, Look::Once).is_some_and(|seen| seen.is_like(wanted)) {
                return;
            }
        }
        self.lab.checks = all;
    }

    /// Looks at everything.
    pub fn look_at_all(&mut self) {
        self.lab.checks = Checks::Every;
    }
}

impl Bench for Pool {
    fn lanes(&self) -> usize {
        self.workers.len()
    }

    fn run(&self, lane: usize, case: &Case, look: Look) -> Option<Sighting> {
        let mut worker = self.workers[lane].lock().unwrap_or_else(PoisonError::into_inner);
        let mut other = None;
        for _ in 0..self.repeats {
            match worker.run(self.lab, case, look) {
                Ok(Came::Failed(seen)) if seen.is_like(&self.seen) => return Some(*seen),
                // A flaky case may fail in several ways.
                Ok(Came::Failed(seen)) => other = other.or(Some(*seen)),
                Ok(Came::Passed(_) | Came::Unfit(_)) => {}
                Err(error) => {
                    *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return None;
                }
            }
        }
        other
    }

    fn is_broken(&self) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Minimises in workers, one for each core or as many as given.
///
/// # Errors
/// When none can be started.
pub fn minimise_in_workers(
    lab: Lab,
    case: &Case,
    sighting: &Sighting,
    verdict: Verdict,
    jobs: Option<usize>,
    settings: &Settings<'_>,
) -> io::Result<Minimal> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let mut pool = Pool::start(lab, jobs.unwrap_or_else(cores), verdict, sighting)?;
    // How closely a race is looked at makes no difference, and a crash can be seen coming only by looking.
    let mut minimal = match case.is_sequential() && !sighting.is_crash() {
        true => in_two_looks(&mut pool, case, sighting, settings),
        false => minimise(case, sighting, &pool, settings),
    };
    if let Some(error) = pool.broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    // The finding says how far the map had grown when it failed, if that; a trace says what went before.
    let mut worker = Worker::start()?;
    worker.expect(&minimal.sighting);
    let (_, events) = worker.trace(lab, &minimal.case)?;
    minimal.sighting.locate(&minimal.case, &events);
    minimal.sighting.phase = Phase::of_run(minimal.sighting.phase, &events);
    Ok(minimal)
}

/// Minimises with as little looking as does, then with all of it: what is left may fail sooner then, and so differently.
fn in_two_looks(
    pool: &mut Pool,
    case: &Case,
    sighting: &Sighting,
    settings: &Settings<'_>,
) -> Minimal {
    pool.look_less(case, sighting);
    let quick = shrink(case, sighting, pool, settings);
    pool.look_at_all();
    match pool.run(0, &quick.case, Look::Once) {
        Some(seen) if seen.is_like(sighting) => {
            let limit = settings.limit.map(|limit| limit.saturating_sub(quick.elapsed));
            let again = minimise(&quick.case, &seen, pool, &Settings { limit, ..*settings });
            let (tried, elapsed) = (quick.tried + again.tried, quick.elapsed + again.elapsed);
            Minimal { tried, elapsed, ..again }
        }
        _ => minimise(case, sighting, pool, settings),
    }
}
