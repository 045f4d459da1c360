//! Hashers whose every bit is known, so that a test can say which bucket a key lies in.

use std::hash::{BuildHasher, Hasher};

/// Hashes integers by the function it holds; bytes are folded into one integer first.
#[derive(Clone, Copy, Debug)]
pub struct By(pub fn(u64) -> u64);

/// The key itself: bucket = its low bits, every tophash the least one for small keys.
pub const IDENTITY: By = By(|key| key);
/// A real mixer (splitmix64's finaliser).
pub const MIX: By = By(mix);
/// Eight buckets for everything, different tophashes.
pub const LOW3: By = By(|key| key & 7 | (key >> 3 & 0xff) << 56);
/// One bucket, one tophash.
pub const ZERO: By = By(|_| 0);

impl Default for By {
    fn default() -> By {
        MIX
    }
}

pub fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

impl BuildHasher for By {
    type Hasher = ByHasher;
    fn build_hasher(&self) -> ByHasher {
        ByHasher { state: 0, by: self.0 }
    }
}

pub struct ByHasher {
    state: u64,
    by: fn(u64) -> u64,
}

impl Hasher for ByHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = self.state.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.state = value;
    }
    fn finish(&self) -> u64 {
        (self.by)(self.state)
    }
}
