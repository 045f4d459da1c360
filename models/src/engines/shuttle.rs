//! Thousands of schedules a second, on shuttle, with a memory model of our own.
//!
//! # Not here
//! Policies that choose the schedule: see [`pending`] for what they get to know.

#[expect(dead_code, reason = "the platform, which publishes, comes next")]
pub mod pending;
