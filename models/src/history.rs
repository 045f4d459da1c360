//! A history: the calls and returns of several threads, in the order in which they happened.
//!
//! ```
//! // The insert had returned before the get was called, and the get missed it.
//! let text = "\
//! history 1
//! expect finding linearizability
//! contracts apart counted once
//! given k2 v7
//!
//! events
//! call writer insert k1 v5
//! return writer None
//! call reader get k1
//! return reader None
//! ";
//! let history = models::history::History::parse(text).unwrap();
//! let objection = models::oracles::whole_map::judge(&history, Default::default()).unwrap_err();
//! assert_eq!(objection.oracle, "linearizability");
//! ```
//!
//! Time is the order of the events; an op that returned before another was called came before it, and the
//! others are concurrent. An op without a return is **pending**: it may have taken effect, or not. One that
//! ended in a panic is read in the same way (it may take effect later than its end: weaker than the truth,
//! never a false alarm).
//!
//! # Invariants
//! - **one open op**: a thread calls only when its last op has returned or panicked.
//! - **thread order**: threads stand in the order of their first calls; each has one.
//! - **round trip**: `parse(print(history)) == history`.
//! # Not here
//! Judging: see `oracles::linearizability` and `oracles::whole_map`. Recording: see [`recorder`].
//! # Checked by
//! `tests/history.rs`.

pub mod recorder;
mod text;

pub use recorder::{Clock, Recorder, Sequence, Timer};

use crate::case::{Expectation, ParseError};
use crate::op::{Op, Ret};
use crate::oracles::linearizability::key_of;
use crate::oracles::whole_map::Contracts;
use std::fmt;

/// The version this code writes and reads.
pub const VERSION: u32 = 1;

/// What an op answered: a [`Ret`], or what an iteration yielded, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of an op on a key, and of `len`; `clear`, `retain` and the rest answer [`Ret::Unit`].
    Ret(Ret),
    /// Of an iteration: keys and values.
    Entries(Vec<(u64, u64)>),
}

impl From<Ret> for Answer {
    fn from(ret: Ret) -> Answer {
        Answer::Ret(ret)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The thread called.
    Call(Op),
    /// Its op returned.
    Return(Answer),
    /// Its op panicked.
    Panic,
}

/// What happened, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// An index into [`History::threads`].
    pub thread: usize,
    /// What happened.
    pub what: What,
}

/// A history. See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The comment at the top.
    pub story: Vec<String>,
    /// What the oracles should say.
    pub expect: Expectation,
    /// What the map promises of its whole-map ops.
    pub contracts: Contracts,
    /// The entries there before the first event.
    pub given: Vec<(u16, u64)>,
    threads: Vec<String>,
    events: Vec<Event>,
    /// Comments, each with the index of the event it stands before.
    notes: Vec<(usize, String)>,
}

/// A call with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<'h> {
    /// An index into [`History::threads`].
    pub thread: usize,
    /// What was called.
    pub op: Op,
    /// What it answered. `None`: it is pending, or panicked.
    pub answer: Option<&'h Answer>,
    /// The index of the call.
    pub call: usize,
    /// The index of the return; past the last event while pending or panicked.
    pub returned: usize,
}

/// Why an event cannot come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// A call of a thread whose last op is still open.
    StillOpen,
    /// An end of an op that was not called.
    NotOpen,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Misplaced::StillOpen => "the end of this thread's open op first",
            Misplaced::NotOpen => "a call of this thread first",
        })
    }
}

impl std::error::Error for Misplaced {}

impl History {
    /// A history in which nothing happened to a map with these entries.
    pub fn given(entries: impl IntoIterator<Item = (u16, u64)>) -> History {
        History { given: entries.into_iter().collect(), ..History::default() }
    }

    /// The threads' names.
    pub fn threads(&self) -> &[String] {
        &self.threads
    }

    /// What happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Adds an event.
    ///
    /// # Errors
    /// When it cannot come next.
    pub fn push(&mut self, thread: &str, what: What) -> Result<(), Misplaced> {
        let known = self.threads.iter().position(|name| name == thread);
        let open = known.and_then(|thread| self.open(thread)).is_some();
        match what {
            What::Call(_) if open => return Err(Misplaced::StillOpen),
            What::Return(_) | What::Panic if !open => return Err(Misplaced::NotOpen),
            _ => {}
        }
        let thread = known.unwrap_or_else(|| {
            self.threads.push(thread.to_string());
            self.threads.len() - 1
        });
        self.events.push(Event { thread, what });
        Ok(())
    }

    /// The op this thread is in.
    pub fn open(&self, thread: usize) -> Option<Op> {
        match self.events.iter().rev().find(|event| event.thread == thread)?.what {
            What::Call(op) => Some(op),
            _ => None,
        }
    }

    /// Every call with what came of it, in the order of the calls.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations: Vec<Operation<'_>> = Vec::with_capacity(self.events.len() / 2 + 1);
        let mut open = vec![usize::MAX; self.threads.len()];
        for (at, event) in self.events.iter().enumerate() {
            match &event.what {
                What::Call(op) => {
                    open[event.thread] = operations.len();
                    operations.push(Operation {
                        thread: event.thread,
                        op: *op,
                        answer: None,
                        call: at,
                        returned: usize::MAX,
                    });
                }
                What::Return(answer) => {
                    let operation = &mut operations[open[event.thread]];
                    operation.answer = Some(answer);
                    operation.returned = at;
                }
                What::Panic => {}
            }
        }
        operations
    }

    /// Whose op it is: ``writer's `insert k1 v5` ``, or ``writer's 2nd `insert k1 v5` `` if the thread has several such. O(n).
    pub fn name(&self, operation: &Operation<'_>) -> String {
        let Operation { thread, op, call, .. } = operation;
        let is_such = |event: &&Event| event.thread == *thread && event.what == What::Call(*op);
        let count = |events: &[Event]| events.iter().filter(is_such).count();
        let number = match (count(&self.events[..=*call]), count(&self.events[call + 1..])) {
            (1, 0) => String::new(),
            (number, _) => ordinal(number) + " ",
        };
        format!("{}'s {number}`{op}`", self.threads[*thread])
    }

    /// Says in words what an op did: ``writer's `insert k1 v5` returned None``. O(n).
    pub fn describe(&self, operation: &Operation<'_>) -> String {
        let name = self.name(operation);
        match operation.answer {
            Some(answer) => format!("{name} returned {answer}"),
            None => format!("{name} never returned"),
        }
    }

    /// The last calls about a key, so many at most, with what came of them, and what was given of it; calls about more than one
    /// key, or none, are about each. Without a key: the last calls.
    pub fn last(&self, key: Option<u16>, calls_max: usize) -> History {
        let is_about = |other: Option<u16>| key.is_none() || other.is_none() || other == key;
        let operations = self.operations();
        let about = operations.iter().filter(|operation| is_about(key_of(operation.op)));
        let mut calls: Vec<usize> = about.map(|operation| operation.call).collect();
        calls.drain(..calls.len().saturating_sub(calls_max));
        let given = self.given.iter().copied().filter(|&(other, _)| is_about(Some(other)));
        let mut last = History { contracts: self.contracts, ..History::given(given) };
        let mut is_in = vec![false; self.threads.len()];
        for (at, Event { thread, what }) in self.events.iter().enumerate() {
            if let What::Call(_) = what {
                is_in[*thread] = calls.binary_search(&at).is_ok();
            }
            if is_in[*thread] {
                let pushed = last.push(&self.threads[*thread], what.clone());
                debug_assert!(pushed.is_ok(), "each end comes after its call");
            }
        }
        last
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// The first line that is not as it should be, what is there, and what was expected.
    pub fn parse(text: &str) -> Result<History, ParseError> {
        text::parse(text)
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::print(self, f)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = match self {
            Answer::Ret(ret) => return ret.fmt(f),
            Answer::Entries(entries) => entries,
        };
        f.write_str("{")?;
        for (at, (key, value)) in entries.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}k{key} v{value}")?;
        }
        f.write_str("}")
    }
}
