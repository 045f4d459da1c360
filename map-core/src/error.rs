//! Why memory could not be had.
//!
//! # Checked by
//! `map-core/tests/alloc_failure.rs`; `std_api/signatures.rs` (it is an `Error` as std's is).

use core::alloc::Layout;
use core::fmt;

/// The error of [`Map::try_reserve`](crate::Map::try_reserve).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryReserveError {
    /// No address space could hold a table of that capacity.
    CapacityOverflow,
    /// The allocator refused.
    AllocError {
        /// What it was asked for.
        layout: Layout,
    },
}

impl TryReserveError {
    /// What the methods that cannot return an error do instead, as std's collections do.
    #[cold]
    pub(crate) fn handle(self) -> ! {
        match self {
            Self::CapacityOverflow => panic!("hash table capacity overflow"),
            Self::AllocError { layout } => alloc::alloc::handle_alloc_error(layout),
        }
    }
}

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory allocation failed because ")?;
        match self {
            Self::CapacityOverflow => {
                f.write_str("the computed capacity exceeded the collection's maximum")
            }
            Self::AllocError { .. } => f.write_str("the memory allocator returned an error"),
        }
    }
}

impl core::error::Error for TryReserveError {}

#[cfg(feature = "std")]
impl From<TryReserveError> for std::io::Error {
    fn from(error: TryReserveError) -> Self {
        Self::new(std::io::ErrorKind::OutOfMemory, error)
    }
}
