//! Random numbers, a hasher that makes keys collide, and keys and values whose drops are counted.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicI64, Ordering};

/// SplitMix64.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Keeps `bits` of a good hash and repeats the tophash: few distinct buckets, few distinct
/// tophashes.
#[derive(Clone)]
pub struct Colliding(pub u32);

pub struct CollidingHasher(u64, u32);

impl BuildHasher for Colliding {
    type Hasher = CollidingHasher;
    fn build_hasher(&self) -> CollidingHasher {
        CollidingHasher(0, self.0)
    }
}

impl Hasher for CollidingHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys hash as one u64")
    }
    fn write_u64(&mut self, key: u64) {
        let group = key.wrapping_sub(FILLER) / GROUP;
        // A group of fillers is one chain until the table has 16 buckets: chains that fill up and
        // thin out in turn are what a same-size growth is for.
        self.0 = if key < FILLER { Random(key).next() } else { group | Random(key).next() << 4 };
    }
    fn finish(&self) -> u64 {
        let low = if self.1 >= 64 { self.0 } else { self.0 & ((1 << self.1) - 1) };
        low & !(0xff << 56) | (self.0 % 3) << 56
    }
}

/// How many keys and values are alive.
pub static ALIVE: AtomicI64 = AtomicI64::new(0);

/// A number that is counted, and boxed so that AddressSanitizer sees a late touch.
#[derive(PartialEq, Eq)]
pub struct Counted(Box<u64>);

impl Counted {
    pub fn new(number: u64) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Counted(Box::new(number))
    }
    pub fn get(&self) -> u64 {
        *self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
        assert_ne!(*self.0, DEAD, "drops: a key or value was dropped twice");
        *self.0 = DEAD;
    }
}

impl std::hash::Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.get());
    }
}

impl std::borrow::Borrow<u64> for Counted {
    fn borrow(&self) -> &u64 {
        &self.0
    }
}

const DEAD: u64 = u64::MAX;
/// Keys from here on are fillers, which have no history.
pub const FILLER: u64 = 1 << 32;
/// Fillers per group.
pub const GROUP: u64 = 20;
