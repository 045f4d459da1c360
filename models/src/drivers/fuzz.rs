//! What the fuzz targets do with their bytes: here those for one thread, in [`schedules`] those for several.
//!
//! Nothing is changed about the case on the way, so that a crash file of any target replays as it is.
//! At its end, a target says how many ops it did per second of its processor's time, and how many
//! of its runs reached a growth. The environment variable `FUZZ_MIX=get-insert-remove` makes the
//! mutator write nothing else, which is how the harness's own speed is measured.

pub mod schedules;

use crate::case::Case;
use crate::command::{quoted, replaying_on};
use crate::generators::mutate;
use crate::generators::ops::Mix;
use crate::input;
use crate::property::{Checks, Report};
use crate::subjects::Subject;
use clap::ValueEnum;
use sha1_smol::Sha1;
use std::cell::RefCell;
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

thread_local! {
    static CASE: RefCell<Case> = RefCell::default();
}

static RUNS: AtomicU64 = AtomicU64::new(0);
static GREW: AtomicU64 = AtomicU64::new(0);
static OPS: AtomicU64 = AtomicU64::new(0);

// SAFETY: both are the C library's, with these types; neither has preconditions.
unsafe extern "C" {
    safe fn atexit(function: extern "C" fn()) -> c_int;
    safe fn clock() -> c_long;
}

/// How long this process has used a processor.
pub(super) fn processor_seconds() -> f64 {
    // POSIX: a million ticks a second, whatever the clock.
    (clock() as f64 / 1e6).max(1e-6)
}

/// Has this done when the process ends. If it cannot be registered, a summary is missed and nothing else.
fn at_exit(function: extern "C" fn()) {
    let _ = atexit(function);
}

/// Runs the property on the case these bytes stand for. A fuzz target for a map of your own has
/// [`Subject::of`] an adapter.
///
/// # Panics
/// When something is found: with the case as text, the rule, and how to replay it.
pub fn one(subject: Subject, bytes: &[u8]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        at_exit(summary);
    });
    CASE.with_borrow_mut(|case| {
        input::decode_into(bytes, case);
        match subject.run(case, Checks::Boundaries) {
            Ok(report) => count(report),
            Err(finding) => report(subject, bytes, case, &finding.to_string()),
        }
    });
}

fn count(report: Report) {
    // Relaxed: counters that nothing is read through.
    RUNS.fetch_add(1, Ordering::Relaxed);
    OPS.fetch_add(report.ops, Ordering::Relaxed);
    GREW.fetch_add(u64::from(report.growths > 0), Ordering::Relaxed);
}

extern "C" fn summary() {
    let seconds = processor_seconds();
    let [runs, grew, ops] = [&RUNS, &GREW, &OPS].map(|count| count.load(Ordering::Relaxed));
    eprintln!(
        "{runs} runs, {}; {ops} ops in {seconds:.1} s of processor time: {:.2} M ops/s",
        super::reached_a_growth(grew, runs),
        ops as f64 / seconds / 1e6,
    );
}

#[cold]
fn report(subject: Subject, bytes: &[u8], case: &Case, finding: &str) -> ! {
    let file = artifact(bytes);
    let replay = replaying_on(subject.name(), false, quoted(file.as_ref()));
    panic!("\n{case}\n{finding}\nreplay: {replay}\n");
}

/// Where these bytes are, or libFuzzer will put them: it names a crash by the SHA-1 of its input, and saves none that it was given
/// as a file.
fn artifact(bytes: &[u8]) -> String {
    let arguments: Vec<String> = std::env::args().collect();
    let is_input = |file: &&String| std::fs::read(file).is_ok_and(|there| there == bytes);
    if let Some(file) = arguments.iter().skip(1).find(is_input) {
        return file.clone();
    }
    let given =
        |name: &str| arguments.iter().rev().find_map(|argument| argument.strip_prefix(name));
    if let Some(exact) = given("-exact_artifact_path=") {
        return exact.to_string();
    }
    let prefix = given("-artifact_prefix=").unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let prefix = prefix.strip_prefix(&format!("{}/", here.display())).unwrap_or(prefix);
    format!("{prefix}crash-{}", Sha1::from(bytes).digest())
}

/// Mutates a target's input; see [`mutate::mutate`]. `FUZZ_MIX` overrides the mix.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, mix: Mix) -> usize {
    static GIVEN: OnceLock<Option<Mix>> = OnceLock::new();
    let given = GIVEN.get_or_init(|| Mix::from_str(&std::env::var("FUZZ_MIX").ok()?, false).ok());
    let mix = given.unwrap_or(mix);
    mutate::mutate(data, size, max_size, seed, mix)
}
