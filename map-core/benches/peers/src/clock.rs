//! Timing single operations on a machine that has other things to do.

use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// From here on a sample is suspected of having been interrupted.
const SUSPECT: Duration = Duration::from_micros(2);
/// Between two looks at how often that has happened: what came since the last one, and not to a sample, may be taken for
/// what made the next sample long.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Latencies of one thread, those left out during which it did not run.
pub struct Latencies {
    histogram: Histogram<u64>,
    looked: Instant,
    seen: Interruptions,
    /// How many samples were left out.
    pub lost: u64,
}

impl Latencies {
    pub fn new() -> Self {
        let histogram = Histogram::new(3).expect("3 digits are allowed");
        Latencies { histogram, looked: Instant::now(), seen: Interruptions::now(), lost: 0 }
    }

    /// Times one operation.
    pub fn time<R>(&mut self, op: impl FnOnce() -> R) -> R {
        let mut begin = Instant::now();
        if begin.duration_since(self.looked) >= LOOK_EVERY {
            self.look();
            begin = Instant::now();
        }
        let result = op();
        let took = begin.elapsed();
        if took >= SUSPECT && self.look() {
            self.lost += 1;
            return result;
        }
        self.histogram.record(took.as_nanos() as u64).expect("the histogram grows as needed");
        result
    }

    /// Whether the thread was interrupted since the last look.
    fn look(&mut self) -> bool {
        let before = std::mem::replace(&mut self.seen, Interruptions::now());
        self.looked = Instant::now();
        before != self.seen
    }

    /// The latency at a quantile, in nanoseconds.
    pub fn at(&self, quantile: f64) -> u64 {
        self.histogram.value_at_quantile(quantile)
    }
}

/// What the kernel has done with the calling thread's processor.
#[derive(PartialEq, Eq)]
struct Interruptions {
    /// How often it gave it to another thread.
    switches: i64,
    /// Which one it is, and how often its timer has interrupted it, as far as can be known. No other interrupt counts: those
    /// by which processors call each other may be the map's doing.
    ticks: Option<(usize, u64)>,
}

impl Interruptions {
    fn now() -> Self {
        // SAFETY: all-zero bytes are a valid `rusage`, which is made of numbers.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is valid for writing.
        unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
        Interruptions { switches: usage.ru_nivcsw, ticks: ticks() }
    }
}

fn ticks() -> Option<(usize, u64)> {
    let interrupts = std::fs::read_to_string("/proc/interrupts").ok()?;
    // SAFETY: it has no preconditions.
    let processor = usize::try_from(unsafe { libc::sched_getcpu() }).ok()?;
    let mut lines = interrupts.lines();
    let name = format!("CPU{processor}");
    let column = lines.next()?.split_whitespace().position(|column| column == name)?;
    let timer = lines.find_map(|line| line.trim_start().strip_prefix("LOC:"))?;
    Some((processor, timer.split_whitespace().nth(column)?.parse().ok()?))
}
