//! Histories: linearizable by construction, and spoilt ones.
//!
//! A simulation calls, takes effect and returns, each at a moment of its own, of threads chosen at random. `clear`,
//! `retain` and iterations take effect key by key. So every history is one that a correct map may have.
//!
//! [`spoil`] changes one thing in it. What that makes of it is not known: an oracle must say.
//!
//! # Checked by
//! `tests/linearizability.rs`: against a search of all permutations.

use crate::history::{Answer, History, What};
use crate::op::{Op, Ret, stays};
use crate::spec::{Ordered, Spec};
use fastrand::Rng;

/// What histories to make.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many threads.
    pub threads: usize,
    /// How many ops, over all threads.
    pub ops: usize,
    /// Keys are drawn from 0 to this, exclusive.
    pub keys: u16,
    /// Values are drawn from 0 to this, exclusive: few of them make answers ambiguous.
    pub values: u16,
    /// How many ops of a hundred concern the whole map.
    pub whole_percent: u8,
    /// How many threads of a hundred never return from their last op.
    pub pending_percent: u8,
}

/// A thread in the middle of an op.
struct Open {
    op: Op,
    /// Keys it has not come to yet.
    ahead: Vec<u16>,
    entries: Vec<(u64, u64)>,
    answer: Option<Answer>,
}

/// A history that a correct map may have.
pub fn linearizable(shape: Shape, rng: &mut Rng) -> History {
    let mut map = Ordered::default();
    let mut given: Vec<(u16, u64)> = Vec::new();
    for key in 0..shape.keys {
        if rng.u8(..4) == 0 {
            given.push((key, rng.u64(..8)));
        }
    }
    for &(key, value) in &given {
        map.insert(key, value, 0);
    }
    let mut history = History::given(given);
    let names: Vec<String> = (0..shape.threads).map(|thread| format!("t{thread}")).collect();
    let mut open: Vec<Option<Open>> = names.iter().map(|_| None).collect();
    let mut left = shape.ops;
    let mut running: Vec<usize> = (0..shape.threads).collect();
    while !running.is_empty() {
        let place = rng.usize(..running.len());
        let thread = running[place];
        let push = |history: &mut History, what| {
            history.push(&names[thread], what).expect("calls and returns take turns");
        };
        match &mut open[thread] {
            None if left == 0 => {
                running.swap_remove(place);
            }
            None => {
                left -= 1;
                let op = op(shape, rng);
                push(&mut history, What::Call(op));
                let ahead = if is_whole(op) { (0..shape.keys).collect() } else { Vec::new() };
                open[thread] = Some(Open { op, ahead, entries: Vec::new(), answer: None });
            }
            Some(now) if now.answer.is_none() => {
                if left == 0 && rng.u8(..100) < shape.pending_percent {
                    running.swap_remove(place);
                } else {
                    proceed(now, &mut map);
                }
            }
            Some(now) => {
                if left == 0 && rng.u8(..100) < shape.pending_percent {
                    running.swap_remove(place);
                    continue;
                }
                let answer = now.answer.take().expect("it has one");
                push(&mut history, What::Return(answer));
                open[thread] = None;
            }
        }
    }
    history
}

fn is_whole(op: Op) -> bool {
    matches!(op, Op::Iter | Op::Clear | Op::Retain(..) | Op::RetainValues(..))
}

/// An op as these histories have them.
pub fn op(shape: Shape, rng: &mut Rng) -> Op {
    let (k, v) = (rng.u16(..shape.keys), rng.u16(..shape.values));
    if rng.u8(..100) < shape.whole_percent {
        return match rng.u8(..6) {
            0 => Op::Clear,
            1 => Op::Retain(rng.u8(..3), rng.u8(..3)),
            2 => Op::RetainValues(rng.u8(..3), rng.u8(..3)),
            3 => Op::Len,
            _ => Op::Iter,
        };
    }
    match rng.u8(..12) {
        0..3 => Op::Get(k),
        3 => Op::ContainsKey(k),
        4..7 => Op::Insert(k, v),
        7..9 => Op::Remove(k),
        9 => Op::EntryOrInsertWith(k, v),
        10 => Op::Update(k, v),
        _ => Op::Compute(k, v),
    }
}

/// The next step of an open op.
fn proceed(now: &mut Open, map: &mut Ordered) {
    if !is_whole(now.op) {
        now.answer = Some(map.apply(now.op, 0).into());
        return;
    }
    let Some(key) = now.ahead.pop() else {
        now.answer = Some(match now.op {
            Op::Iter => Answer::Entries(std::mem::take(&mut now.entries)),
            _ => Ret::Unit.into(),
        });
        return;
    };
    let found = map.get(key).map(|entry| (u64::from(key), entry.value));
    match found {
        found if now.op == Op::Iter => now.entries.extend(found),
        Some((_, value)) if !stays(now.op, key.into(), value) => drop(map.remove(key)),
        _ => {}
    }
}

/// The same history with one thing changed: an answer, two answers exchanged, an op forgotten, or two events of
/// different threads in the other order.
pub fn spoil(history: &History, rng: &mut Rng) -> History {
    let mut events: Vec<(usize, What)> =
        history.events().iter().map(|event| (event.thread, event.what.clone())).collect();
    if events.is_empty() {
        return history.clone();
    }
    let returns: Vec<usize> =
        (0..events.len()).filter(|&at| matches!(events[at].1, What::Return(_))).collect();
    match rng.u8(..4) {
        0 | 1 if !returns.is_empty() => {
            let at = returns[rng.usize(..returns.len())];
            if let What::Return(answer) = &mut events[at].1 {
                change(answer, rng);
            }
        }
        2 => {
            let at = rng.usize(..events.len());
            let thread = events[at].0;
            let call = (0..=at)
                .rev()
                .find(|&at| events[at].0 == thread && matches!(events[at].1, What::Call(_)));
            let call = call.expect("a thread begins with a call");
            let end = (call + 1..events.len()).find(|&at| events[at].0 == thread);
            if let Some(end) = end {
                events.remove(end);
            }
            events.remove(call);
        }
        _ => {
            let at = rng.usize(..events.len());
            if at + 1 < events.len() && events[at].0 != events[at + 1].0 {
                events.swap(at, at + 1);
            }
        }
    }
    let mut spoilt = History::given(history.given.iter().copied());
    for (thread, what) in events {
        spoilt.push(&history.threads()[thread], what).expect("each thread's events are as before");
    }
    spoilt
}

fn change(answer: &mut Answer, rng: &mut Rng) {
    let other = |value: &mut Option<u64>, rng: &mut Rng| {
        *value = [None, Some(rng.u64(..6)), value.map(|old| old + 1)][rng.usize(..3)];
    };
    match answer {
        Answer::Ret(Ret::Flag(yes)) => *yes = !*yes,
        Answer::Ret(Ret::Value(value)) => other(value, rng),
        Answer::Ret(Ret::Two(two)) => other(&mut two[rng.usize(..2)], rng),
        Answer::Ret(Ret::Count(count)) => *count = (*count + rng.usize(..3)).saturating_sub(1),
        Answer::Ret(_) => {}
        Answer::Entries(entries) => match (rng.u8(..3), entries.len()) {
            (_, 0) | (0, _) => entries.push((rng.u64(..4), rng.u64(..6))),
            (1, count) => {
                entries.remove(rng.usize(..count));
            }
            (_, count) => entries[rng.usize(..count)].1 ^= 1,
        },
    }
}
