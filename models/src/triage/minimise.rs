//! Minimising: the least of a case that still fails in the same way.
//!
//! Delta debugging (Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, 2002) over typed
//! [`edit`]s: ops in ever smaller pieces, threads, forced switches, then what is left made plainer, over and over until a
//! whole round changes nothing. It is given its **normal form**, so that the cases of one bug come to the same name:
//! simpler ops ([`kinds`]), the first of all short cases of these ops ([`enumerate`]; a race, a crash or what a cursor misses
//! is first looked for in these), the first schedule of an ordered search. Edits are tried in parallel, but taken in their
//! order, so the result is the same on every machine.
//!
//! # Invariants
//! - **best so far**: at every moment there is a case that fails like the first; stopping early gives that.
//! - **1-minimal**: if it was not stopped, no single op, thread, key or departure can go.
//! # Not here
//! What can be edited: see [`edit`]. What "in the same way" means: [`Sighting::is_like`].
//! # Checked by
//! `tests/minimise.rs`.

use super::edit::{self, Edit, Piece, keys, weight};
use super::lab::Look;
use super::sighting::Sighting;
use super::{enumerate, kinds};
use crate::case::Case;
use crate::engines::judge::ALLOWED;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where cases are tried.
pub trait Bench: Sync {
    /// How many at once.
    fn lanes(&self) -> usize;

    /// What is seen of a case; `None` if no oracle objects. Called from one thread for each lane.
    fn run(&self, lane: usize, case: &Case, look: Look) -> Option<Sighting>;

    /// Can it run no more? What it says then is no answer.
    fn is_broken(&self) -> bool {
        false
    }
}

/// In this process, one at a time.
pub struct Here<F>(pub F);

impl<F: Fn(&Case) -> Option<Sighting> + Sync> Bench for Here<F> {
    fn lanes(&self) -> usize {
        1
    }

    fn run(&self, _: usize, case: &Case, _: Look) -> Option<Sighting> {
        self.0(case)
    }
}

/// How big a case is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Ops of all threads.
    pub ops: usize,
    /// Threads that run at once.
    pub threads: usize,
    /// Keys named.
    pub keys: usize,
    /// Departures from the ordinary schedule.
    pub switches: usize,
}

impl Size {
    /// Of a case.
    pub fn of(case: &Case) -> Size {
        Size {
            ops: case.threads.iter().map(|thread| thread.ops.len()).sum(),
            threads: case.running().len(),
            keys: keys(case).len(),
            switches: case.schedule.len(),
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Size { ops, threads, keys, switches } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{ops} op{}, {keys} key{}", plural(*ops), plural(*keys))?;
        if *threads > 1 || *switches > 0 {
            let (many, more) = (plural(*threads), plural(*switches));
            write!(f, ", {threads} thread{many}, {switches} departure{more}")?;
        }
        Ok(())
    }
}

/// When to stop, and whom to tell.
pub struct Settings<'a> {
    /// Ends it early.
    pub stop: &'a AtomicBool,
    /// Ends it early, too.
    pub limit: Option<Duration>,
    /// Called with each better case, and how many were tried.
    pub better: &'a (dyn Fn(&Case, &Sighting, u64) + 'a),
}

/// What minimising came to.
#[derive(Clone, Debug)]
pub struct Minimal {
    /// The case.
    pub case: Case,
    /// What is seen of it.
    pub sighting: Sighting,
    /// Cases tried.
    pub tried: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Nothing more can go; false if it was stopped before that was known.
    pub is_minimal: bool,
}

/// Minimises a case that shows `sighting`.
pub fn minimise(
    case: &Case,
    sighting: &Sighting,
    bench: &dyn Bench,
    settings: &Settings<'_>,
) -> Minimal {
    let mut search = Search::new(case, sighting, bench, settings);
    let guessed = search.first_of(enumerate::guesses(case, sighting));
    search.shrink();
    if !guessed && search.case.is_sequential() && search.first_of(enumerate::cases(&search.case)) {
        search.rounds();
    }
    search.settle();
    search.minimal()
}

/// Makes such a case smaller, without a care for its normal form.
pub fn shrink(
    case: &Case,
    sighting: &Sighting,
    bench: &dyn Bench,
    settings: &Settings<'_>,
) -> Minimal {
    let mut search = Search::new(case, sighting, bench, settings);
    search.shrink();
    search.minimal()
}

/// Without its words.
fn stripped(case: &Case) -> Case {
    let mut bare = case.clone();
    bare.story.clear();
    bare.threads.iter_mut().for_each(|thread| thread.notes.clear());
    bare
}

/// The most preemptions for which all schedules are looked at, once.
const PREEMPTIONS_MAX: usize = 2;
/// The most for which all are looked at after each edit.
const PREEMPTIONS_EACH: usize = 1;

struct Search<'a> {
    wanted: Sighting,
    case: Case,
    sighting: Sighting,
    bench: &'a dyn Bench,
    settings: &'a Settings<'a>,
    began: Instant,
    tried: u64,
    /// Hashes of cases that do not fail like the first.
    known: HashSet<u64>,
    /// With so many preemptions the case fails, if so few do.
    preemptions: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(
        case: &Case,
        sighting: &Sighting,
        bench: &'a dyn Bench,
        settings: &'a Settings<'a>,
    ) -> Self {
        Search {
            wanted: sighting.clone(),
            case: stripped(case),
            sighting: sighting.clone(),
            bench,
            settings,
            began: Instant::now(),
            tried: 0,
            known: HashSet::new(),
            preemptions: None,
        }
    }

    /// Until nothing is left that can go.
    fn shrink(&mut self) {
        self.settle();
        self.rounds();
    }

    fn minimal(self) -> Minimal {
        Minimal {
            is_minimal: !self.is_stopped(),
            elapsed: self.began.elapsed(),
            case: self.case,
            sighting: self.sighting,
            tried: self.tried,
        }
    }

    fn is_stopped(&self) -> bool {
        self.settings.stop.load(Ordering::Relaxed)
            || self.bench.is_broken()
            || self.settings.limit.is_some_and(|limit| self.began.elapsed() >= limit)
    }

    fn rounds(&mut self) {
        if self.wanted.oracle == ALLOWED {
            // The allowed outcomes are the scenario's: of another case nobody knows what to expect.
            return self.departures();
        }
        loop {
            let before = weight(&self.case);
            self.cut();
            self.sweep(edit::threads);
            self.pieces(|case| case.threads.iter().map(|thread| thread.ops.len()).max(), edit::ops);
            self.departures();
            self.sweep(edit::header);
            self.sweep(edit::folds);
            self.sweep(kinds::kinds);
            self.sweep(edit::renamings);
            self.sweep(edit::arguments);
            if self.is_stopped() || weight(&self.case) == before {
                return;
            }
        }
    }

    /// Takes the first of these that [stands for](Sighting::stands_for) what is wanted; from then on, what it shows is wanted.
    fn first_of(&mut self, cases: impl Iterator<Item = Case>) -> bool {
        let look = match self.case.is_sequential() {
            true => Look::Once,
            false => Look::Preempt(PREEMPTIONS_EACH),
        };
        let mut cases = cases.enumerate();
        while !self.is_stopped() {
            let batch = cases.by_ref().take(self.bench.lanes());
            let batch: Vec<_> = batch.map(|(at, case)| (at, case, look)).collect();
            if batch.is_empty() {
                break;
            }
            let Some((_, case, sighting)) = self.first(batch, None) else { continue };
            let again = self.bench.run(0, &case, Look::Once);
            if again.is_some_and(|again| again.is_like(&sighting)) {
                (self.case, self.wanted, self.sighting) = (case, sighting.clone(), sighting);
                self.known.clear();
                (self.settings.better)(&self.case, &self.sighting, self.tried);
                return true;
            }
        }
        false
    }

    /// Of all schedules with as few preemptions as do, the first in the order of the search: the same for every case that
    /// came to these ops. Done first, that shrinks most schedules to a switch or two at once; done last, whatever the
    /// time, it gives the case its final name.
    fn settle(&mut self) {
        if self.case.is_sequential() || self.wanted.oracle == ALLOWED {
            return;
        }
        for preemptions in 0..=self.case.schedule.len().min(PREEMPTIONS_MAX) {
            if self.settings.stop.load(Ordering::Relaxed) {
                return;
            }
            self.tried += 1;
            let seen = self.bench.run(0, &self.case, Look::Preempt(preemptions));
            let Some(seen) = seen.filter(|seen| seen.is_like(&self.wanted)) else { continue };
            let case = Case { schedule: seen.forced(), ..self.case.clone() };
            // Only if it can be told as a schedule that fails again.
            if let Some(seen) =
                self.bench.run(0, &case, Look::Once).filter(|seen| seen.is_like(&self.wanted))
            {
                (self.case, self.sighting) = (case, seen);
                self.preemptions = Some(preemptions).filter(|few| *few <= PREEMPTIONS_EACH);
                self.known.clear();
                return self.pieces(|case| Some(case.schedule.len()), edit::departures);
            }
        }
    }

    /// Drops what comes after the failure.
    fn cut(&mut self) {
        let (at, all) = (self.sighting.at + 1, self.case.ops().len());
        if self.case.is_sequential() && self.sighting.op.is_some() && at < all {
            let rest = Edit::DropOps(Piece { thread: 0, start: at, len: all - at });
            self.sweep(|case| if case.ops().len() == all { vec![rest.clone()] } else { vec![] });
        }
    }

    fn departures(&mut self) {
        self.pieces(|case| Some(case.schedule.len()), edit::departures);
        self.sweep(edit::schedules);
    }

    /// Sweeps with pieces of half the length, a quarter, … 1.
    fn pieces(&mut self, length: fn(&Case) -> Option<usize>, edits: fn(&Case, usize) -> Vec<Edit>) {
        let mut len = length(&self.case).unwrap_or(0).next_power_of_two();
        while len >= 1 && !self.is_stopped() {
            self.sweep(|case| edits(case, len));
            len /= 2;
        }
    }

    /// Tries edits in turn; after one that is taken, those of what it left, from the same place on.
    fn sweep(&mut self, edits: impl Fn(&Case) -> Vec<Edit>) {
        let mut list = edits(&self.case);
        let mut from = 0;
        while from < list.len() && !self.is_stopped() {
            let (batch, next) = self.batch(&list, from);
            match self.first(batch, Some(weight(&self.case))) {
                Some((at, case, sighting)) => {
                    (self.case, self.sighting) = (case, sighting);
                    (self.settings.better)(&self.case, &self.sighting, self.tried);
                    list = edits(&self.case);
                    from = at;
                }
                None => from = next,
            }
        }
    }

    /// The next candidates, one for each lane, and where to go on after them.
    fn batch(&self, list: &[Edit], from: usize) -> (Vec<(usize, Case, Look)>, usize) {
        let mut batch = Vec::new();
        for (at, edit) in list.iter().enumerate().skip(from) {
            let look = match (edit.look(), self.preemptions) {
                // All of them cost no more than as many at random, and miss nothing.
                (Look::Search(_), Some(preemptions)) => Look::Preempt(preemptions),
                (look, _) => look,
            };
            let case = edit.apply(&self.case);
            let is_search = matches!(edit, Edit::Preempt(_));
            let lighter = is_search || weight(&case) < weight(&self.case) || is_exchange(edit);
            if lighter && !self.known.contains(&hash(&case, look)) {
                batch.push((at, case, look));
            }
            if batch.len() == self.bench.lanes() {
                return (batch, at + 1);
            }
        }
        (batch, list.len())
    }

    /// Tries candidates at once; the first in order that fails like the first case and is lighter than that, if it has to
    /// be. If not, it is a case of its own, and need only stand for the first.
    fn first(
        &mut self,
        batch: Vec<(usize, Case, Look)>,
        lighter_than: Option<[u64; 7]>,
    ) -> Option<(usize, Case, Sighting)> {
        self.tried += batch.len() as u64;
        let bench = self.bench;
        let try_one = |lane: usize, case: &Case, look: Look| {
            let sighting = bench.run(lane, case, look).filter(|seen| match lighter_than {
                Some(_) => seen.is_like(&self.wanted),
                None => seen.stands_for(&self.wanted),
            })?;
            let (mut case, mut sighting) = (case.clone(), sighting);
            sighting.reschedule(&mut case);
            // It was found under another schedule than the case keeps.
            if look != Look::Once && case.schedule != sighting.forced() {
                let again = bench.run(lane, &case, Look::Once);
                sighting = again.filter(|again| again.is_like(&sighting))?;
            }
            let is_lighter = lighter_than.is_none_or(|best| weight(&case) < best);
            is_lighter.then_some((case, sighting))
        };
        let seen: Vec<Option<(Case, Sighting)>> = match &batch[..] {
            [(_, case, look)] => vec![try_one(0, case, *look)],
            _ => std::thread::scope(|scope| {
                let lanes: Vec<_> = batch
                    .iter()
                    .enumerate()
                    .map(|(lane, (_, case, look))| scope.spawn(move || try_one(lane, case, *look)))
                    .collect();
                lanes.into_iter().map(|lane| lane.join().ok().flatten()).collect()
            }),
        };
        let mut first = None;
        for ((at, case, look), seen) in batch.into_iter().zip(seen) {
            match seen {
                Some((case, sighting)) if first.is_none() => first = Some((at, case, sighting)),
                Some(_) => {}
                None => drop(self.known.insert(hash(&case, look))),
            }
        }
        first
    }
}

fn is_exchange(edit: &Edit) -> bool {
    matches!(edit, Edit::Exchange(..))
}

fn hash(case: &Case, look: Look) -> u64 {
    let mut hasher = DefaultHasher::new();
    case.hash(&mut hasher);
    matches!(look, Look::Preempt(_)).hash(&mut hasher);
    if let Look::Preempt(preemptions) = look {
        preemptions.hash(&mut hasher);
    }
    hasher.finish()
}
