//! The kill matrix: does the suite find the bugs that it was made for?
//!
//! ```text
//!   corpus/faults/*.patch ─► a copy of the workspace ─► build ─► each detector, seed by seed ─► matrix
//!      one mistake each        one patch at a time                until it finds something, or time is up
//! ```
//! A **detector** is a command of the copy's own program, as anybody would type it. It **kills** a fault when it reports
//! what it does not report of the map without the fault. A patch that does not apply or build is an error, not a kill.
//!
//! # Not here
//! The order of things, and what is printed meanwhile: see `drivers::faults`.
//! # Checked by
//! `tests/faults.rs`.

pub mod copy;
pub mod detector;
pub mod ledger;
pub mod matrix;
pub mod mutants;
pub mod names;
pub mod page;
pub mod patch;
pub mod ran;
pub mod results;
pub mod site;
pub mod table;
