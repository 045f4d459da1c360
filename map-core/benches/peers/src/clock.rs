//! Timing single operations on a machine that has other things to do.

use hdrhistogram::Histogram;
use std::time::Instant;

/// From here on a sample is suspected of having been interrupted.
const SUSPECT_NANOS: u64 = 2_000;
/// Operations between two looks at the count of interruptions.
const LOOK_EVERY: u64 = 64;

/// Latencies of one thread, those left out during which it did not run.
pub struct Latencies {
    histogram: Histogram<u64>,
    ops: u64,
    switches: i64,
    /// How many samples were left out.
    pub lost: u64,
}

impl Latencies {
    pub fn new() -> Self {
        let histogram = Histogram::new(3).expect("3 digits are allowed");
        Latencies { histogram, ops: 0, switches: switches(), lost: 0 }
    }

    /// Times one operation.
    pub fn time<R>(&mut self, op: impl FnOnce() -> R) -> R {
        if self.ops.is_multiple_of(LOOK_EVERY) {
            self.switches = switches();
        }
        self.ops += 1;
        let begin = Instant::now();
        let result = op();
        let nanos = begin.elapsed().as_nanos() as u64;
        if nanos >= SUSPECT_NANOS {
            let before = std::mem::replace(&mut self.switches, switches());
            if before != self.switches {
                self.lost += 1;
                return result;
            }
        }
        self.histogram.record(nanos).expect("the histogram grows as needed");
        result
    }

    /// The latency at a quantile, in nanoseconds.
    pub fn at(&self, quantile: f64) -> u64 {
        self.histogram.value_at_quantile(quantile)
    }
}

/// How often the kernel took the processor away from the calling thread.
fn switches() -> i64 {
    // SAFETY: all-zero bytes are a valid `rusage`, which is made of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid for writing.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_nivcsw
}
