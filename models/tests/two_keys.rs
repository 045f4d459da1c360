//! Writes of two keys by two threads, each of which then looks up the other's: one of them at least comes after the other's
//! write has returned, and sees it. With stale reads, in every execution: the edge is `returned`.
//!
//! The catalogue cannot say it: under stale reads, histories are judged key by key, where `returned before` is no order.

use map_core::ConcurrentMap;
use models::engines::dfs::{self, Explore};
use models::engines::shuttle::{Lines, Model, litmus};
use models::generators::hashers::{Hasher, ModelState};

type Map = ConcurrentMap<u64, u64, ModelState, Model>;

/// Two buckets, a key in either.
fn map() -> Map {
    let map = Map::with_capacity_and_hasher(13, ModelState::new(Hasher::Identity));
    (&map).extend([(0, 0), (1, 0)]);
    map
}

/// What each thread sees of the other's key.
fn one_at_least_sees_the_other(writes: [Lines<Map, String>; 2], before: &str) {
    let policy = dfs::policy(Explore { stale: true, preemptions: Some(2), ..Explore::default() });
    let report = litmus(policy, map, &writes, None);
    assert!(report.found.is_none(), "{:?}", report.found);
    assert!(report.exhausted);
    let seen: Vec<&str> = report.outcomes.iter().map(String::as_str).collect();
    let neither = format!("[{before:?}, {before:?}]");
    assert!(!seen.contains(&&*neither), "neither saw the other's write: {seen:?}");
    assert!(seen.len() > 1, "they never met: {seen:?}");
}

fn look(map: &Map, key: u64) -> String {
    format!("{:?}", map.pin().get(&key))
}

#[test]
fn updates() {
    let writes: [Lines<Map, String>; 2] = [
        |map| {
            map.pin().insert(0, 1);
            look(map, 1)
        },
        |map| {
            map.pin().update(1, |_| 1);
            look(map, 0)
        },
    ];
    one_at_least_sees_the_other(writes, "Some(0)");
}

#[test]
fn insertions() {
    let writes: [Lines<Map, String>; 2] = [
        |map| {
            map.pin().insert(2, 1);
            look(map, 3)
        },
        |map| {
            map.pin().get_or_insert(3, 1);
            look(map, 2)
        },
    ];
    one_at_least_sees_the_other(writes, "None");
}

#[test]
fn removals() {
    let writes: [Lines<Map, String>; 2] = [
        |map| {
            map.pin().remove(&0);
            look(map, 1)
        },
        |map| {
            map.pin().remove(&1);
            look(map, 0)
        },
    ];
    one_at_least_sees_the_other(writes, "Some(0)");
}
