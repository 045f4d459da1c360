//! Real threads, for any map.
//!
//! A case's thread called `setup` runs first and alone, as the initial contents; then the others run at once; then
//! `checker` looks at everything: each key that was named, an iteration, `len`, the map's own check. What all of them
//! called and got is one history, which the oracles judge.
//!
//! The schedule is the machine's, so a failure may not come again: the finding keeps the history itself, which can be
//! judged again for ever (`cargo models replay FILE`).
//!
//! # Invariants
//! - **never hangs**: a thread that does not finish within [`Settings::patience`] is left behind and reported,
//!   with the op that it is in.
//! # Not here
//! Chosen schedules: see the other engines.
//! # Checked by
//! `tests/threads.rs`: maps broken on purpose, and maps that are right.

use crate::case::{Case, Expectation, Thread};
use crate::concurrent_subject::{ConcurrentSubject, at_rest, perform, program};
use crate::files;
use crate::finding::fnv;
use crate::generators::hashers::ModelState;
use crate::history::{History, Recorder, Sequence, Timer, recorder::Clock};
use crate::memory;
use crate::op::Op;
use crate::oracles::linearizability::{Budget, key_of};
use crate::oracles::panics::{self, Cause};
use crate::oracles::{Objection, Verdict, drops, whole_map};
use crate::subject::Capabilities;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// The thread that runs first and alone.
pub const SETUP: &str = "setup";
/// The thread that looks at everything in the end; no thread of a case is called so.
pub const CHECKER: &str = "checker";
/// The oracle that minds threads that do not finish.
pub const PROGRESS: &str = "progress";

/// Which clock stamps calls and returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// A shared counter: sharp, and it orders what the threads do between two ticks.
    #[default]
    Sequence,
    /// The machine's clock: threads share nothing that the map does not; ops that are close count as concurrent.
    Timer,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The clock.
    pub stamps: Stamps,
    /// How long the threads may take.
    pub patience: Duration,
    /// The checker's budget, per key.
    pub budget: Budget,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            stamps: Stamps::default(),
            patience: Duration::from_secs(10),
            budget: Budget::default(),
        }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ops that returned.
    pub ops: usize,
    /// Questions that the checker had no budget to answer.
    pub unknown: usize,
}

/// What went wrong, and the history that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The oracle's objection.
    pub objection: Objection,
    /// What happened; its story and expectation are the objection's.
    pub history: History,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Objection { oracle, rule, detail, .. } = &self.objection;
        write!(f, "{oracle}: {detail}\nrule: {rule}")
    }
}

impl Failure {
    fn new(objection: Objection, mut history: History, case: &Case) -> Box<Failure> {
        let mut failure = Failure { objection, history: History::default() };
        history.expect = Expectation::Finding(failure.objection.oracle.to_string());
        let case = case.to_string();
        let story = failure.to_string();
        history.story = story.lines().chain([""]).chain(case.lines()).map(str::to_string).collect();
        failure.history = history;
        Box::new(failure)
    }

    /// Writes the history into `directory`, with objection and case as its story; returns the file.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn keep(&self, directory: &Path) -> io::Result<PathBuf> {
        let text = self.history.to_string();
        let name = format!("{}-{:016x}.txt", self.objection.oracle, fnv(text.as_bytes()));
        let path = directory.join(name);
        // The name is the content's: what is replaced is the same.
        files::replace(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// [`run`], with its map chosen.
pub type Runner = fn(&Case, Settings) -> Result<Report, Box<Failure>>;

/// Runs a case once on a fresh map and judges what happened.
///
/// # Errors
/// The first rule that was broken, in the order: panics, progress, structure, layouts of memory, linearizability, whole-map ops.
pub fn run<S: ConcurrentSubject>(case: &Case, settings: Settings) -> Result<Report, Box<Failure>> {
    match settings.stamps {
        Stamps::Sequence => run_with::<S, Sequence>(case, settings),
        Stamps::Timer => run_with::<S, Timer>(case, settings),
    }
}

fn run_with<S: ConcurrentSubject, C>(
    case: &Case,
    settings: Settings,
) -> Result<Report, Box<Failure>>
where
    C: Clock + Default + Send + Sync + 'static,
{
    let _ = memory::misfreed();
    let (mut history, verdict) = record::<S, C>(case, settings);
    history.contracts = S::CONTRACTS;
    let judged = verdict
        .and_then(|()| drops::layouts())
        .and_then(|()| whole_map::judge(&history, settings.budget));
    match judged {
        Ok(unknown) => {
            let operations = history.operations();
            let ops = operations.iter().filter(|operation| operation.answer.is_some()).count();
            Ok(Report { ops, unknown })
        }
        Err(objection) => Err(Failure::new(*objection, history, case)),
    }
}

/// What the threads of a run share.
struct Shared<S, C> {
    map: S,
    recorder: Recorder<C>,
}

impl<S: ConcurrentSubject, C: Clock> Shared<S, C> {
    /// Does ops as this thread, up to the first that panics.
    fn ops(&self, thread: usize, ops: &[Op]) -> Verdict {
        for &op in ops {
            self.recorder.call(thread, op);
            match panics::caught(|| perform(&self.map, op)) {
                Ok(answer) => self.recorder.returned(thread, answer),
                Err(cause) => {
                    self.recorder.panicked(thread);
                    let message = match cause {
                        Cause::Own(message) => message,
                        Cause::Injected(site) => site.name().to_string(),
                    };
                    return panicked(&format!("`{op}`"), &message);
                }
            }
        }
        Ok(())
    }
}

fn panicked(what: &str, message: &str) -> Verdict {
    Objection::raise(panics::NAME, panics::UNASKED, format!("{what} panicked: {message}"))
}

/// Runs the case; what happened, and what was found out without the history.
fn record<S: ConcurrentSubject, C>(case: &Case, settings: Settings) -> (History, Verdict)
where
    C: Clock + Default + Send + Sync + 'static,
{
    let names = case.threads.iter().map(|thread| thread.name.as_str()).chain([CHECKER]);
    let recorder = Recorder::new(C::default(), names);
    let state = ModelState::new(S::CAPABILITIES.bearing(case.hasher));
    let map = S::create(state, case.capacity.into());
    let mut shared = Arc::new(Shared { map, recorder });
    let verdict = all(case, &mut shared, settings.patience);
    (shared.recorder.history([]), verdict)
}

fn all<S, C>(case: &Case, shared: &mut Arc<Shared<S, C>>, patience: Duration) -> Verdict
where
    S: ConcurrentSubject,
    C: Clock + Send + Sync + 'static,
{
    let (setup, others): (Vec<_>, Vec<_>) = (0..case.threads.len())
        .map(|at| (at, &case.threads[at]))
        .partition(|(_, thread)| thread.name == SETUP);
    together(shared, &setup, patience)?;
    together(shared, &others, patience)?;
    let looks =
        Thread { name: CHECKER.to_string(), ops: looks(case, S::CAPABILITIES), notes: Vec::new() };
    together(shared, &[(case.threads.len(), &looks)], patience)?;
    let shared = Arc::get_mut(shared).expect("a thread lets go of it, then says that it has ended");
    match panics::caught(|| at_rest(&mut shared.map)) {
        Ok(verdict) => verdict,
        Err(Cause::Own(message)) => panicked("the map's check", &message),
        Err(Cause::Injected(site)) => panicked("the map's check", site.name()),
    }
}

/// What the checker does in the end.
pub(super) fn looks(case: &Case, capabilities: Capabilities) -> Vec<Op> {
    let ops = case.threads.iter().flat_map(|thread| program(&thread.ops, capabilities));
    let keys: BTreeSet<u16> = ops.filter_map(key_of).collect();
    [Op::Iter, Op::Len].into_iter().chain(keys.into_iter().map(Op::Get)).collect()
}

/// Runs threads at once, each given with its number, and waits for them.
fn together<S, C>(
    shared: &Arc<Shared<S, C>>,
    threads: &[(usize, &Thread)],
    patience: Duration,
) -> Verdict
where
    S: ConcurrentSubject,
    C: Clock + Send + Sync + 'static,
{
    let start = Arc::new(Barrier::new(threads.len()));
    let (sender, receiver): (Sender<(usize, Verdict)>, _) = channel();
    for &(number, thread) in threads {
        let (shared, start, sender) = (Arc::clone(shared), Arc::clone(&start), sender.clone());
        let ops = program(&thread.ops, S::CAPABILITIES);
        std::thread::spawn(move || {
            start.wait();
            let verdict = shared.ops(number, &ops);
            // Its pins have ended, and with them what it had to free, but for what the map still has.
            let verdict = verdict.and_then(|()| drops::layouts());
            // Gone: nobody waits for this thread any more.
            drop(shared);
            let _ = sender.send((number, verdict));
        });
    }
    wait(threads, &receiver, patience)
}

fn wait(
    threads: &[(usize, &Thread)],
    receiver: &Receiver<(usize, Verdict)>,
    patience: Duration,
) -> Verdict {
    let deadline = Instant::now() + patience;
    let mut running: Vec<usize> = threads.iter().map(|&(number, _)| number).collect();
    let mut verdict = Ok(());
    while !running.is_empty() {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((number, other)) => {
                running.retain(|&thread| thread != number);
                verdict = verdict.and(other);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                // Who panicked may hold what the others wait for: the cause goes before what it led to.
                verdict?;
                let stuck = threads.iter().filter(|(number, _)| running.contains(number));
                let names: Vec<_> = stuck.map(|(_, thread)| thread.name.as_str()).collect();
                let detail = format!(
                    "after {patience:?}, {} had not finished: the history's last calls did not return",
                    names.join(", ")
                );
                return Objection::raise(PROGRESS, "every op returns", detail);
            }
        }
    }
    verdict
}
