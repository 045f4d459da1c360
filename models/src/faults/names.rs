//! Names: how many signatures triage gives to the failures of one fault, and how many faults share one.
//!
//! # Not here
//! Making the failures: see `drivers::names`.
//! # Checked by
//! `tests/faults.rs`.

use super::matrix::median;
use crate::triage::minimise::Size;
use crate::triage::store::{Occurrence, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A fault, and what triage made of its failures.
#[derive(Clone, Debug)]
pub struct Named {
    /// The fault's name.
    pub slug: String,
    /// Is the concurrent map broken?
    pub concurrent: bool,
    /// Failures that were brought to triage.
    pub raw: usize,
    /// What it made of those that failed again, one record each.
    pub records: Vec<Record>,
}

impl Named {
    /// Its signatures and how often each came, the commonest first.
    pub fn signatures(&self) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for record in &self.records {
            *counts.entry(record.signature.bug()).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    fn occurrences(&self) -> impl Iterator<Item = &Occurrence> {
        self.records.iter().flat_map(|record| &record.occurrences)
    }

    /// The middle of a number of the raw cases and of the minimal ones.
    fn medians(&self, of: fn(Size) -> usize) -> String {
        let middle = |sizes: Vec<Size>| {
            let sizes = sizes.into_iter().map(|size| of(size) as f64).collect();
            median(sizes).map_or("·".to_string(), |middle| middle.to_string())
        };
        let raw = middle(self.occurrences().map(|one| one.raw).collect());
        let minimal = middle(self.occurrences().map(|one| one.minimal).collect());
        format!("{raw} → {minimal}")
    }
}

/// How many faults there are of each signature, those of several first.
pub fn shared(all: &[Named]) -> Vec<(String, BTreeSet<&str>)> {
    let mut faults: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for named in all {
        for (signature, _) in named.signatures() {
            faults.entry(signature).or_default().insert(&named.slug);
        }
    }
    let mut faults: Vec<_> = faults.into_iter().collect();
    faults.sort_by_key(|(_, slugs)| std::cmp::Reverse(slugs.len()));
    faults
}

/// The table, and what it comes to.
pub fn markdown(all: &[Named]) -> String {
    let mut text =
        "| fault | failures | ops | threads | keys | departures | seconds | signatures | commonest |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---|\n"
            .to_string();
    for named in all {
        let signatures = named.signatures();
        let none = (String::from("none"), 0);
        let (commonest, times) = signatures.first().unwrap_or(&none);
        let seconds = median(named.occurrences().map(|one| one.seconds).collect());
        let (threads, switches) = match named.concurrent {
            true => (named.medians(|size| size.threads), named.medians(|size| size.switches)),
            false => (String::new(), String::new()),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {threads} | {} | {switches} | {:.1} | {} | {times}× `{commonest}` |",
            named.slug,
            named.records.len(),
            named.medians(|size| size.ops),
            named.medians(|size| size.keys),
            seconds.unwrap_or(0.0),
            signatures.len(),
        );
    }
    text + "\n" + &verdict(all)
}

/// Failures, signatures a fault, faults a signature.
pub fn verdict(all: &[Named]) -> String {
    let raw: usize = all.iter().map(|named| named.raw).sum();
    let triaged: usize = all.iter().map(|named| named.records.len()).sum();
    let counts: Vec<f64> = all.iter().map(|named| named.signatures().len() as f64).collect();
    let mean = |counts: &[f64]| counts.iter().sum::<f64>() / counts.len().max(1) as f64;
    let shared = shared(all);
    let faults: Vec<f64> = shared.iter().map(|(_, slugs)| slugs.len() as f64).collect();
    let mut text = format!(
        "{} faults, {raw} failures, {triaged} of them triaged. Signatures a fault: {:.2}; faults a signature: {:.2}.\n",
        all.len(),
        mean(&counts),
        mean(&faults)
    );
    let most = |sizes: Vec<f64>| median(sizes).map_or("·".to_string(), |size| size.to_string());
    let minimal = |of: fn(&Named, &Occurrence) -> Option<usize>| {
        let sizes =
            all.iter().flat_map(|named| named.occurrences().filter_map(move |one| of(named, one)));
        most(sizes.map(|size| size as f64).collect())
    };
    let _ = writeln!(
        text,
        "Medians of the minimal cases: {} ops; of the concurrent ones {} departures.",
        minimal(|_, one| Some(one.minimal.ops)),
        minimal(|named, one| named.concurrent.then_some(one.minimal.switches)),
    );
    for named in all.iter().filter(|named| named.signatures().len() > 1) {
        let _ = writeln!(text, "\n{} has several signatures:\n", named.slug);
        for (signature, count) in named.signatures() {
            let _ = writeln!(text, "- {count}× `{signature}`");
        }
    }
    for (signature, slugs) in shared.iter().filter(|(_, slugs)| slugs.len() > 1) {
        let slugs: Vec<&str> = slugs.iter().copied().collect();
        let _ = writeln!(text, "\n`{signature}` is shared by {}.", slugs.join(", "));
    }
    text
}

/// Has each fault one signature, which no other has, and every failure of it a name?
pub fn is_one_to_one(all: &[Named]) -> bool {
    all.iter().all(|named| named.signatures().len() == 1 && named.records.len() == named.raw)
        && shared(all).iter().all(|(_, slugs)| slugs.len() == 1)
}
