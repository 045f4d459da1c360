//! Running a case, over and over, under a policy.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/catalogue.rs`.

use super::guard::{Guard, Logged};
use super::pending::Choice;
use super::pending::{Chooser, Pending};
use super::platform::Model;
use super::world::{self, Over, Phase, World, with};
use crate::case::schedule::{At, Departure, Forced, Moment};
use crate::case::{Case, Elements, Thread};
use crate::elements::{CountedKey, CountedValue, Injected, Key, Ledger, Value, WideKey, WideValue};
use crate::engines::judge::{Judge, Outcome};
use crate::engines::program::Program;
use crate::engines::{Found, Limits, Report};
use crate::finding::Finding;
use crate::history::{Recorder, Sequence};
use crate::oracles::drops::{self, Allowance};
use crate::oracles::{Objection, panics};
use shuttle::scheduler::Scheduler;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// How executions are chosen: the schedule, and everything else that is up to chance.
pub struct Policy {
    /// Chooses who goes.
    pub scheduler: Box<dyn Scheduler>,
    /// Chooses the rest.
    pub chooser: Box<dyn Chooser>,
    /// Loads may return older stores: the chooser is asked which.
    pub stale: bool,
}

/// Steps that no execution is held to have taken too many of.
const STEPS_MIN: u32 = 2_000;
/// An execution may take so many times the steps of the longest one that ended.
const STEPS_TIMES: u32 = 20;

thread_local! {
    static MODELLING: Cell<bool> = const { Cell::new(false) };
}

/// Everything that the executions of a run share.
struct Run {
    case: Case,
    judge: Judge,
    report: Mutex<Report>,
}

/// Runs a case until the limits are reached, the policy has no more schedules, or something is found.
pub fn run(case: &Case, judge: Judge, policy: Policy, limits: &Limits) -> Report {
    quiet();
    let run = Arc::new(Run { case: case.clone(), judge, report: Mutex::default() });
    with(|world| {
        world.chooser = policy.chooser;
        world.stale = policy.stale;
        world.steps_max = u32::MAX;
    });
    let cut = Arc::new(Mutex::new(false));
    let more = {
        let (run, cut, mut limits) = (Arc::clone(&run), Arc::clone(&cut), limits.start());
        Box::new(move || {
            let report = run.report();
            let more = report.found.is_none() && limits.more(report.executions);
            *cut.lock().unwrap_or_else(PoisonError::into_inner) |= !more;
            more
        })
    };
    let mut config = shuttle::Config::new();
    config.max_steps = shuttle::MaxSteps::None;
    config.failure_persistence = shuttle::FailurePersistence::None;
    config.stack_size = 0x20000;
    let guard = Guard::new(policy.scheduler, more);
    let was = MODELLING.replace(true);
    let shared = Arc::clone(&run);
    let ran = panic::catch_unwind(AssertUnwindSafe(|| {
        shuttle::Runner::new(guard, config).run(move || match shared.case.elements {
            Elements::Plain => shared.execution::<u64, u64>(),
            Elements::Counted => shared.execution::<CountedKey, CountedValue>(),
            Elements::Wide => shared.execution::<WideKey, WideValue>(),
        });
    }));
    MODELLING.set(was);
    let mut report = std::mem::take(&mut *run.report());
    report.exhausted = ran.is_ok() && !*cut.lock().unwrap_or_else(PoisonError::into_inner);
    if ran.is_err() && report.found.is_none() {
        // Outside every task: in setting up, or in judging.
        let message = with(|world| std::mem::take(&mut world.message));
        let finding = finding(*panics::unasked(&message).expect_err("it objects"));
        report.found = Some(Found { finding, schedule: Vec::new() });
    }
    with(World::end);
    report
}

/// A finding about the end of a run.
fn finding(objection: Objection) -> Finding {
    Finding { objection, at: 0, op: None, growth: None }
}

/// shuttle installs a panic hook that prints, at its first use and for good: has it do so now, and puts one before it
/// that keeps quiet about models.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let scheduler = shuttle::scheduler::DfsScheduler::new(Some(1), false);
        let mut config = shuttle::Config::new();
        config.failure_persistence = shuttle::FailurePersistence::None;
        config.silence_warnings = true;
        shuttle::Runner::new(scheduler, config).run(|| {});
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !MODELLING.get() {
                return former(info);
            }
            let said = info.payload_as_str().unwrap_or("a panic without words");
            let place = info
                .location()
                .map_or(String::new(), |place| format!(" at {}", world::site(place)));
            // The world may be what panicked.
            let _ =
                panic::catch_unwind(|| with(|world| world.message = format!("\"{said}\"{place}")));
        }));
    });
}

impl Run {
    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One execution, in task 0.
    fn execution<K, V>(self: &Arc<Self>)
    where
        K: Key + Send + Sync + 'static,
        V: Value + Send + Sync + 'static,
    {
        with(World::begin);
        Ledger::begin();
        let map = Arc::new(Program::<K, V, Model>::new(&self.case));
        let given = map.contents();
        let recorder = Arc::new(self.judge.recorder());
        with(|world| world.phase = Phase::Running);
        Ledger::watch(true);
        let threads: Vec<_> = (0..self.case.running().len())
            .map(|thread| {
                let (run, map, recorder) =
                    (Arc::clone(self), Arc::clone(&map), Arc::clone(&recorder));
                let number = with(|world| world.spawn(&run.case.running()[thread].name));
                shuttle::thread::spawn(move || {
                    with(|world| world.current = number);
                    task(&run.case.running()[thread], thread, &map, &recorder);
                    with(World::finish);
                })
            })
            .collect();
        for thread in threads {
            let joined = thread.join();
            debug_assert!(joined.is_ok(), "tasks catch their panics");
        }
        Ledger::watch(false);
        with(World::joined);
        let map = Arc::into_inner(map).expect("all tasks have ended");
        self.end(map, &given, &recorder);
    }

    /// Judges what the threads left.
    fn end<K: Key, V: Value>(
        &self,
        mut map: Program<K, V, Model>,
        given: &[(u64, u64)],
        recorder: &Recorder<Sequence>,
    ) {
        let mut report = self.report();
        report.executions += 1;
        report.steps += with(|world| u64::from(world.steps));
        if with(|world| world.phase) == Phase::Over {
            // What it points to is not to be trusted.
            std::mem::forget(map);
        } else {
            let judged = self.judge.judge(given, recorder, &mut map).and_then(|outcome| {
                drop(map);
                at_rest(&self.case).map(|()| outcome)
            });
            match judged {
                Ok(Outcome(outcome)) => drop(report.outcomes.insert(outcome)),
                Err(objection) => {
                    let Objection { oracle, rule, detail } = *objection;
                    with(|world| world.object(oracle, &rule, detail));
                }
            }
        }
        with(|world| {
            if let Some(finding) = world.finding.take() {
                let schedule =
                    world.log.iter().filter_map(|logged| forced(world, logged)).collect();
                report.found = Some(Found { finding, schedule });
            } else {
                let longest = report.longest.max(world.steps);
                report.longest = longest;
                world.steps_max = longest.saturating_mul(STEPS_TIMES).max(STEPS_MIN);
            }
            world.phase = Phase::Idle;
        });
    }
}

/// With the map gone: is everything freed, and dropped once?
fn at_rest(case: &Case) -> Result<(), Box<Objection>> {
    if case.elements == Elements::Counted {
        drops::account(0, Allowance::default())?;
    }
    match with(|world| world.objects.leak(&|doer| world.name(doer))) {
        Some((rule, detail)) => Objection::raise("reclamation", rule, detail),
        None => Ok(()),
    }
}

/// What a task does: its thread's ops.
fn task<K: Key, V: Value>(
    thread: &Thread,
    number: usize,
    map: &Program<K, V, Model>,
    recorder: &Recorder<Sequence>,
) {
    for (at, &op) in thread.ops.iter().enumerate() {
        with(|world| world.op(at, Some(op)));
        recorder.call(number, op);
        let stamp = (number as u32 + 1) << 16 | at as u32;
        match panic::catch_unwind(AssertUnwindSafe(|| map.apply(op, stamp))) {
            Ok(answer) => recorder.returned(number, answer),
            Err(payload) if payload.is::<Over>() => return,
            Err(payload) if payload.is::<Injected>() => recorder.panicked(number),
            Err(_) => {
                with(|world| {
                    let message = std::mem::take(&mut world.message);
                    let oracle = match message.contains("evacuation barrier") {
                        true => "barrier",
                        false => panics::NAME,
                    };
                    let rule = "no op panics on its own";
                    world.object(oracle, rule, format!("panicked: {message}"));
                });
                return;
            }
        }
    }
}

/// A log entry as a case keeps it. Tasks are numbered from 1.
fn forced(world: &World, logged: &Logged) -> Option<Forced> {
    let name = |task: usize| world.tasks[task].name.clone();
    let moment = |task: usize, at: Option<Pending>| Moment {
        thread: name(task),
        at: at.map(|pending| At {
            op: pending.op,
            point: pending.point.map(|(point, _)| point),
            occurrence: pending.occurrence,
            steps: pending.steps,
        }),
    };
    Some(match *logged {
        // The first switch of a run has nobody to be a switch from: task 0 was last.
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
                Choice::Stall => return None,
            },
        },
    })
}
