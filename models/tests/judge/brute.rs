//! The naive judge: of each key, every order of every choice of its ops that keeps to happens-before.

use models::history::{Answer, History, Operation};
use models::op::{Op, chosen};
use models::oracles::linearizability::key_of;
use models::spec::{Ordered, Spec};

/// Which op comes before which: ops by their index in the history.
pub type Ordering<'a> = &'a dyn Fn(usize, usize) -> bool;

/// Does each of the keys, and of no others, have an order?
pub fn is_legal(history: &History, keys: u16, ordered: Ordering<'_>) -> bool {
    let operations = history.operations();
    let no_stranger = operations.iter().all(|operation| match operation.answer {
        Some(Answer::Entries(entries)) => entries.iter().all(|entry| entry.0 < u64::from(keys)),
        _ => true,
    });
    no_stranger
        && (0..keys).all(|key| {
            let about = (0..operations.len()).filter(|&at| is_about(operations[at].op, key));
            let mut map = Ordered::default();
            for &(other, value) in &history.given {
                map.insert(other, value, 0);
            }
            some_order(key, &map, &mut about.collect(), &operations, ordered)
        })
}

fn is_about(op: Op, key: u16) -> bool {
    match op {
        Op::Clear | Op::Retain(..) | Op::RetainValues(..) | Op::Iter => true,
        op => key_of(op) == Some(key),
    }
}

/// Can the ops that are left be done one after the other? Those that never returned need not be.
fn some_order(
    key: u16,
    map: &Ordered,
    left: &mut Vec<usize>,
    operations: &[Operation<'_>],
    ordered: Ordering<'_>,
) -> bool {
    let has_returned = |at: usize| operations[at].answer.is_some();
    if !left.iter().any(|&at| has_returned(at)) {
        return true;
    }
    for place in 0..left.len() {
        let next = left[place];
        if left.iter().any(|&other| has_returned(other) && ordered(other, next)) {
            continue;
        }
        let Some(then) = after(key, map, &operations[next]) else { continue };
        left.remove(place);
        let found = some_order(key, &then, left, operations, ordered);
        left.insert(place, next);
        if found {
            return true;
        }
    }
    false
}

/// The map after the op, if its answer about the key is right.
fn after(key: u16, map: &Ordered, operation: &Operation<'_>) -> Option<Ordered> {
    let mut then = map.clone();
    let value = map.get(key).map(|entry| entry.value);
    let is_right = match (operation.op, operation.answer) {
        (Op::Iter, Some(Answer::Entries(entries))) => {
            let of_key = entries.iter().filter(|entry| entry.0 == u64::from(key));
            of_key.map(|entry| entry.1).eq(value)
        }
        (Op::Iter, _) => true,
        (Op::Clear, _) => {
            then.remove(key);
            true
        }
        (Op::Retain(m, r), _) => {
            if chosen(key.into(), m, r) {
                then.remove(key);
            }
            true
        }
        (Op::RetainValues(m, r), _) => {
            if value.is_some_and(|value| chosen(value, m, r)) {
                then.remove(key);
            }
            true
        }
        (op, answer) => {
            let ret = Answer::Ret(then.apply(op, 0));
            answer.is_none_or(|answer| *answer == ret)
        }
    };
    is_right.then_some(then)
}
