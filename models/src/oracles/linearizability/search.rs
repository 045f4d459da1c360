//! The search for an order: Wing and Gong's, with Lowe's memo.
//!
//! ```text
//!   events:   call a   call b   return a   call c   return b   return c
//!             └ first candidates ┘   └ none may pass a's return before a is placed
//! ```
//! Calls and returns form a list. Placing a step takes its events out; a step may be placed if its call stands before
//! the first return left. At a return whose step is not placed there is no way on, and the last placing is undone. A
//! configuration (which steps are placed, what the key holds) that was met before leads nowhere new.
//!
//! # Invariants
//! - **front**: everything before the cursor is a call that was tried in this configuration.
//! - **exact**: two configurations are the same in the memo exactly if the placed steps and the value are.
//! # Not here
//! Why there is no order: see `witness`.
//! # Checked by
//! `tests/linearizability.rs`.

use super::partition::Part;
use foldhash::{HashSet, HashSetExt};

/// How many placings a search may try, per key, before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget(pub u64);

impl Default for Budget {
    /// About a second.
    fn default() -> Self {
        Budget(10_000_000)
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An order: indices into [`Part::steps`]. Pending steps may be missing.
    Order(Vec<usize>),
    /// None: the step whose return no order passes, though some pass all returns before it.
    Stuck(usize),
    /// Ran out of budget, having tried so many placings.
    NoBudget(u64),
}

/// Looks for an order of the part's steps.
pub fn search(part: &Part, budget: Budget) -> Found {
    visit(part, budget, |_| {})
}

/// What the search is at when it tries to place a step, or is stopped by a step's return.
pub struct Attempt<'s> {
    /// The steps placed, in their order.
    pub placed: &'s [Placed],
    /// What the key holds.
    pub value: Option<u64>,
    /// The step.
    pub step: usize,
    /// Is it the return of a step that is not placed? Then the last placing will be undone.
    pub is_return: bool,
}

/// A placed step, and what the key held before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The step.
    pub step: usize,
    /// What the key held before it.
    pub before: Option<u64>,
}

/// [`search`], showing every attempt to place a step and every return that stops it.
pub fn visit(part: &Part, budget: Budget, mut show: impl FnMut(Attempt<'_>)) -> Found {
    let mut events = Events::new(part);
    let mut linearized = Linearized::new(part);
    let twins = twins(part);
    let mut memo = HashSet::new();
    let mut placed: Vec<Placed> = Vec::with_capacity(part.steps.len());
    let mut left = part.steps.iter().filter(|step| step.is_complete()).count();
    let mut value = part.given;
    let mut cursor = events.first();
    let (mut spent, mut furthest) = (0, None);
    while left > 0 {
        match events.at(cursor) {
            Node::Call(step) => {
                spent += 1;
                if spent > budget.0 {
                    return Found::NoBudget(budget.0);
                }
                show(Attempt { placed: &placed, value, step, is_return: false });
                let is_turn = twins[step].is_none_or(|twin| linearized.has(twin));
                let then = part.steps[step].apply(part.key, value);
                let next = then.ok().filter(|_| is_turn).filter(|&then| {
                    linearized.flip(step);
                    let is_new = memo.insert((linearized.tail(), then));
                    if !is_new {
                        linearized.flip(step);
                    }
                    is_new
                });
                match next {
                    None => cursor = events.after(cursor),
                    Some(then) => {
                        placed.push(Placed { step, before: value });
                        value = then;
                        left -= part.steps[step].is_complete() as usize;
                        events.take_out(step);
                        cursor = events.first();
                    }
                }
            }
            // A return that is still there: its step was not placed, and nothing after it may come first.
            Node::Return(step) => {
                show(Attempt { placed: &placed, value, step, is_return: true });
                let returned = |step: usize| part.steps[step].returned;
                if furthest.is_none_or(|furthest| returned(step) > returned(furthest)) {
                    furthest = Some(step);
                }
                let Some(last) = placed.pop() else {
                    return Found::Stuck(furthest.unwrap_or(step));
                };
                linearized.flip(last.step);
                value = last.before;
                left += part.steps[last.step].is_complete() as usize;
                cursor = events.put_back(last.step);
                cursor = events.after(cursor);
            }
        }
    }
    Found::Order(placed.into_iter().map(|placed| placed.step).collect())
}

/// For each step, the one before it that is the same in everything: their order does not matter, so it is fixed.
/// A `clear` that may come to a key again has many.
fn twins(part: &Part) -> Vec<Option<usize>> {
    let twin =
        |step: usize| step.checked_sub(1).filter(|&last| part.steps[last] == part.steps[step]);
    (0..part.steps.len()).map(twin).collect()
}

/// An event of a part.
#[derive(Clone, Copy, Debug)]
enum Node {
    Call(usize),
    Return(usize),
}

/// The events of the steps not placed: a doubly linked list. Taking out and putting back is last in, first out.
struct Events {
    nodes: Vec<Node>,
    /// By position; 0 is the head, and the n-th node is at n + 1.
    next: Vec<u32>,
    previous: Vec<u32>,
    /// By step: where its call and its return are.
    places: Vec<(u32, Option<u32>)>,
}

impl Events {
    fn new(part: &Part) -> Self {
        let mut timed = Vec::with_capacity(2 * part.steps.len());
        for (at, step) in part.steps.iter().enumerate() {
            timed.push((step.call, Node::Call(at)));
            if step.is_complete() {
                timed.push((step.returned, Node::Return(at)));
            }
        }
        // An added look has its host's times, so times may be equal: calls come first, and nothing is ordered by it.
        timed.sort_by_key(|&(time, node)| (time, matches!(node, Node::Return(_))));
        let nodes: Vec<Node> = timed.into_iter().map(|(_, node)| node).collect();
        let mut places = vec![(0, None); part.steps.len()];
        for (at, node) in nodes.iter().enumerate() {
            match *node {
                Node::Call(step) => places[step].0 = at as u32 + 1,
                Node::Return(step) => places[step].1 = Some(at as u32 + 1),
            }
        }
        let count = nodes.len() as u32 + 1;
        Events {
            nodes,
            next: (1..=count).collect(),
            previous: (0..count).map(|at| at.saturating_sub(1)).chain([count - 1]).collect(),
            places,
        }
    }

    fn first(&self) -> u32 {
        self.next[0]
    }

    fn at(&self, place: u32) -> Node {
        self.nodes[place as usize - 1]
    }

    fn after(&self, place: u32) -> u32 {
        self.next[place as usize]
    }

    fn take_out(&mut self, step: usize) {
        let (call, returned) = self.places[step];
        for place in [Some(call), returned].into_iter().flatten() {
            let (previous, next) = (self.previous[place as usize], self.next[place as usize]);
            self.next[previous as usize] = next;
            self.previous[next as usize] = previous;
        }
    }

    /// Undoes [`take_out`](Self::take_out); returns the place of the call.
    fn put_back(&mut self, step: usize) -> u32 {
        let (call, returned) = self.places[step];
        for place in [returned, Some(call)].into_iter().flatten() {
            let (previous, next) = (self.previous[place as usize], self.next[place as usize]);
            self.next[previous as usize] = place;
            self.previous[next as usize] = place;
        }
        call
    }
}

/// What tells one set of placed steps from another: how many words of it are all ones, then the words that are
/// not, up to the last one with a bit set.
type Tail = (u32, u128, Box<[u64]>);

/// Which steps are placed, a bit each, in the order of their returns.
struct Linearized {
    /// By step: its bit.
    bits: Vec<u32>,
    words: Vec<u64>,
    /// Words before this one are all ones.
    low: usize,
    /// Words from this one on are zero.
    high: usize,
}

impl Linearized {
    fn new(part: &Part) -> Self {
        let mut by_return: Vec<usize> = (0..part.steps.len()).collect();
        by_return.sort_by_key(|&step| part.steps[step].returned);
        let mut bits = vec![0; part.steps.len()];
        for (bit, step) in by_return.into_iter().enumerate() {
            bits[step] = bit as u32;
        }
        Linearized { bits, words: vec![0; part.steps.len().div_ceil(64)], low: 0, high: 0 }
    }

    fn flip(&mut self, step: usize) {
        let bit = self.bits[step] as usize;
        self.words[bit / 64] ^= 1 << (bit % 64);
        self.low = self.low.min(bit / 64);
        while self.words.get(self.low) == Some(&u64::MAX) {
            self.low += 1;
        }
        self.high = self.high.max(bit / 64 + 1);
        while self.high > 0 && self.words[self.high - 1] == 0 {
            self.high -= 1;
        }
    }

    fn has(&self, step: usize) -> bool {
        let bit = self.bits[step] as usize;
        self.words[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn tail(&self) -> Tail {
        let tail = self.words.get(self.low..self.high).unwrap_or(&[]);
        let word = |at: usize| tail.get(at).copied().unwrap_or(0) as u128;
        (self.low as u32, word(0) | word(1) << 64, tail.get(2..).unwrap_or(&[]).into())
    }
}
