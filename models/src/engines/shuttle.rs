//! Thousands of schedules a second, on shuttle, with a memory model of our own.
//!
//! ```text
//!   case ─► run ─► shuttle::Runner ─► task 0: set up, spawn ─► threads: apply ops ─► task 0: join, judge
//!                     ▲ guard ◄─ policy        │ every operation: publish, switch, then
//!                     └ what is pending ◄──────┘ memory (orderings) · cells (races) · objects (reclamation)
//! ```
//! An execution ends with the first thing that goes wrong, which is a value and not a panic:
//!
//! | oracle | finds |
//! |---|---|
//! | `race` | two accesses to plain memory, or an owner's load and a store, that nothing orders, by the orderings as written |
//! | `reclamation` | use after retire, double retire, a leak |
//! | `deadlock`, `livelock` | everyone waits; nobody ends |
//! | `stall` | a stalled thread stops a reader, or who wants another bucket than it holds |
//! | `barrier`, `panics` | a write ahead of its evacuation; a panic that nobody asked for |
//! | `closures` | a closure is asked twice about one entry |
//! | `outcome`, `linearizability`, `well-formed`, … | see `judge` |
//!
//! # Not here
//! Policies that choose the schedule: see [`pending`] for what they get to know, and `schedulers` for some.
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/litmus.rs`, `tests/catalogue.rs`.

mod chance;
mod clock;
mod drive;
mod guard;
mod litmus;
mod memory;
mod objections;
mod objects;
mod own;
pub mod pending;
mod platform;
mod reclaim;
mod run;
mod task;
mod trace;
mod world;

/// The most threads that a case can have.
pub const THREADS_MAX: usize = clock::TASKS - 1;

pub use chance::Chance;
pub use drive::Policy;
pub use litmus::{Lines, litmus};
pub use objects::RECLAMATION;
pub use own::run_own;
pub use platform::{Model, RACE};
pub use run::run;
