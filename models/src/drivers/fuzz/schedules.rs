//! The fuzz target `schedules`: the bytes are a case with several threads and its schedule.
//!
//! One input is one execution on the shuttle engine. What the target reports to libFuzzer besides the code it ran is
//! evacuation-phase coverage: a counter for each pair of situations.

use super::{artifact, at_exit, processor_seconds};
use crate::case::Case;
use crate::catalogue::Allowed;
use crate::command::{quoted, replaying};
use crate::coverage::Coverage;
use crate::engines::judge::Judge;
use crate::engines::shuttle::{Policy, run};
use crate::engines::{Limits, Report};
use crate::generators::mutate_threads;
use crate::input::threads::decode;
use crate::schedulers::bytes;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// Counters for libFuzzer: more than the pairs that happen, so that few share one.
pub const COUNTERS: usize = 1 << 14;

static RUNS: AtomicU64 = AtomicU64::new(0);
static MET: Mutex<Option<Coverage>> = Mutex::new(None);

/// Runs the case these bytes stand for, once, by their schedule.
pub fn execute(bytes: &[u8]) -> (Case, Report) {
    let (case, schedule) = decode(bytes);
    let (scheduler, chooser) = bytes::once(schedule);
    let judge = Judge::new(&case, Allowed::default());
    let policy = Policy { scheduler, chooser, stale: false };
    let report = run(&case, judge, policy, &Limits::executions(1));
    (case, report)
}

/// One run of the target. When something is found, says what, and how to replay it, and aborts.
pub fn one(bytes: &[u8], counters: &[AtomicU8; COUNTERS]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        at_exit(summary);
    });
    let (case, report) = execute(bytes);
    // Relaxed: counters that nothing is read through.
    RUNS.fetch_add(1, Ordering::Relaxed);
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    let met = met.get_or_insert_default();
    for pair in report.coverage.pairs() {
        counters[spread(pair.code())].store(1, Ordering::Relaxed);
        met.meet(pair);
    }
    if let Some(found) = report.found {
        let case = Case { schedule: found.schedule, ..case };
        let file = artifact(bytes);
        let replay = replaying(quoted(file.as_ref()));
        eprintln!("\n{case}\n{}\nreplay: {replay}\n", found.finding);
        std::process::abort();
    }
}

/// A counter for a pair.
fn spread(code: usize) -> usize {
    (code as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> (usize::BITS - COUNTERS.ilog2())
}

extern "C" fn summary() {
    let seconds = processor_seconds();
    let runs = RUNS.load(Ordering::Relaxed);
    let met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    let pairs = met.as_ref().map_or(0, Coverage::len);
    eprintln!(
        "{runs} executions in {seconds:.1} s of processor time: {:.0}/s; {pairs} evacuation-phase pairs",
        runs as f64 / seconds
    );
}

/// Mutates the target's input; see [`mutate_threads::mutate`].
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    mutate_threads::mutate(data, size, max_size, seed)
}
