//! A quick shrink: drop what a failing case does not need, as long as the same rule of the same oracle is broken.
//!
//! # Not here
//! Minimising threads, keys and schedules: that is triage's.
//! # Checked by
//! `tests/oracles.rs`.

use crate::case::{Case, Elements};
use crate::finding::Finding;
use crate::generators::hashers::Hasher;
use crate::op::Order;
use crate::property::Outcome;
use std::time::{Duration, Instant};

/// Shrinks `case`, which gives `finding`; returns the smaller case and its finding. Takes about `limit` at most.
pub fn shrink(
    case: &Case,
    finding: &Finding,
    limit: Duration,
    run: impl Fn(&Case) -> Outcome,
) -> (Case, Finding) {
    let deadline = Instant::now() + limit;
    let mut best = (case.clone(), finding.clone());
    let attempt = |best: &mut (Case, Finding), smaller: Case| match run(&smaller) {
        Err(found) if found.is_like(finding) => {
            *best = (smaller, *found);
            true
        }
        _ => false,
    };
    if finding.op.is_some() {
        let mut cut = case.clone();
        cut.ops_mut().truncate(finding.at + 1);
        attempt(&mut best, cut);
    }
    let mut length = best.0.ops().len().next_power_of_two();
    while length >= 1 && Instant::now() < deadline {
        let mut start = 0;
        let mut dropped = false;
        while start < best.0.ops().len() && Instant::now() < deadline {
            let mut smaller = best.0.clone();
            let end = (start + length).min(smaller.ops().len());
            smaller.ops_mut().drain(start..end);
            if attempt(&mut best, smaller) {
                dropped = true;
            } else {
                start = end;
            }
        }
        if !dropped || length > 1 {
            length /= 2;
        }
    }
    let simpler: [fn(&mut Case); 5] = [
        |case| case.elements = Elements::Plain,
        |case| case.capacity = 0,
        |case| case.hasher = Hasher::Identity,
        |case| case.hasher = Hasher::Zero,
        |case| case.order = Order::default(),
    ];
    for simplify in simpler {
        let mut smaller = best.0.clone();
        simplify(&mut smaller);
        if smaller != best.0
            && (smaller.hasher != Hasher::Zero || best.0.hasher != Hasher::Identity)
        {
            attempt(&mut best, smaller);
        }
    }
    best
}
