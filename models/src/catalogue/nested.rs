//! A growth within a growth: three tables at once.

use super::{DONE, KEY, NEIGHBOUR, SIBLING, Scenario, insert, scenario};
use crate::op::Op::{self, Clear, EvacuateTo, Get, Insert, Iter, Remove, Retain};

const V: u16 = 100;

/// A growth in a growth: old bucket 1 still has the sibling, the rest is in the second table, which is too full; its growth
/// has taken what was in its bucket 0 to the third.
pub fn nested() -> Vec<Op> {
    let mut ops = insert([SIBLING, KEY]);
    ops.push(EvacuateTo(1));
    ops.extend(insert((2..27).map(|half| 2 * half)));
    ops
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        // The second growth may come to a bucket that the first has not brought to life: its turn comes later.
        scenario("nested_growth_waits_for_its_bucket_to_be_born")
            .given(nested())
            .thread("first", [Remove(9), Get(SIBLING)])
            .thread("second", [Remove(11), Get(SIBLING)])
            .allows("first", [None, Some(u64::from(SIBLING))])
            .allows("second", [None, Some(u64::from(SIBLING))]),
        // From the root to the second table, evacuated there as well, and on to the third.
        scenario("get_follows_two_successors")
            .given(nested())
            .thread("reader", [Get(NEIGHBOUR), Get(NEIGHBOUR)])
            .thread("writer", [Insert(NEIGHBOUR, V)])
            .allows("reader", [Some(u64::from(NEIGHBOUR)), Some(u64::from(NEIGHBOUR))])
            .allows("reader", [Some(u64::from(NEIGHBOUR)), Some(u64::from(V))])
            .allows("reader", [Some(u64::from(V)), Some(u64::from(V))]),
        // The walk goes where the keys went: those of an evacuated bucket may be in either of the two tables behind it.
        scenario("iteration_follows_two_successors")
            .given(nested())
            .thread("iterator", [Iter])
            .thread("evacuator", [Remove(9), Remove(11)]),
        // The same of `clear` and `retain`, which would forget what they do not come to.
        scenario("clear_follows_two_successors")
            .given(nested())
            .thread("clearer", [Clear])
            .thread("evacuator", [Remove(9)])
            .allows("clearer", [DONE]),
        scenario("retain_follows_two_successors")
            .given(nested())
            .thread("retainer", [Retain(1, 0)])
            .thread("evacuator", [Remove(9)])
            .allows("retainer", [DONE]),
        // Nobody writes, so both growths are under way at the end: the second has to go on while a bucket of the first is stuck.
        scenario("nested_growth_does_not_wait_for_the_first")
            .given(nested())
            .thread("iterator", [Iter])
            .thread("reader", [Get(SIBLING)])
            .allows("reader", [Some(u64::from(SIBLING))]),
        // The same, and the map is dropped as it is: three tables, each entry in one of them.
        scenario("map_is_dropped_with_three_tables")
            .counted()
            .given(nested())
            .thread("reader", [Get(KEY)])
            .thread("other", [Get(SIBLING)])
            .allows("reader", [Some(u64::from(KEY))])
            .allows("other", [Some(u64::from(SIBLING))]),
    ]
}
