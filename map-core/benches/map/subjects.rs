//! The maps: one small trait, statically dispatched, and five implementations.

use foldhash::fast::FixedState;
use map_core::EvacuationOrder;

/// The same hash function with the same seed for all.
fn hasher() -> FixedState {
    FixedState::with_seed(0x6d61_702d_636f_7265)
}

pub trait Subject {
    const NAME: &'static str;
    fn new() -> Self;
    fn insert(&mut self, key: u64, value: u64) -> Option<u64>;
    fn get(&self, key: u64) -> Option<u64>;
    fn remove(&mut self, key: u64) -> Option<u64>;
    /// The sum of all keys and values.
    fn sum(&self) -> u64;
    fn len(&self) -> usize;
    /// Entries it holds in a table for up to `size` of them before it grows.
    fn threshold_below(size: usize) -> usize;
}

/// std, hashbrown and griddle grow at 7/8 of a power of two.
fn seven_eighths_below(size: usize) -> usize {
    let threshold = |slots: usize| slots / 8 * 7;
    let mut slots = 8;
    while threshold(slots * 2) <= size {
        slots *= 2;
    }
    threshold(slots)
}

/// Ours at 13/2 per bucket.
fn thirteen_halves_below(size: usize) -> usize {
    let mut buckets = 2;
    while buckets * 13 <= size {
        buckets *= 2;
    }
    buckets * 13 / 2
}

macro_rules! subject {
    ($subject:ident, $name:literal, $map:ty, $new:expr, $threshold:path) => {
        pub struct $subject($map);

        impl Subject for $subject {
            const NAME: &'static str = $name;
            fn new() -> Self {
                $subject($new)
            }
            #[inline]
            fn insert(&mut self, key: u64, value: u64) -> Option<u64> {
                self.0.insert(key, value)
            }
            #[inline]
            fn get(&self, key: u64) -> Option<u64> {
                self.0.get(&key).copied()
            }
            #[inline]
            fn remove(&mut self, key: u64) -> Option<u64> {
                self.0.remove(&key)
            }
            fn sum(&self) -> u64 {
                self.0
                    .iter()
                    .fold(0, |sum, (key, value)| sum.wrapping_add(*key).wrapping_add(*value))
            }
            fn len(&self) -> usize {
                self.0.len()
            }
            fn threshold_below(size: usize) -> usize {
                $threshold(size)
            }
        }
    };
}

fn ours(order: EvacuationOrder) -> Ours {
    let mut map = map_core::Map::with_hasher(hasher());
    map.set_evacuation_order(order);
    map
}

type Ours = map_core::Map<u64, u64, FixedState>;
type StdMap = std::collections::HashMap<u64, u64, FixedState>;
type HashbrownMap = hashbrown::HashMap<u64, u64, FixedState>;
type GriddleMap = griddle::HashMap<u64, u64, FixedState>;

subject!(Std, "std", StdMap, StdMap::with_hasher(hasher()), seven_eighths_below);
subject!(
    Hashbrown,
    "hashbrown",
    HashbrownMap,
    HashbrownMap::with_hasher(hasher()),
    seven_eighths_below
);
subject!(Griddle, "griddle", GriddleMap, GriddleMap::with_hasher(hasher()), seven_eighths_below);
subject!(OursGo, "go", Ours, ours(EvacuationOrder::Go), thirteen_halves_below);
subject!(OursInOrder, "in-order", Ours, ours(EvacuationOrder::InOrder), thirteen_halves_below);

/// `get` by itself, under a name that a disassembler finds.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn bench_get_in_order(map: &Ours, key: u64) -> Option<&u64> {
    map.get(&key)
}

/// hashbrown's, to compare.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn bench_get_hashbrown(map: &HashbrownMap, key: u64) -> Option<&u64> {
    map.get(&key)
}

/// Makes the linker keep both.
pub fn keep_for_disassembly() {
    std::hint::black_box(bench_get_in_order as fn(_, _) -> _);
    std::hint::black_box(bench_get_hashbrown as fn(_, _) -> _);
}
