//! Linearizability: the ops on each key have an order that explains their answers.
//!
//! A history is linearizable if every op can be given a moment between its call and its return such that, done one
//! after the other in the order of those moments, the spec answers what the map answered. Ops on one key touch no
//! other key's state, and linearizability is local (Herlihy and Wing, *Linearizability*, 1990): a history of a map
//! is linearizable exactly if its part of each key is. So it is split by key ([`partition`]), and each part is
//! searched ([`search`]), which keeps the search short where a search of the whole would not end.
//!
//! ```text
//!   history ──partition──► parts: key, steps by call  ──search──► an order, or a witness, or no budget left
//! ```
//!
//! # Where this comes from
//! - The search is Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993) with Lowe's memo of
//!   configurations and his undo stack over a linked list of events (*Testing for Linearizability*, 2017), as in
//!   Athalye's porcupine, which also has three verdicts. Partitioning is Horn and Kroening's P-compositionality
//!   (*Faster Linearizability Checking via P-Compositionality*, 2015).
//! - **Departures.** Steps are numbered by their *returns*, which makes the set of linearized steps a run of ones
//!   and a short tail: the memo keeps the tail, exactly, rather than the whole set or a hash of it. Pending ops
//!   are steps that may be left out. `clear` and the retains join each key's part as a step that removes the
//!   entry if that does not stay ([`Contracts`]). And the witness is not the longest order met by chance: it is
//!   the first return that makes the history illegal.
//!
//! # Not here
//! `len` and iterations: see `whole_map`. A `retain` here only removes: shared maps lend values, not lend them out
//! for change.
//! # Checked by
//! `tests/linearizability.rs`: `corpus/histories`, and all small histories against a search of every permutation;
//! `tests/threads.rs`: maps that are broken on purpose.
//!
//! [`Contracts`]: super::whole_map::Contracts

pub mod partition;
pub mod search;
pub mod witness;

pub use partition::{Part, Step, is_judged, key_of};
pub use search::{Budget, Found};
pub use witness::Witness;

use super::{Objection, Verdict};
use crate::history::History;

/// This oracle's name.
pub const NAME: &str = "linearizability";

/// The rule it judges.
pub const RULE: &str =
    "the ops on each key take effect one at a time, each between its call and its return";

/// What the search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Each key's ops have an order.
    Linearizable,
    /// Some key's do not; why.
    Illegal(Box<Witness>),
    /// Some key's search ran out of budget, and no other's failed.
    Unknown {
        /// The key.
        key: u16,
        /// The steps the search took.
        spent: u64,
    },
}

impl Outcome {
    /// As an oracle's verdict: only what is surely illegal is objected to.
    ///
    /// # Errors
    /// The witness's message.
    pub fn verdict(&self) -> Verdict {
        match self {
            Outcome::Illegal(witness) => Objection::raise(NAME, RULE, witness.to_string()),
            _ => Ok(()),
        }
    }
}

/// Judges the ops on single keys, and `clear` and the retains as what they do to each. The budget is for each key.
///
/// Time: linear in the events for most histories; exponential in the number of ops that overlap, at worst.
pub fn check(history: &History, budget: Budget) -> Outcome {
    let operations = history.operations();
    let mut unknown = None;
    for part in partition::parts(history, &operations) {
        match search::search(&part, budget) {
            Found::Order(_) => {}
            Found::NoBudget(spent) => {
                unknown.get_or_insert(Outcome::Unknown { key: part.key, spent });
            }
            Found::Stuck(_) => {
                let witness = Witness::new(history, &operations, &part, budget);
                return Outcome::Illegal(Box::new(witness));
            }
        }
    }
    unknown.unwrap_or(Outcome::Linearizable)
}
