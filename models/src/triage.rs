//! Triage: from a crash to a story.
//!
//! ```text
//!   file ─► replay ×5 in fresh processes ─► minimise ─► signature ─► kept: count, smallest case
//!              stable, flaky, gone            │ many runs, in worker processes      └─► story: terminal, page,
//!                                             └ best so far, at any time                regression
//! ```
//! Every run is made by a **worker**, a process of its own: a map that corrupts memory or never comes back costs a
//! worker and not the triage.
//!
//! # Not here
//! Finding things: the other drivers. The command line: `drivers::triage`, `drivers::findings`.
//! # Checked by
//! `tests/triage.rs`.

pub mod edit;
pub mod enumerate;
pub mod intake;
pub mod kinds;
pub mod lab;
pub mod minimise;
pub mod page;
pub mod pool;
pub mod regression;
pub mod sighting;
pub mod signature;
pub mod store;
pub mod story;
pub mod terminal;
pub mod verdict;
pub mod worker;

pub use sighting::{Came, Sighting};
pub use signature::Signature;
