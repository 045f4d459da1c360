//! The story of a finding: who did what, what the map looked like, and what cannot be explained. Told once, shown by
//! `terminal` and `page`.
//!
//! # Not here
//! How it looks.
//! # Checked by
//! `tests/story.rs`.

use super::lab::Lab;
use super::regression;
use super::sighting::{Came, Sighting, witness};
use super::store::{Occurrence, Record};
use super::worker::Worker;
use crate::case::Case;
use crate::history::History;
use crate::oracles::linearizability::Witness;
use crate::picture::{Bucket, Picture, Table};
use crate::subjects::Subject;
use crate::trace::Event;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// A story.
#[derive(Clone, Debug)]
pub struct Story {
    /// The signature, in words.
    pub name: String,
    /// What was seen.
    pub sighting: Sighting,
    /// Who acts: names.
    pub lanes: Vec<String>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// The map, from its state before the first step on; steps refer to these by index.
    pub states: Vec<Picture>,
    /// Why the answers have no order.
    pub attempt: Option<Attempt>,
    /// The smallest case, as text.
    pub case: String,
    /// The command that runs it again.
    pub replay: String,
    /// All that came to this signature.
    pub occurrences: Vec<Occurrence>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In which lane.
    pub lane: usize,
    /// What kind of thing.
    pub kind: Kind,
    /// In words.
    pub text: String,
    /// Where it was, if it says.
    pub place: String,
    /// The state after it: an index.
    pub state: usize,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call.
    Call,
    /// A return.
    Return,
    /// A named moment.
    Point,
    /// Something forced.
    Departure,
    /// A sequential op, from call to return.
    Op,
    /// What the oracle objects to.
    Failure,
}

/// An attempt at an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The key.
    pub key: u16,
    /// The longest order, op by op.
    pub order: Vec<String>,
    /// The op that has no place in it.
    pub blocked: String,
    /// Whose it is, and how many that thread had called before.
    pub place: (String, usize),
    /// Where it was tried, and what it would return there.
    pub tried: Vec<String>,
    /// The op that would have no place if it had one.
    pub rival: Option<String>,
}

impl Story {
    /// Of a record: runs its smallest case once more, with a trace.
    ///
    /// # Errors
    /// When the case cannot be read or run.
    pub fn of(record: &Record, file: &Path) -> io::Result<Story> {
        let case = record.smallest().map_err(io::Error::other)?;
        let subject = Subject::known(&record.subject).map_err(io::Error::other)?;
        let mut worker = Worker::start()?;
        worker.expect(&record.sighting);
        let (came, events) = worker.trace(Lab::new(subject), &case)?;
        let sighting = match came {
            Came::Failed(sighting) if sighting.is_like(&record.sighting) => *sighting,
            _ => record.sighting.clone(),
        };
        let mut story = Story {
            name: record.name.clone(),
            lanes: case.running().iter().map(|thread| thread.name.clone()).collect(),
            attempt: witness(&sighting.detail)
                .map(|(history, witness)| attempt(&history, &witness)),
            sighting,
            steps: Vec::new(),
            states: Vec::new(),
            case: record.case.clone(),
            replay: regression::replay(record, file),
            occurrences: record.occurrences.clone(),
        };
        story.tell(&case, events);
        Ok(story)
    }

    fn tell(&mut self, case: &Case, events: Vec<Event>) {
        let ops = case.ops();
        let mut parts = Parts::of(&events);
        for event in events {
            let state = self.states.len().saturating_sub(1);
            let is_new = case.is_sequential() && self.steps.is_empty();
            let mut step = |lane, kind, text, place| {
                self.steps.push(Step { lane, kind, text, place, state });
            };
            match event {
                Event::Call { thread, op } => step(thread, Kind::Call, op, String::new()),
                Event::Return { thread, answer } => {
                    step(thread, Kind::Return, answer, String::new());
                }
                Event::Begun { .. } => {}
                Event::Reach { thread, point, place } => step(thread, Kind::Point, point, place),
                Event::Departure { thread, what, place } => {
                    step(thread, Kind::Departure, what, place);
                }
                Event::Done { at, part } => {
                    let op =
                        ops.get(at).map_or("the end of the run".to_string(), ToString::to_string);
                    if let Some(part) = parts.told(at, part) {
                        step(0, Kind::Op, op, part);
                    }
                }
                Event::State(picture) => {
                    // A sequential op has the state after it, so no other step would show the map as it was made.
                    if is_new && !picture.tables.is_empty() {
                        let text = format!("a new map of capacity {}", case.capacity);
                        step(0, Kind::Point, text, String::new());
                    }
                    if self.states.is_empty() {
                        self.steps.iter_mut().for_each(|step| step.state = 0);
                    } else if let Some(last) = self.steps.last_mut() {
                        last.state = self.states.len();
                    }
                    self.states.push(picture);
                }
            }
        }
        self.forget_states();
        if let Some(op) = self.sighting.op.clone().filter(|_| self.sighting.ended_its_process()) {
            let state = self.states.len().saturating_sub(1);
            let place = "does not return".to_string();
            self.steps.push(Step { lane: 0, kind: Kind::Op, text: op, place, state });
        }
        let lane = self.failing_lane(case);
        let text = self.sighting.message.lines().next().unwrap_or_default().to_string();
        let state = self.states.len().saturating_sub(1);
        self.steps.push(Step { lane, kind: Kind::Failure, text, place: String::new(), state });
    }

    /// The states that no step comes to go.
    fn forget_states(&mut self) {
        let mut used: Vec<usize> = self.steps.iter().map(|step| step.state).collect();
        used.extend([0, self.states.len().saturating_sub(1)]);
        used.sort_unstable();
        used.dedup();
        let states = std::mem::take(&mut self.states).into_iter().enumerate();
        self.states = states.filter(|(at, _)| used.contains(at)).map(|(_, state)| state).collect();
        let place = |state: usize| used.partition_point(|&kept| kept < state);
        self.steps.iter_mut().for_each(|step| step.state = place(step.state));
    }

    fn failing_lane(&self, case: &Case) -> usize {
        let detail = &self.sighting.detail;
        let who = detail.strip_prefix("by ").unwrap_or(detail);
        let is_who = |name: &String| {
            let rest = who.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.starts_with(' ') || rest.starts_with("'s "))
        };
        let lane = self.lanes.iter().position(is_who);
        let last = self.steps.last().map_or(0, |step| step.lane);
        lane.unwrap_or(if case.is_sequential() { 0 } else { last })
    }

    /// What changes from one state to the next: tables and buckets that are not as they were.
    pub fn changes(&self, state: usize) -> Vec<(&Table, Vec<(usize, &Bucket)>)> {
        let Some(now) = self.states.get(state) else { return Vec::new() };
        let before = state.checked_sub(1).and_then(|before| self.states.get(before));
        let mut changes = Vec::new();
        for table in &now.tables {
            let old = before.and_then(|before| before.tables.iter().find(|old| old.is_same(table)));
            let changed = |(index, bucket): &(usize, &Bucket)| match old {
                Some(old) => old.buckets.get(*index) != Some(bucket),
                None => bucket.chain.iter().flatten().any(|slot| slot.full || slot.tophash > 1),
            };
            let buckets: Vec<_> = table.buckets.iter().enumerate().filter(changed).collect();
            if !buckets.is_empty() || old.is_none_or(|old| old.mark != table.mark) {
                changes.push((table, buckets));
            }
        }
        changes
    }
}

/// How many of an op's parts are shown: the last.
const PARTS_SHOWN: usize = 3;

/// The parts of ops that fill the map, as they are told: by op, how many it has, and how many of them have come.
struct Parts(BTreeMap<usize, (usize, usize)>);

impl Parts {
    fn of(events: &[Event]) -> Parts {
        let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for event in events {
            if let Event::Done { at, part: Some(_) } = event {
                counts.entry(*at).or_default().0 += 1;
            }
        }
        Parts(counts)
    }

    /// What is said of the next part of an op, or of an op without. Those before the last ones have one line for them all:
    /// `None` if it is there.
    fn told(&mut self, at: usize, part: Option<String>) -> Option<String> {
        let Some(part) = part else { return Some(String::new()) };
        let (all, come) = self.0.get_mut(&at)?;
        *come += 1;
        match all.saturating_sub(PARTS_SHOWN) {
            hidden if *come > hidden || hidden == 1 => Some(format!("of it: {part}")),
            hidden if *come == 1 => Some(format!("of it: {hidden} ops, not shown")),
            _ => None,
        }
    }
}

fn attempt(history: &History, witness: &Witness) -> Attempt {
    let operations = history.operations();
    let describe = |of: usize| history.describe(&operations[of]);
    let thread = operations[witness.blocked].thread;
    let before = operations[..witness.blocked].iter().filter(|one| one.thread == thread).count();
    Attempt {
        key: witness.key,
        place: (history.threads()[thread].clone(), before),
        order: witness.prefix.iter().map(|&of| describe(of)).collect(),
        blocked: describe(witness.blocked),
        tried: witness.alternatives.iter().map(|one| one.told(witness.key)).collect(),
        rival: witness.rival.map(describe),
    }
}
