//! The catalogue: named scenarios, one race each.
//!
//! A scenario is a claim, its race in a line or two, and the outcomes it allows. It is a value: the same one runs under
//! every engine. (Under real threads the ops are left out that only a model has, drops are not counted, and what the contracts
//! allow is allowed.) Whatever it allows, its history must also satisfy every contract (see `engines::judge`), so `allows`
//! is said where the claim is sharper than that.
//!
//! ```
//! use models::catalogue::{Scenario, scenario};
//! use models::op::Op::{EvacuateTo, Get, Insert};
//!
//! # fn growing_with() -> Scenario {
//! // The reader holds the old table when the writer's growth work evacuates the key's bucket.
//! scenario("get_during_evacuation_finds_the_key")
//!     .given([Insert(2, 7), EvacuateTo(0)])
//!     .thread("reader", [Get(2)])
//!     .thread("writer", [Insert(4, 1)])
//!     .allows("reader", [Some(7)])
//! # }
//! # assert_eq!(growing_with().case.running().len(), 2);
//! ```
//!
//! # The worlds
//! Keys are their own hashes, so key k is in bucket k mod n. To be right at the boundary from the first step, a map is
//! made with 2 buckets ([`PAIR`]) and `evacuate-to 0` starts a growth to 4 with nothing moved yet. Then key
//! [`KEY`] and [`NEIGHBOUR`] share an old bucket and part ways, and [`SIBLING`] and [`COUSIN`] do so in the other one.
//!
//! # Checked by
//! `tests/catalogue.rs` runs all of it; `tests/faults.rs` has each kind of scenario seen red.

mod growth;
mod keys;
mod nested;
mod reclamation;
mod stalls;
mod whole;

pub use growth::thin;
pub use nested::nested;

use crate::case::{Case, GIVEN, Thread};
use crate::command::command;
use crate::generators::hashers::Hasher;
use crate::history::Answer;
use crate::op::{Op, Ret};
use std::collections::BTreeMap;

/// A capacity that gives 2 buckets: one segment of a model.
pub const PAIR: u16 = 13;
/// A capacity that gives 4 buckets: two segments of a model.
pub const QUAD: u16 = 26;
/// A capacity that gives 8 buckets: four segments of a model.
pub const OCTET: u16 = 52;
/// A key of old bucket 0 that goes to new bucket 2.
pub const KEY: u16 = 2;
/// Another of old bucket 0, that goes to new bucket 0.
pub const NEIGHBOUR: u16 = 4;
/// Another of old bucket 0, that goes where `KEY` goes.
pub const TWIN: u16 = 6;
/// A key of old bucket 1.
pub const SIBLING: u16 = 1;
/// Another of old bucket 1, that goes to another new bucket.
pub const COUSIN: u16 = 3;

/// The outcomes that a scenario allows: for some threads, the lists of answers that they may give.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowed(BTreeMap<String, Vec<Vec<Answer>>>);

impl Allowed {
    /// What a run's answers break, if they do.
    pub fn breach(&self, answers: &BTreeMap<&str, Vec<Answer>>) -> Option<String> {
        self.0.iter().find_map(|(thread, allowed)| {
            let answered: Vec<Answer> =
                answers.get(thread.as_str()).into_iter().flatten().cloned().map(sorted).collect();
            if allowed.contains(&answered) {
                return None;
            }
            let either: Vec<String> = allowed.iter().map(|answers| list(answers)).collect();
            Some(format!(
                "{thread} answered {}, allowed is {}",
                list(&answered),
                either.join(" or ")
            ))
        })
    }
}

/// An iteration may yield in any order.
fn sorted(answer: Answer) -> Answer {
    match answer {
        Answer::Entries(mut entries) => {
            entries.sort_unstable();
            Answer::Entries(entries)
        }
        other => other,
    }
}

fn list(answers: &[Answer]) -> String {
    let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
    format!("[{}]", answers.join(", "))
}

/// A named race. Made by [`scenario`].
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The claim.
    pub name: &'static str,
    /// What is run.
    pub case: Case,
    /// What may come of it.
    pub allowed: Allowed,
}

/// A scenario with this claim, on an empty map of 2 buckets.
pub fn scenario(name: &'static str) -> Scenario {
    let case = Case { capacity: PAIR, threads: Vec::new(), ..Case::default() };
    Scenario { name, case, allowed: Allowed::default() }
}

impl Scenario {
    /// What is done before the threads begin.
    pub fn given(mut self, ops: impl IntoIterator<Item = Op>) -> Scenario {
        let ops = ops.into_iter().collect();
        let given = Thread { name: GIVEN.into(), ops, notes: Vec::new() };
        self.case.threads.insert(0, given);
        self
    }

    /// A thread, by role.
    pub fn thread(mut self, role: &str, ops: impl IntoIterator<Item = Op>) -> Scenario {
        let ops = ops.into_iter().collect();
        self.case.threads.push(Thread { name: role.into(), ops, notes: Vec::new() });
        self
    }

    /// Answers that a thread may give. Said several times: any of them.
    pub fn allows<A: Into<Answer>>(
        mut self,
        role: &str,
        answers: impl IntoIterator<Item = A>,
    ) -> Scenario {
        let answers = answers.into_iter().map(|answer| sorted(answer.into())).collect();
        self.allowed.0.entry(role.to_string()).or_default().push(answers);
        self
    }

    /// How many entries the map has room for.
    pub fn capacity(mut self, capacity: u16) -> Scenario {
        self.case.capacity = capacity;
        self
    }

    /// How keys hash.
    pub fn hasher(mut self, hasher: Hasher) -> Scenario {
        self.case.hasher = hasher;
        self
    }

    /// With keys and values whose drops are counted.
    pub fn counted(mut self) -> Scenario {
        self.case.elements = crate::case::Elements::Counted;
        self
    }

    /// Threads × ops, for choosing what to exhaust.
    pub fn ops(&self) -> usize {
        self.case.running().iter().map(|thread| thread.ops.len()).sum()
    }
}

impl From<Option<u64>> for Answer {
    fn from(value: Option<u64>) -> Answer {
        Answer::Ret(Ret::Value(value))
    }
}

impl<const N: usize> From<[(u64, u64); N]> for Answer {
    fn from(entries: [(u64, u64); N]) -> Answer {
        Answer::Entries(entries.into())
    }
}

/// An answer of nothing.
pub const DONE: Answer = Answer::Ret(Ret::Unit);

/// Every scenario, in the order of the catalogue.
pub fn all() -> Vec<Scenario> {
    [keys::all(), growth::all(), nested::all(), whole::all(), reclamation::all(), stalls::all()]
        .concat()
}

/// The scenarios whose names contain one of these parts; all, if there are no parts.
///
/// # Errors
/// The first part that no name contains, in words.
pub fn matching(parts: &[String]) -> Result<Vec<Scenario>, String> {
    let mut scenarios = all();
    let is_named = |part: &&String| scenarios.iter().any(|scenario| scenario.name.contains(*part));
    if let Some(stranger) = parts.iter().find(|part| !is_named(part)) {
        return Err(format!("no scenario is called {stranger}; `{} list` has them all", command()));
    }
    let is_meant = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part));
    scenarios.retain(|scenario| is_meant(scenario.name));
    Ok(scenarios)
}

/// The scenario with this name.
pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// What the scenario that a case is, whatever its schedule, allows; `None` if it is none.
pub fn allowed(case: &Case) -> Option<Allowed> {
    let bare = Case { schedule: Vec::new(), ..case.bare() };
    let known = all().into_iter().find(|scenario| scenario.case.bare() == bare)?;
    Some(known.allowed)
}

/// Ops that insert keys with their own numbers as values.
fn insert(keys: impl IntoIterator<Item = u16>) -> Vec<Op> {
    keys.into_iter().map(|key| Op::Insert(key, key)).collect()
}

/// Ops that insert these keys, and then start a growth with old bucket 0 evacuated: only one is left of a [`PAIR`], so
/// there is half as much for threads to meet in.
fn half_grown(keys: impl IntoIterator<Item = u16>) -> Vec<Op> {
    let mut ops = insert(keys);
    ops.push(Op::EvacuateTo(1));
    ops
}

/// Ops that insert these keys, and then start a growth with nothing evacuated.
fn growing(keys: impl IntoIterator<Item = u16>) -> Vec<Op> {
    let mut ops = insert(keys);
    ops.push(Op::EvacuateTo(0));
    ops
}
