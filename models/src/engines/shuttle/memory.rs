//! One atomic's memory: its modification order, and what a load may return.
//!
//! ```text
//!   modification order   s0 ── s1 ── s2 ── s3      each store: its value, who did it when, and the view it releases
//!                              ▲           ▲
//!             bound: the last store        the latest: all there is without stale reads
//!             that the task has seen
//! ```
//! A load returns the latest store, or, with **stale reads**, any from the bound on. The bound is the last store in the
//! modification order that was made or read by an operation which the reader's view knows: that is coherence (CoRR,
//! CoWR) and happens-before. The reader acquires the view that the store released; a relaxed load keeps it for an
//! acquire fence. A store releases the storing task's view, or with less than Release its view at its last release
//! fence. A read-modify-write adds the view of the store it read (a release sequence); a plain store does not.
//!
//! **Owned memory** is read by who alone may write it, under a lock: like plain memory, each store to it happens-before
//! such a load or after it, or there is a race.
//!
//! # Departures from C++20
//! - **stronger**: a SeqCst fence sees everything that the task of any earlier SeqCst operation had seen. The standard
//!   asks it of the same location only: so a program that mixes fences with weaker accesses may have outcomes that are
//!   not shown. A SeqCst access reads no store that is older than what an earlier one of its location made or read, or
//!   than what a fence's task had seen, and stores before none of these; it is no fence.
//! - **stronger**: a read-modify-write reads the latest store, and a store is put before others (2+2W) only when these
//!   are not chained to what comes before by a read-modify-write. A failing compare-exchange is a load.
//! - **stronger**: of a thread that waits, every second look shows it what others have done, all of it: a store becomes
//!   visible in finite time, though not with those to other places.
//! - **stronger**: no load buffering: operations happen in program order, no load returns a store that is yet to come.
//! - **stronger**: making an atomic is a write that is not atomic: a first access that is not ordered after it is a
//!   data race, reported.
//!
//! # Checked by
//! `tests/litmus.rs`.

use super::clock::{Clock, Stamp, TASKS, View};
use super::pending::Location;
use std::sync::atomic::Ordering;

/// Is this order at least Acquire?
pub(super) fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

/// Is this order at least Release?
pub(super) fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

/// What SeqCst operations, which have one order, know of each other; what those of one location do: see [`Memory`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequential {
    /// What the tasks of fences had seen.
    fences: Clock,
    /// And those of accesses.
    accesses: Clock,
}

/// What a task knows, and keeps for its fences.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Knowledge {
    /// What it has seen.
    pub(super) view: View,
    /// What its relaxed loads would have acquired; an acquire fence adds it to the view.
    unacquired: View,
    /// Its view at its last release fence: what its relaxed stores release.
    released: View,
}

impl Knowledge {
    pub(super) fn new(view: View) -> Knowledge {
        Knowledge { view, ..Knowledge::default() }
    }

    /// One more step of the task.
    pub(super) fn tick(&mut self, task: usize) -> Stamp {
        self.view.seen.tick(task);
        self.view.ordered.tick(task)
    }

    /// A fence.
    pub(super) fn fence(&mut self, order: Ordering, sequential: &mut Sequential) {
        if acquires(order) {
            let unacquired = self.unacquired;
            self.view.join(&unacquired);
        }
        if order == Ordering::SeqCst {
            self.view.seen.join(&sequential.fences);
            self.view.seen.join(&sequential.accesses);
            sequential.fences.join(&self.view.seen);
        }
        if releases(order) {
            self.released = self.view;
        }
    }

    fn acquire(&mut self, release: &View, order: Ordering) {
        if acquires(order) {
            self.view.join(release);
        } else {
            self.unacquired.join(release);
        }
    }

    fn release(&self, order: Ordering) -> View {
        if releases(order) { self.view } else { self.released }
    }
}

/// A store in the modification order.
#[derive(Clone, Copy, Debug)]
struct Stored<T> {
    value: T,
    release: View,
    /// The time at which each task first made or read it; 0: never.
    known: [u32; TASKS],
    /// A read-modify-write, of the store before.
    chained: bool,
    /// Made or read by a SeqCst operation.
    sequential: bool,
}

impl<T> Stored<T> {
    fn new(value: T, release: View) -> Self {
        Stored { value, release, known: [0; TASKS], chained: false, sequential: false }
    }

    fn note(&mut self, stamp: Stamp) {
        let known = &mut self.known[stamp.task as usize];
        if *known == 0 {
            *known = stamp.time;
        }
    }

    fn is_known_by(&self, seen: &Clock) -> bool {
        self.known.iter().enumerate().any(|(task, &time)| time != 0 && time <= seen.of(task))
    }
}

/// An atomic.
#[derive(Clone, Debug)]
pub(super) struct Memory<T> {
    pub(super) location: Location,
    /// When it was made.
    pub(super) birth: Stamp,
    /// When each task last stored to it, and last loaded it as its owner.
    pub(super) stores: Clock,
    pub(super) owned: Clock,
    latest: Stored<T>,
    /// The stores before, if they can still be read.
    older: Vec<Stored<T>>,
}

/// Which operations a task's step is: what it needs to know besides the memory.
pub(super) struct Step<'w> {
    pub(super) stamp: Stamp,
    pub(super) knowledge: &'w mut Knowledge,
    pub(super) sequential: &'w mut Sequential,
    /// Keep the modification order.
    pub(super) stale: bool,
}

impl Step<'_> {
    /// What fences are to see of an access.
    fn accessed(self, order: Ordering) {
        if order == Ordering::SeqCst {
            self.sequential.accesses.join(&self.knowledge.view.seen);
        }
    }
}

impl<T: Copy + PartialEq> Memory<T> {
    pub(super) fn new(location: Location, stamp: Stamp, value: T) -> Self {
        let mut latest = Stored::new(value, View::default());
        latest.note(stamp);
        let (stores, owned) = Default::default();
        Memory { location, birth: stamp, stores, owned, latest, older: Vec::new() }
    }

    /// The latest value, seen by nobody.
    pub(super) fn peek(&self) -> T {
        self.latest.value
    }

    fn at(&mut self, back: usize) -> &mut Stored<T> {
        match back {
            0 => &mut self.latest,
            _ => {
                let at = self.older.len() - back;
                &mut self.older[at]
            }
        }
    }

    /// How many stores, from the latest back, a task that knows this much may read; `sequential` if with SeqCst.
    pub(super) fn readable(&self, knowledge: &Knowledge, sequential: Option<&Sequential>) -> usize {
        let mut seen = knowledge.view.seen;
        if let Some(sequential) = sequential {
            seen.join(&sequential.fences);
        }
        let newest_first = std::iter::once(&self.latest).chain(self.older.iter().rev());
        let is_bound = |stored: &Stored<T>| {
            stored.is_known_by(&seen) || sequential.is_some() && stored.sequential
        };
        let behind = newest_first.take_while(|stored| !is_bound(stored)).count();
        (behind + 1).min(self.older.len() + 1)
    }

    /// How many places, from the last back, a store of a task that knows this much may take; `sequential` if with SeqCst.
    pub(super) fn writable(&self, knowledge: &Knowledge, sequential: Option<&Sequential>) -> usize {
        let readable = self.readable(knowledge, sequential);
        let newest_first = std::iter::once(&self.latest).chain(self.older.iter().rev());
        // Going back by one puts the store before the latest: not between it and what it is chained to.
        1 + newest_first.take(readable - 1).take_while(|stored| !stored.chained).count()
    }

    /// The value of the store so many back, if that is not the latest.
    pub(super) fn value(&mut self, back: usize) -> T {
        self.at(back).value
    }

    /// A load of the store so many back.
    pub(super) fn load(&mut self, step: Step<'_>, order: Ordering, back: usize) -> T {
        let stored = self.at(back);
        stored.note(step.stamp);
        stored.sequential |= order == Ordering::SeqCst;
        step.knowledge.acquire(&stored.release, order);
        let value = stored.value;
        step.accessed(order);
        value
    }

    /// A load by the owner: of the latest store, which it has seen.
    pub(super) fn load_owned(&mut self, step: Step<'_>) -> T {
        self.owned.note(step.stamp);
        self.load(step, Ordering::Relaxed, 0)
    }

    /// A store, so many places back from the last.
    pub(super) fn store(&mut self, step: Step<'_>, order: Ordering, back: usize, value: T) {
        self.stores.note(step.stamp);
        let mut stored = Stored::new(value, step.knowledge.release(order));
        stored.note(step.stamp);
        stored.sequential = order == Ordering::SeqCst;
        match back {
            0 => self.push(stored, step.stale),
            _ => self.older.insert(self.older.len() + 1 - back, stored),
        }
        step.accessed(order);
    }

    /// A read-modify-write of the latest store; returns what it read.
    pub(super) fn update(
        &mut self,
        step: Step<'_>,
        order: Ordering,
        new: impl FnOnce(T) -> T,
    ) -> T {
        self.stores.note(step.stamp);
        let is_sequential = order == Ordering::SeqCst;
        let old = self.latest.value;
        let sequence = self.latest.release;
        self.latest.note(step.stamp);
        self.latest.sequential |= is_sequential;
        step.knowledge.acquire(&sequence, order);
        let mut release = step.knowledge.release(order);
        release.join(&sequence);
        let mut stored = Stored::new(new(old), release);
        stored.note(step.stamp);
        (stored.chained, stored.sequential) = (true, is_sequential);
        self.push(stored, step.stale);
        step.accessed(order);
        old
    }

    fn push(&mut self, stored: Stored<T>, stale: bool) {
        let before = std::mem::replace(&mut self.latest, stored);
        if stale {
            self.older.push(before);
        }
    }
}
