//! A case: everything one run needs, as a value.
//!
//! A sequential case has one thread. The text form (`text`) is for people and for the corpus, the byte form
//! (`input`) for fuzzers; both give the same value back.
//!
//! ```text
//! case 1
//! # A remove that only looks in the new table misses what is still in the old one.
//! hasher low3
//! order go
//! elements plain
//! capacity 0
//!
//! thread main
//!   fill-to-threshold +1 k0
//!   # k5 sits in an old bucket that no write has evacuated yet
//!   remove k5
//! end
//! ```
//!
//! A concurrent case has several threads; the first may be called `given` and is done before the others begin. A
//! `schedule` block may follow, see [`schedule`].
//!
//! # Invariants
//! - **round trip**: `parse(print(case)) == case`, and `decode(encode(case))` is the case without its comments
//!   and expectation.
//! # Not here
//! Running one: see `property`.
//! # Checked by
//! `tests/round_trips.rs`, `tests/case_text.rs`.

pub mod schedule;
mod text;

pub use text::ParseError;
pub(crate) use text::{Line, comment, op as parse_op};

use crate::generators::hashers::Hasher;
use crate::op::{Op, Order};
use schedule::Departure;
pub use schedule::Forced;
use std::fmt;

/// The version this code writes and reads.
pub const VERSION: u32 = 1;

/// Which key and value types a case runs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Elements {
    /// `u64` to `u64`: fast.
    #[default]
    Plain,
    /// Keys and values that count their births and deaths and can be told to panic.
    Counted,
    /// Keys of 24 bytes and values of 192 bytes aligned to 64.
    Wide,
    /// Keys that count, to values of 2 KiB that need no drop.
    CountedKeys,
    /// `u64` to values that count.
    CountedValues,
}

impl Elements {
    /// Every choice, in the order of its code.
    pub const ALL: [Elements; 5] = [
        Elements::Plain,
        Elements::Counted,
        Elements::Wide,
        Elements::CountedKeys,
        Elements::CountedValues,
    ];

    /// How many of them, the first ones, the engines for several threads have; they count both for either half.
    pub const SHARED: usize = 3;

    /// Do keys or values count?
    pub fn is_counted(self) -> bool {
        !matches!(self, Elements::Plain | Elements::Wide)
    }

    /// The word for it in a case.
    pub fn name(self) -> &'static str {
        ["plain", "counted", "wide", "counted-keys", "counted-values"][self as usize]
    }
}

/// What a run of the case should come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expectation {
    /// Every oracle is content.
    #[default]
    Pass,
    /// This oracle objects (a case kept to show that the oracle can).
    Finding(String),
}

/// One thread of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Thread {
    /// Its role.
    pub name: String,
    /// What it does.
    pub ops: Vec<Op>,
    /// Comments, each with the index of the op it stands before.
    pub notes: Vec<(usize, String)>,
}

/// A case. See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// The comment at the top: what the case is about.
    pub story: Vec<String>,
    /// How keys hash.
    pub hasher: Hasher,
    /// The evacuation order to begin with.
    pub order: Order,
    /// The key and value types.
    pub elements: Elements,
    /// The capacity the map is made with.
    pub capacity: u16,
    /// What should come of it.
    pub expect: Expectation,
    /// At least one. If there are several, one called [`GIVEN`] comes first and is done before the others begin.
    pub threads: Vec<Thread>,
    /// The schedule, if one is asked for: what departs from the ordinary.
    pub schedule: Vec<Forced>,
}

/// The thread of a concurrent case that makes what the others find.
pub const GIVEN: &str = "given";

impl Default for Case {
    fn default() -> Self {
        Case::sequential(Vec::new())
    }
}

impl Case {
    /// A case with one thread, an empty map and otherwise defaults.
    pub fn sequential(ops: Vec<Op>) -> Case {
        Case {
            story: Vec::new(),
            hasher: Hasher::default(),
            order: Order::default(),
            elements: Elements::default(),
            capacity: 0,
            expect: Expectation::Pass,
            threads: vec![Thread { name: "main".into(), ops, notes: Vec::new() }],
            schedule: Vec::new(),
        }
    }

    /// The ops of the first thread.
    pub fn ops(&self) -> &[Op] {
        self.threads.first().map_or(&[], |thread| &thread.ops)
    }

    /// The ops of the first thread, to change.
    pub fn ops_mut(&mut self) -> &mut Vec<Op> {
        if self.threads.is_empty() {
            self.threads = Case::default().threads;
        }
        &mut self.threads[0].ops
    }

    /// What is done before the threads begin; nothing in a sequential case.
    pub fn given(&self) -> &[Op] {
        match &self.threads[..] {
            [first, _, ..] if first.name == GIVEN => &first.ops,
            _ => &[],
        }
    }

    /// The threads that run at once.
    pub fn running(&self) -> &[Thread] {
        match &self.threads[..] {
            [first, rest @ ..] if first.name == GIVEN && !rest.is_empty() => rest,
            all => all,
        }
    }

    /// Is it for one thread?
    pub fn is_sequential(&self) -> bool {
        self.threads.len() == 1
    }

    /// Does the schedule have loads return older stores, stores go before others, or retirings wait?
    pub fn reads_stale(&self) -> bool {
        let stale = |forced: &Forced| {
            matches!(forced.departure, Departure::Read(_) | Departure::Write(_) | Departure::Defer)
        };
        self.schedule.iter().any(stale)
    }

    /// The same run without the words: no story, no notes, no expectation, the thread called `main`.
    pub fn bare(&self) -> Case {
        let mut bare = self.clone();
        bare.story.clear();
        bare.expect = Expectation::Pass;
        for thread in &mut bare.threads {
            thread.notes.clear();
        }
        if let [thread] = &mut bare.threads[..] {
            thread.name = "main".into();
        }
        bare
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// The first line that is not as it should be, what is there, and what was expected.
    pub fn parse(text: &str) -> Result<Case, ParseError> {
        text::parse(text)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::print(self, f)
    }
}
