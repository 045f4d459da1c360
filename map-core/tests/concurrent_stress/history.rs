//! What happened to one key, and whether some order of it makes sense (Wing and Gong's search, with
//! memo).

use std::collections::HashSet;

/// What one call did to one key: what it found, and what it left. `0` is absent.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub what: What,
    pub call: u64,
    pub returned: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Found this, left it.
    Read(u64),
    /// Found this, left that.
    Swap(u64, u64),
    /// One bucket's part of a `clear`: found anything, left nothing.
    Clear,
}

impl What {
    fn apply(self, value: u64) -> Option<u64> {
        match self {
            What::Read(found) => (found == value).then_some(value),
            What::Swap(found, left) => (found == value).then_some(left),
            What::Clear => Some(0),
        }
    }
}

/// Whether some order of the events explains them all, starting from absent: at each step any event
/// may come next that was called before every remaining one returned.
pub fn linearizable(events: &[Event]) -> bool {
    assert!(events.len() <= 128, "a mask has 128 bits");
    let mut seen = HashSet::new();
    let mut open = vec![(0u128, 0u64)];
    let all = u128::MAX >> (128 - events.len().max(1)) as u32;
    while let Some((done, value)) = open.pop() {
        if events.is_empty() || done == all {
            return true;
        }
        let left = || (0..events.len()).filter(|&event| done & (1 << event) == 0);
        let first_return = left().map(|event| events[event].returned).min().unwrap();
        for event in left().filter(|&event| events[event].call <= first_return) {
            if let Some(value) = events[event].what.apply(value) {
                let next = (done | 1 << event, value);
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
    }
    false
}

fn history(events: &[(What, u64, u64)]) -> Vec<Event> {
    events.iter().map(|&(what, call, returned)| Event { what, call, returned }).collect()
}

#[test]
fn overlapping_calls_may_take_effect_in_any_order() {
    assert!(linearizable(&history(&[
        (What::Swap(0, 5), 0, 9),
        (What::Read(0), 1, 2),
        (What::Read(5), 3, 4),
        (What::Swap(5, 0), 5, 6),
        (What::Read(0), 7, 8)
    ])));
    assert!(linearizable(&history(&[
        (What::Swap(0, 5), 0, 1),
        (What::Clear, 2, 9),
        (What::Read(5), 3, 4),
        (What::Read(0), 5, 6)
    ])));
    assert!(linearizable(&history(&[])));
}

#[test]
fn a_lost_write_is_illegal() {
    assert!(!linearizable(&history(&[(What::Swap(0, 5), 0, 1), (What::Read(0), 2, 3)])));
}

#[test]
fn a_value_that_comes_back_is_illegal() {
    assert!(!linearizable(&history(&[
        (What::Swap(0, 5), 0, 1),
        (What::Swap(5, 0), 2, 3),
        (What::Read(5), 4, 5)
    ])));
    assert!(!linearizable(&history(&[
        (What::Swap(0, 5), 0, 9),
        (What::Read(5), 1, 2),
        (What::Read(0), 3, 4)
    ])));
}

#[test]
fn two_winners_are_illegal() {
    assert!(!linearizable(&history(&[
        (What::Swap(0, 5), 0, 1),
        (What::Swap(5, 0), 2, 6),
        (What::Swap(5, 0), 3, 5)
    ])));
}
