//! A few lines by hand on the model's atomics, in every execution: for tests of the model itself.
//!
//! # Checked by
//! `tests/litmus.rs`, `tests/shuttle_platform.rs`.

use super::drive::{Policy, drive, guarded, is_over, leaks, threads};
use crate::engines::{Limits, Report};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

/// What a thread does with what it shares with the others; it returns what it saw.
pub type Lines<S, T> = fn(&S) -> T;

/// Runs the threads on what `make` makes, under a policy, to its end. The outcomes are what the threads saw and what
/// `last` sees when they have ended, as [`Debug`] prints the list of them.
pub fn litmus<S, T>(
    policy: Policy,
    make: fn() -> S,
    lines: &[Lines<S, T>],
    last: Option<Lines<S, T>>,
) -> Report
where
    S: Send + Sync + 'static,
    T: Debug + Default + Clone + Send + 'static,
{
    let lines = lines.to_vec();
    let names: Vec<String> = (0..lines.len()).map(|number| format!("thread-{number}")).collect();
    drive(policy, &Limits::default(), move || {
        let shared = Arc::new(make());
        let saw = Arc::new(Mutex::new(vec![T::default(); lines.len()]));
        let (theirs, seen, lines) = (Arc::clone(&shared), Arc::clone(&saw), lines.clone());
        threads(&names, move |thread| {
            if let Ok(value) = guarded(|| lines[thread](&theirs), |_| false) {
                seen.lock().unwrap_or_else(PoisonError::into_inner)[thread] = value;
            }
        });
        if is_over() {
            std::mem::forget(shared);
            return Ok(String::new());
        }
        let mut saw = saw.lock().unwrap_or_else(PoisonError::into_inner).clone();
        saw.extend(last.map(|last| last(&shared)));
        drop(shared);
        leaks().map(|()| format!("{saw:?}"))
    })
}
