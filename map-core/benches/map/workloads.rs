//! The workloads, each a function that gives nanoseconds per operation.

use crate::subjects::Subject;
use std::hint::black_box;
use std::time::Instant;

/// In this order, on one map per round.
pub const THROUGHPUT: [&str; 7] =
    ["insert", "hit", "dependent hit", "miss", "iterate", "churn", "hit while growing"];

/// Lookups per timing: enough to outweigh the clock, few enough for 10M entries.
const LOOKUPS: usize = 2_000_000;

pub struct Keys {
    /// Distinct, without order.
    present: Vec<u64>,
    /// Distinct from those.
    absent: Vec<u64>,
    /// Indices of `present`, at random.
    order: Vec<u32>,
}

/// splitmix64: a bijection, so distinct inputs give distinct keys.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

impl Keys {
    pub fn new(size: usize) -> Keys {
        let size = size as u64;
        let lookups = LOOKUPS.min(4 * size as usize) as u64;
        Keys {
            present: (0..size).map(mix).collect(),
            absent: (size..size + lookups.max(size)).map(mix).collect(),
            order: (0..lookups).map(|n| (mix(n ^ 0x5555_0000_0000) % size) as u32).collect(),
        }
    }
}

fn timed(operations: usize, act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// All workloads that are wanted, on one map.
pub fn round<M: Subject>(keys: &Keys, wants: &dyn Fn(&str) -> bool) -> Vec<(&'static str, f64)> {
    let mut times = Vec::new();
    let mut map = M::new();
    let insert = insert_from_empty(&mut map, keys);
    if wants("insert") {
        times.push(("insert", insert));
    }
    type Workload<M> = fn(&mut M, &Keys) -> f64;
    let rest: [(&'static str, Workload<M>); 5] = [
        ("hit", hit),
        ("dependent hit", dependent_hit),
        ("miss", miss),
        ("iterate", iterate),
        ("churn", churn),
    ];
    for (name, workload) in rest {
        if wants(name) {
            times.push((name, workload(&mut map, keys)));
        }
    }
    drop(map);
    if wants("hit while growing") {
        times.push(("hit while growing", hit_while_growing::<M>(keys)));
    }
    times
}

/// Distinct keys into a map without capacity. Each value is the next key, in a circle.
fn insert_from_empty<M: Subject>(map: &mut M, keys: &Keys) -> f64 {
    let next = keys.present[1..].iter().chain(&keys.present[..1]);
    let time = timed(keys.present.len(), || {
        for (key, value) in keys.present.iter().zip(next) {
            map.insert(*key, *value);
        }
    });
    assert_eq!(map.len(), keys.present.len());
    time
}

/// Lookups that don't wait for each other.
fn hit<M: Subject>(map: &mut M, keys: &Keys) -> f64 {
    let mut found = 0;
    let time = timed(keys.order.len(), || {
        for index in &keys.order {
            found += usize::from(map.get(keys.present[*index as usize]).is_some());
        }
    });
    assert_eq!(black_box(found), keys.order.len());
    time
}

/// Each key is the value found before: the latency of a lookup.
fn dependent_hit<M: Subject>(map: &mut M, keys: &Keys) -> f64 {
    let mut key = keys.present[0];
    let steps = keys.order.len() / 2;
    let time = timed(steps, || {
        for _ in 0..steps {
            key = map.get(key).expect("the values are keys");
        }
    });
    assert_eq!(key, keys.present[steps % keys.present.len()]);
    time
}

fn miss<M: Subject>(map: &mut M, keys: &Keys) -> f64 {
    let absent = &keys.absent[..keys.order.len()];
    let mut found = 0;
    let time = timed(absent.len(), || {
        for key in absent {
            found += usize::from(map.get(*key).is_some());
        }
    });
    assert_eq!(black_box(found), 0);
    time
}

/// Per entry.
fn iterate<M: Subject>(map: &mut M, keys: &Keys) -> f64 {
    let mut sum = 0;
    let time = timed(map.len(), || sum = map.sum());
    let expected =
        keys.present.iter().fold(0_u64, |sum, key| sum.wrapping_add(*key)).wrapping_mul(2);
    assert_eq!(sum, expected);
    time
}

/// The oldest entry out, a new one in; per pair.
fn churn<M: Subject>(map: &mut M, keys: &Keys) -> f64 {
    let pairs = keys.present.len().min(keys.order.len());
    let mut removed = 0;
    let time = timed(pairs, || {
        for (old, new) in keys.present.iter().zip(&keys.absent).take(pairs) {
            removed += usize::from(map.remove(*old).is_some());
            map.insert(*new, 0);
        }
    });
    assert_eq!((removed, map.len()), (pairs, keys.present.len()));
    time
}

/// Lookups from the moment the map's last growth below this size starts: batches of lookups, timed, between
/// batches of inserts, untimed, until ours would be done (one insert for every two old buckets).
fn hit_while_growing<M: Subject>(keys: &Keys) -> f64 {
    const INSERTS: usize = 32;
    const GETS: usize = 128;
    let threshold = M::threshold_below(keys.present.len().saturating_sub(keys.present.len() / 16));
    let mut map = M::new();
    let mut inserted = threshold + 1;
    for key in &keys.present[..inserted] {
        map.insert(*key, 0);
    }
    let writes = (threshold / 13 - INSERTS).max(INSERTS);
    let (mut nanoseconds, mut gets, mut found) = (0.0, 0, 0);
    let mut order = keys.order.iter().cycle();
    while inserted < threshold + writes && inserted + INSERTS <= keys.present.len() {
        let start = Instant::now();
        for index in order.by_ref().take(GETS) {
            // Scaled to the part that is in.
            let index = *index as usize * threshold / keys.present.len();
            found += usize::from(map.get(keys.present[index]).is_some());
        }
        nanoseconds += start.elapsed().as_nanos() as f64;
        gets += GETS;
        for key in &keys.present[inserted..inserted + INSERTS] {
            map.insert(*key, 0);
        }
        inserted += INSERTS;
    }
    assert_eq!(black_box(found), gets);
    nanoseconds / gets as f64
}

/// Times every insert from empty by itself, and keeps the time if it is less than the one there.
pub fn single_inserts<M: Subject>(keys: &Keys, least: &mut [u32]) {
    let mut map = M::new();
    for (key, least) in keys.present.iter().zip(least) {
        let before = Instant::now();
        map.insert(*key, 0);
        keep(least, before);
    }
    assert_eq!(map.len(), keys.present.len());
}

/// What `single_inserts` measures of itself.
pub fn clock_alone(least: &mut [u32]) {
    for least in least {
        let before = Instant::now();
        keep(least, before);
    }
}

/// Four seconds, and anything longer, are `u32::MAX` nanoseconds.
fn keep(least: &mut u32, before: Instant) {
    let nanoseconds = before.elapsed().as_nanos().try_into().unwrap_or(u32::MAX);
    *least = nanoseconds.min(*least);
}
