//! Oracles: each judges one thing, draws no randomness, and says which rule was broken.
//!
//! | oracle | judges |
//! |---|---|
//! | [`mod@reference`] | answers and contents, against the spec |
//! | [`sizes`] | what iterators say of their size; their clones |
//! | [`well_formed`] | the map's own structure, by its `check`; what its views show of it |
//! | [`iteration`] | the cursor contract |
//! | [`linearizability`] | of a history: the ops on each key |
//! | [`drops`] | every key and value dropped exactly once, none early |
//! | [`whole_map`] | of a history: `len`, iteration, `clear`, `retain` |
//! | [`work`] | growth work per op |
//! | [`panics`] | what a panic leaves behind; that there is none unasked; of a shared map, that a closure is asked once |
//!
//! # Not here
//! When an oracle is asked: see `property`.
//! # Checked by
//! `tests/oracles.rs` shows each of them object.

pub mod drops;
pub mod iteration;
pub mod linearizability;
pub mod panics;
pub mod reference;
pub mod sizes;
pub mod well_formed;
pub mod whole_map;
pub mod work;

/// What an oracle may be called, where one is expected to object: those above, what the engines for several threads know
/// besides, and a run that ends its process or does not end.
pub const NAMES: [&str; 20] = [
    "reference",
    "well-formed",
    "work",
    "iteration",
    "drops",
    "panics",
    "barrier",
    "closures",
    "view",
    "linearizability",
    "len",
    "outcome",
    "race",
    "reclamation",
    "deadlock",
    "livelock",
    "stall",
    "progress",
    "crash",
    "hang",
];

/// An oracle's objection. The property adds the op and the state to make it a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Which oracle.
    pub oracle: &'static str,
    /// The rule that was broken.
    pub rule: String,
    /// What was expected and what was seen.
    pub detail: String,
    /// What else is wrong at that moment, if another oracle was asked.
    pub also: Option<Box<Objection>>,
}

/// An oracle's verdict.
pub type Verdict = Result<(), Box<Objection>>;

impl Objection {
    /// An objection as an error.
    #[cold]
    pub fn raise<T>(oracle: &'static str, rule: &str, detail: String) -> Result<T, Box<Objection>> {
        Err(Box::new(Objection::new(oracle, rule, detail)))
    }

    /// An objection.
    pub fn new(oracle: &'static str, rule: &str, detail: String) -> Objection {
        debug_assert!(NAMES.contains(&oracle), "{oracle} is among the names of oracles");
        Objection { oracle, rule: rule.to_string(), detail, also: None }
    }

    /// With what else is wrong.
    pub fn and(self, also: Verdict) -> Box<Objection> {
        Box::new(Objection { also: also.err(), ..self })
    }
}
