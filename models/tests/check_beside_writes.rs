//! `ConcurrentMap::check` beside a write, with stale reads: what it read of a chain that is written meanwhile it does not
//! take for the state of one moment. The edges are `empty-slot`, `publish-tophashes` and `publish-entry`.
//!
//! The catalogue cannot say it: a case has no op that checks.

use map_core::ConcurrentMap;
use models::engines::dfs::{self, Explore};
use models::engines::shuttle::{Lines, Model, litmus};
use models::generators::hashers::{Hasher, ModelState};

type Map = ConcurrentMap<u64, u64, ModelState, Model>;

/// One bucket.
fn map() -> Map {
    let map = Map::with_hasher(ModelState::new(Hasher::Identity));
    (&map).extend([(0, 0), (1, 1)]);
    map
}

fn nothing_is_objected_to_beside(write: Lines<Map, String>) {
    let check = |map: &Map| map.check().map_or_else(|breach| breach.to_string(), |()| "ok".into());
    let policy = dfs::policy(Explore { stale: true, preemptions: Some(2), ..Explore::default() });
    let report = litmus(policy, map, &[check, write], None);
    assert!(report.found.is_none(), "{:?}", report.found);
    assert!(report.exhausted);
    let seen: Vec<&str> = report.outcomes.iter().map(String::as_str).collect();
    assert_eq!(seen, [r#"["ok", ""]"#]);
}

#[test]
fn a_removal() {
    nothing_is_objected_to_beside(|map| {
        map.pin().remove(&1);
        String::new()
    });
}

#[test]
fn an_insertion() {
    nothing_is_objected_to_beside(|map| {
        map.pin().insert(2, 2);
        String::new()
    });
}

#[test]
fn a_clear() {
    nothing_is_objected_to_beside(|map| {
        map.pin().clear();
        String::new()
    });
}
