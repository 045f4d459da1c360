//! Which phase every bucket is in, from the moments that threads reach.
//!
//! The map is not asked: it says where it is (`Platform::point`), and that is enough.
//!
//! ```text
//!   resting ──(its table gets a successor)──► old ──► copying ──► evacuated
//!      ▲  └► locked ┘                          └► locked ┘  └► old, when given up
//!      └──────── new: of a table whose predecessor is still in use
//! ```
//!
//! # Checked by
//! `tests/coverage.rs`.

use super::{Coverage, Doing, Pair, Relation, Role, Situation, words};
use crate::op::Op;
use map_core::platform::{Place, Point};

words! {
    /// The state of a bucket.
    State {
        /// Nothing grows here.
        Resting = "resting",
        /// Its table has a successor; it is not evacuated.
        Old = "old",
        /// A writer holds it.
        Locked = "locked",
        /// An evacuator holds it.
        Copying = "copying",
        /// It says EVACUATED.
        Evacuated = "evacuated",
        /// Its table's predecessor is still in use.
        New = "new",
    }
}

/// How many tables are looked at; later ones count as the last.
const TABLES: usize = 16;

/// Who is at a moment, and where.
#[derive(Clone, Copy, Debug)]
struct There {
    op: Op,
    point: Point,
    place: Place,
}

/// The phases of an execution.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    /// What is held or evacuated, by table and bucket; the rest follows from the tables.
    marks: Vec<(Place, State)>,
    /// The buckets of each table that has a successor.
    grown: [Option<usize>; TABLES],
    /// The oldest table in use.
    root: u64,
    threads: Vec<Option<There>>,
}

/// The part of a thread that is at this moment.
fn role(point: Point) -> Role {
    use Point::*;
    match point {
        ReadRoot | FollowSuccessor | SearchChain => Role::Reader,
        AboutToPublishSuccessor | PublishedSuccessor => Role::Grower,
        ClaimedBucket
        | AboutToCopyBucket
        | CopyingBucket
        | AboutToPublishEvacuated
        | PublishedEvacuated => Role::Evacuator,
        AboutToDrainSegment | AboutToRetireSegment | AboutToSwapRoot | AboutToRetireTable => {
            Role::Finisher
        }
        AboutToVisitBucket | AboutToClearBucket => Role::Walker,
        _ => Role::Writer,
    }
}

/// Is its place a whole table?
fn is_of_table(point: Point) -> bool {
    use Point::*;
    matches!(
        point,
        AboutToPublishSuccessor | PublishedSuccessor | AboutToSwapRoot | AboutToRetireTable
    )
}

impl Phases {
    /// An execution begins.
    pub fn begin(&mut self) {
        self.marks.clear();
        self.grown = Default::default();
        self.root = 0;
        self.threads.clear();
    }

    /// A thread's op has ended, or its next begins: it is nowhere.
    pub fn leave(&mut self, thread: usize) {
        if let Some(there) = self.threads.get_mut(thread) {
            *there = None;
        }
    }

    /// A thread has reached a moment in an op (`None`: while the map is set up). Its pairs with all others go into
    /// `coverage`.
    pub fn reach(
        &mut self,
        thread: usize,
        op: Option<Op>,
        point: Point,
        place: Place,
        coverage: &mut Coverage,
    ) {
        self.threads.resize(self.threads.len().max(thread + 1), None);
        self.gives_up(thread, point);
        self.note(point, place);
        let Some(op) = op else { return };
        let come = There { op, point, place };
        self.threads[thread] = Some(come);
        for (other, there) in self.threads.iter().enumerate() {
            if let (true, Some(there)) = (other != thread, there) {
                coverage.meet(self.pair(&come, there));
            }
        }
    }

    /// An evacuation that was given up is noticed when its thread is elsewhere.
    fn gives_up(&mut self, thread: usize, point: Point) {
        use Point::{
            AboutToCopyBucket, AboutToPublishEvacuated, CopyingBucket, PublishedEvacuated,
        };
        let Some(was) = &self.threads[thread] else { return };
        let held = matches!(was.point, AboutToCopyBucket | CopyingBucket | AboutToPublishEvacuated);
        if held && !matches!(point, CopyingBucket | AboutToPublishEvacuated | PublishedEvacuated) {
            let place = was.place;
            self.unmark(place);
        }
    }

    fn note(&mut self, point: Point, place: Place) {
        match point {
            Point::Locked => self.mark(place, State::Locked),
            Point::AboutToUnlock => self.unmark(place),
            Point::AboutToCopyBucket => self.mark(place, State::Copying),
            Point::PublishedEvacuated => self.mark(place, State::Evacuated),
            Point::PublishedSuccessor => {
                let table = (place.generation as usize).min(TABLES - 1);
                self.grown[table] = Some(place.bucket);
            }
            Point::AboutToRetireTable => {
                self.root = self.root.max(place.generation + 1);
                self.marks.retain(|(marked, _)| marked.generation > place.generation);
            }
            _ => {}
        }
    }

    fn mark(&mut self, place: Place, state: State) {
        self.unmark(place);
        self.marks.push((place, state));
    }

    fn unmark(&mut self, place: Place) {
        self.marks.retain(|(marked, _)| *marked != place);
    }

    fn state(&self, place: Place) -> State {
        let marked = self.marks.iter().find(|(marked, _)| *marked == place);
        let grows = self.grown[(place.generation as usize).min(TABLES - 1)].is_some();
        match marked {
            Some((_, state)) => *state,
            None if place.generation < self.root => State::Evacuated,
            None if grows => State::Old,
            None if place.generation > self.root => State::New,
            None => State::Resting,
        }
    }

    fn pair(&self, come: &There, there: &There) -> Pair {
        let situation = |one: &There| Situation {
            doing: Doing::of(one.op),
            role: role(one.point),
            state: self.state(one.place),
        };
        let relation = self.relation(come, there);
        Pair { comes: situation(come), relation, there: situation(there) }
    }

    fn relation(&self, come: &There, there: &There) -> Relation {
        if is_of_table(come.point) || is_of_table(there.point) {
            return Relation::Table;
        }
        if come.place == there.place {
            return Relation::Same;
        }
        // The buckets that one old bucket feeds agree with it modulo the old table's size.
        let older = come.place.generation.min(there.place.generation).max(self.root);
        let from = if come.place.generation == there.place.generation {
            older.checked_sub(1).filter(|before| *before >= self.root)
        } else {
            Some(older)
        };
        let fed_by = from.and_then(|table| self.grown[(table as usize).min(TABLES - 1)]);
        match fed_by {
            Some(buckets) if come.place.bucket % buckets == there.place.bucket % buckets => {
                Relation::Sibling
            }
            _ => Relation::Elsewhere,
        }
    }
}
