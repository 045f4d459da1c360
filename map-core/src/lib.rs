//! Go's classic hash map as a Rust collection.
//!
//! # The algorithm
//!
//! A map is a table of 2^n **buckets** of eight **slots**. The low n bits of a key's hash choose
//! its bucket; the top byte, the **tophash**, is kept beside the slot so that a search compares
//! bytes before it compares keys. When the eight slots are taken, an **overflow** bucket is linked
//! behind them.
//!
//! Above 6.5 entries per bucket a new table of twice the size is made, but nothing moves: the map
//! now has an **old table** and a **new table**, and every insert or remove that follows
//! **evacuates** two old buckets until the old table is empty. For thousands of operations both
//! tables are live. A key's truth is in its old bucket while that is not evacuated and in its new
//! bucket from then on; there is never a moment at which it is in both or in neither. Every old
//! bucket below the **evacuation mark** is evacuated, so mostly one comparison tells which table to
//! look in.
//!
//! A table that has collected as many overflow buckets as buckets without being too full grows too,
//! to a table of the **same size**: its chains are long because of deletes, and moving packs them.
//!
//! Iteration must survive all this. An iterator that borrows the map sees no growth. A [`Cursor`]
//! does not borrow it: it visits the buckets of the table it began on, and asks for each where its
//! entries are by now.
//!
//! The price of a doubling is spread over the writes that follow it, and so is the memory: tables
//! are made of segments, allocated as their first bucket is needed and given back as their last is
//! left. (What says ahead how much room it wants, as `reserve` does and an `extend` by many, moves all at once.)
//!
//! # What is here
//!
//! | module | what |
//! |---|---|
//! | [`Map`] | `std::collections::HashMap`, name for name, and [`cursor`](Map::cursor), [`health`](Map::health), [`view`](Map::view), [`check`](Map::check), [`evacuate`](Map::evacuate) |
//! | [`ConcurrentMap`] | the same buckets, shared between threads: see [`concurrent`] for the protocol |
//! | [`platform`] | the primitives it runs on, and the seam at which a model checker takes their place |
//! | [`growth`] | the policy: when to grow, in which order, how much work a write owes |
//! | [`mod@tophash`] | how a hash is split, the states of a slot |
//! | [`hash_map`] | the names of `std::collections::hash_map` |
//!
//! # Features
//! - `std` (default): seeds [`RandomState`] from the operating system's randomness by way of std; `ConcurrentMap`.
//! - `serde`: `Serialize` and `Deserialize` as std's `HashMap` has them.
//!
//! Without `std` the crate needs `alloc` only, on targets that compare and exchange words (cursors are counted by `Arc`s).
//! `ConcurrentMap` needs atomics of 64 bits too.
//!
//! # Hasher
//! [`RandomState`] builds foldhash's fast hasher, as hashbrown does: it is seeded per map, resists
//! the collision attacks that need no knowledge of the seed, and takes a fraction of SipHash's time.
//! Its low bits and its top byte, the two that matter here, are of one quality. Use
//! `std::hash::RandomState` where attackers can measure the time of operations.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(all(feature = "std", not(test)))]
extern crate std;

mod bucket;
mod chain;
mod clear;
#[cfg(feature = "std")]
pub mod concurrent;
mod cursor;
mod entry;
mod error;
mod evacuate;
pub mod growth;
mod hasher;
#[cfg(test)]
#[path = "../tests/common/hashers.rs"]
#[allow(dead_code, reason = "the unit tests use a part of it")]
mod hashers;
mod health;
mod invariants;
mod iter;
mod map;
mod owned;
#[cfg(feature = "std")]
pub mod platform;
mod raw_iter;
#[cfg(feature = "serde")]
mod serde;
mod spares;
mod table;
mod tables;
pub mod tophash;
mod trail;
mod traits;
mod view;

#[cfg(feature = "std")]
pub use concurrent::ConcurrentMap;
pub use cursor::Cursor;
pub use error::TryReserveError;
pub use growth::{EvacuationOrder, GrowthKind};
pub use hasher::RandomState;
pub use health::{GrowthCounts, GrowthState, Health};
pub use invariants::Violation;
pub use map::Map;
pub use view::{BucketView, TableView, View};

/// The names of `std::collections::hash_map`, so that code written for std compiles after a change
/// of imports.
pub mod hash_map {
    pub use crate::Map as HashMap;
    pub use crate::entry::{Entry, OccupiedEntry, VacantEntry};
    pub use crate::hasher::{DefaultHasher, RandomState};
    pub use crate::iter::{
        Drain, ExtractIf, IntoIter, IntoKeys, IntoValues, Iter, IterMut, Keys, Values, ValuesMut,
    };
}

#[cfg(doctest)]
#[doc = include_str!("../tests/compile_fail.md")]
struct CompileFail;
