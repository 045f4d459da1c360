//! Why a key's ops have no order.
//!
//! The op whose return makes the history illegal is the **blocked** one: up to there it has no order, and one event
//! shorter it has. The witness holds a longest order
//! of the ops called by then, every value that the key can hold where the blocked op is tried, with what the spec
//! answers to it there, and who wrote that value last: those are the pairs that cannot be ordered. If the blocked op
//! fits somewhere after all, its **rival** is the op that does not any more.
//!
//! # Not here
//! The search: see `search`.
//! # Checked by
//! `tests/linearizability.rs`: the witness's history up to the blocked return is illegal, and up to the event
//! before it is not; its message.

use super::partition::Part;
use super::search::{Attempt, Budget, Found, Placed, search, visit};
use crate::history::{History, Operation};
use crate::op::Ret;
use std::collections::BTreeMap;
use std::fmt;

/// How many ops of an order a message shows, and how many values.
const SHOWN_MAX: usize = 8;

/// What the spec says where the blocked op could be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// What the key holds there.
    pub value: Option<u64>,
    /// What the spec answers.
    pub spec: Ret,
    /// The op that wrote that value; `None` if it was given.
    pub writer: Option<usize>,
    /// That op, in words.
    pub written_by: Option<String>,
}

impl Alternative {
    /// What would come of the blocked op there, in words.
    pub fn told(&self, key: u16) -> String {
        let writer = self.written_by.as_ref();
        let place = writer.map_or("at the start".to_string(), |writer| format!("after {writer}"));
        let (value, spec) = (Ret::Value(self.value), &self.spec);
        format!("{place}: k{key} is {value} there, so it would return {spec}")
    }
}

/// Why a key's ops have no order. Ops are indices into [`History::operations`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The key.
    pub key: u16,
    /// The op whose answer no order explains.
    pub blocked: usize,
    /// The event of its return.
    pub at: usize,
    /// A longest order of what had been called by then, without it.
    pub prefix: Vec<usize>,
    /// What the spec says instead, for every value the key can hold where the op is tried.
    pub alternatives: Vec<Alternative>,
    /// The op that has no place left wherever the blocked op has one, if it has one anywhere.
    pub rival: Option<usize>,
    /// The blocked op, in words.
    described: String,
    /// The rival, in words.
    rivalled: Option<String>,
    /// The end of the prefix, in words.
    order: Vec<String>,
}

impl Witness {
    /// Of a part that has no order.
    ///
    /// # Panics
    /// If nothing in it has returned.
    pub fn new(
        history: &History,
        operations: &[Operation<'_>],
        part: &Part,
        budget: Budget,
    ) -> Witness {
        let (cut, at) = shortest_illegal(part, budget);
        let blocked = cut.steps.iter().position(|step| step.returned == at);
        let blocked = blocked.expect("a step returned there");
        let mut tried: BTreeMap<Option<u64>, (Ret, Option<usize>)> = BTreeMap::new();
        let mut longest: Vec<usize> = Vec::new();
        let mut rival: Option<usize> = None;
        visit(&cut, budget, |Attempt { placed, value, step, is_return }| {
            if step == blocked && !is_return {
                if placed.len() > longest.len() {
                    longest = placed.iter().map(|placed| placed.step).collect();
                }
                if let Err(spec) = cut.steps[step].apply(cut.key, value) {
                    tried.entry(value).or_insert_with(|| (spec, last_writer(placed, value)));
                }
            } else if is_return && placed.iter().any(|placed| placed.step == blocked) {
                let returned = |step: usize| cut.steps[step].returned;
                if rival.is_none_or(|rival| returned(step) > returned(rival)) {
                    rival = Some(step);
                }
            }
        });
        let describe = |of: usize| history.describe(&operations[of]);
        let alternatives = tried.into_iter().map(|(value, (spec, writer))| {
            let writer = writer.map(|step| cut.steps[step].of);
            Alternative { value, spec, writer, written_by: writer.map(describe) }
        });
        let blocked = cut.steps[blocked].of;
        let rival = rival.map(|step| cut.steps[step].of);
        let prefix: Vec<usize> = longest.into_iter().map(|step| cut.steps[step].of).collect();
        let shown = &prefix[prefix.len().saturating_sub(SHOWN_MAX)..];
        Witness {
            key: part.key,
            blocked,
            at,
            rival,
            rivalled: rival.map(describe),
            alternatives: alternatives.collect(),
            described: describe(blocked),
            order: shown.iter().map(|&of| describe(of)).collect(),
            prefix,
        }
    }
}

/// The part up to the first return that makes it illegal. What was called by then and returned later is pending in it,
/// so its answer restricts nothing: a longer history only adds restrictions, which is why bisection finds it.
fn shortest_illegal(part: &Part, budget: Budget) -> (Part, usize) {
    let mut returns: Vec<usize> = part.steps.iter().map(|step| step.returned).collect();
    returns.retain(|&returned| returned != usize::MAX);
    returns.sort_unstable();
    let is_legal = |&end: &usize| !matches!(search(&part.until(end), budget), Found::Stuck(_));
    let at = returns.get(returns.partition_point(is_legal)).or(returns.last());
    let &at = at.expect("a part without an order has returns");
    (part.until(at), at)
}

/// The last placed step that changed what the key holds.
fn last_writer(placed: &[Placed], value: Option<u64>) -> Option<usize> {
    let mut after = value;
    for placed in placed.iter().rev() {
        if placed.before != after {
            return Some(placed.step);
        }
        after = placed.before;
    }
    None
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; no order of the ops on k{} explains it", self.described, self.key)?;
        for alternative in self.alternatives.iter().take(SHOWN_MAX) {
            write!(f, "\n  {}", alternative.told(self.key))?;
        }
        if let Some(rival) = &self.rivalled {
            write!(f, "\n  where it fits, {rival} has no place")?;
        }
        let (all, skipped) = (self.alternatives.len(), self.prefix.len() - self.order.len());
        if all > SHOWN_MAX {
            write!(f, "\n  and so for {} more values", all - SHOWN_MAX)?;
        }
        if !self.order.is_empty() {
            f.write_str("\n  the longest order without it")?;
        }
        if skipped > 0 {
            write!(f, ", after the first {skipped} ops")?;
        }
        for op in &self.order {
            write!(f, "\n    {op}")?;
        }
        Ok(())
    }
}
