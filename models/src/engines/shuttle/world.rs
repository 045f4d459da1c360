//! One execution: who runs, what each task knows and is about to do, and the first thing that went wrong.
//!
//! ```text
//!   Setup ──► Running ──► Judging        task 0 alone, then the threads, then task 0 alone
//!                │  object(…)
//!                └──────► Over           every task unwinds at its next operation; nothing else is judged
//! ```
//!
//! All tasks of an execution are coroutines on one OS thread, so the world is a thread-local, borrowed for the length
//! of one operation. While a task unwinds nothing is scheduled: its cleanup is one step.
//!
//! # Invariants
//! - **first wins**: an execution has one finding at most, the first; what other tasks come upon while they unwind is
//!   not looked at.
//! - **switch-before**: every visible operation is published, then scheduled, then done.
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::clock::{Clock, Stamp, TASKS, View};
use super::guard::Logged;
use super::memory::{Knowledge, Sequential, Step};
use super::objects::Objects;
use super::pending::{self, Access, Choice, Chooser, Location, Ordinary, Pending};
use super::task::{Call, Doing, Span, Task};
use super::trace::Trace;
use crate::coverage::Coverage;
use crate::coverage::phases::Phases;
use crate::engines::program::Abandoned;
use crate::finding::Finding;
use crate::op::Op;
use crate::trace::{self, Event};
use map_core::platform::{Place, Point};
use std::cell::RefCell;
use std::panic::{self, Location as Site};

/// How far an execution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none.
    #[default]
    Idle,
    /// Task 0 prepares the map.
    Setup,
    /// The threads run.
    Running,
    /// Task 0 looks at what they left.
    Judging,
    /// Something went wrong.
    Over,
}

/// What a task unwinds with when the execution is over. Not a failure of its own.
pub(super) struct Over;

/// An execution.
pub(super) struct World {
    pub(super) phase: Phase,
    pub(super) current: usize,
    pub(super) tasks: Vec<Task>,
    pub(super) objects: Objects,
    pub(super) finding: Option<Finding>,
    pub(super) sequential: Sequential,
    /// Operations done while the threads run.
    pub(super) steps: u32,
    /// After so many, nothing departs from the ordinary any more.
    pub(super) steps_free: u32,
    /// More of them are a livelock.
    pub(super) steps_max: u32,
    /// Loads may read older stores.
    pub(super) stale: bool,
    pub(super) chooser: Box<dyn Chooser>,
    /// What departed from the ordinary, in order.
    pub(super) log: Vec<Logged>,
    /// A task that is suspended for ever, and how many more may be.
    pub(super) stalled: Option<usize>,
    pub(super) stalls_left: u32,
    /// While nobody but task 0 runs: evacuations that are given up.
    pub(super) abandoned: Option<Abandoned>,
    /// Drained segments are used again.
    pub(super) recycles: bool,
    /// The policy has been asked.
    pub(super) asked: bool,
    /// The ops done so far, kept with stale reads only.
    pub(super) spans: Vec<Span>,
    /// The order of what was done.
    pub(super) trace: Trace,
    /// Which phase the buckets are in, and the pairs that threads have made in all executions.
    phases: Phases,
    pub(super) coverage: Coverage,
    /// Stores of all tasks.
    pub(super) stores: u64,
}

impl Default for World {
    fn default() -> Self {
        World {
            phase: Phase::Idle,
            current: 0,
            tasks: Vec::new(),
            objects: Objects::default(),
            finding: None,
            sequential: Sequential::default(),
            steps: 0,
            steps_free: u32::MAX,
            steps_max: u32::MAX,
            stale: false,
            chooser: Box::new(Ordinary),
            log: Vec::new(),
            stalled: None,
            stalls_left: 0,
            abandoned: None,
            recycles: false,
            asked: false,
            spans: Vec::new(),
            trace: Trace::default(),
            phases: Phases::default(),
            coverage: Coverage::default(),
            stores: 0,
        }
    }
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

/// Looks at or changes the world; not across a switch.
#[inline]
pub(super) fn with<R>(body: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| body(&mut world.borrow_mut()))
}

/// What to do before an operation.
enum Go {
    Ahead,
    Switch(usize),
    Unwind,
}

impl World {
    /// Begins an execution, with task 0 setting up. The chooser, the bounds and the mode stay.
    pub(super) fn begin(&mut self) {
        pending::clear();
        self.chooser.new_execution();
        self.phase = Phase::Setup;
        self.current = 0;
        self.tasks.clear();
        self.tasks.push(Task { name: crate::case::GIVEN.into(), ..Task::default() });
        self.objects.clear();
        self.finding = None;
        self.sequential = Sequential::default();
        self.steps = 0;
        self.stores = 0;
        self.log.clear();
        self.recycles = false;
        self.asked = false;
        self.spans.clear();
        self.trace.begin();
        self.phases.begin();
        self.stalled = None;
        self.stalls_left = 1;
        self.abandoned = None;
    }

    /// The run is over: forgets what it brought along.
    pub(super) fn end(&mut self) {
        *self = World::default();
    }

    /// Adds a task that knows what task 0 knows now; returns its number.
    pub(super) fn spawn(&mut self, name: &str) -> usize {
        let number = self.tasks.len();
        assert!(number < TASKS, "at most {} threads in a case", TASKS - 1);
        self.tasks[0].knowledge.tick(0);
        let view = self.tasks[0].knowledge.view;
        self.tasks.push(Task {
            name: name.to_string(),
            knowledge: Knowledge::new(view),
            pending: Some(Pending::BEGIN),
            stores_seen: u64::MAX,
            ..Task::default()
        });
        pending::publish(number, Some(Pending::BEGIN));
        number
    }

    /// Task 0 has joined all others.
    pub(super) fn joined(&mut self) {
        let mut view = View::default();
        for task in &self.tasks {
            view.join(&task.knowledge.view);
        }
        self.tasks[0].knowledge.view = view;
        self.current = 0;
        if self.phase == Phase::Running {
            self.phase = Phase::Judging;
        }
    }

    /// The task that runs.
    pub(super) fn me(&mut self) -> &mut Task {
        let current = self.current;
        if self.tasks.is_empty() {
            self.tasks.push(Task::default());
        }
        &mut self.tasks[current]
    }

    /// The task begins its `at`-th op; `call` tells so once it takes a step.
    pub(super) fn calls(&mut self, at: usize, op: Op, call: impl FnOnce() + 'static) {
        self.op(at, Some(op));
        self.me().call = Some(Call(Box::new(call)));
    }

    /// It ends it.
    pub(super) fn returns(&mut self, at: usize) {
        self.me().called();
        self.op(at, None);
    }

    fn op(&mut self, at: usize, op: Option<Op>) {
        let current = self.current;
        let me = self.me();
        let called = me.knowledge.view.ordered;
        me.enter(at, op);
        self.phases.leave(current);
        if !self.stale {
            return;
        }
        let (thread, returned) = (current - 1, Some(self.me().knowledge.tick(current)));
        match op {
            Some(_) => self.spans.push(Span { thread, op: at, called, returned: None }),
            None => {
                let mine = |span: &&mut Span| (span.thread, span.op) == (thread, at);
                if let Some(span) = self.spans.iter_mut().find(mine) {
                    span.returned = returned;
                }
            }
        }
    }

    /// The task has done all its ops.
    pub(super) fn finish(&mut self) {
        let current = self.current;
        let me = self.me();
        me.finished = true;
        me.op = None;
        pending::publish(current, None);
    }

    /// The task has reached a named moment.
    pub(super) fn reach(&mut self, point: Point, place: Place) {
        if self.phase == Phase::Running && self.current != 0 {
            let (thread, place) = (self.current - 1, place);
            trace::note(|| Event::Reach {
                thread,
                point: point.to_string(),
                place: place.to_string(),
            });
        }
        self.me().reach(point, place);
        if !matches!(self.phase, Phase::Setup | Phase::Running) {
            return;
        }
        let (current, op) = (self.current, self.tasks[self.current].op);
        self.phases.reach(current, op, point, place, &mut self.coverage);
    }

    /// A name for a place that the current task makes.
    pub(super) fn new_location(&mut self) -> (Location, Stamp) {
        let current = self.current;
        let me = self.me();
        me.made += 1;
        (Location::new(current, me.made - 1), me.knowledge.tick(current))
    }

    /// One more step of the current task, for a memory.
    pub(super) fn step(&mut self) -> Step<'_> {
        let current = self.current;
        self.me();
        let knowledge = &mut self.tasks[current].knowledge;
        Step {
            stamp: knowledge.tick(current),
            knowledge,
            sequential: &mut self.sequential,
            stale: self.stale,
        }
    }

    /// The current task has stored something.
    pub(super) fn stored(&mut self) {
        self.stores += 1;
        self.me().stores_made += 1;
    }

    fn others_stores(&self, task: usize) -> u64 {
        self.stores - self.tasks[task].stores_made
    }

    /// Is there nothing for this task to do but to wait on?
    pub(super) fn waits(&self, task: usize) -> bool {
        self.tasks[task].waiting && self.tasks[task].stores_seen == self.others_stores(task)
    }

    /// The current task will wait for another's store: one made since it was last shown them, if there is one.
    pub(super) fn wait(&mut self) {
        let others = self.others_stores(self.current);
        let me = self.me();
        me.waiting = me.stores_seen == others;
    }

    /// The current task has waited, and looks again. What all others have done is visible to it now, with stale reads every
    /// other time: a store becomes visible in finite time, but not at once.
    fn look(&mut self) {
        let (others, stale) = (self.others_stores(self.current), self.stale);
        let me = self.me();
        me.waiting = false;
        me.missed = stale && !me.missed;
        if me.missed {
            return;
        }
        let mut seen = Clock::default();
        self.tasks.iter().for_each(|task| seen.join(&task.knowledge.view.seen));
        let me = self.me();
        me.knowledge.view.seen.join(&seen);
        me.stores_seen = others;
    }

    fn before(&mut self, location: Location, access: Access, doing: Doing) -> Go {
        match self.phase {
            Phase::Over => Go::Unwind,
            Phase::Running if self.current != 0 => {
                let current = self.current;
                let me = self.me();
                me.doing = Some(doing);
                let pending = me.pending.get_or_insert(Pending::BEGIN);
                pending.location = location;
                pending.access = access;
                pending::publish(current, Some(*pending));
                Go::Switch(current)
            }
            _ => Go::Ahead,
        }
    }

    fn resumed(&mut self, me: usize) -> bool {
        self.current = me;
        if self.phase == Phase::Over {
            return false;
        }
        self.steps += 1;
        self.tasks[me].called();
        if let Some(pending) = &mut self.tasks[me].pending {
            pending.steps += 1;
            self.trace.step(me, pending.location, pending.access);
            if pending.access == Access::Wait {
                self.look();
            }
        }
        if self.steps > self.steps_max {
            let did = format!("goes on after {} steps of all threads", self.steps);
            self.object("livelock", "every op returns", did);
            return false;
        }
        true
    }

    /// May what happens next depart from the ordinary?
    pub(super) fn is_free(&self) -> bool {
        self.steps <= self.steps_free
    }

    /// Asks the chooser.
    pub(super) fn choose(&mut self, choice: Choice) -> usize {
        let is_alone = self.phase != Phase::Running || self.current == 0;
        if is_alone || choice.options() < 2 || !self.is_free() {
            return 0;
        }
        pending::publish(self.current, self.tasks[self.current].pending);
        let chosen = self.chooser.choose(self.current, choice).min(choice.options() - 1);
        if chosen != 0
            && let Some(pending) = self.tasks[self.current].pending
        {
            self.trace.chose(self.current, chosen);
            self.log.push(Logged::Chose { task: self.current, at: pending, choice, chosen });
            let thread = self.current - 1;
            trace::note(|| Event::Departure {
                thread,
                what: choice.words(chosen),
                place: String::new(),
            });
        }
        chosen
    }
}

/// Publishes an operation and lets the scheduler choose who goes; returns when it is the operation's turn.
#[inline]
pub(super) fn before(location: Location, access: Access, doing: Doing) {
    if std::thread::panicking() {
        return;
    }
    trace::look();
    let turn = match with(|world| world.before(location, access, doing)) {
        Go::Ahead => true,
        Go::Unwind => false,
        Go::Switch(me) => {
            shuttle_engine::runtime::thread::switch();
            with(|world| world.resumed(me))
        }
    };
    if !turn {
        unwind();
    }
}

/// Looks at the map from outside of the model: nothing is scheduled, judged or remembered of it.
pub(super) fn aside<T>(look: impl FnOnce() -> T) -> Option<T> {
    let running = with(|world| {
        let was = (world.phase, world.current);
        let is_running = world.phase == Phase::Running && world.current != 0;
        if is_running {
            (world.phase, world.current) = (Phase::Idle, 0);
        }
        is_running.then_some(was)
    })?;
    // Not to come back here by the look's own operations.
    let picture = look();
    with(|world| (world.phase, world.current) = running);
    Some(picture)
}

/// Ends the current task: the execution is over.
pub(super) fn unwind() {
    if !std::thread::panicking() {
        panic::resume_unwind(Box::new(Over));
    }
}

/// `file:line` of a place in the code.
pub(super) fn site(site: &Site<'_>) -> String {
    let file = site.file();
    let file = file.rfind("map-core/").map_or(file, |at| &file[at..]);
    format!("{file}:{}", site.line())
}
