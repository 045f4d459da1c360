//! Retired entries, segments and tables against threads that came before.

use super::{
    KEY, NEIGHBOUR, OCTET, SIBLING, Scenario, TWIN, growing, half_grown, insert, scenario,
};
use crate::op::Op::{
    Compute, EvacuateTo, Get, Insert, Iter, PanicAt, Remove, Reserve, Update, UpdateWithin, View,
};
use crate::op::Site;

const V: u16 = 100;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        // The reader is in the old table when the growth ends and the table is retired.
        scenario("old_table_outlives_a_late_reader")
            .given([Insert(KEY, V), Insert(SIBLING, V), EvacuateTo(1)])
            .thread("reader", [Get(KEY), Get(SIBLING)])
            .thread("finisher", [Insert(3, V)])
            .allows("reader", [Some(u64::from(V)), Some(u64::from(V))]),
        // The reader has the entry in its hands when it is removed and retired.
        scenario("removed_entry_outlives_its_reader")
            .counted()
            .given(insert([KEY]))
            .thread("reader", [Get(KEY)])
            .thread("remover", [Remove(KEY)]),
        // The entry is still in the frozen old chain when it is removed from the new one.
        scenario("entry_removed_after_its_evacuation_is_retired_once")
            .counted()
            .given(growing([KEY, SIBLING]))
            .thread("remover", [Remove(KEY)])
            .thread("reader", [Get(KEY)])
            .thread("evacuator", [Remove(SIBLING)]),
        // Each replaced entry is retired by who replaced it.
        scenario("replaced_entries_are_dropped_once_each")
            .counted()
            .given(half_grown([SIBLING]))
            .thread("first", [Insert(SIBLING, V), Insert(SIBLING, V)])
            .thread("second", [Insert(SIBLING, V)]),
        // The writer is about to lock when its bucket is written sixteen times: that is not the bucket it has searched.
        scenario("writer_that_slept_through_sixteen_writes_looks_again")
            .counted()
            .given(insert([KEY]))
            .thread("sleeper", [Insert(KEY, V)])
            .thread("writer", [UpdateWithin(KEY, 15)]),
        // The iterator holds entries of a bucket that is drained and given back.
        scenario("iterator_outlives_the_segment_it_read")
            .counted()
            .given(growing([KEY, SIBLING]))
            .thread("iterator", [Iter])
            .thread("evacuator", [Insert(NEIGHBOUR, V), Remove(NEIGHBOUR)]),
        // Where drained segments are used again: the end of a pin gives several back, one after the other, while another
        // thread takes one, for which it takes all, and puts the rest back.
        scenario("spare_segments_come_out_once_each")
            .capacity(OCTET)
            .given([EvacuateTo(0)])
            .thread("giver", [Reserve(100)])
            .thread("taker", [Remove(KEY); 4])
            .thread("second", [Remove(SIBLING); 4]),
        // The same, and somebody counts them.
        scenario("spare_segments_are_counted_from_the_first")
            .capacity(OCTET)
            .given([EvacuateTo(0)])
            .thread("giver", [Reserve(100)])
            .thread("taker", [Remove(KEY); 4])
            .thread("counter", [View; 4]),
        // The same with a single segment: who frees it counts it out, which it must have been counted in for.
        scenario("spare_segment_is_counted_before_it_is_there")
            .given(half_grown([KEY, SIBLING]))
            .thread("giver", [Remove(9)])
            .thread("taker", [Remove(9), View]),
        // A comparison panics in a writer's search: no lock may be left behind, and nothing half done.
        scenario("panicking_eq_keeps_no_lock")
            .counted()
            .given(growing([KEY, TWIN]))
            .thread("panicker", [PanicAt(Site::Eq, 0), Insert(KEY, V)])
            .thread("writer", [Insert(NEIGHBOUR, V), Remove(TWIN)]),
        // A closure panics between reading and locking.
        scenario("panicking_closure_changes_nothing")
            .counted()
            .given(growing([KEY]))
            .thread("panicker", [PanicAt(Site::Closure, 0), Update(KEY, 1)])
            .thread("writer", [Insert(KEY, V), Get(KEY)]),
        // The chain is full, and an overflow bucket at hand, when the closure is asked once more, and panics.
        scenario("panicking_closure_leaves_no_overflow_bucket")
            .counted()
            .given(insert([0, 2, 4, 6, 8, 10, 12, 14]))
            .thread("panicker", [PanicAt(Site::Closure, 1), Compute(16, 1)])
            .thread("writer", [Insert(16, V)]),
        // A key's hash panics before anything is touched.
        scenario("panicking_hash_changes_nothing")
            .counted()
            .given(growing([KEY]))
            .thread("panicker", [PanicAt(Site::Hash, 0), Remove(KEY)])
            .thread("reader", [Get(KEY)]),
    ]
}
