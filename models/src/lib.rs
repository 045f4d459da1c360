//! The suite: what can be done to a map, what must come of it, and ways to find out.
//!
//! A [`case`] is a list of [`op`]s and what is needed to run them; it can be read and written as text and as
//! bytes ([`input`]). The [`property`] runs one on a map that implements [`subject::SequentialSubject`] and on the
//! [`spec`], and asks the [`oracles`]. [`generators`] make cases. The command line ([`drivers`]) is glue.
//!
//! A case with several threads runs on a map that implements [`concurrent_subject::ConcurrentSubject`], under one of the
//! [`engines`], which records a [`history`] for the oracles.
//!
//! To test a map of your own, implement the trait of its kind: the documentation of each has an example.

#![cfg_attr(
    fuzzing,
    allow(dead_code, reason = "no map of `subjects` is compiled for a fuzz target")
)]

pub mod case;
pub mod catalogue;
pub mod command;
pub mod concurrent_subject;
pub mod coverage;
pub mod drivers;
pub mod elements;
pub mod engines;
pub mod faults;
pub mod files;
pub mod finding;
pub mod generators;
#[cfg(not(fuzzing))] // It compiles a map: see `subjects`.
pub mod go_trace;
pub mod history;
pub mod input;
pub mod memory;
pub mod op;
pub mod oracles;
pub mod picture;
pub mod property;
pub mod quiet;
pub mod schedulers;
pub mod spec;
pub mod subject;
pub mod subjects;
pub mod trace;
pub mod triage;
