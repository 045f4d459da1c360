//! The default hasher under the names and with the methods of std's: foldhash's, wrapped.
//!
//! # Not here
//! What the map takes of a hash: see `tophash`.
//! # Checked by
//! `map-core/tests/std_api`.

use core::fmt;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast;

/// The default hasher's builder: foldhash's fast one, seeded anew for each.
#[derive(Clone, Default)]
pub struct RandomState(fast::RandomState);

/// Without the seed, which is nobody's business.
impl fmt::Debug for RandomState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomState").finish_non_exhaustive()
    }
}

impl RandomState {
    /// A builder with a seed of its own.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl BuildHasher for RandomState {
    type Hasher = DefaultHasher;

    #[inline]
    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher(self.0.build_hasher())
    }
}

/// The default hasher: foldhash's fast one.
#[derive(Clone)]
pub struct DefaultHasher(fast::FoldHasher<'static>);

impl DefaultHasher {
    /// A hasher with the same seed each time.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self(fast::FixedState::default().build_hasher())
    }
}

impl Default for DefaultHasher {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DefaultHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHasher").finish_non_exhaustive()
    }
}

macro_rules! forward {
    ($($method:ident($part:ty)),* $(,)?) => {
        impl Hasher for DefaultHasher {
            #[inline]
            fn finish(&self) -> u64 {
                self.0.finish()
            }

            $(
                #[inline]
                fn $method(&mut self, part: $part) {
                    self.0.$method(part);
                }
            )*
        }
    };
}

forward!(
    write(&[u8]),
    write_u8(u8),
    write_u16(u16),
    write_u32(u32),
    write_u64(u64),
    write_u128(u128),
    write_usize(usize),
);
