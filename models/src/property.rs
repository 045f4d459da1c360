//! The property: a map does what the spec does, under every oracle.
//!
//! The fuzz targets, proptest, `cargo models ops`, `replay` and the corpus tests all call [`run`]. Each op is done to the
//! map and to the spec; their answers are compared at once; the structure is looked at as often as [`Checks`] says.
//!
//! # Invariants
//! - **deterministic**: the outcome depends on the case and on [`Checks`] alone.
//! - **spec last**: an op changes the spec when the map's part of it, user code included, is over;
//!   so when that panics, the spec is as before the op.
//! - **structure first**: with every check, a rule of the structure that is broken is what is objected to, whatever else
//!   shows in the same op. So one mistake is called the same in more cases.
//! - **a failure is a value**: a broken rule, and a panic, come back as a [`Finding`].
//! # Not here
//! What the rules are: see `oracles`; which of them an op is judged by, and when: `judging`. What an op does to one key: see
//! `point`; to the whole map: `whole`; ops that are made of others: `composite`. Armed panics, and hashers that lie: `hostile`.
//! # Checked by
//! `tests/oracles.rs` (it can fail), `tests/subjects.rs` (it can pass).

mod composite;
mod hostile;
mod judging;
mod point;
mod whole;

pub use composite::FILL_MAX;

use crate::case::Case;
use crate::elements::{Key, Ledger, Value};
use crate::engines;
use crate::finding::Finding;
use crate::generators::hashers::ModelState;
use crate::memory;
use crate::op::{CURSORS, Op, Order, Ret, Site};
use crate::oracles::drops::Allowance;
use crate::oracles::iteration::Witness;
use crate::oracles::panics::{self, Cause};
use crate::oracles::reference::{self, Seen};
use crate::oracles::work::{self, Bound};
use crate::oracles::{Objection, Verdict, drops, sizes};
use crate::spec::Spec;
use crate::subject::{Capabilities, Growth, SequentialSubject};
use crate::trace::{self, Event};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// How often the structure, the contents and the drops are judged. Answers, `len` and growth work always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Checks {
    /// Not at all, beyond answers: for speed, between runs that do more.
    Answers,
    /// At the end of the run.
    End,
    /// Also after a panic, and whenever a growth starts or ends, as far as that is in proportion to
    /// the number of ops; in the middle of a growth now and then, unless elements are plain.
    Boundaries,
    /// After every op.
    Every,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ops done and compared, those that a composite op is made of each for itself; skipped ones not.
    pub ops: u64,
    /// Growths started.
    pub growths: u64,
    /// Injected panics that went off.
    pub panics: u64,
}

/// A finding, or what was done.
pub type Outcome = Result<Report, Box<Finding>>;

/// Runs a case on a map `S` against the spec `M`.
///
/// # Errors
/// The first rule that was broken.
///
/// # Panics
/// If the case has more than one thread.
pub fn run<S, K, V, M>(case: &Case, checks: Checks) -> Outcome
where
    S: SequentialSubject<K, V>,
    K: Key,
    V: Value,
    M: Spec,
{
    match run_once::<S, K, V, M>(case, checks) {
        // What a map makes at its first use, once and for good, is no leak.
        Err(finding) if finding.objection.rule == drops::MEMORY => {
            drop(finding);
            run_once::<S, K, V, M>(case, checks)
        }
        outcome => outcome,
    }
}

fn run_once<S, K, V, M>(case: &Case, checks: Checks) -> Outcome
where
    S: SequentialSubject<K, V>,
    K: Key,
    V: Value,
    M: Spec,
{
    assert!(case.is_sequential(), "the sequential property runs one thread");
    if Run::<S, K, V, M>::COUNTED {
        Ledger::begin();
    }
    // Of a run that was broken off.
    drop(sizes::kept());
    let _ = memory::misfreed();
    let mut at = 0;
    let mut run = None;
    let verdict = panics::caught(|| {
        let run = run.insert(Run::<S, K, V, M>::new(case, checks));
        run.all(case.ops(), &mut at)
    });
    let objection = match verdict {
        Ok(Ok(())) => {
            let run = run.expect("the run has begun");
            let report = run.report;
            match run.finish() {
                Ok(()) => return Ok(report),
                Err(objection) => {
                    return Err(found(*objection, case.ops().len(), None, None));
                }
            }
        }
        Ok(Err(objection)) => match &mut run {
            Some(run) => run.beneath(objection),
            None => objection,
        },
        Err(cause) => {
            let message = match cause {
                Cause::Own(message) => message,
                Cause::Injected(site) => format!("an injected panic of {} escaped", site.name()),
            };
            panics::unasked(&message).expect_err("it objects")
        }
    };
    let (mut op, mut growth) = (case.ops().get(at).copied(), None);
    if let Some(run) = run {
        op = run.part.or(op);
        if Run::<S, K, V, M>::GROWS {
            growth = panics::caught(|| run.map.growth()).ok();
        }
        if trace::is_on() {
            if op.is_some() {
                run.told(at);
            }
            if let Ok(Some(picture)) = panics::caught(|| run.map.picture()) {
                trace::note_state(picture);
            }
        }
        // A map that broke a rule is not to be trusted with its own drop.
        std::mem::forget(run);
    }
    Err(found(*objection, at, op, growth))
}

/// A finding. Where no op was objected to, it was the end of the run.
fn found(
    mut objection: Objection,
    at: usize,
    op: Option<Op>,
    growth: Option<Growth>,
) -> Box<Finding> {
    if op.is_none() {
        objection.detail.insert_str(0, "the end of the run ");
    }
    Box::new(Finding { objection, at, op, growth })
}

/// A run in progress.
struct Run<S: SequentialSubject<K, V>, K: Key, V: Value, M> {
    map: S,
    spec: M,
    state: ModelState,
    order: Order,
    cursors: [Option<(S::Cursor, Witness)>; CURSORS],
    /// A cursor was opened on this map.
    had_cursors: bool,
    checks: Checks,
    /// The number of the current op, from 1: what new entries are born at.
    now: u32,
    /// The op a composite op is at.
    part: Option<Op>,
    /// The state of growth after the last op.
    growth: Growth,
    /// A panic is armed.
    armed: bool,
    /// Equal keys may have different hashes: see `hostile`.
    fickle: bool,
    allowance: Allowance,
    report: Report,
    /// Entries looked at so far at boundaries.
    looked: u64,
    scratch: Vec<Seen>,
    /// What this thread held before the run.
    held: isize,
    elements: PhantomData<(K, V)>,
}

impl<S: SequentialSubject<K, V>, K: Key, V: Value, M: Spec> Run<S, K, V, M> {
    /// The map says how far it has grown.
    const GROWS: bool = S::CAPABILITIES.has(Capabilities::GROWTH) || Self::SHARES;
    /// Keys or values count.
    const COUNTED: bool = K::COUNTED || V::COUNTED;
    /// What empties it drops all, whatever panics.
    const DROPS_ALL: bool = S::CAPABILITIES.has(Capabilities::DROPS_REGARDLESS);
    /// Growth is everybody's.
    const SHARES: bool = S::CAPABILITIES.has(Capabilities::SHARED_GROWTH);

    fn new(case: &Case, checks: Checks) -> Self {
        let held = memory::held();
        let hasher = S::CAPABILITIES.bearing(case.hasher);
        let state = ModelState::new(hasher);
        if let Some(seed) = hasher.lies_about_equality() {
            Ledger::lie(seed);
        }
        let mut run = Run {
            map: S::create(state.clone(), case.capacity as usize),
            spec: M::default(),
            state,
            order: case.order,
            cursors: [const { None }; CURSORS],
            had_cursors: false,
            checks,
            now: 0,
            part: None,
            growth: Growth::default(),
            armed: false,
            fickle: hasher.is_fickle(),
            allowance: Allowance::default(),
            report: Report::default(),
            looked: 0,
            scratch: Vec::new(),
            held,
            elements: PhantomData,
        };
        run.adopt();
        run
    }

    /// A call of a closure that was given to the map.
    fn closure() {
        if Self::COUNTED {
            Ledger::call(Site::Closure);
        }
    }

    /// Makes a new map that has just become ours follow the case's order.
    fn adopt(&mut self) {
        if S::CAPABILITIES.has(Capabilities::GO_GROWTH) {
            self.map.set_order(self.order);
        }
        if Self::GROWS {
            self.growth = self.map.growth();
        }
    }

    fn all(&mut self, ops: &[Op], at: &mut usize) -> Verdict {
        self.pictured();
        let is_traced = trace::is_on();
        let mut begin = |index| {
            *at = index;
            engines::op_begins();
            if is_traced {
                memory::apart(|| trace::note(|| Event::Begun { at: index }));
            }
        };
        for (index, &op) in ops.iter().enumerate() {
            begin(index);
            self.now = index as u32 + 1;
            self.step(op)?;
        }
        begin(ops.len());
        self.part = None;
        if self.checks >= Checks::End && !self.fickle { self.thorough() } else { Ok(()) }
    }

    /// Does one op and judges it.
    #[inline]
    fn step(&mut self, op: Op) -> Verdict {
        if self.fickle {
            return self.step_fickle(op);
        }
        if self.armed {
            return self.step_armed(op);
        }
        match op {
            Op::Get(k) => {
                let seen = self.map.get(&K::make(k, self.now), V::number);
                let expected = self.spec.get(k).map(|entry| entry.value);
                reference::answers(Ret::Value(seen), Ret::Value(expected))?;
                self.after(Bound::Read)
            }
            Op::Insert(k, v) => {
                let seen = self
                    .map
                    .insert(K::make(k, self.now), V::make(v as u64))
                    .map(|old| old.number());
                let expected = self.spec.insert(k, v as u64, self.now);
                reference::answers(Ret::Value(seen), Ret::Value(expected))?;
                self.after(Bound::Write)
            }
            Op::Remove(k) => {
                let seen = self.map.remove(&K::make(k, self.now)).map(|old| old.number());
                let expected = self.spec.remove(k);
                reference::answers(Ret::Value(seen), Ret::Value(expected))?;
                if K::COUNTED {
                    self.removed(usize::from(expected.is_some()));
                }
                self.after(Bound::Write)
            }
            _ => self.step_rare(op),
        }
    }

    #[inline(never)]
    fn step_rare(&mut self, op: Op) -> Verdict {
        match op {
            Op::FillToThreshold(distance, k) => self.fill(distance, k),
            Op::EvacuateTo(mark) => self.evacuate_to(mark as usize),
            Op::Extend(k, n) if Self::is_composite(op) => self.inserts(k, n),
            Op::PanicAt(site, n) => {
                // A drop that comes later panics in the midst of another op, and takes the rest of its batch along.
                let later = site == Site::Drop && S::CAPABILITIES.has(Capabilities::DEFERS_DROPS);
                // With a hasher that lies, an objection to an answer is made and passed over. A drop that panics on the way
                // out of such an op would leak the objection, which would count as the map's memory: so none is armed.
                if Self::COUNTED && !later && !self.fickle {
                    Ledger::arm(site, n as u32);
                    self.armed = true;
                }
                if !self.fickle {
                    self.told(self.now as usize - 1);
                }
                Ok(())
            }
            _ => match self.apply(op)? {
                Some(bound) => self.after(bound),
                None => Ok(()),
            },
        }
    }

    /// One op; `None` if the map lacks the capability.
    fn apply(&mut self, op: Op) -> Result<Option<Bound>, Box<Objection>> {
        match self.point(op)? {
            point::Done::No => self.whole(op),
            point::Done::Skipped => Ok(None),
            point::Done::Yes(bound) => Ok(Some(bound)),
        }
    }

    /// An entry as the reference oracle compares it.
    fn saw(key: &K, value: &V) -> Seen {
        let stamp =
            if S::CAPABILITIES.has(Capabilities::REPLACES_KEYS) { None } else { key.stamp() };
        Seen { key: key.number(), value: value.number(), stamp }
    }

    /// Every entry of the map, in its order, in the run's scratch memory.
    fn collect(&mut self) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut self.scratch);
        seen.clear();
        self.map.for_each(|key, value| seen.push(Self::saw(key, value)));
        seen
    }

    /// Is there a cursor that is not at its end?
    fn is_walked(&self) -> bool {
        self.cursors.iter().flatten().any(|(_, witness)| !witness.is_finished())
    }

    /// Up to `removed` keys may now stay alive for a cursor.
    fn keep_keys(&mut self, removed: usize) {
        if self.is_walked() {
            self.allowance.kept_keys = self.allowance.kept_keys.saturating_add(removed);
        }
    }

    /// An op has removed so many entries and given no key away: with no cursor that could meet them, nothing is kept, and what
    /// was kept before is let go.
    fn removed(&mut self, removed: usize) {
        self.keep_keys(removed);
        if removed > 0 && !self.is_walked() {
            self.allowance.kept_keys = 0;
        }
    }

    /// Closes every cursor: the map they belong to is gone.
    fn close_cursors(&mut self) {
        self.cursors = [const { None }; CURSORS];
        self.had_cursors = false;
        self.allowance.kept_keys = 0;
    }

    /// How many entries the map can hold without growing, if it says so or is known to grow.
    fn capacity(&self) -> Option<usize> {
        match S::CAPABILITIES.has(Capabilities::CAPACITY) {
            true => Some(self.map.capacity()),
            false => Self::SHARES.then(|| work::entries_max(self.map.growth().buckets_log2)),
        }
    }

    /// Drops the map, then the cursors, and judges the drops.
    fn finish(self) -> Verdict {
        let Run { map, spec, state, cursors, mut allowance, checks, scratch, held, .. } = self;
        Ledger::watch(true);
        let dropped = panics::caught(|| drop(map)).and_then(|()| panics::caught(|| drop(cursors)));
        Ledger::watch(false);
        match dropped {
            Err(Cause::Own(message)) => return panics::unasked(&message),
            Err(Cause::Injected(_)) => allowance.leaks |= !Self::DROPS_ALL,
            Ok(()) => {}
        }
        drop((spec, state, scratch));
        allowance.kept_keys = 0;
        if checks < Checks::End {
            return Ok(());
        }
        if Self::COUNTED {
            drops::account([0; 2], allowance)?;
        }
        drops::layouts()?;
        if S::CAPABILITIES.has(Capabilities::FREES_LATER) {
            return Ok(());
        }
        // An element that leaks, as its drop panicked, owns no memory: what is held is the map's.
        match allowance.leaks && !Self::DROPS_ALL {
            true => Ok(()),
            false => drops::memory(memory::held() - held),
        }
    }
}
