//! A thread that stops for ever, anywhere. The engines stall a thread in every scenario; these are where it hurts.

use super::{COUSIN, KEY, QUAD, SIBLING, Scenario, growing, half_grown, insert, scenario};
use crate::op::Op::{Clear, Get, Insert, Iter, Remove, Update};

const V: u16 = 100;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        // The evacuator stops with a bucket locked and half copied: readers of it go on.
        scenario("reader_needs_no_evacuator")
            .given(growing([KEY, SIBLING]))
            .thread("evacuator", [Remove(9)])
            .thread("reader", [Get(KEY), Get(SIBLING)])
            .allows("reader", [Some(u64::from(KEY)), Some(u64::from(SIBLING))]),
        // A writer stops with the lock held: readers of the bucket go on.
        scenario("reader_needs_no_writer")
            .given(insert([KEY]))
            .thread("writer", [Update(KEY, 10)])
            .thread("reader", [Get(KEY), Get(KEY)]),
        // The thread that stops may be the one that should have moved the root: another does.
        scenario("growth_needs_no_single_thread")
            .capacity(QUAD)
            .given(growing([0, 1, 2, 3]))
            .thread("first", [Insert(4, V)])
            .thread("second", [Insert(5, V), Insert(6, V)])
            .thread("reader", [Get(2)])
            .allows("reader", [Some(2)]),
        // Who clears stops with the lock of an old bucket held: writers go on evacuating those behind it.
        scenario("help_goes_past_a_locked_bucket")
            .capacity(QUAD)
            .given(insert(0..27))
            .thread("clearer", [Clear])
            .thread("writer", [Remove(104), Remove(104), Remove(104)]),
        // An iteration meets a bucket whose writer has stopped.
        scenario("iteration_needs_no_writer")
            .given(half_grown([KEY, SIBLING]))
            .thread("writer", [Insert(COUSIN, V)])
            .thread("iterator", [Iter]),
        // `clear` may wait for the lock; the reader beside it must not.
        scenario("reader_needs_no_clear")
            .given(growing([KEY, SIBLING]))
            .thread("clearer", [Clear])
            .thread("reader", [Get(KEY), Get(SIBLING)]),
    ]
}
