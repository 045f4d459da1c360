//! What safe functions refuse, so that they are safe.

use super::*;
use crate::Map;
use crate::hashers::IDENTITY;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

#[test]
fn what_was_taken_is_not_taken_again() {
    let value = Rc::new(());
    let mut map = Map::with_hasher(IDENTITY);
    map.insert(1u64, value.clone());
    let tables = map.tables_mut();
    let slot = tables.find(1, |key| *key == 1).expect("it was inserted");
    let head = tables.home(1).head;
    assert_eq!(Rc::strong_count(&tables.take_from(head, slot).1), 2);
    let again = catch_unwind(AssertUnwindSafe(|| tables.take_from(head, slot)));
    let refusal = again.expect_err("the slot is empty");
    assert_eq!(refusal.downcast_ref(), Some(&"an entry is taken out of a full slot"));
    assert_eq!((Rc::strong_count(&value), map.len(), map.check()), (1, 0, Ok(())));
}

#[test]
#[should_panic = "a home is in a table"]
fn without_a_table_there_is_no_home() {
    Tables::<u64, u64>::new().home(0);
}

#[test]
#[should_panic = "a directory has a place per segment"]
fn without_a_table_there_is_no_segment() {
    Table::<u64, u64>::unallocated().segment(0);
}

#[test]
#[should_panic = "a directory has a place per segment"]
fn a_table_has_no_segment_beyond_its_last() {
    let map: Map<u64, u64, _> = Map::with_capacity_and_hasher(8, IDENTITY);
    map.tables().table.segment(1);
}
