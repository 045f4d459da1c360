//! Maps standing in every state of growth: the stage on which every property is tried.

use super::hashers::{By, IDENTITY, LOW3, MIX, ZERO};
use super::{EvacuationOrder, Map};
use std::collections::BTreeMap;
use std::hash::Hash;

/// A map in a known state, what it must hold, and ids it has never seen.
pub struct Subject<K, V> {
    pub name: String,
    pub map: Map<K, V, By>,
    /// Key id → value id.
    pub model: BTreeMap<u64, u64>,
    pub fresh: u64,
}

struct Script {
    name: &'static str,
    hasher: By,
    capacity: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Copy)]
enum Step {
    Put(u64),
    Del(u64),
}
use Step::{Del, Put};

/// Calls `visit` with a fresh map in each state, under both evacuation orders. Every call to `make` gives
/// a key or value with that id.
pub fn in_every_state<K: Hash + Eq, V>(
    key: impl Fn(u64) -> K,
    value: impl Fn(u64) -> V,
    mut visit: impl FnMut(Subject<K, V>),
) {
    for script in scripts() {
        for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
            visit(script.play(order, &key, &value));
        }
    }
}

impl Script {
    fn play<K: Hash + Eq, V>(
        &self,
        order: EvacuationOrder,
        key: impl Fn(u64) -> K,
        value: impl Fn(u64) -> V,
    ) -> Subject<K, V> {
        let mut map = Map::with_capacity_and_hasher(self.capacity, self.hasher);
        map.set_evacuation_order(order);
        let mut model = BTreeMap::new();
        for step in &self.steps {
            match *step {
                Put(id) => {
                    map.insert(key(id), value(id));
                    model.insert(id, id);
                }
                Del(id) => {
                    map.remove(&key(id));
                    model.remove(&id);
                }
            }
        }
        Subject { name: format!("{} ({order:?})", self.name), map, model, fresh: 1 << 32 }
    }
}

fn scripts() -> Vec<Script> {
    let puts = |range: std::ops::Range<u64>| range.map(Put).collect::<Vec<_>>();
    let dels = |ids: &[u64]| ids.iter().copied().map(Del).collect::<Vec<_>>();
    let script = |name, hasher, capacity, steps| Script { name, hasher, capacity, steps };
    if cfg!(miri) {
        // The same states in the smallest worlds that have them: Miri takes milliseconds an operation.
        return vec![
            script("one bucket", MIX, 0, puts(0..3)),
            script("a doubling just begun", IDENTITY, 0, puts(0..27)),
            script("a same-size growth just begun", IDENTITY, 26, same_size(4, 1)),
        ];
    }
    vec![
        script("never touched", MIX, 0, vec![]),
        script("one bucket", MIX, 0, puts(0..3)),
        script("one full bucket", MIX, 0, puts(0..8)),
        script("the last moment before a doubling", MIX, 0, puts(0..52)),
        script("a doubling just begun", IDENTITY, 0, puts(0..53)),
        script("a doubling half done", IDENTITY, 0, puts(0..55)),
        script("a doubling with scattered writes", MIX, 0, puts(0..107)),
        script("a doubling nearly done", MIX, 0, puts(0..111)),
        script("removals during a doubling", MIX, 0, [puts(0..105), dels(&[3, 50, 104])].concat()),
        script("tombstones", IDENTITY, 0, [puts(0..50), dels(&[0, 8, 9, 17, 33, 41, 49])].concat()),
        script("one chain", ZERO, 0, puts(0..20)),
        script("one chain in a doubling", ZERO, 0, puts(0..54)),
        script("eight chains in a doubling", LOW3, 0, puts(0..106)),
        script("a same-size growth just begun", IDENTITY, 104, same_size(16, 1)),
        script("a same-size growth half done", IDENTITY, 104, same_size(16, 4)),
        script(
            "emptied during a same-size growth",
            IDENTITY,
            104,
            [same_size(16, 1), dels(&[1000])].concat(),
        ),
    ]
}

/// As many buckets as said, in each of which nine keys were inserted and removed again: as many overflow
/// buckets, no entries. The first new key then starts a growth of the same size; `new` of them follow.
fn same_size(buckets: u64, new: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    for bucket in 0..buckets {
        let keys = (0..9).map(|j| bucket + buckets * j);
        steps.extend(keys.clone().map(Put));
        steps.extend(keys.map(Del));
    }
    steps.extend((0..new).map(|j| Put(1000 + 17 * j)));
    steps
}
