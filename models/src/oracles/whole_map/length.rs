//! The contract of `len` on a shared map; see `whole_map`.

use super::timeline::{Possible, Timeline};
use super::{Asked, Length, Looks};
use crate::history::{Answer, Operation};
use crate::op::{Op, Ret};
use crate::oracles::Objection;
use crate::oracles::linearizability::partition::{Doing, is_read};

/// This oracle's name.
pub const NAME: &str = "len";

pub(super) fn is(operation: &Operation<'_>) -> bool {
    counted(operation).is_some()
}

fn counted(operation: &Operation<'_>) -> Option<usize> {
    match (operation.op, operation.answer) {
        (Op::Len, Some(Answer::Ret(Ret::Count(count)))) => Some(*count),
        _ => None,
    }
}

/// Judges one op, if it is a `len`.
pub(super) fn judge(looks: &Looks<'_>, operation: &Operation<'_>) -> Asked {
    let Some(count) = counted(operation) else { return Ok(0) };
    let Operation { call, returned, .. } = *operation;
    let (mut least, mut most, mut slack, mut open) = (0, 0, 0, 0);
    for timeline in &looks.keys {
        let ask = |there| {
            let look = Timeline::look(Doing::Noticed(there), call, returned, usize::MAX);
            timeline.ask(look, looks.budget)
        };
        let (absent, present) = (ask(false), ask(true));
        least += (absent == Possible::No) as usize;
        most += (present != Possible::No) as usize;
        open += (absent == Possible::Open || present == Possible::Open) as usize;
        if looks.history.contracts.length == Length::Counted {
            let overlaps = timeline.part.steps.iter().filter(|step| {
                let writes = !matches!(step.doing, Doing::Op(op, _) if is_read(op));
                writes && step.call < returned && step.returned > call
            });
            slack += overlaps.count();
        }
    }
    if (least.saturating_sub(slack)..=most + slack).contains(&count) {
        return Ok(open);
    }
    let who = looks.history.describe(operation);
    let give = match slack {
        0 => String::new(),
        _ => format!(", give or take {slack} for the writes meanwhile"),
    };
    Objection::raise(
        NAME,
        "len is between the entries there throughout the call and those there at some moment of it",
        format!("{who}; the map held {least} to {most} entries meanwhile{give}"),
    )
}
