//! A run, seen by its supervisor: a map that takes the process with it does not take the case.
//!
//! On the board is a word that ends the run, then two for each job: how many executions it has begun, and which turn it is at, or,
//! with lanes, which scenario. A job that stands still is seen beside others that go on.
//!
//! # Checked by
//! `tests/crashes.rs`.

use super::{Options, Work};
use crate::catalogue;
use crate::drivers::keep::{again, told};
use crate::drivers::summary::Summary;
use crate::drivers::supervise::{Board, Hunter, NAP, News, Patience};
use crate::drivers::{Exit, stopped_by_ctrl_c};
use crate::engines;
use crate::files;
use crate::finding;
use crate::triage::Sighting;
use crate::triage::worker::ended_by;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Where the word is that ends the run.
const STOP: usize = 0;

/// Where a job's executions are counted.
fn pulse(job: u32) -> usize {
    1 + 2 * job as usize
}

/// Where a job says what it is at: 0 is nothing.
fn at(job: u32) -> usize {
    pulse(job) + 1
}

/// The board as a run sees it.
pub(super) struct Place(Board);

impl Place {
    pub(super) fn given() -> io::Result<Place> {
        Board::given().map(Place)
    }

    /// Says what a job is at, before it is.
    pub(super) fn says(&self, job: u32, turn: u64) {
        // A run that cannot say so is still a run.
        let _ = self.0.put(at(job), turn + 1);
    }

    /// Says that a job has nothing more to do.
    pub(super) fn is_done(&self, job: u32) {
        let _ = self.0.put(at(job), 0);
    }

    /// Says, as long as the hunter lives, how many executions its jobs have begun, and ends them when the supervisor wants that.
    pub(super) fn watch(&self, jobs: u32) {
        loop {
            for job in 0..jobs {
                let _ = self.0.put(pulse(job), engines::pulse(job as usize));
            }
            if !matches!(self.0.get(STOP), Ok(0)) {
                engines::stop();
            }
            std::thread::sleep(NAP);
        }
    }
}

/// Has a process of its own do the run.
///
/// # Errors
/// When there can be none.
pub(super) fn drive(options: &Options) -> io::Result<Exit> {
    files::ready(&options.json)?;
    files::takes(&options.findings)?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let stop = stopped_by_ctrl_c("without a summary");
    let board = Board::new()?;
    for word in 0..pulse(options.jobs) {
        board.put(word, 0)?;
    }
    let mut patience = vec![Patience::new(options.patience); options.jobs as usize];
    let drawn = options.seed.is_none().then_some(seed);
    let (began, mut hunter) = (Instant::now(), Hunter::start("run", drawn, &board)?);
    loop {
        match hunter.news()? {
            News::Line(line) => println!("{line}"),
            News::Nap => {
                if stop.load(Ordering::Relaxed) {
                    board.put(STOP, 1)?;
                }
                let mut stuck = Vec::new();
                for (job, patience) in (0..).zip(&mut patience) {
                    if patience.is_out(board.get(pulse(job))?) && board.get(at(job))? > 0 {
                        stuck.push(job);
                    }
                }
                if !stuck.is_empty() {
                    let seconds = options.patience.as_secs_f64();
                    let detail = format!("no execution has come to an end in {seconds} s");
                    let hang = Sighting::of_a_hang(detail);
                    return crashed(options, seed, &board, stuck, began, &hang);
                }
            }
            News::Ended(Exit::Clean) if stop.load(Ordering::Relaxed) && options.is_limited() => {
                return Ok(Exit::Interrupted);
            }
            News::Ended(exit) => return Ok(exit),
            News::Gone(status) => {
                let jobs = (0..options.jobs).collect();
                return crashed(options, seed, &board, jobs, began, &ended_by(status));
            }
        }
    }
}

/// Keeps what these jobs were at: one of them did it.
///
/// # Errors
/// When none was at anything, or that cannot be written.
fn crashed(
    options: &Options,
    seed: u64,
    board: &Board,
    jobs: Vec<u32>,
    began: Instant,
    Sighting { oracle, rule, message, .. }: &Sighting,
) -> io::Result<Exit> {
    let scenarios = catalogue::matching(&options.scenarios).map_err(io::Error::other)?;
    let (mut names, mut lost) = (Vec::new(), false);
    for job in jobs {
        let Some(turn) = board.get(at(job))?.checked_sub(1) else { continue };
        let Work { name, case, .. } = Work::of_turn(options, &scenarios, seed, turn);
        let story = format!("{message}\n{}", options.found_by(&name, seed));
        let kept = finding::keep_as(&options.findings, &case, oracle, &story);
        println!("{name}:\n{story}");
        lost |= !told(kept, &options.findings, again, &case);
        names.push(name);
    }
    if names.is_empty() {
        return Err(io::Error::other(format!("nothing has begun, and {message}")));
    }
    if names.len() > 1 {
        println!("it was one of these: {}", names.join(", "));
    }
    let mut executions = 0;
    for job in 0..options.jobs {
        executions += board.get(pulse(job))?;
    }
    let summary = Summary {
        found: Some(format!("{oracle}: {rule}")),
        scenario: names.into_iter().next(),
        ..Summary::new(executions.max(1), 0, began.elapsed(), None)
    };
    summary.write(options.json.as_deref())?;
    Ok(if lost { Exit::Bad } else { Exit::Found })
}
