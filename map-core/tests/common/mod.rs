//! What the tests share: chosen hashers, maps in every state of growth, drop accounting, fuses, an allocator and atomics that
//! tell.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of this")]

pub mod counting;
pub mod fuse;
pub mod hashers;
pub mod hooked;
pub mod states;
pub mod tracked;

pub use fuse::{Call, Fuse};
pub use hashers::By;
pub use map_core::{EvacuationOrder, Map};
pub use states::{Subject, in_every_state};
pub use tracked::{Ledger, Tracked};
