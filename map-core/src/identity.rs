//! For the unit tests: a hasher under which a key's bucket and tophash can be read off the key.

use core::hash::{BuildHasher, Hasher};

/// An integer is its own hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct Identity(u64);

impl BuildHasher for Identity {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Identity(0)
    }
}

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unimplemented!("only integers have an identity");
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
