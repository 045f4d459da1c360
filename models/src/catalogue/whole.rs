//! Ops on the whole map during an evacuation.

use super::{
    DONE, KEY, NEIGHBOUR, OCTET, SIBLING, Scenario, TWIN, growing, half_grown, insert, nested,
    scenario,
};
use crate::generators::hashers::Hasher;
use crate::history::Answer;
use crate::op::Op::{
    Check, Clear, Get, Insert, Iter, Len, Remove, Reserve, Retain, RetainValues, View,
};
use crate::op::Ret;

const V: u16 = 100;
/// A bucket and an entry behind it.
const CHAIN: [u16; 9] = [2, 4, 6, 8, 10, 12, 14, 16, 18];
/// A value that `retain-values 1 0` keeps.
const STAYS: u16 = 101;

/// Answers of `get` and `len`.
fn value(value: Option<u64>) -> Answer {
    Answer::Ret(Ret::Value(value))
}

fn count(len: usize) -> Answer {
    Answer::Ret(Ret::Count(len))
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        // `clear` walks the buckets while another thread moves them: what was there before it is gone after it.
        scenario("clear_during_evacuation_forgets_all")
            .given(growing([KEY, SIBLING]))
            .thread("clearer", [Clear])
            .thread("evacuator", [Remove(9)])
            .thread("reader", [Get(KEY), Get(KEY)]),
        // A chain goes as a whole: what a search no longer finds, behind the end of the chain, no iteration yields.
        scenario("clear_forgets_a_chain_at_once")
            .given(insert(CHAIN))
            .thread("clearer", [Clear])
            .thread("reader", [Get(CHAIN[8]), Iter]),
        // It counts what it removes bucket by bucket: once the last one is empty, `len` may still have that one's entry.
        (0..=4).fold(
            scenario("len_follows_a_clear_bucket_by_bucket")
                .given(insert([2, 4, 6, SIBLING]))
                .thread("clearer", [Clear])
                .thread("reader", [Get(SIBLING), Len])
                .allows("reader", [value(None), count(0)])
                .allows("reader", [value(None), count(1)]),
            |scenario, len| scenario.allows("reader", [value(Some(1)), count(len)]),
        ),
        // An entry is there before it is counted: a map that says it is empty is cleared all the same.
        scenario("clear_forgets_what_is_not_counted_yet")
            .thread("writer", [Insert(KEY, V)])
            .thread("clearer", [Get(KEY), Clear, Get(KEY)])
            .allows("clearer", [value(Some(V.into())), DONE, value(None)])
            .allows("clearer", [value(None), DONE, value(None)])
            .allows("clearer", [value(None), DONE, value(Some(V.into()))]),
        // What is inserted after `clear` began may stay; it comes back in one piece.
        scenario("clear_against_insert_of_the_same_key")
            .counted()
            .given(growing([KEY]))
            .thread("clearer", [Clear, Get(KEY)])
            .thread("writer", [Insert(KEY, V)]),
        // Two clear at once: every entry is dropped by one of them.
        scenario("two_clears_drop_each_entry_once")
            .counted()
            .given(growing([KEY, SIBLING]))
            .thread("first", [Clear])
            .thread("second", [Clear])
            .allows("first", [DONE]),
        // `retain` judged an entry that is replaced before it is removed: it judges the new one.
        scenario("retain_judges_what_it_removes")
            .given(growing([KEY, SIBLING]))
            .thread("retainer", [Retain(1, 0)])
            .thread("writer", [Insert(KEY, V)]),
        // The same twice in a row: it judges that one too.
        scenario("retain_judges_all_that_comes_in_the_way")
            .given(insert([KEY]))
            .thread("retainer", [Retain(1, 0)])
            .thread("writer", [Insert(KEY, V), Insert(KEY, STAYS)]),
        // A value is judged to go, and the growth work of the insert that replaces it moves the entry: the new one stays.
        scenario("retain_by_value_spares_what_replaced_the_judged")
            .given(growing([KEY, SIBLING]))
            .thread("retainer", [RetainValues(1, 0)])
            .thread("writer", [Insert(KEY, STAYS), Get(KEY)])
            .allows("writer", [Some(u64::from(KEY)), Some(u64::from(STAYS))])
            .allows("writer", [None, Some(u64::from(STAYS))]),
        // The entries that stay, stay, wherever the evacuation has taken them.
        scenario("retain_during_evacuation_keeps_the_others")
            .given(half_grown([KEY, SIBLING]))
            .thread("retainer", [Retain(1, 0), Get(SIBLING)])
            .thread("evacuator", [Remove(9)])
            .allows("retainer", [DONE, Some(u64::from(SIBLING)).into()]),
        // The iterator is in the old table when the bucket ahead of it is evacuated: each key once.
        scenario("iteration_during_evacuation_yields_each_key_once")
            .given(growing([KEY, NEIGHBOUR, SIBLING]))
            .thread("iterator", [Iter])
            .thread("evacuator", [Remove(9)])
            .allows("iterator", [[(1, 1), (2, 2), (4, 4)]]),
        // What a search found is met by an iteration that begins afterwards, and what it missed is not, though neither comes nor
        // goes in one step.
        scenario("iteration_agrees_with_the_search_before_it")
            .thread("reader", [Get(KEY), Iter])
            .thread("writer", [Insert(KEY, V), Remove(KEY)]),
        // The iterator's bucket is written while it is read.
        scenario("iteration_against_insert_and_remove_in_its_bucket")
            .given(insert([KEY, NEIGHBOUR]))
            .thread("iterator", [Iter])
            .thread("writer", [Remove(KEY), Insert(TWIN, V)]),
        // A key that was read goes, another takes its slot, and it comes back to a slot that was not read yet: once, all the same.
        scenario("iteration_yields_a_key_that_comes_back_once")
            .given(insert([KEY, NEIGHBOUR]))
            .thread("iterator", [Iter])
            .thread("writer", [Remove(KEY), Insert(TWIN, V), Insert(KEY, V)]),
        // The same, and then its bucket is evacuated: that nothing changes there any more makes nothing of what was read whole.
        scenario("iteration_yields_a_key_that_comes_back_and_moves_on_once")
            .given(insert([KEY, NEIGHBOUR]))
            .thread("iterator", [Iter])
            .thread("writer", [Remove(KEY), Insert(TWIN, V), Insert(KEY, V), Reserve(20)]),
        // The same, and its second slot was another key's of the same tophash, as that of the key in its first one: each slot has the
        // tophash that it had.
        scenario("iteration_yields_a_key_that_comes_back_behind_an_equal_tophash_once")
            .hasher(Hasher::Zero)
            .given(insert([KEY, NEIGHBOUR]))
            .thread("iterator", [Iter])
            .thread("writer", [Remove(KEY), Insert(TWIN, V), Remove(NEIGHBOUR), Insert(KEY, V)]),
        // In a growing map, the help of a fourth write evacuates the bucket (each write's two).
        scenario("iteration_yields_a_key_that_comes_back_to_a_moving_bucket_once")
            .capacity(OCTET)
            .given(growing([6, 14]))
            .thread("iterator", [Iter])
            .thread("writer", [Remove(6), Insert(22, V), Insert(6, V), Remove(9)]),
        // The map grows twice under the iterator.
        scenario("iteration_across_two_growths")
            .capacity(8)
            .given(insert([0, 1, 2]))
            .thread("iterator", [Iter])
            .thread("grower", [Reserve(10), Reserve(20)])
            .allows("iterator", [[(0, 0), (1, 1), (2, 2)]]),
        // A view goes from the old table to the new one, while entries do, in a growth that it may or may not know of.
        scenario("view_shows_what_moves_under_it")
            .counted()
            .given(insert([KEY, NEIGHBOUR, SIBLING]))
            .thread("viewer", [View])
            .thread("grower", [Reserve(20), Remove(KEY)]),
        // An evacuation that is given up frees the overflow buckets that it had begun to fill.
        scenario("view_leaves_a_chain_alone_that_is_being_filled")
            .given(growing((0..9).map(|nth| KEY + 4 * nth)))
            .thread("viewer", [View])
            .thread("evacuator", [Remove(SIBLING), Remove(SIBLING)]),
        // Three tables of it; what the second has not got yet, or has no more, is in another.
        scenario("view_follows_two_successors")
            .given(nested())
            .thread("viewer", [View])
            .thread("evacuator", [Remove(9), Remove(11)]),
        // A check goes from table to table as well, and is told by each what of the next it may look at.
        scenario("check_passes_over_what_others_are_at")
            .given(nested())
            .thread("checker", [Check])
            .thread("evacuator", [Remove(9), Remove(11)])
            .allows("checker", [DONE]),
        // `reserve` drives the evacuation from end to end, under a reader and a writer.
        scenario("reserve_keeps_every_key")
            .given(insert([KEY, SIBLING]))
            .thread("reserver", [Reserve(20)])
            .thread("user", [Get(KEY), Remove(SIBLING)])
            .allows("user", [Some(u64::from(KEY)), Some(u64::from(SIBLING))]),
        // `len` while keys come and go.
        scenario("len_is_off_by_no_more_than_the_writes_under_way")
            .given(growing([KEY, SIBLING]))
            .thread("counter", [Len])
            .thread("writer", [Insert(NEIGHBOUR, V), Remove(KEY)]),
        // The removal is counted before the insertion of what it removed: for a moment the counters add up to less than nothing.
        scenario("len_is_never_less_than_nothing")
            .thread("inserter", [Insert(KEY, V)])
            .thread("remover", [Remove(KEY)])
            .thread("counter", [Len]),
        // Two ask at once: neither takes anything from the other.
        scenario("len_is_exact_for_two_who_ask_at_once")
            .thread("writer", [Insert(KEY, V), Len])
            .thread("other", [Len])
            .allows("writer", [value(None), count(1)]),
    ]
}
