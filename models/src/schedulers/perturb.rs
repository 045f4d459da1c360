//! A table of what befalls threads: at which moments, what, with which probability.
//!
//! Where nothing befalls them, threads go on as they would: whoever runs goes on until it ends, waits or is stalled, then
//! any other. So an execution has few switches, and they are where the table says; and what happened can be told in a
//! few lines, the *chain*, which a finding is kept with. It is chance that made it, not the machine: the case's schedule
//! replays it.
//!
//! # Not here
//! Judging the map after each execution: see `engines::judge`.
//! # Checked by
//! `tests/schedulers.rs`: how often each kind happens, what a table may say, a chain.

use super::Both;
use crate::engines::shuttle::THREADS_MAX;
use crate::engines::shuttle::pending::{self, Choice, Chooser, Link, Pending};
use fastrand::Rng;
use map_core::platform::Point;
use serde::Deserialize;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::rc::Rc;

/// What befalls a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is suspended while others take some steps.
    Stall,
    /// It is suspended for ever.
    Stop,
    /// It gives up an evacuation.
    Abandon,
    /// It starts a growth that nothing asks for.
    Grow,
    /// From here on drained segments are used again as soon as they may be.
    Recycle,
    /// It reads or writes an older value where it may, or retires without a grace period that others notice.
    Stale,
}

/// Of the places that could lag, how many do: a mistake that shows in few must not be hidden by others, one that takes
/// several needs many.
const SHARES: [f64; 3] = [0.0, 0.5, 0.7];

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: Kind,
    probability: f64,
    #[serde(default)]
    range: Option<(u32, u32)>,
    #[serde(default)]
    after: (u32, u32),
    #[serde(default)]
    moments: Vec<String>,
}

/// The table. Its default is `perturb.toml`, beside this file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table(Vec<Rule>);

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    kind: Kind,
    probability: f64,
    /// Steps, of a stall.
    range: (u32, u32),
    /// So many operations after the moment, of a stall.
    after: (u32, u32),
    /// Empty: any.
    moments: Vec<Point>,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Table, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            perturb: Vec<Row>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        file.perturb.into_iter().map(Rule::try_from).collect::<Result<_, _>>().map(Table)
    }
}

impl Default for Table {
    fn default() -> Self {
        Table::parse(include_str!("perturb.toml")).expect("the table that comes with the suite")
    }
}

impl TryFrom<Row> for Rule {
    type Error = String;

    fn try_from(Row { kind, probability, range, after, moments }: Row) -> Result<Rule, String> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(format!("a probability is between 0 and 1, not {probability}"));
        }
        let range = match (kind, range) {
            (Kind::Stall, Some((low, high))) if low <= high => (low, high),
            (Kind::Stall, _) => {
                return Err("a stall needs `range = [least, most]`, in steps".to_string());
            }
            (_, None) => (0, 0),
            (_, Some(_)) => return Err("only a stall has a range".to_string()),
        };
        if after.0 > after.1 || after.1 > 0 && kind != Kind::Stall {
            return Err("only a stall comes `after = [least, most]` operations".to_string());
        }
        let known = |name: String| {
            Point::from_name(&name).ok_or_else(|| {
                let names: Vec<&str> = Point::ALL.iter().map(|point| point.name()).collect();
                format!("`{name}` is no moment; there are {}", names.join(", "))
            })
        };
        let moments = moments.into_iter().map(known).collect::<Result<_, _>>()?;
        Ok(Rule { kind, probability, range, after, moments })
    }
}

/// Which places lag behind in an execution, for which threads.
#[derive(Clone, Copy, Debug)]
struct Lag {
    seed: u64,
    /// The share of them, if it is more than the table's.
    share: f64,
}

/// What scheduler and chooser share.
#[derive(Debug)]
struct Fate {
    rng: Rng,
    table: Table,
    /// Steps until each task goes on.
    stalled: [u32; THREADS_MAX + 1],
    /// The operations after its moment at which each task will stall, and for how long.
    due: [Option<(u32, u32)>; THREADS_MAX + 1],
    /// In every second execution nothing befalls anybody, but that reads are stale where they may be: without stale
    /// reads it is an ordinary one.
    calm_at_times: bool,
    /// This is such an execution.
    calm: bool,
    /// In every second execution, what a load returns is up to the place: one that lags behind for a thread does so at each
    /// of its loads, by as much as it may. This says which do. A mistake that takes several stale loads takes one draw a
    /// place then, and what the thread must see of the newest stays so.
    lag: Option<Lag>,
    chain: Vec<Link>,
}

impl Fate {
    /// The first row that strikes a task here.
    fn strikes(&mut self, kind: Kind, at: Option<&Pending>) -> Option<&Rule> {
        let draw = self.rng.u64(..);
        self.struck(kind, at, draw, 0.0)
    }

    /// The same, by this draw, and at least this probable where the table has it at all.
    fn struck(&self, kind: Kind, at: Option<&Pending>, draw: u64, least: f64) -> Option<&Rule> {
        let point = at.and_then(|at| at.point).map(|(point, _)| point);
        let mut rng = Rng::with_seed(draw);
        if self.calm && kind != Kind::Stale {
            return None;
        }
        self.table.0.iter().find(|rule| {
            let here =
                rule.moments.is_empty() || point.is_some_and(|at| rule.moments.contains(&at));
            let probable = rule.probability > 0.0;
            rule.kind == kind && here && probable && rng.f64() < rule.probability.max(least)
        })
    }

    /// A thread is at or past a moment: puts it to sleep, if that is its fate.
    fn stall(&mut self, task: usize, at: &Pending) {
        if at.steps == 0 {
            let struck = self.strikes(Kind::Stall, Some(at)).map(|rule| (rule.after, rule.range));
            self.due[task] = struck.map(|(after, range)| {
                (self.rng.u32(after.0..=after.1), self.rng.u32(range.0..=range.1))
            });
        }
        if let Some((after, steps)) = self.due[task]
            && after == at.steps
        {
            self.due[task] = None;
            self.stalled[task] = steps;
            self.chain.push(Link { task, at: *at, what: format!("stalls for {steps} steps") });
        }
    }

    /// Whoever is awake; if all sleep, the one that would wake first.
    fn awake(&mut self, runnable: &[&Task], current: Option<TaskId>) -> Option<TaskId> {
        self.stalled.iter_mut().for_each(|left| *left = left.saturating_sub(1));
        let left = |id: TaskId| self.stalled[usize::from(id)];
        let ids = || runnable.iter().map(|task| task.id());
        if let Some(current) = current.filter(|&here| left(here) == 0 && ids().any(|id| id == here))
        {
            return Some(current);
        }
        let awake = ids().filter(|&id| left(id) == 0).count();
        if awake > 0 {
            let nth = self.rng.usize(..awake);
            return ids().filter(|&id| left(id) == 0).nth(nth);
        }
        let first = ids().min_by_key(|&id| left(id))?;
        self.stalled[usize::from(first)] = 0;
        Some(first)
    }
}

struct Stalls(Rc<RefCell<Fate>>);

impl Scheduler for Stalls {
    fn new_execution(&mut self) -> Option<Schedule> {
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _: bool,
    ) -> Option<TaskId> {
        let mut fate = self.0.borrow_mut();
        if let Some(here) = current
            && let Some(at) = pending::of(here)
            && at.point.is_some()
        {
            fate.stall(usize::from(here), &at);
        }
        fate.awake(runnable, current)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.borrow_mut().rng.u64(..)
    }
}

struct Whims(Rc<RefCell<Fate>>);

impl Chooser for Whims {
    fn new_execution(&mut self) {
        let mut fate = self.0.borrow_mut();
        fate.stalled = Default::default();
        fate.due = Default::default();
        fate.calm = fate.calm_at_times && fate.rng.bool();
        let lags = fate.rng.bool();
        let (seed, share) = (fate.rng.u64(..), SHARES[fate.rng.usize(..SHARES.len())]);
        fate.lag = lags.then_some(Lag { seed, share });
        fate.chain.clear();
    }

    fn choose(&mut self, task: usize, choice: Choice) -> usize {
        let at = pending::of(TaskId::from(task));
        let (kind, what) = match choice {
            Choice::Stall if at.is_none_or(|at| at.point.is_none() || at.steps > 0) => return 0,
            Choice::Stall => (Kind::Stop, "stops for ever"),
            Choice::Abandon(..) => (Kind::Abandon, "gives up the evacuation"),
            Choice::GrowEarly(_) => (Kind::Grow, "starts a growth early"),
            Choice::Read { .. } => (Kind::Stale, "reads an older value"),
            Choice::Write { .. } => (Kind::Stale, "stores before the latest value"),
            Choice::Defer => (Kind::Stale, "leaves what it retires in a batch"),
            Choice::Recycle => (Kind::Recycle, "has drained segments used again from here on"),
        };
        let mut fate = self.0.borrow_mut();
        let lag = match (choice, fate.lag) {
            (Choice::Read { location, .. }, Some(lag)) => {
                Some((lag.seed ^ (task as u64) << 32 ^ location.code(), lag.share))
            }
            _ => None,
        };
        let (draw, least) = lag.unwrap_or_else(|| (fate.rng.u64(..), 0.0));
        if fate.struck(kind, at.as_ref(), draw, least).is_none() {
            return 0;
        }
        if let Some(at) = at {
            fate.chain.push(Link { task, at, what: what.to_string() });
        }
        match choice.options() {
            2 => 1,
            options if lag.is_some() => options - 1,
            options => fate.rng.usize(1..options),
        }
    }

    fn chain(&self) -> Vec<Link> {
        self.0.borrow().chain.clone()
    }
}

fn fate(seed: u64, table: Table, calm_at_times: bool) -> Rc<RefCell<Fate>> {
    Rc::new(RefCell::new(Fate {
        rng: Rng::with_seed(seed),
        table,
        stalled: Default::default(),
        due: Default::default(),
        calm_at_times,
        calm: false,
        lag: None,
        chain: Vec::new(),
    }))
}

/// The policy of a table: who goes, and the rest.
pub fn policy(seed: u64, table: Table) -> Both {
    let fate = fate(seed, table, false);
    (Box::new(Stalls(Rc::clone(&fate))), Box::new(Whims(fate)))
}

/// What a table says apart from stalls, for another scheduler; in every second execution, nothing.
pub fn whims(seed: u64, table: Table) -> Box<dyn Chooser> {
    Box::new(Whims(fate(seed, table, true)))
}
