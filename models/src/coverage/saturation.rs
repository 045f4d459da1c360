//! How much of what a policy can do has been seen.
//!
//! Each execution has a hash of its happens-before order: two executions that differ only in the order of independent
//! operations have the same. With *n* executions of which *s* have an order that came once only, the next one is new
//! with a chance of about *s/n* (Good and Turing's estimate of the unseen mass).
//!
//! It is about what the policy draws and not about what there is: a policy that never preempts is soon saturated.
//!
//! Of many orders a sample is kept: those whose hash begins with so many zeros.
//!
//! From: I. J. Good, *The Population Frequencies of Species and the Estimation of Population Parameters*, Biometrika 1953.
//!
//! # Checked by
//! `tests/coverage.rs`.

use foldhash::fast::FixedState;
use std::collections::HashMap;

/// How many hashes are kept at most.
const KEPT_MAX: usize = 1 << 14;

/// The orders met, and how often.
#[derive(Clone, Debug, Default)]
pub struct Saturation {
    counts: HashMap<u64, u32, FixedState>,
    /// Kept are hashes that begin with so many zeros.
    zeros: u32,
    executions: u64,
}

impl Saturation {
    /// An execution had this order.
    pub fn record(&mut self, hash: u64) {
        self.executions += 1;
        self.count(hash, 1);
    }

    fn count(&mut self, hash: u64, times: u32) {
        if hash.leading_zeros() < self.zeros {
            return;
        }
        let count = self.counts.entry(hash).or_default();
        *count = count.saturating_add(times);
        while self.counts.len() > KEPT_MAX {
            self.zeros += 1;
            let zeros = self.zeros;
            self.counts.retain(|hash, _| hash.leading_zeros() >= zeros);
        }
    }

    /// Adds what another has met of the same case.
    pub fn add(&mut self, other: &Saturation) {
        self.executions += other.executions;
        if other.zeros > self.zeros {
            self.zeros = other.zeros;
            self.counts.retain(|hash, _| hash.leading_zeros() >= other.zeros);
        }
        other.counts.iter().for_each(|(&hash, &times)| self.count(hash, times));
    }

    /// How many executions.
    pub fn executions(&self) -> u64 {
        self.executions
    }

    fn scaled(&self, kept: usize) -> f64 {
        kept as f64 * 2f64.powi(self.zeros as i32)
    }

    /// How many orders, about.
    pub fn distinct(&self) -> f64 {
        self.scaled(self.counts.len())
    }

    /// The chance that the next execution's order is a new one, about.
    pub fn unseen(&self) -> f64 {
        let once = self.counts.values().filter(|&&count| count == 1).count();
        (self.scaled(once) / self.executions.max(1) as f64).min(1.0)
    }
}
