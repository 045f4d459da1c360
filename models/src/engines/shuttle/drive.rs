//! Executions, one after the other, of whatever is to be modelled.
//!
//! # Not here
//! What an execution does: `run` for a case, `litmus` for a few lines by hand.
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/litmus.rs`.

use super::guard::{Guard, Logged};
use super::objects::RECLAMATION;
use super::pending::{Choice, Chooser, Link, Pending};
use super::world::{Over, Phase, World, with};
use crate::case::schedule::{At, Departure, Forced, Moment};
use crate::engines::{Found, Limits, Report};
use crate::finding::Finding;
use crate::memory;
use crate::oracles::{Objection, Verdict, drops, panics};
use crate::quiet::{self, quietly};
use shuttle::scheduler::Scheduler;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How executions are chosen: the schedule, and everything else that is up to chance.
pub struct Policy {
    /// Chooses who goes.
    pub scheduler: Box<dyn Scheduler>,
    /// Chooses the rest.
    pub chooser: Box<dyn Chooser>,
    /// Loads may return older stores: the chooser is asked which.
    pub stale: bool,
}

/// An execution that takes more steps is a livelock. Every time alike: what is found has to be found again by a replay. The largest
/// `reserve` takes 352,000; so many take seconds, in a build that is not optimised, and a worker has patience for fifteen.
const STEPS_MAX: u32 = 2_000_000;
/// Steps within which every execution may depart from the ordinary.
const FREE_MIN: u32 = 2_000;
/// It may for so many times the steps of the longest one that ended. Then each thread goes on until it ends or waits: where that is
/// what it takes to come to an end, there is no livelock, and where there is one, its schedule stays short.
const FREE_TIMES: u32 = 20;
/// None may for longer, as a replay knows of no other execution.
const FREE_MAX: u32 = 100_000;

/// Bytes of stack that each thread has. What is not touched costs nothing.
const STACK: usize = 1 << 20;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs executions until the limits are reached, the policy has no more schedules, or something is found. `execution`
/// runs in task 0: it calls [`begin`], [`threads`] and, as the last thing, returns what [`end`] is to record.
pub(super) fn drive(
    policy: Policy,
    limits: &Limits,
    execution: impl Fn() -> Result<String, Box<Objection>> + Send + Sync + 'static,
) -> Report {
    let report = Arc::new(Mutex::new(Report::default()));
    let cut = Arc::new(Mutex::new(false));
    with(|world| {
        world.chooser = policy.chooser;
        world.stale = policy.stale;
        (world.steps_free, world.steps_max) = (FREE_MAX, STEPS_MAX);
    });
    let more = {
        let (report, cut, mut limits) = (Arc::clone(&report), Arc::clone(&cut), limits.start());
        Box::new(move || {
            let report = locked(&report);
            let more = report.found.is_none() && limits.more(report.executions);
            *locked(&cut) |= !more;
            more
        })
    };
    let mut config = shuttle::Config::new();
    config.max_steps = shuttle::MaxSteps::None;
    config.failure_persistence = shuttle::FailurePersistence::None;
    config.stack_size = STACK;
    let guard = Guard::new(policy.scheduler, more);
    let (shared, short) = (Arc::clone(&report), Arc::clone(&cut));
    quiet::after_shuttle();
    let ran = quietly(|| {
        shuttle::Runner::new(guard, config).run(move || {
            with(World::begin);
            let _ = memory::misfreed();
            let judged = execution();
            *locked(&short) |= with(|world| !world.is_free());
            end(&mut locked(&shared), judged);
        });
    });
    let mut report = std::mem::take(&mut *locked(&report));
    report.exhausted = ran.is_ok() && !*locked(&cut);
    if let Err((_, message)) = ran
        && report.found.is_none()
    {
        // Outside every task: in setting up, in judging, or in dropping what was shared. What a model objected to there has a
        // rule of its own.
        report.found = Some(with(|world| {
            let finding = world.finding.take().unwrap_or_else(|| {
                let (oracle, rule) = panics::broken(&message);
                let said = format!("a panic outside of the threads: {message}");
                let objection = Objection::new(oracle, rule, said);
                Finding { objection, at: 0, op: None, growth: None }
            });
            found(world, finding)
        }));
    }
    report.coverage = with(|world| std::mem::take(&mut world.coverage));
    with(World::end);
    report
}

/// Runs one task for each name and joins them.
pub(super) fn threads(names: &[String], body: impl Fn(usize) + Clone + Send + 'static) {
    with(|world| world.phase = Phase::Running);
    let threads: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(thread, name)| {
            let (body, number) = (body.clone(), with(|world| world.spawn(name)));
            shuttle::thread::spawn(move || {
                with(|world| world.current = number);
                body(thread);
                drop(body);
                with(World::finish);
            })
        })
        .collect();
    for thread in threads {
        let joined = thread.join();
        debug_assert!(joined.is_ok(), "tasks catch their panics");
    }
    with(World::joined);
}

/// Does what may unwind because the execution is over; a panic otherwise is a finding. `Err` with the payload if it is
/// the caller's to judge, with `None` if the task has to end.
pub(super) fn guarded<T>(
    body: impl FnOnce() -> T,
    is_mine: impl Fn(&(dyn Any + Send)) -> bool,
) -> Result<T, Option<Box<dyn Any + Send>>> {
    let payload = match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => return Ok(value),
        Err(payload) => payload,
    };
    if payload.is::<Over>() {
        return Err(None);
    }
    if is_mine(&*payload) {
        return Err(Some(payload));
    }
    with(|world| {
        let message = quiet::message();
        let (oracle, rule) = panics::broken(&message);
        world.object(oracle, rule, format!("panicked: {message}"));
    });
    Err(None)
}

/// Has something gone wrong in this execution?
pub(super) fn is_over() -> bool {
    with(|world| world.phase == Phase::Over)
}

/// With all that was shared gone: was everything freed, and as it was allocated?
pub(super) fn leaks() -> Verdict {
    drops::layouts()?;
    match with(|world| world.objects.leak(&|doer| world.name(doer))) {
        Some((rule, detail)) => Objection::raise(RECLAMATION, rule, detail),
        None => Ok(()),
    }
}

/// The end of an execution: what it came to goes into the report.
fn end(report: &mut Report, judged: Result<String, Box<Objection>>) {
    with(|world| {
        report.executions += 1;
        report.steps += u64::from(world.steps);
        report.departures = world.log.len();
        match judged {
            Ok(outcome) if world.phase != Phase::Over => drop(report.outcomes.insert(outcome)),
            Ok(_) => {}
            Err(objection) => world.over(world.current, *objection),
        }
        if let Some(finding) = world.finding.take() {
            report.found = Some(found(world, finding));
        } else {
            report.longest = report.longest.max(world.steps);
            report.saturation.record(world.trace.hash());
            world.chooser.executed(&world.coverage);
            let free = report.longest.saturating_mul(FREE_TIMES);
            world.steps_free = free.clamp(FREE_MIN, FREE_MAX);
        }
        world.phase = Phase::Idle;
    });
}

/// A finding, and how this execution came to it.
fn found(world: &World, finding: Finding) -> Found {
    let schedule = world.log.iter().filter_map(|logged| forced(world, logged)).collect();
    let chain = world.chooser.chain();
    let chain = chain.iter().map(|link| told(world, link)).collect();
    Found { finding, schedule, chain }
}

/// A moment as a case keeps it.
fn moment(world: &World, task: usize, at: Option<Pending>) -> Moment {
    Moment {
        thread: world.tasks[task].name.clone(),
        at: at.map(|pending| At {
            op: pending.op,
            point: pending.point.map(|(point, _)| point),
            occurrence: pending.occurrence,
            steps: pending.steps,
        }),
    }
}

/// A link of the policy's chain in words.
fn told(world: &World, link: &Link) -> String {
    let place = link.at.point.map_or(String::new(), |(_, place)| format!(" ({place})"));
    format!("{}{place}: {}", moment(world, link.task, Some(link.at)), link.what)
}

/// A log entry as a case keeps it.
fn forced(world: &World, logged: &Logged) -> Option<Forced> {
    let name = |task: usize| world.tasks[task].name.clone();
    let moment = |task: usize, at: Option<Pending>| moment(world, task, at);
    Some(match *logged {
        // The first switch of a run is from the setup, task 0.
        Logged::Switch { from, at, to } => {
            Forced { moment: moment(from, at), departure: Departure::Switch(name(to)) }
        }
        Logged::Stall { task, at } => {
            Forced { moment: moment(task, Some(at)), departure: Departure::Stall }
        }
        Logged::Chose { task, at, choice, chosen } => Forced {
            moment: moment(task, Some(at)),
            departure: match choice {
                Choice::Abandon(..) => Departure::Abandon,
                Choice::GrowEarly(_) => Departure::Grow,
                Choice::Read { .. } => Departure::Read(chosen),
                Choice::Write { .. } => Departure::Write(chosen),
                Choice::Defer => Departure::Defer,
                Choice::Recycle => Departure::Recycle,
                Choice::Stall => return None,
            },
        },
    })
}
