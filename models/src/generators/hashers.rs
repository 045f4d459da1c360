//! Hashers that put keys where a test wants them.
//!
//! A table of 2^B buckets takes the low B bits of a hash as bucket and the top byte as tophash, so a hasher that is
//! poor on purpose decides what meets: everything in one bucket, every tophash the same, both, neither.
//!
//! # Not here
//! Which keys: see `keys`.
//! # Checked by
//! `tests/generators.rs`; the Go recordings use the first four.

use foldhash::fast::FixedState;
use std::cell::Cell;
use std::hash::BuildHasher;

/// How keys hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Hasher {
    /// The key itself: buckets in turn, one tophash for all small keys.
    #[default]
    Identity,
    /// 0: one chain, one tophash.
    Zero,
    /// The low three bits choose among eight buckets, the next eight are the tophash.
    Low3,
    /// Only the top byte differs: one chain, tophashes tell apart.
    TopByte,
    /// splitmix64's finaliser: as good as random.
    Mix,
    /// The low three bits of the key are all there is: eight chains, one tophash.
    LowBits,
    /// foldhash with this seed, as the map's default hasher.
    Seeded(u16),
    /// As `Mix`, but one hash in eight is anything at all: what a key's `Hash` must not do. The seed says which. If it is
    /// odd, one comparison in eight of keys that count is wrong as well, and keys have one of sixteen hashes, so that
    /// others are asked whether they are equal.
    Fickle(u16),
}

impl Hasher {
    /// Every hasher, in the order of its code.
    pub const ALL: [Hasher; 8] = [
        Hasher::Identity,
        Hasher::Zero,
        Hasher::Low3,
        Hasher::TopByte,
        Hasher::Mix,
        Hasher::LowBits,
        Hasher::Seeded(0),
        Hasher::Fickle(0),
    ];

    /// How many of them, the first ones, answer the same each time.
    pub const HONEST: usize = 7;

    /// Its place in [`ALL`](Self::ALL), whatever its seed.
    pub fn code(self) -> usize {
        let is_it = |other: &Hasher| other.name() == self.name();
        Hasher::ALL.iter().position(is_it).expect("ALL has every hasher")
    }

    /// The word for it in a case.
    pub fn name(self) -> &'static str {
        match self {
            Hasher::Identity => "identity",
            Hasher::Zero => "zero",
            Hasher::Low3 => "low3",
            Hasher::TopByte => "top-byte",
            Hasher::Mix => "mix",
            Hasher::LowBits => "low-bits",
            Hasher::Seeded(_) => "seeded",
            Hasher::Fickle(_) => "fickle",
        }
    }

    /// Its seed, if it has one.
    pub fn seed(mut self) -> Option<u16> {
        self.seed_mut().copied()
    }

    /// The same, to change.
    pub fn seed_mut(&mut self) -> Option<&mut u16> {
        match self {
            Hasher::Seeded(seed) | Hasher::Fickle(seed) => Some(seed),
            _ => None,
        }
    }

    /// The hasher that it mostly is.
    pub fn honest(self) -> Hasher {
        if self.is_fickle() { Hasher::Mix } else { self }
    }

    /// One with hashes as many as there are keys: this one, if it is.
    pub fn spread(self) -> Hasher {
        match self {
            Hasher::Zero | Hasher::Low3 | Hasher::TopByte | Hasher::LowBits => Hasher::Mix,
            Hasher::Identity | Hasher::Mix | Hasher::Seeded(_) | Hasher::Fickle(_) => self,
        }
    }

    /// The seed of its lies about equality, if it tells any.
    pub fn lies_about_equality(self) -> Option<u16> {
        match self {
            Hasher::Fickle(seed) if seed % 2 == 1 => Some(seed),
            _ => None,
        }
    }

    /// Does it break the promise that equal keys have equal hashes?
    pub fn is_fickle(self) -> bool {
        matches!(self, Hasher::Fickle(_))
    }

    /// How many keys are worth having in a map at once. Where few chains hold everything, each op walks a share of
    /// all keys, and past a few overflow buckets that buys nothing.
    pub fn keys_max(self) -> u16 {
        const CHAIN: u16 = 64;
        match self {
            Hasher::Zero | Hasher::TopByte => CHAIN,
            Hasher::Low3 | Hasher::LowBits => 8 * CHAIN,
            Hasher::Fickle(_) if self.lies_about_equality().is_some() => 16 * CHAIN,
            Hasher::Identity | Hasher::Mix | Hasher::Seeded(_) | Hasher::Fickle(_) => u16::MAX,
        }
    }

    /// The hash of a `u64` key; of a fickle hasher, the one that it mostly gives.
    #[inline]
    pub fn hash(self, key: u64) -> u64 {
        match self {
            Hasher::Identity => key,
            Hasher::Zero => 0,
            Hasher::Low3 => (key & 7) | (key >> 3 & 0xff) << 56,
            Hasher::TopByte => key << 56,
            Hasher::Fickle(_) if self.lies_about_equality().is_some() => mix(key & 15),
            Hasher::Mix | Hasher::Fickle(_) => mix(key),
            Hasher::LowBits => key & 7,
            Hasher::Seeded(seed) => FixedState::with_seed(mix(seed as u64)).hash_one(key),
        }
    }
}

/// splitmix64's finaliser.
#[inline]
pub fn mix(key: u64) -> u64 {
    let z = key.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

thread_local! {
    /// Hashes that a fickle hasher has given on this thread in this run.
    static GIVEN: Cell<u64> = const { Cell::new(0) };
}

/// The next hash of a fickle hasher with this seed.
#[cold]
fn fickle(seed: u16, key: u64) -> u64 {
    let given = GIVEN.replace(GIVEN.get() + 1);
    let whim = mix(given << 16 | u64::from(seed));
    if whim & 7 == 0 { mix(whim) } else { Hasher::Fickle(seed).hash(key) }
}

/// `BuildHasher` for a [`Hasher`]: what the maps under test are given.
#[derive(Clone, Debug)]
pub struct ModelState {
    hasher: Hasher,
    /// The seeded hasher's state, so that a hash does not derive it again.
    seeded: FixedState,
}

impl ModelState {
    /// Hashes as `hasher` says. Begins a fickle one's whims again.
    pub fn new(hasher: Hasher) -> Self {
        if hasher.is_fickle() {
            GIVEN.set(0);
        }
        let seed = if let Hasher::Seeded(seed) = hasher { mix(seed as u64) } else { 0 };
        ModelState { hasher, seeded: FixedState::with_seed(seed) }
    }

    /// How it hashes.
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }
}

impl Default for ModelState {
    fn default() -> Self {
        ModelState::new(Hasher::default())
    }
}

/// A hasher for keys that write one `u64`.
#[derive(Clone, Debug)]
pub struct ModelHasher {
    state: ModelState,
    hash: u64,
}

impl BuildHasher for ModelState {
    type Hasher = ModelHasher;

    #[inline]
    fn build_hasher(&self) -> ModelHasher {
        ModelHasher { state: self.clone(), hash: 0 }
    }
}

impl std::hash::Hasher for ModelHasher {
    #[inline]
    fn write_u64(&mut self, key: u64) {
        self.hash = match self.state.hasher {
            Hasher::Seeded(_) => self.state.seeded.hash_one(key),
            Hasher::Fickle(seed) => fickle(seed, key),
            other => other.hash(key),
        };
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.hash << 8 | byte as u64);
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}
