//! Whole-map ops of a shared map: `len`, iteration, `clear`, `retain` by key and by value.
//!
//! No shared map makes them one step, so linearizability asks too much. What is asked instead, all of it relative
//! to the ops on single keys, which must be linearizable:
//!
//! | op | contract |
//! |---|---|
//! | `clear` | each key is removed, once, at a moment within the call, its own for each key |
//! | `retain` | the same, for the keys that are not to be kept; the others are not touched |
//! | `retain-values` | each key, at a moment within the call, is removed if the value it has then is not to be kept |
//! | iteration | no key twice; each key as if looked up at a moment within the call, its own for each key: an entry there throughout is yielded, with a value that it had meanwhile, and one absent throughout is not |
//! | `len` | no less than the entries there throughout the call, no more than the keys there at some moment of it |
//!
//! "Throughout" and "at some moment" are exact, not read off the intervals: an entry is there throughout if no
//! order of the ops on its key has a moment without it within the call, which the linearizability search
//! is asked. Maps differ in three points, and say so in [`Contracts`].
//!
//! `clear` and the retains are judged together with the ops on each key, in `linearizability`: what betrays a `clear`
//! that forgot a key is a later op on that key.
//!
//! # Not here
//! Iteration of a map that one thread has: see `iteration`.
//! # Checked by
//! `tests/linearizability.rs`, `tests/threads.rs`.

mod iteration;
mod length;
mod timeline;

use super::Objection;
use super::linearizability::{self, Budget, Found, Outcome, partition, search};
use crate::history::History;
use timeline::Timeline;

pub use iteration::NAME as ITERATION;
pub use length::NAME as LEN;

/// How an iteration's looks at a key go together with the ops on that key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Iteration {
    /// Each look has an order that explains it, if it alone is added to the ops. Two iterations may see
    /// two writes in different orders.
    #[default]
    Apart,
    /// One order explains all looks of all iterations: an iteration looks each key up.
    Together,
}

impl Iteration {
    /// Both ways.
    pub const ALL: [Iteration; 2] = [Iteration::Apart, Iteration::Together];

    /// The word for it in a history.
    pub fn name(self) -> &'static str {
        ["apart", "together"][self as usize]
    }
}

/// How often a walk (`clear`, a retain, an iteration) may come to a key that is removed and inserted again meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Walk {
    /// As often as that happens: where a new entry gets a new place (papaya), the walk may come to it again. Each
    /// time is judged by itself.
    #[default]
    Again,
    /// Once.
    Once,
}

impl Walk {
    /// Both ways.
    pub const ALL: [Walk; 2] = [Walk::Again, Walk::Once];

    /// The word for it in a history.
    pub fn name(self) -> &'static str {
        ["again", "once"][self as usize]
    }
}

/// What `len` may leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// A counter that follows the entries: off by one, either way, for each write that overlaps the call (for a
    /// `clear` or `retain`, each key that it may remove).
    #[default]
    Counted,
    /// Nothing.
    Exact,
}

impl Length {
    /// Both ways.
    pub const ALL: [Length; 2] = [Length::Counted, Length::Exact];

    /// The word for it in a history.
    pub fn name(self) -> &'static str {
        ["counted", "exact"][self as usize]
    }
}

/// What a map promises of its whole-map ops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contracts {
    /// Of iterations.
    pub iteration: Iteration,
    /// Of `len`.
    pub length: Length,
    /// Of `clear`, `retain` and iterations.
    pub walk: Walk,
}

impl Contracts {
    /// The least that any map promises: the default.
    pub const WEAK: Contracts =
        Contracts { iteration: Iteration::Apart, length: Length::Counted, walk: Walk::Again };
    /// As a map gives that does one op at a time.
    pub const STRICT: Contracts =
        Contracts { iteration: Iteration::Together, length: Length::Exact, walk: Walk::Once };
}

/// Judges a history by its own contracts: the ops on each key, then the whole-map ops. Says how many questions went over the budget.
///
/// # Errors
/// The first rule that was broken.
pub fn judge(history: &History, budget: Budget) -> Result<usize, Box<Objection>> {
    let outcome = linearizability::check(history, budget);
    outcome.verdict()?;
    let mut unknown = matches!(outcome, Outcome::Unknown { .. }) as usize;
    let operations = history.operations();
    if !operations.iter().any(|operation| iteration::is(operation) || length::is(operation)) {
        return Ok(unknown);
    }
    let mut looks = Looks { history, budget, keys: Vec::new() };
    for part in partition::parts(history, &operations) {
        // A part that ran out of budget explains nothing; every question about it is open.
        match search::search(&part, budget) {
            Found::Order(order) => looks.keys.push(Timeline::new(part, &order)),
            _ => unknown += 1,
        }
    }
    if unknown > 0 {
        return Ok(unknown);
    }
    for operation in &operations {
        unknown += iteration::judge(&looks, operation)?;
        unknown += length::judge(&looks, operation)?;
    }
    if history.contracts.iteration == Iteration::Together {
        unknown += iteration::judge_together(&looks, &operations)?;
    }
    Ok(unknown)
}

/// What the judges of single ops look at.
struct Looks<'h> {
    history: &'h History,
    budget: Budget,
    /// By key.
    keys: Vec<Timeline>,
}

/// A verdict with the number of questions that stay open.
type Asked = Result<usize, Box<Objection>>;
