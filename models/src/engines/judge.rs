//! Judging a run of a concurrent case, whichever engine made it.
//!
//! Whatever the memory model, the answers must be among those that the scenario allows, and the map must be well-formed when
//! all is done. It has grown no further than asked for, and a growth that was under way throughout has got each write's
//! help. One that is under way at the end must end if writes go on, or by `reserve` where a thread has used that (but where
//! drops are counted, a growth within a growth is left as it is: that map is dropped with three tables). Under sequential
//! consistency the history must also satisfy every contract (`oracles::linearizability`, `oracles::whole_map`), as far as
//! the budget of the search goes: what it cannot answer is let pass. Under a weaker model there is no common time: see
//! [`partial`].
//!
//! # Checked by
//! `tests/catalogue.rs`, `tests/judge.rs`.

pub mod partial;

use crate::case::Case;
use crate::catalogue::Allowed;
use crate::concurrent_subject::ConcurrentSubject;
use crate::elements::{Key, Value};
use crate::engines::program::{Program, Setup};
use crate::generators::hashers::ModelState;
use crate::history::{Answer, History, Recorder, Sequence, What};
use crate::op::{Kind, Op};
use crate::oracles::linearizability::Budget;
use crate::oracles::{Objection, Verdict, reference, well_formed, whole_map};
use map_core::ConcurrentMap;
use map_core::platform::Platform;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// This oracle's name.
pub const ALLOWED: &str = "outcome";

/// What the threads of one run answered, and what they left.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome(pub String);

/// So many good histories are remembered; then all are forgotten.
const GOOD_MAX: usize = 1 << 16;

/// What `ConcurrentMap` promises of its whole-map ops: each key is looked up once, as all others see it.
const CONTRACTS: whole_map::Contracts =
    <ConcurrentMap<u64, u64, ModelState> as ConcurrentSubject>::CONTRACTS;

/// What "before" means to the engine.
pub enum Time<'a> {
    /// One op returned before another was called: the order in which things happened in the run.
    Real,
    /// Only what happens-before says.
    Weak(partial::Before<'a>),
}

/// Who looks at every key when the threads have ended.
pub const ONLOOKER: &str = "onlooker";

/// What the threads of a case ask of a map's growth.
#[derive(Debug)]
struct Asks {
    /// Ops that may insert.
    inserts: usize,
    /// The most that is reserved; then what was left is asked for room as well.
    room: Option<usize>,
    /// Ops that help a growth in any case.
    writes: usize,
}

impl Asks {
    fn of(case: &Case) -> Asks {
        let ops = || case.running().iter().flat_map(|thread| &thread.ops);
        let count = |kinds: &[Kind]| ops().filter(|op| kinds.contains(&op.kind())).count();
        let room = ops().filter_map(|op| match op {
            Op::Reserve(n) => Some(usize::from(*n)),
            _ => None,
        });
        // What panics may not have come to it.
        let writes = match count(&[Kind::PanicAt]) {
            0 => count(&[Kind::Insert, Kind::Remove, Kind::RemoveEntry]),
            _ => 0,
        };
        Asks {
            inserts: count(&[
                Kind::Insert,
                Kind::EntryOrInsert,
                Kind::EntryOrInsertWith,
                Kind::Compute,
            ]),
            room: room.max(),
            writes,
        }
    }
}

/// Judges the runs of one case.
#[derive(Debug)]
pub struct Judge {
    threads: Vec<String>,
    asks: Asks,
    allowed: Allowed,
    /// Of the search for an order, where time is real.
    budget: Budget,
    /// Histories found good: most runs of a case have one of a few.
    good: Mutex<HashSet<String>>,
}

impl Judge {
    /// For the runs of this case.
    pub fn new(case: &Case, allowed: Allowed) -> Judge {
        Judge {
            threads: case.running().iter().map(|thread| thread.name.clone()).collect(),
            asks: Asks::of(case),
            allowed,
            budget: Budget::default(),
            good: Mutex::default(),
        }
    }

    /// A recorder for one run.
    pub fn recorder(&self) -> Recorder<Sequence> {
        Recorder::new(Sequence::default(), self.threads.iter().cloned())
    }

    /// Judges what was recorded of a run and what it left, with nobody else at the map.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn judge<K: Key, V: Value, P: Platform + Setup>(
        &self,
        given: &[(u64, u64)],
        recorder: &Recorder<Sequence>,
        map: &mut Program<K, V, P>,
        time: Time<'_>,
    ) -> Result<Outcome, Box<Objection>> {
        if let Err(breach) = map.check() {
            let detail = format!("the run left a map in which {}", breach.detail);
            return Objection::raise(well_formed::NAME, breach.claim, detail);
        }
        map.figures()?;
        let contents = map.contents();
        if map.count() != contents.len() {
            let detail =
                format!("len is {}, and {} entries were left", map.count(), contents.len());
            return Objection::raise(whole_map::LEN, "len is exact when nobody writes", detail);
        }
        reference::emptiness(map.is_empty(), contents.len())?;
        let mut history = recorder.history(given.iter().map(|&(key, value)| (key as u16, value)));
        history.contracts = CONTRACTS;
        let outcome = outcome(&history, &contents);
        self.allowed(&history, &outcome)?;
        look_again(&mut history, given, &contents);
        match time {
            Time::Weak(before) => partial::judge(&history, before, ONLOOKER)
                .map_err(|objection| with_history(objection, &history))?,
            Time::Real => {
                self.by_real_time(&history)?;
                map.has_grown_enough()?;
            }
        }
        map.has_grown_too_far(self.asks.inserts + self.asks.room.unwrap_or(0))?;
        map.has_been_helped(self.asks.writes)?;
        // Else it is dropped as it is, with its three tables, by an engine that counts what is dropped.
        if !(K::COUNTED && map.is_nested()) {
            if self.asks.room.is_some() {
                map.makes_room()?;
            }
            map.finish(&contents)?;
        }
        Ok(outcome)
    }

    fn by_real_time(&self, history: &History) -> Verdict {
        let text = history.to_string();
        let lock = || self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if !lock().contains(&text) {
            whole_map::judge(history, self.budget)
                .map_err(|objection| with_history(objection, history))?;
            let mut good = lock();
            if good.len() >= GOOD_MAX {
                good.clear();
            }
            good.insert(text);
        }
        Ok(())
    }

    /// Are the answers among those allowed?
    fn allowed(&self, history: &History, outcome: &Outcome) -> Verdict {
        let mut answers: BTreeMap<&str, Vec<Answer>> = BTreeMap::new();
        for operation in history.operations() {
            let name = history.threads()[operation.thread].as_str();
            answers.entry(name).or_default().extend(operation.answer.cloned());
        }
        match self.allowed.breach(&answers) {
            None => Ok(()),
            Some(detail) => Objection::raise(
                ALLOWED,
                "a scenario ends in one of the ways that it allows",
                format!("{detail}; the whole run: {}", outcome.0),
            ),
        }
    }
}

/// Appends lookups of every key by an onlooker, so that what was left is judged with the rest.
fn look_again(history: &mut History, given: &[(u64, u64)], contents: &[(u64, u64)]) {
    let mut keys: Vec<u16> = given.iter().chain(contents).map(|&(key, _)| key as u16).collect();
    for operation in history.operations() {
        keys.extend(crate::oracles::linearizability::key_of(operation.op));
    }
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let there = contents.iter().find(|&&(other, _)| other == u64::from(key));
        let answer = Answer::Ret(crate::op::Ret::Value(there.map(|&(_, value)| value)));
        let pushed = history
            .push(ONLOOKER, What::Call(Op::Get(key)))
            .and_then(|()| history.push(ONLOOKER, What::Return(answer)));
        debug_assert!(pushed.is_ok(), "the onlooker has no open op");
    }
}

/// The objection, with the history that it is of.
pub(super) fn with_history(mut objection: Box<Objection>, history: &History) -> Box<Objection> {
    let _ = write!(objection.detail, "\n{history}");
    objection
}

/// A run's outcome in one line: the threads' answers, in order, and what they left.
pub(super) fn outcome(history: &History, contents: &[(u64, u64)]) -> Outcome {
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for operation in history.operations() {
        let line = lines.entry(&history.threads()[operation.thread]).or_default();
        match operation.answer {
            // An iteration's order is nobody's business.
            Some(Answer::Entries(entries)) => {
                let mut entries = entries.clone();
                entries.sort_unstable();
                let _ = write!(line, " {}", Answer::Entries(entries));
            }
            Some(answer) => {
                let _ = write!(line, " {answer}");
            }
            None => line.push_str(" panic"),
        }
    }
    let mut text = String::new();
    for (name, line) in lines {
        let _ = write!(text, "{name}:{line}; ");
    }
    let _ = write!(text, "left {}", Answer::Entries(contents.to_vec()));
    Outcome(text)
}
