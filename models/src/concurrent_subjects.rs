//! The shared maps the suite knows how to drive, and how to run a case on one chosen by name.
//!
//! # Not here
//! What a subject is: see `concurrent_subject`.
//! # Checked by
//! `tests/threads.rs`.

#[cfg(feature = "dashmap")]
mod dashmap;
#[cfg(feature = "flurry")]
mod flurry;
pub mod locked;
mod map;
#[cfg(feature = "papaya")]
mod papaya;
#[cfg(feature = "scc")]
mod scc;

use crate::case::Case;
use crate::engines::threads::{self, Failure, Report, Settings};
use crate::generators::hashers::ModelState;
use clap::ValueEnum;
use map_core::ConcurrentMap;

/// A shared map to run cases on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SharedSubject {
    /// `map_core::ConcurrentMap`.
    #[default]
    Map,
    /// One lock around `std::collections::HashMap`.
    Mutex,
    /// Eight of them, by hash.
    Sharded,
    /// `dashmap::DashMap`.
    #[cfg(feature = "dashmap")]
    Dashmap,
    /// `papaya::HashMap`.
    #[cfg(feature = "papaya")]
    Papaya,
    /// `scc::HashMap`.
    #[cfg(feature = "scc")]
    Scc,
    /// `flurry::HashMap`.
    #[cfg(feature = "flurry")]
    Flurry,
}

/// [`threads::run`], with its subject chosen.
pub type Runner = fn(&Case, Settings) -> Result<Report, Box<Failure>>;

impl SharedSubject {
    /// Runs cases on this map under real threads.
    pub fn on_threads(self) -> Runner {
        match self {
            SharedSubject::Map => threads::run::<ConcurrentMap<u64, u64, ModelState>>,
            SharedSubject::Mutex => threads::run::<locked::Locked>,
            SharedSubject::Sharded => threads::run::<locked::Sharded>,
            #[cfg(feature = "dashmap")]
            SharedSubject::Dashmap => threads::run::<dashmap::Map>,
            #[cfg(feature = "papaya")]
            SharedSubject::Papaya => threads::run::<papaya::Map>,
            #[cfg(feature = "scc")]
            SharedSubject::Scc => threads::run::<scc::Map>,
            #[cfg(feature = "flurry")]
            SharedSubject::Flurry => threads::run::<flurry::Map>,
        }
    }
}
