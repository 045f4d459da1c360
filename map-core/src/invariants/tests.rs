//! The exam of `check`: every claim is broken by hand, in each way that it can be.

use super::*;
use crate::EvacuationOrder;
use crate::bucket::Handle;
use crate::chain::Vacancy;
use crate::hashers::{By, IDENTITY};
use crate::tophash::{EVACUATED_LOW, MIN_TOPHASH};
use core::mem;

/// Spoils a map that is as it should be, and sees what is said of it.
fn objects<V, R>(
    mut map: Map<u64, V, By>,
    spoil: impl FnOnce(&mut Tables<u64, V>) -> R,
    claim: &str,
    detail: &str,
) {
    assert_eq!(map.check(), Ok(()));
    spoil(map.tables_mut());
    let violation = map.check().expect_err("it was not noticed");
    assert_eq!(violation.claim, claim, "{violation}");
    assert!(violation.detail.contains(detail), "{violation}");
    // Who knows what its drop would do.
    mem::forget(map);
}

/// Keys of the bucket 1 of 8, the last four in an overflow bucket.
fn chain() -> Map<u64, u64, By> {
    let mut map = Map::with_capacity_and_hasher(52, IDENTITY);
    map.extend((0..12).map(|n| (8 * n + 1, n)));
    map
}

/// From 8 buckets to 16. In Go's order old buckets 0 and 4 are evacuated, else 0 and 1.
fn growing<V: Clone>(order: EvacuationOrder, value: &V) -> Map<u64, V, By> {
    let mut map = Map::with_capacity_and_hasher(52, IDENTITY);
    map.set_evacuation_order(order);
    for key in 0..53 {
        map.insert(key, value.clone());
    }
    map
}

fn slot_of<V>(tables: &Tables<u64, V>, key: u64) -> Slot<u64, V> {
    tables.find(key, |other| *other == key).expect("the key is there")
}

fn rename<V>(tables: &mut Tables<u64, V>, key: u64, to: u64) {
    // SAFETY: **filled**: it was found. **exclusive**: by the `&mut Tables`.
    unsafe { slot_of(tables, key).entry_mut() }.0 = to;
}

fn set_tophash<V>(tables: &mut Tables<u64, V>, key: u64, tophash: u8) {
    let slot = slot_of(tables, key);
    slot.bucket.set_tophash(slot.index, tophash);
}

fn progress<V>(tables: &mut Tables<u64, V>) -> &mut Growing<u64, V> {
    tables.growing.as_mut().expect("it grows")
}

#[test]
fn counts() {
    objects(chain(), |tables| tables.len += 1, "count", "len is 13, but 12 slots are full");
    objects(chain(), |tables| tables.len -= 1, "count", "len is 11, but 12 slots are full");
    let counted = |tables: &mut Tables<_, _>| tables.overflow_buckets += 1;
    objects(chain(), counted, "overflow", "2 overflow buckets counted, but there are 1");
}

#[test]
fn load() {
    let mut full = Map::with_hasher(IDENTITY);
    full.extend((0..8).map(|key| (key, key)));
    let overfill = |tables: &mut Tables<u64, u64>| {
        let tail = tables.home(8).head;
        tables.fill_vacancy(8, (8, 8), Vacancy::Full(tail));
    };
    objects(full, overfill, "load", "9 entries in a table that grows at 8");
}

#[test]
fn entries() {
    objects(chain(), |tables| rename(tables, 73, 74), "home", "belongs to table 0 bucket 2");
    objects(chain(), |tables| rename(tables, 73, 74), "home", "table 0 bucket 1 depth 1 slot 1");
    objects(chain(), |tables| set_tophash(tables, 9, 77), "tophash", "tophash 0x4d, but");
    objects(chain(), |tables| rename(tables, 73, 9), "once", "ends elsewhere");
}

#[test]
fn states() {
    let place = "table 0 bucket 1 depth 1 slot 0: state ";
    let evacuated = |tables: &mut Tables<_, _>| set_tophash(tables, 65, EVACUATED_LOW);
    objects(chain(), evacuated, "one-world", place);
    // Key 65 is the first of the overflow bucket: what is behind it, and what is behind one before.
    let hole = |tables: &mut Tables<_, _>| set_tophash(tables, 65, EMPTY_REST);
    objects(chain(), hole, "rest", "depth 1 slot 1: state 0x05 behind an empty rest");
    let hole = |tables: &mut Tables<_, _>| set_tophash(tables, 57, EMPTY_REST);
    objects(chain(), hole, "rest", place.replace("state ", "state 0x05").as_str());
    let tombstone = |tables: &mut Tables<_, _>| set_tophash(tables, 89, EMPTY_ONE);
    objects(chain(), tombstone, "rest", "table 0 bucket 1: the chain ends in tombstones");
}

#[test]
fn growth() {
    let grown = || growing(EvacuationOrder::InOrder, &());
    let same_size = |tables: &mut Tables<_, _>| progress(tables).kind = GrowthKind::SameSize;
    objects(grown(), same_size, "kind", "SameSize from 8 to 16 buckets");
    let halved = |tables: &mut Tables<_, _>| tables.table = progress(tables).old;
    objects(grown(), halved, "kind", "Doubled from 8 to 8 buckets");
    objects(grown(), |tables| tables.mark = 8, "mark", "mark 8 of 8 old buckets");
    let miscounted = |tables: &mut Tables<_, _>| progress(tables).evacuated += 1;
    objects(grown(), miscounted, "progress", "3 old buckets counted as evacuated, but 2 are");
}

#[test]
fn segments() {
    // So large that each bucket has a segment to itself.
    let grown = || growing(EvacuationOrder::InOrder, &[0u8; 1 << 13]);
    let passed = |tables: &mut Tables<_, _>| tables.mark += 1;
    objects(grown(), passed, "mark", "segment 2 of the old table is kept, the mark being 3");
    let freed = |tables: &mut Tables<_, _>| progress(tables).old.take_segment(7);
    objects(grown(), freed, "mark", "segment 7 of the old table is gone, the mark being 2");
    let small = |tables: &mut Tables<_, _>| progress(tables).old.take_segment(0);
    objects(growing(EvacuationOrder::InOrder, &()), small, "mark", "segment 0 of the old table is");
}

#[test]
fn evacuated_buckets() {
    let grown = || growing(EvacuationOrder::Go, &());
    // SAFETY: **touched**: above the mark the segments of an old table are there.
    let fourth = |tables: &mut Tables<_, _>| unsafe { progress(tables).old.head(4) };
    let filled = |tables: &mut Tables<_, _>| fourth(tables).set_tophash(7, MIN_TOPHASH);
    objects(grown(), filled, "one-world", "evacuated old bucket 4 still has [");
    let linked = |tables: &mut Tables<_, _>| {
        let overflow = Handle::allocate().expect("there is memory");
        fourth(tables).set_overflow(Some(overflow));
    };
    objects(grown(), linked, "one-world", "evacuated old bucket 4 still has [");
}

#[test]
fn trail() {
    let mut map = Map::with_capacity_and_hasher(52, IDENTITY);
    map.extend((0..52).map(|key| (key, ())));
    let _cursor = map.cursor();
    map.insert(52, ());
    let untold = |tables: &mut Tables<_, _>| {
        let (head, slot) = (tables.home(9).head, slot_of(tables, 9));
        tables.take_from(head, slot);
    };
    objects(map, untold, "present", "table 1 bucket 9 position 0, where there is none");
}
