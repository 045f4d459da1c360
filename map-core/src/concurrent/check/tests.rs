//! The exam of `check`: every claim is broken by hand, in each way that it can be.

use super::*;
use crate::concurrent::bucket::with_tophash;
use crate::concurrent::entry::Unpublished;
use crate::concurrent::stages::{Map, chain, growing};
use crate::growth::GrowthKind;
use crate::hashers::IDENTITY;
use crate::platform::Std;
use core::mem;
use core::sync::atomic::Ordering::Relaxed;

/// The tophash of small keys.
const TAG: u8 = MIN_TOPHASH;

/// Spoils a bucket of the oldest or the newest table of a map that is as it should be, and sees
/// what is said of it.
fn objects(
    mut map: Map,
    (newest, index): (bool, usize),
    spoil: impl FnOnce(&Bucket<u64, u64, Std>),
    claim: &str,
    detail: &str,
) {
    assert_eq!(map.check_at_rest(), Ok(()));
    {
        let pin = map.core.pin();
        let root = map.core.root(&pin);
        let table = if newest { root.known_successor() } else { root };
        spoil(table.bucket(index).expect("its segment is there"));
    }
    let breach = map.check_at_rest().expect_err("it was not noticed");
    assert_eq!(breach.claim, claim, "{breach}");
    assert!(breach.detail.contains(detail), "{breach}");
    // Who knows what its drop would do.
    mem::forget(map);
}

fn set_tophash(bucket: &Bucket<u64, u64, Std>, slot: usize, tophash: u8) {
    let word = bucket.tophashes.load(Relaxed);
    bucket.tophashes.store(with_tophash(word, slot, tophash), Relaxed);
}

/// Puts an entry where none belongs.
fn set_entry(bucket: &Bucket<u64, u64, Std>, slot: usize, hash: u64, key: u64) {
    let entry = Unpublished::new(hash, key, 0).into_raw();
    bucket.slots[slot].store(entry, Relaxed);
}

fn behind(bucket: &Bucket<u64, u64, Std>) -> &Bucket<u64, u64, Std> {
    bucket.next().expect("it has an overflow bucket")
}

#[test]
fn count() {
    let mut map = chain();
    map.core.len.subtract(1);
    assert_eq!(map.check(), Ok(()), "others might be writing");
    let breach = map.check_at_rest().expect_err("it was not noticed");
    assert_eq!(breach.claim, "exact-at-rest");
    assert_eq!(breach.detail, "the map has 12 entries and counts 11");
    map.core.len.add_one();
    assert_eq!(map.check_at_rest(), Ok(()));
    map.core.root(&map.core.pin()).count_overflow_bucket();
    assert_eq!(map.check(), Ok(()), "others might be writing");
    let breach = map.check_at_rest().expect_err("it was not noticed");
    assert_eq!(breach.claim, "overflow");
    assert_eq!(breach.detail, "the newest table has 1 overflow buckets and counts 2");
    let mut map = growing();
    map.core.count_growth(GrowthKind::SameSize);
    assert_eq!(map.check(), Ok(()), "others might be writing");
    let breach = map.check_at_rest().expect_err("it was not noticed");
    assert_eq!(breach.claim, "growths");
    assert_eq!(breach.detail, "the newest table is number 1, and (1, 1) growths were begun");
}

#[test]
fn successors() {
    let map = chain();
    let pin = map.core.pin();
    let root = map.core.root(&pin);
    root.publish_successor(Table::first(5)).expect("it has none");
    let breach = map.check().expect_err("it was not noticed");
    assert_eq!(breach.claim, "doubled-or-same-size");
    assert_eq!(breach.detail, "a table of 8 buckets is succeeded by one of 32");
    drop(pin);
    let evacuated = |bucket: &Bucket<_, _, Std>| bucket.state.store(EVACUATED, Relaxed);
    objects(chain(), (false, 2), evacuated, "one-successor", "is evacuated, to nowhere");
}

#[test]
fn locks() {
    let lock = |bucket: &Bucket<_, _, Std>| {
        let state = bucket.state.load(Relaxed);
        bucket.state.store(state | LOCKED, Relaxed);
    };
    // With entries and without.
    for index in [1, 4] {
        objects(chain(), (false, index), lock, "unlocked-at-rest", "is locked by nobody");
    }
}

#[test]
fn unborn_buckets() {
    let is_not_empty = |spoil: fn(&Bucket<u64, u64, Std>)| {
        objects(growing(), (true, 10), spoil, "born-in-private", "is not born and not empty");
    };
    is_not_empty(|bucket| set_tophash(bucket, 7, EMPTY_ONE));
    is_not_empty(|bucket| set_entry(bucket, 7, 10, 10));
    is_not_empty(|bucket| bucket.overflow.store(Bucket::new_overflow(), Relaxed));
    is_not_empty(|bucket| bucket.state.store(LOCKED, Relaxed));
}

#[test]
fn an_unborn_bucket_may_be_being_filled() {
    let map = growing();
    let pin = map.core.pin();
    let new = map.core.root(&pin).known_successor();
    let bucket = new.bucket(10).expect("its segment is there");
    set_tophash(bucket, 0, TAG);
    assert_eq!(map.check(), Ok(()));
    set_tophash(bucket, 0, EMPTY_REST);
}

/// A second growth has come to a bucket that had no segment in the first one's table when that was looked at.
#[test]
fn what_an_unborn_bucket_feeds_may_be_being_filled() {
    let map = Map::with_capacity_and_hasher(256 * 13 / 2, IDENTITY);
    (&map).extend((0..256 * 13 / 2 + 8).map(|key| (key, key)));
    let pin = map.core.pin();
    let new = map.core.root(&pin).known_successor();
    assert!(new.bucket(200).is_none(), "it is born, or its segment is needed for another one");
    new.publish_successor(new.successor_of(GrowthKind::Doubled)).expect("it has none");
    let bucket = new.known_successor().provide_bucket(200, &map.core.spares);
    set_tophash(bucket, 0, TAG);
    assert_eq!(map.check(), Ok(()));
    set_tophash(bucket, 0, EMPTY_REST);
}

#[test]
fn slots() {
    let head = (false, 1);
    let is_false = |spoil: fn(&Bucket<u64, u64, Std>), detail| {
        objects(chain(), head, spoil, "slot-is-truth", detail);
    };
    is_false(|head| set_tophash(behind(head), 4, TAG), "slot 12 has tophash 5 and no entry");
    is_false(|head| set_tophash(head, 7, EMPTY_ONE), "slot 7 has tophash 1 and an entry");
    let hole = |head: &Bucket<u64, u64, Std>| {
        head.slots[7].store(core::ptr::null_mut(), Relaxed);
        set_tophash(head, 7, EMPTY_REST);
    };
    objects(chain(), head, hole, "rest", "slot 8 has tophash 5 behind an EMPTY_REST");
    let tombstone = |head: &Bucket<u64, u64, Std>| set_tophash(behind(head), 4, EMPTY_ONE);
    objects(chain(), head, tombstone, "rest", "the chain ends in tombstones");
}

#[test]
fn entries() {
    let has = |spoil: fn(&Bucket<u64, u64, Std>), claim, detail| {
        objects(chain(), (false, 1), spoil, claim, detail);
    };
    has(|head| set_entry(head, 3, 26, 26), "home", "slot 3 holds an entry of bucket 2");
    has(|head| set_tophash(head, 3, 77), "tophash", "slot 3 has tophash 77 for hash 0x19");
    has(|head| set_entry(behind(head), 3, 25 + 64, 25), "hash", "slot 11 keeps another hash");
    has(|head| set_entry(behind(head), 3, 25, 25), "once", "slot 11 holds a key that the chain");
}

#[test]
fn a_locked_bucket_is_passed_over() {
    let map = chain();
    let pin = map.core.pin();
    let head = map.core.root(&pin).bucket(1).expect("its segment is there");
    set_tophash(head, 3, 77);
    assert!(map.check().is_err());
    let state = head.state.load(Relaxed);
    head.state.store(state | LOCKED, Relaxed);
    assert_eq!(map.check(), Ok(()));
    head.state.store(state, Relaxed);
    set_tophash(head, 3, TAG);
    assert_eq!(map.check(), Ok(()));
}
