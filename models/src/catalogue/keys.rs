//! Ops on one key against the evacuation of its bucket.

use super::{
    COUSIN, KEY, NEIGHBOUR, QUAD, SIBLING, Scenario, TWIN, growing, half_grown, insert, scenario,
};
use crate::generators::hashers::Hasher;
use crate::op::Op::{
    Compute, ContainsKey, EntryOrInsert, EntryOrInsertWith, EvacuateTo, Get, Insert, Remove,
    Update, UpdateWithin,
};

const V: u16 = 100;
const W: u16 = 200;
const OLD: Option<u64> = Some(KEY as u64);
const NEW: Option<u64> = Some(V as u64);

pub(super) fn all() -> Vec<Scenario> {
    vec![
        // The reader holds the old table when the writer's growth work evacuates the key's bucket.
        scenario("get_during_evacuation_finds_the_key")
            .given(growing([KEY]))
            .thread("reader", [Get(KEY)])
            .thread("writer", [Insert(NEIGHBOUR, V)])
            .allows("reader", [OLD]),
        // The same, and the key is replaced in the new table: the reader may be early or late, never empty-handed.
        scenario("get_against_insert_of_the_same_key_sees_one_of_both")
            .given(growing([KEY]))
            .thread("reader", [Get(KEY)])
            .thread("writer", [Insert(KEY, V)])
            .allows("reader", [OLD])
            .allows("reader", [NEW])
            .allows("writer", [OLD]),
        // Once the reader has seen the new value it must not meet the old one again, in whichever table.
        scenario("gets_never_go_back_across_an_evacuation")
            .given(growing([KEY]))
            .thread("reader", [Get(KEY), Get(KEY)])
            .thread("writer", [Insert(KEY, V)])
            .allows("reader", [OLD, OLD])
            .allows("reader", [OLD, NEW])
            .allows("reader", [NEW, NEW]),
        // The key goes while its bucket is evacuated: a copy left behind in either table would bring it back.
        scenario("removed_key_stays_removed_across_an_evacuation")
            .given(growing([KEY]))
            .thread("remover", [Remove(KEY), Get(KEY)])
            .thread("evacuator", [Insert(SIBLING, V)])
            .allows("remover", [OLD, None]),
        // The remover's own growth work is on other buckets, so the evacuator is who locks the key's next, and has searched
        // nothing there: all that it knows of the removal it knows from the lock.
        scenario("evacuator_copies_what_the_last_writer_left")
            .capacity(QUAD)
            .given(growing([KEY]))
            .thread("remover", [Remove(KEY)])
            .thread("evacuator", [Remove(COUSIN)])
            .allows("remover", [OLD])
            .allows("evacuator", [None]),
        // The reader's second look comes after the removal it saw.
        scenario("reader_that_missed_a_removed_key_misses_it_again")
            .given(growing([KEY, TWIN]))
            .thread("reader", [Get(KEY), Get(KEY)])
            .thread("remover", [Remove(KEY)])
            .allows("reader", [OLD, OLD])
            .allows("reader", [OLD, None])
            .allows("reader", [None, None]),
        // A slot is freed by one thread and taken by another key: a reader of the first must not be told the second's.
        scenario("slot_reused_by_another_key_answers_for_it_alone")
            .given(insert([KEY]))
            .thread("reader", [Get(KEY)])
            .thread("writer", [Remove(KEY), Insert(TWIN, V)])
            .allows("reader", [OLD])
            .allows("reader", [None]),
        // The same, twice: the reader that saw the slot freed must not find the old entry behind the new tophash.
        scenario("slot_reused_by_another_key_does_not_bring_back_the_first")
            .given(insert([KEY]))
            .thread("reader", [Get(KEY), Get(KEY)])
            .thread("writer", [Remove(KEY), Insert(TWIN, V)])
            .allows("reader", [OLD, OLD])
            .allows("reader", [OLD, None])
            .allows("reader", [None, None]),
        // The key comes, goes and comes again, perhaps into the same slot: slot first or tophash first matters here.
        scenario("key_removed_and_inserted_again_is_read_in_order")
            .given(insert([KEY]))
            .thread("reader", [Get(KEY), Get(KEY)])
            .thread("writer", [Remove(KEY), Insert(KEY, V)]),
        // Both insert the same absent key; each looks in a different table.
        scenario("two_inserts_of_one_key_leave_one_entry")
            .given(half_grown([COUSIN]))
            .thread("first", [Insert(SIBLING, V)])
            .thread("second", [Insert(SIBLING, W)]),
        // At most one remove wins, also when an evacuation comes between them.
        scenario("two_removes_of_one_key_one_wins")
            .given(half_grown([SIBLING]))
            .thread("first", [Remove(SIBLING)])
            .thread("second", [Remove(SIBLING)]),
        // The writer read the old bucket's state; by the time it locks, the bucket is evacuated.
        scenario("writer_rechecks_after_locking")
            .given(growing([KEY, NEIGHBOUR]))
            .thread("writer", [Insert(KEY, V), Get(KEY)])
            .thread("evacuator", [Insert(SIBLING, V)])
            .allows("writer", [OLD, NEW]),
        // `get_or_insert`: found once means found by both.
        scenario("get_or_insert_twice_agrees_on_one_value")
            .given(half_grown([COUSIN]))
            .thread("first", [EntryOrInsert(SIBLING, V)])
            .thread("second", [EntryOrInsert(SIBLING, W)]),
        // The closure's value is dropped when another thread was first; nothing leaks, nothing is dropped twice.
        scenario("get_or_insert_with_drops_the_value_not_used")
            .counted()
            .given(half_grown([COUSIN]))
            .thread("first", [EntryOrInsertWith(SIBLING, V)])
            .thread("second", [EntryOrInsertWith(SIBLING, W), Remove(SIBLING)]),
        // Two updates, and an evacuation under them: neither is lost.
        scenario("updates_of_one_key_are_not_lost")
            .given(half_grown([SIBLING]))
            .thread("first", [Update(SIBLING, 10)])
            .thread("second", [Update(SIBLING, 20)]),
        // An update against the key's removal: it either comes first or finds nothing.
        scenario("update_against_remove_is_one_step")
            .given(half_grown([SIBLING]))
            .thread("updater", [Update(SIBLING, 10)])
            .thread("remover", [Remove(SIBLING)]),
        // `compute` decides by what it saw; what it replaces must be that.
        scenario("compute_replaces_what_it_saw")
            .given(half_grown([SIBLING]))
            .thread("first", [Compute(SIBLING, 1)])
            .thread("second", [Insert(SIBLING, 3)])
            .thread("evacuator", [Insert(KEY, V)]),
        // Another key of the bucket is written between the answer and the lock: the answer stands, nobody is asked again.
        scenario("closure_is_asked_once_about_each_entry")
            .given(insert([KEY]))
            .thread("first", [Update(KEY, 10)])
            .thread("second", [Compute(KEY, 1)])
            .thread("neighbour", [Insert(TWIN, V)]),
        // The same of a key that has none.
        scenario("closure_is_asked_once_about_an_absent_key")
            .given(insert([TWIN]))
            .thread("first", [Compute(KEY, 1)])
            .thread("neighbour", [Insert(TWIN, V)]),
        // The chain is full, then the key is there, then the chain is full again: what is put is the answer to the last question.
        scenario("compute_puts_what_it_was_last_told")
            .counted()
            .given(insert([2, 4, 6, 8, 10, 12, 14, 16]))
            .thread("decider", [Compute(18, 3)])
            .thread("changer", [Remove(2), Insert(18, 3)])
            .thread("restorer", [Remove(18), Insert(2, 2)]),
        // The closure stores the entry anew that it is asked about, so it is asked again: no lock may be held meanwhile.
        scenario("closure_may_write_what_it_is_asked_about")
            .given(half_grown([SIBLING]))
            .thread("updater", [UpdateWithin(SIBLING, 2)])
            .thread("evacuator", [Insert(COUSIN, V)])
            .allows("updater", [Some(3)]),
        // The other key of the old bucket moves to the other new bucket meanwhile.
        scenario("write_of_the_neighbour_leaves_the_key_alone")
            .given(growing([KEY, NEIGHBOUR]))
            .thread("reader", [Get(KEY), ContainsKey(NEIGHBOUR)])
            .thread("writer", [Remove(NEIGHBOUR)]),
        // The old sibling bucket is evacuated, this one is not: the new table must not be believed for it.
        scenario("half_evacuated_table_answers_for_each_bucket_by_itself")
            .given([Insert(KEY, V), Insert(SIBLING, W), EvacuateTo(1)])
            .thread("reader", [Get(KEY), Get(SIBLING)])
            .thread("writer", [Insert(TWIN, V)])
            .allows("reader", [Some(u64::from(V)), Some(u64::from(W))]),
        // Every key in one chain, with an overflow bucket: the copy takes two buckets.
        scenario("get_in_an_overflow_chain_during_its_evacuation")
            .given(growing([0, 2, 4, 6, 8, 10, 12, 14, 16]))
            .thread("reader", [Get(16)])
            .thread("evacuator", [Insert(SIBLING, V)])
            .allows("reader", [Some(16)]),
        // The chain's last key goes while the chain is copied.
        scenario("remove_from_an_overflow_chain_during_its_evacuation")
            .given(half_grown([1, 3, 5, 7, 9, 11, 13, 15, 17]))
            .thread("remover", [Remove(17), Get(17)])
            .thread("evacuator", [Insert(KEY, V)])
            .allows("remover", [Some(17), None]),
        // A slot before it is free: the key stays where it is, or who has looked there already does not find it.
        scenario("update_stays_in_its_slot")
            .given(insert([0, 2, 4, 6, 8, 10, 12, 14, 16]).into_iter().chain([Remove(0)]))
            .thread("reader", [Get(16)])
            .thread("writer", [Insert(16, V)])
            .allows("reader", [Some(16)])
            .allows("reader", [NEW]),
        // The eighth slot is taken and a ninth key comes: the link is read while it is made.
        scenario("overflow_bucket_is_linked_filled")
            .given(insert([0, 2, 4, 6, 8, 10, 12, 14]))
            .thread("reader", [Get(16), Get(16)])
            .thread("writer", [Insert(16, V)])
            .allows("reader", [None, None])
            .allows("reader", [None, NEW])
            .allows("reader", [NEW, NEW]),
        // The last slot of the full bucket is freed, the overflow bucket emptied, the slot taken again: the reader that was told
        // of the end of the chain before must not find the key behind it once the chain goes on. (One tophash a key.)
        scenario("key_missed_at_the_end_of_a_chain_is_missed_behind_it")
            .hasher(Hasher::Low3)
            .given(insert((5..14).map(|tophash| 8 * tophash)))
            .thread("reader", [Get(104), Get(104)])
            .thread("writer", [Remove(96), Remove(104), Insert(112, V)])
            .allows("reader", [Some(104), Some(104)])
            .allows("reader", [Some(104), None])
            .allows("reader", [None, None]),
        // The same, and two slots are taken: the first leaves the end where the removals did, and is seen, perhaps, without them.
        scenario("key_missed_at_an_end_that_moves_on_is_missed_behind_it")
            .hasher(Hasher::Low3)
            .given(insert((5..14).map(|tophash| 8 * tophash)).into_iter().chain([Remove(88)]))
            .thread("reader", [Get(104), Get(104)])
            .thread("writer", [Remove(104), Remove(96), Insert(112, V), Insert(120, V)])
            .allows("reader", [Some(104), Some(104)])
            .allows("reader", [Some(104), None])
            .allows("reader", [None, None]),
        // The same of a writer that twice finds nothing to do, and so takes no lock: that key is gone, and that one stays as it is.
        scenario("writer_that_missed_a_removed_key_misses_it_again")
            .hasher(Hasher::Low3)
            .given(insert((5..14).map(|tophash| 8 * tophash)))
            .thread("decider", [Remove(104), Compute(104, W)])
            .thread("writer", [Remove(96), Remove(104), Insert(112, V)]),
        // Two keys come at once to a full chain: one overflow bucket is linked, none is lost.
        scenario("two_inserts_into_a_full_chain_both_stay")
            .given(insert([0, 2, 4, 6, 8, 10, 12, 14]))
            .thread("first", [Insert(16, V), Get(16)])
            .thread("second", [Insert(18, W), Get(18)])
            .allows("first", [None, NEW])
            .allows("second", [None, Some(u64::from(W))]),
        // A chain is full, and still is when another write has come in between: the overflow bucket that was made for it the first
        // time does for the second.
        scenario("overflow_bucket_made_too_early_is_kept")
            .given(insert([0, 2, 4, 6, 8, 10, 12, 14]))
            .thread("appender", [Insert(16, V)])
            .thread("replacer", [Insert(0, V)])
            .allows("appender", [None])
            .allows("replacer", [Some(0)]),
        // The full chain is evacuated meanwhile, and as full in the new table: the overflow bucket that was made counts there. (The
        // appender's own growth work does not come to that chain.)
        scenario("overflow_bucket_counts_where_it_is_linked")
            .capacity(QUAD)
            .given(growing((0..8).map(|nth| 3 + 8 * nth)))
            .thread("appender", [Insert(67, V)])
            .thread("evacuator", [Remove(9)])
            .allows("appender", [None]),
        // A slot becomes free meanwhile: the bucket that was made is not a part of the chain, and does not count as one.
        scenario("overflow_bucket_that_was_not_needed_is_not_counted")
            .given(insert([0, 2, 4, 6, 8, 10, 12, 14]))
            .thread("appender", [Insert(16, V)])
            .thread("remover", [Remove(0)])
            .allows("appender", [None])
            .allows("remover", [Some(0)]),
        // The evacuator links an overflow bucket in the new table and has yet to fill it: the first eight keys tell nothing of the
        // ninth.
        scenario("get_finds_the_last_key_of_a_chain_that_is_being_filled")
            .given(growing((0..9).map(|nth| KEY + 4 * nth)))
            .thread("reader", [Get(KEY + 32)])
            .thread("evacuator", [Remove(SIBLING)])
            .allows("reader", [Some(u64::from(KEY) + 32)]),
        // All keys have one hash: tophashes tell nothing apart, and every key goes to the same new bucket.
        scenario("keys_of_one_hash_stay_apart")
            .hasher(Hasher::Zero)
            .given(growing([KEY, TWIN]))
            .thread("reader", [Get(TWIN)])
            .thread("writer", [Remove(KEY)])
            .allows("reader", [Some(u64::from(TWIN))]),
    ]
}
