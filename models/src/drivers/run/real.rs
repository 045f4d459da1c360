//! Turns under real threads.
//!
//! A growth under way cannot be set up without a model: the cases begin before it, and many are too short for threads to
//! meet. Generated programs are made for this engine: long, with keys that make the map grow.

use crate::case::{Case, GIVEN};
use crate::catalogue::Scenario;
use crate::concurrent_subject;
use crate::engines::threads::{Failure, Runner, SETUP, Settings};
use crate::engines::{Limits, Report};
use crate::generators::programs;
use crate::op::Op;
use crate::subject::Capabilities;
use fastrand::Rng;
use std::collections::BTreeSet;

/// Ops of a thread of a generated program.
const OPS: usize = 40;

/// The ops of these scenarios that no thread does here: `ConcurrentSubject` has no method for them.
pub(super) fn left_out(scenarios: &[Scenario]) -> Option<String> {
    let ops = scenarios.iter().flat_map(|scenario| &scenario.case.threads).flat_map(|t| &t.ops);
    let done = |op: Op| concurrent_subject::program(&[op], Capabilities::ALL_OF_SHARED);
    let left_out = ops.filter(|op| done(**op).is_empty());
    let kinds: BTreeSet<&str> = left_out.map(|op| op.kind().name()).collect();
    let kinds = Vec::from_iter(kinds).join(", ");
    (!kinds.is_empty()).then(|| format!("real threads leave out: {kinds}"))
}

/// A program from a seed.
pub(super) fn program(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let threads = rng.usize(2..5);
    programs::case(threads, OPS, &mut rng)
}

/// Runs a case again and again, until something is found.
pub(in crate::drivers) fn turn(
    run: Runner,
    case: &Case,
    limits: &Limits,
) -> (Report, Option<Box<Failure>>) {
    let mut case = case.clone();
    for thread in case.threads.iter_mut().filter(|thread| thread.name == GIVEN) {
        thread.name = SETUP.into();
    }
    let (mut report, mut started) = (Report::default(), limits.start());
    while started.more(report.executions) {
        report.executions += 1;
        match run(&case, Settings::default()) {
            Ok(done) => report.steps += done.ops as u64,
            Err(failure) => return (report, Some(failure)),
        }
    }
    (report, None)
}
