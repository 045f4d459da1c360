//! The naive checker: every order of everything, on the whole map, without memo and without splitting by key.

use models::history::{Answer, History};
use models::op::{Op, Ret, chosen};
use models::spec::{Ordered, Spec};

/// What takes effect at one moment.
#[derive(Clone, Debug)]
enum Atom {
    Op(Op, Option<Ret>),
    Removal(u16),
    RemovalOf(u16, u8, u8),
    Saw(u16, Option<u64>),
}

#[derive(Clone, Debug)]
struct Timed {
    atom: Atom,
    call: usize,
    returned: usize,
}

/// How many orders are tried before the history counts as too long.
const ORDERS_MAX: u64 = 3_000_000;

/// Is there an order? Iterations look at each key at a moment of their own, all in one order. `None`: too long.
pub fn linearizable(history: &History, keys: u16) -> Option<bool> {
    let mut atoms = Vec::new();
    for operation in history.operations() {
        let mut add = |atom| {
            atoms.push(Timed { atom, call: operation.call, returned: operation.returned });
        };
        match (operation.op, operation.answer) {
            (Op::Clear, _) => (0..keys).for_each(|key| add(Atom::Removal(key))),
            (Op::Retain(m, r), _) => {
                (0..keys).filter(|&k| chosen(k.into(), m, r)).for_each(|k| add(Atom::Removal(k)));
            }
            (Op::RetainValues(m, r), _) => {
                (0..keys).for_each(|key| add(Atom::RemovalOf(key, m, r)))
            }
            (Op::Iter, None) | (Op::Len, _) => {}
            (Op::Iter, Some(Answer::Entries(entries))) => {
                let mut names: Vec<u64> = entries.iter().map(|entry| entry.0).collect();
                names.sort_unstable();
                if names.windows(2).any(|pair| pair[0] == pair[1])
                    || names.last().is_some_and(|&last| last >= keys.into())
                {
                    return Some(false);
                }
                for key in 0..keys {
                    let seen = entries.iter().find(|entry| entry.0 == u64::from(key));
                    add(Atom::Saw(key, seen.map(|entry| entry.1)));
                }
            }
            (op, Some(Answer::Ret(ret))) => add(Atom::Op(op, Some(*ret))),
            (op, _) => add(Atom::Op(op, None)),
        }
    }
    let mut map = Ordered::default();
    for &(key, value) in &history.given {
        map.insert(key, value, 0);
    }
    let mut orders = 0;
    let found = permute(&mut atoms, &map, &mut orders);
    (orders <= ORDERS_MAX).then_some(found)
}

fn permute(left: &mut Vec<Timed>, map: &Ordered, orders: &mut u64) -> bool {
    *orders += 1;
    if *orders > ORDERS_MAX || left.iter().all(|atom| atom.returned == usize::MAX) {
        return true;
    }
    for at in 0..left.len() {
        // What returned before another was called comes before it.
        if left.iter().any(|other| other.returned < left[at].call) {
            continue;
        }
        let atom = left.remove(at);
        let mut then = map.clone();
        let fits = match atom.atom {
            Atom::Op(op, answer) => {
                let ret = then.apply(op, 0);
                answer.is_none_or(|answer| answer == ret)
            }
            Atom::Removal(key) => {
                then.remove(key);
                true
            }
            Atom::RemovalOf(key, m, r) => {
                if then.get(key).is_some_and(|entry| chosen(entry.value, m, r)) {
                    then.remove(key);
                }
                true
            }
            Atom::Saw(key, value) => then.get(key).map(|entry| entry.value) == value,
        };
        let found = fits && permute(left, &then, orders);
        left.insert(at, atom);
        if found {
            return true;
        }
    }
    false
}
