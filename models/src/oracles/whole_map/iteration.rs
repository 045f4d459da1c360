//! The contract of iterating a shared map; see `whole_map`.

use super::timeline::{Possible, Timeline};
use super::{Asked, Looks, Walk};
use crate::history::{Answer, Operation};
use crate::op::{Op, Ret};
use crate::oracles::Objection;
use crate::oracles::linearizability::partition::Doing;
use crate::oracles::linearizability::search::{Found, search};
use crate::oracles::linearizability::witness::Witness;
use std::collections::BTreeMap;

/// This oracle's name.
pub const NAME: &str = "iteration";

pub(super) fn is(operation: &Operation<'_>) -> bool {
    yielded(operation).is_some()
}

fn yielded<'h>(operation: &Operation<'h>) -> Option<&'h [(u64, u64)]> {
    match (operation.op, operation.answer) {
        (Op::Iter | Op::View, Some(Answer::Entries(entries))) => Some(entries),
        _ => None,
    }
}

/// Judges one op, if it is an iteration.
pub(super) fn judge(looks: &Looks<'_>, operation: &Operation<'_>) -> Asked {
    let Some(entries) = yielded(operation) else { return Ok(0) };
    let Operation { call, returned, .. } = *operation;
    let object = |rule, detail: String| {
        let who = looks.history.name(operation);
        Objection::raise(NAME, rule, format!("{who} {detail}"))
    };
    let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for &(key, value) in entries {
        found.entry(key).or_default().push(value);
    }
    let mut open = 0;
    for timeline in &looks.keys {
        let key = timeline.part.key;
        let seen = found.remove(&u64::from(key)).unwrap_or_default();
        let ask =
            |doing| timeline.ask(Timeline::look(doing, call, returned, usize::MAX), looks.budget);
        if seen.len() > 1 {
            let may = looks.history.contracts.walk == Walk::Again;
            if !may || ask(Doing::Noticed(false)) == Possible::No {
                let values: Vec<_> = seen.iter().map(|value| format!("v{value}")).collect();
                let detail = format!("yielded k{key} more than once: {}", values.join(", "));
                return object("an entry is yielded at most once", detail);
            }
        }
        let looked = match &seen[..] {
            [] => vec![None],
            values => values.iter().copied().map(Some).collect(),
        };
        let mut failed = None;
        for look in looked {
            match ask(Doing::Saw(look)) {
                Possible::Yes => {}
                Possible::Open => open += 1,
                Possible::No => failed = failed.or(Some(look)),
            }
        }
        let Some(seen) = failed else { continue };
        let look = Timeline::look(Doing::Saw(seen), call, returned, usize::MAX);
        let instead = timeline.instead(look, looks.budget);
        let instead: Vec<_> =
            instead.into_iter().map(|value| Ret::Value(value).to_string()).collect();
        let truth = format!("in every order of the ops on it, it was {}", instead.join(" or "));
        return match seen {
            None => object(
                "an entry there throughout is yielded",
                format!("did not yield k{key}; {truth}"),
            ),
            Some(value) if instead == ["None"] && timeline.ever(value) => object(
                "an entry absent throughout is not yielded",
                format!("yielded k{key} with v{value}; {truth}"),
            ),
            Some(value) => object(
                "an entry is yielded with a value that it had during the call",
                format!("yielded k{key} with v{value}; {truth}"),
            ),
        };
    }
    match found.first_key_value() {
        None => Ok(open),
        Some((key, values)) => object(
            "an entry absent throughout is not yielded",
            format!("yielded k{key} with v{}; no op ever named that key", values[0]),
        ),
    }
}

/// Judges the looks of all iterations at each key together.
pub(super) fn judge_together(looks: &Looks<'_>, operations: &[Operation<'_>]) -> Asked {
    let iterations: Vec<_> = operations
        .iter()
        .enumerate()
        .filter_map(|(of, operation)| Some((of, operation, yielded(operation)?)))
        .collect();
    let mut open = 0;
    for timeline in &looks.keys {
        let mut part = timeline.part.clone();
        for &(of, operation, entries) in &iterations {
            let mut seen: Vec<Option<u64>> = entries
                .iter()
                .filter_map(|entry| (entry.0 == u64::from(part.key)).then_some(Some(entry.1)))
                .collect();
            if seen.is_empty() {
                seen.push(None);
            }
            part.steps.extend(seen.into_iter().map(|seen| {
                Timeline::look(Doing::Saw(seen), operation.call, operation.returned, of)
            }));
        }
        part.steps.sort_by_key(|step| step.call);
        match search(&part, looks.budget) {
            Found::Order(_) => {}
            Found::NoBudget(_) => open += 1,
            Found::Stuck(_) => {
                let witness = Witness::new(looks.history, operations, &part, looks.budget);
                return Objection::raise(
                    NAME,
                    "one order of the ops on a key explains what all iterations saw of it",
                    witness.to_string(),
                );
            }
        }
    }
    Ok(open)
}
