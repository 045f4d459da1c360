//! Sizes: what an iterator says of how many entries are to come, it keeps; and its clone goes on where it stands, as do a
//! fold and an `nth`.
//!
//! An adapter has its map's iterators [`watched`], or [`exactly`] where the number is known, or their second [`half`] yielded
//! by a clone, or [`folded`], or [`some`] of what is given away; what goes wrong is noted, one note for the thread, and [`kept`] reads it.

use super::{Objection, Verdict, reference};
use std::cell::Cell;

thread_local! {
    static BROKEN: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Judges the iterators that were watched on this thread since the last call.
pub fn kept() -> Verdict {
    match BROKEN.take() {
        None => Ok(()),
        Some(detail) => Objection::raise(
            reference::NAME,
            "an iterator keeps what it says of its size",
            format!("had an iterator that {detail}"),
        ),
    }
}

fn note(broken: &'static str) {
    BROKEN.set(BROKEN.get().or(Some(broken)));
}

/// An iterator whose `size_hint` is held against what comes of it.
#[derive(Clone, Debug)]
pub struct Watched<I> {
    inner: I,
    count: Count,
}

/// What has come of an iterator.
#[derive(Clone, Debug)]
struct Count {
    came: usize,
    /// It has said that so many will have come at its end, at least and at most.
    least: usize,
    most: usize,
}

impl Count {
    const NONE: Count = Count { came: 0, least: 0, most: usize::MAX };

    /// It says how many are to come.
    fn said(&mut self, (low, high): (usize, Option<usize>)) {
        self.least = self.least.max(self.came.saturating_add(low));
        self.most = self.most.min(self.came.saturating_add(high.unwrap_or(usize::MAX)));
    }

    fn judge(&self, at_end: bool) {
        if self.came > self.most {
            note("yields more entries than it said");
        }
        if at_end && self.came < self.least {
            note("yields fewer entries than it said");
        }
    }
}

/// Watches an iterator.
pub fn watched<I: Iterator>(inner: I) -> Watched<I> {
    Watched { inner, count: Count::NONE }
}

/// Watches an iterator that knows how many entries are to come.
pub fn exactly<I: ExactSizeIterator>(inner: I) -> Watched<I> {
    if inner.size_hint() != (inner.len(), Some(inner.len())) {
        note("has a size_hint that differs from its len");
    }
    Watched { count: Count { came: 0, least: inner.len(), most: inner.len() }, inner }
}

/// Visits all entries. Those behind the middle come from a clone, by its own `fold`; of the iterator itself, as many are to
/// come.
pub fn half<I: ExactSizeIterator + Clone>(iter: I, mut visit: impl FnMut(I::Item)) {
    let middle = iter.len() / 2;
    skips(iter.clone());
    let mut front = exactly(iter);
    front.by_ref().take(middle).for_each(&mut visit);
    let back = front.clone();
    let left = std::iter::from_fn(|| front.next()).count();
    let came = back.map(visit).count();
    if came != left {
        note("yields another number of entries than its clone");
    }
}

/// Passes over the first half by `nth`, and then over more than there are.
fn skips<I: ExactSizeIterator>(mut iter: I) {
    let (len, middle) = (iter.len(), iter.len() / 2);
    let is_there = iter.nth(middle).is_some();
    let left = iter.len();
    if is_there != (middle < len)
        || left != len.saturating_sub(middle + 1)
        || iter.nth(left).is_some()
    {
        note("passes over another number of entries than nth is told");
    }
}

/// Visits all entries, those behind the middle by the iterator's own `fold`.
pub fn folded<I: ExactSizeIterator>(iter: I, visit: impl FnMut(I::Item)) {
    some(exactly(iter), usize::MAX, visit);
}

/// Visits so many entries; if it is `usize::MAX` all, those behind the middle of what is sure to come by the iterator's own `fold`.
pub fn some<I: Iterator>(mut iter: Watched<I>, most: usize, mut visit: impl FnMut(I::Item)) {
    let is_all = most == usize::MAX;
    let by_next = if is_all { iter.inner.size_hint().0 / 2 } else { most };
    iter.by_ref().take(by_next).for_each(&mut visit);
    if is_all {
        iter.for_each(visit);
    }
}

/// An iterator for a map to take that, if it `is_vague`, knows nothing of how many items it has: any number, for all it says.
#[derive(Clone, Debug)]
pub struct Vague<I> {
    /// What it yields.
    pub inner: I,
    /// Does it know nothing?
    pub is_vague: bool,
}

impl<I: Iterator> Iterator for Vague<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.is_vague { (0, Some(usize::MAX)) } else { self.inner.size_hint() }
    }
}

impl<I: Iterator> Iterator for Watched<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.count.said(self.inner.size_hint());
        let item = self.inner.next();
        self.count.came += usize::from(item.is_some());
        self.count.judge(item.is_none());
        item
    }

    fn fold<B, F: FnMut(B, I::Item) -> B>(self, init: B, mut f: F) -> B {
        let Watched { inner, mut count } = self;
        count.said(inner.size_hint());
        let folded = inner.fold(init, |folded, item| {
            count.came += 1;
            f(folded, item)
        });
        count.judge(true);
        folded
    }
}
