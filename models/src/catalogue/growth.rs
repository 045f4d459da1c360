//! Growths: who starts, helps and finishes them. One inside another: see `nested`.

use super::{DONE, KEY, NEIGHBOUR, QUAD, SIBLING, Scenario, TWIN, growing, insert, scenario};
use crate::op::Op::{self, EvacuateTo, Get, Insert, Remove, Reserve, Update};

const V: u16 = 100;

/// A map of 2 buckets with a thin chain in each and two overflow buckets made but for one insertion: that of 17.
pub fn thin() -> Vec<Op> {
    let mut ops = insert([0, 2, 4, 6, 8, 10, 12, 14, 16]);
    ops.extend([0, 2, 4, 6, 8, 10, 12, 14].map(Remove));
    ops.extend(insert([1, 3, 5, 7, 9, 11, 13, 15]));
    ops
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        // Both draw tickets for the same two buckets; each bucket is evacuated by one of them.
        scenario("two_evacuators_share_the_buckets")
            .given(growing([KEY, SIBLING]))
            .thread("first", [Insert(NEIGHBOUR, V), Get(KEY)])
            .thread("second", [Insert(3, V), Get(SIBLING)])
            .allows("first", [None, Some(u64::from(KEY))])
            .allows("second", [None, Some(u64::from(SIBLING))]),
        // One evacuates the last bucket while the other moves the root.
        scenario("evacuator_against_the_thread_that_finishes_the_growth")
            .given([Insert(KEY, V), Insert(SIBLING, V), EvacuateTo(1)])
            .thread("evacuator", [Insert(3, V), Get(KEY)])
            .thread("finisher", [Remove(9), Get(SIBLING)])
            .allows("evacuator", [None, Some(u64::from(V))])
            .allows("finisher", [None, Some(u64::from(V))]),
        // Four old buckets in two segments: each is drained by who empties it, and the last ends the growth.
        scenario("segments_are_drained_once_each")
            .capacity(QUAD)
            .given(growing([0, 1, 2, 3]))
            .thread("first", [Insert(4, V), Get(2)])
            .thread("second", [Insert(5, V), Get(3)])
            .allows("first", [None, Some(2)])
            .allows("second", [None, Some(3)]),
        // Two insertions find the map full at once: one growth begins.
        scenario("one_growth_is_started_by_two")
            .capacity(8)
            .given(insert(0..8))
            .thread("first", [Insert(8, V), Get(0)])
            .thread("second", [Insert(9, V), Get(1)])
            .allows("first", [None, Some(0)])
            .allows("second", [None, Some(1)]),
        // The map is full of what another thread inserted: the load is everybody's sum, not what this one has added to it.
        scenario("growth_is_due_whoever_inserts")
            .given(insert(0..13))
            .thread("writer", [Insert(13, V), Get(0)])
            .thread("reader", [Get(13)])
            .allows("writer", [None, Some(0)]),
        // The reader comes in while the first growth of the map begins and ends under it.
        scenario("get_across_a_whole_growth")
            .capacity(8)
            .given(insert(0..8))
            .thread("reader", [Get(3), Get(8)])
            .thread("writer", [Insert(8, V)])
            .allows("reader", [Some(3), None])
            .allows("reader", [Some(3), Some(u64::from(V))]),
        // The table doubles again while a reader still looks at the first one.
        scenario("get_across_two_growths")
            .capacity(8)
            .given(insert(0..8))
            .thread("reader", [Get(3)])
            .thread("writer", [Insert(8, V), Reserve(20)])
            .allows("reader", [Some(3)]),
        // `reserve` wants more while another growth is under way.
        scenario("growth_asked_for_during_growth")
            .given(growing([KEY, SIBLING]))
            .thread("reserver", [Reserve(30), Get(KEY)])
            .thread("writer", [Insert(NEIGHBOUR, V), Get(SIBLING)]),
        // A writer sits on an old bucket while others' writes come round to it again and again; when it is done, `reserve` has to see
        // to that bucket all the same.
        scenario("reserve_makes_room_after_a_slow_write")
            .capacity(QUAD)
            .given(growing([0, 1, 2, 3]))
            .thread("slow", [Update(2, 10), Reserve(30)])
            .thread("writer", [Remove(9), Remove(9), Remove(9), Remove(9)]),
        // Too many overflow buckets: a growth of the same size begins under readers and a writer.
        scenario("same_size_growth_keeps_every_key")
            .given(thin())
            .thread("grower", [Insert(17, V)])
            .thread("reader", [Get(16), Get(15)])
            .allows("reader", [Some(16), Some(15)]),
        // The same, with a removal in the chain that is packed.
        scenario("remove_during_a_same_size_growth")
            .given(thin())
            .thread("grower", [Insert(17, V), Insert(19, V)])
            .thread("remover", [Remove(16), Get(16)])
            .allows("remover", [Some(16), None]),
        // The growth is far enough that some bucket of the new table is written already.
        scenario("write_to_the_new_table_while_the_old_one_empties")
            .given([Insert(KEY, V), Insert(SIBLING, V), EvacuateTo(1)])
            .thread("writer", [Insert(TWIN, V), Remove(TWIN)])
            .thread("evacuator", [Insert(3, V)])
            .thread("reader", [Get(TWIN)])
            .allows("writer", [None, Some(u64::from(V))]),
        // The ninth key of a bucket of the new table, while the old one has another: the overflow bucket is the new table's, and counted
        // there.
        scenario("overflow_bucket_of_the_new_table_is_its_own")
            .given(
                insert((0..8).map(|quarter| 4 * quarter))
                    .into_iter()
                    .chain([Insert(SIBLING, SIBLING), EvacuateTo(1)]),
            )
            .thread("writer", [Insert(32, V), Get(32)])
            .thread("reader", [Get(32), Get(28)])
            .allows("writer", [None, Some(u64::from(V))]),
        // One thread is slow to move the root. Meanwhile the other ends this growth and the next: the root does not go back.
        scenario("root_moves_on_only")
            .given([Insert(KEY, V), Insert(SIBLING, V), EvacuateTo(1)])
            .thread("slow", [Remove(9), Get(KEY)])
            .thread("grower", [Reserve(30), Get(KEY)])
            .allows("slow", [None, Some(u64::from(V))])
            .allows("grower", [DONE, Some(u64::from(V)).into()]),
        // Nothing to grow, three writers in one bucket: the lock alone.
        scenario("three_writers_in_one_bucket")
            .given(insert([KEY]))
            .thread("first", [Insert(NEIGHBOUR, V)])
            .thread("second", [Remove(KEY)])
            .thread("third", [Insert(TWIN, V)])
            .allows("first", [None])
            .allows("second", [Some(u64::from(KEY))])
            .allows("third", [None]),
    ]
}
