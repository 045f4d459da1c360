//! `ConcurrentMap` beside its peers.
//!
//! ```text
//! cargo run --release -p peers -- [throughput] [latency] [memory] [only=NAME] [threads=N] [runs=N]
//! ```
//!
//! u64 to u64, foldhash, from an empty map that was given no capacity. `throughput`, in millions of
//! operations a second, the best of the runs (others use this machine too):
//! - *read-heavy*: 98 gets, 1 insert, 1 remove, over 2^18 keys of which half are there;
//! - *exchange*: 10 gets, 40 inserts, 40 removes, 10 updates, over the same;
//! - *growth*: 80 inserts of new keys, 5 gets, 5 removes, 10 updates, from nothing.
//!
//! `latency`, in nanoseconds, each clock reading included: single inserts while a map grows from
//! nothing to four million entries, and, meanwhile, single gets by another thread. Samples over 2 µs
//! during which the kernel took the processor away, or its timer ticked, are left out and counted
//! (`lost`): they measure the machine's other work. What is left of that shows in the last rows, of
//! two threads that wait 400 ns at a time and use no map. `memory`: bytes live per entry, and allocations
//! per operation.
//!
//! # What stands between `ConcurrentMap` and the lead
//! Its entries are boxes (see `concurrent/entry.rs` for why): an allocation per insertion, a free and a
//! share of a membarrier per removal, and a cache line per hit and per entry evacuated. In the mixes
//! that insert, half of the time is the allocator's. The other maps with boxed entries are behind, papaya in
//! reads by little or, on some machines, not at all. The maps with inline entries lead wherever entries
//! are inserted, and in reads by one thread; in reads by more, `scc`'s do.

mod clock;
mod peer;

use clock::Latencies;
use peer::{Dash, Flurry, OneLock, Ours, Papaya, Peer, SccIndex, SccMap, Sharded};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Percentages of gets, inserts, removes, updates.
struct Mix {
    name: &'static str,
    percent: [u64; 4],
    /// Keys; 0 for ever new ones.
    universe: u64,
    ops: u64,
}

const MIXES: [Mix; 3] = [
    Mix { name: "read-heavy", percent: [98, 1, 1, 0], universe: 1 << 18, ops: 8_000_000 },
    Mix { name: "exchange", percent: [10, 40, 40, 10], universe: 1 << 18, ops: 4_000_000 },
    Mix { name: "growth", percent: [5, 80, 5, 10], universe: 0, ops: 4_000_000 },
];

/// A number's place in a fixed random permutation of the numbers.
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    z ^ (z >> 32)
}

/// The low 32 bits of a random number, scaled to `0..bound`.
fn below(bound: u64, random: u64) -> u64 {
    ((random & 0xffff_ffff) * bound) >> 32
}

fn work<M: Peer>(map: &M, mix: &Mix, thread: u64, ops: u64) {
    let mut random = scramble(thread + 1);
    let mut fresh = 0;
    let mut found = 0;
    for _ in 0..ops {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let draw = below(100, random >> 32);
        let [gets, inserts, removes, _] = mix.percent;
        let insert = (gets..gets + inserts).contains(&draw);
        let key = if mix.universe > 0 {
            scramble(random & (mix.universe - 1))
        } else if insert {
            fresh += 1;
            scramble(thread << 40 | fresh)
        } else {
            scramble(thread << 40 | below(fresh, random))
        };
        if draw < gets {
            found += u64::from(map.get(key).is_some());
        } else if insert {
            map.insert(key, random);
        } else if draw < gets + inserts + removes {
            map.remove(key);
        } else {
            map.update(key);
        }
    }
    std::hint::black_box(found);
}

/// Millions of operations a second.
fn throughput<M: Peer>(mix: &Mix, threads: u64) -> f64 {
    let map = M::new();
    for key in 0..mix.universe / 2 {
        map.insert(scramble(2 * key), key);
    }
    let start = Barrier::new(threads as usize + 1);
    let mut took = Duration::ZERO;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (map, start) = (&map, &start);
                scope.spawn(move || {
                    start.wait();
                    work(map, mix, thread, mix.ops / threads);
                })
            })
            .collect();
        let begin = Instant::now();
        start.wait();
        for worker in workers {
            worker.join().unwrap();
        }
        took = begin.elapsed();
    });
    mix.ops as f64 / took.as_secs_f64() / 1e6
}

/// What two threads measure that do nothing but wait: what the machine adds to every map's tail.
fn machine(samples: u64) -> [Latencies; 2] {
    let wait = || {
        let mut waits = Latencies::new();
        for _ in 0..samples {
            waits.time(|| {
                let begin = Instant::now();
                while begin.elapsed() < WAIT {
                    std::hint::spin_loop();
                }
            });
        }
        waits
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(wait);
        [wait(), other.join().expect("waiting does not panic")]
    })
}

/// About what a get takes while another thread inserts.
const WAIT: Duration = Duration::from_nanos(400);

/// Inserts while a map grows, and gets by another thread meanwhile.
fn latency<M: Peer>(entries: u64) -> [Latencies; 2] {
    let map = M::new();
    let inserted = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let mut inserts = Latencies::new();
    std::thread::scope(|scope| {
        let getter = scope.spawn(|| {
            let mut gets = Latencies::new();
            let mut random = 1u64;
            while !done.load(Ordering::Relaxed) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let bound = inserted.load(Ordering::Relaxed);
                if bound == 0 {
                    continue;
                }
                let key = scramble(below(bound, random));
                let found = gets.time(|| map.get(key));
                assert!(found.is_some(), "a key is lost");
            }
            gets
        });
        for number in 0..entries {
            inserts.time(|| map.insert(scramble(number), number));
            inserted.store(number + 1, Ordering::Relaxed);
        }
        done.store(true, Ordering::Relaxed);
        [inserts, getter.join().unwrap()]
    })
}

static LIVE: AtomicIsize = AtomicIsize::new(0);

std::thread_local! {
    /// Whether this thread's allocations are counted, and how many were.
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count(size: isize) {
    if COUNTING.get() {
        LIVE.fetch_add(size, Ordering::Relaxed);
        ALLOCATIONS.set(ALLOCATIONS.get() + u64::from(size > 0));
    }
}

// SAFETY: `System`, and counters that allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's obligations are the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's obligations are the same.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's obligations are the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes live per entry of a million, and allocations per operation of each mix.
fn memory<M: Peer>() -> (f64, [f64; 3]) {
    COUNTING.set(true);
    LIVE.store(0, Ordering::Relaxed);
    let map = M::new();
    for number in 0..1_000_000 {
        map.insert(scramble(number), number);
    }
    let bytes = LIVE.load(Ordering::Relaxed) as f64 / 1e6;
    drop(map);
    let allocations = MIXES.each_ref().map(|mix| {
        let map = M::new();
        for key in 0..mix.universe / 2 {
            map.insert(scramble(2 * key), key);
        }
        ALLOCATIONS.set(0);
        work(&map, mix, 0, 1_000_000);
        ALLOCATIONS.get() as f64 / 1e6
    });
    COUNTING.set(false);
    (bytes, allocations)
}

/// What is measured of a map.
struct Entry {
    name: &'static str,
    throughput: fn(&Mix, u64) -> f64,
    latency: fn(u64) -> [Latencies; 2],
    memory: fn() -> (f64, [f64; 3]),
}

const fn entry<M: Peer>() -> Entry {
    Entry { name: M::NAME, throughput: throughput::<M>, latency: latency::<M>, memory: memory::<M> }
}

const PEERS: [Entry; 8] = [
    entry::<Ours>(),
    entry::<Papaya>(),
    entry::<Flurry>(),
    entry::<Dash>(),
    entry::<SccMap>(),
    entry::<SccIndex>(),
    entry::<Sharded>(),
    entry::<OneLock>(),
];

/// The best of the runs of each map at each number of threads. The maps take turns, so that what else
/// the machine does is shared out.
fn print_throughput(peers: &[&Entry], threads: &[u64], runs: usize) {
    println!("throughput, Mops/s, at {threads:?} threads");
    for mix in &MIXES {
        let mut best = vec![vec![0f64; threads.len()]; peers.len()];
        for _ in 0..runs {
            for (column, &threads) in threads.iter().enumerate() {
                for (peer, best) in peers.iter().zip(&mut best) {
                    best[column] = best[column].max((peer.throughput)(mix, threads));
                }
            }
        }
        for (peer, best) in peers.iter().zip(&best) {
            print!("{:10} {:18}", mix.name, peer.name);
            best.iter().for_each(|best| print!(" {best:8.1}"));
            println!();
        }
    }
}

fn print_latency(peers: &[&Entry]) {
    println!("latency, ns: p50 p90 p99 p99.9 p99.99 p99.999 max; lost");
    let row = |name: &str, whats: [&str; 2], both: [Latencies; 2]| {
        for (what, latencies) in whats.iter().zip(both) {
            print!("{name:18} {what:6}");
            for quantile in [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0] {
                print!(" {:8}", latencies.at(quantile));
            }
            println!(" {:6}", latencies.lost);
        }
    };
    for peer in peers {
        row(peer.name, ["insert", "get"], (peer.latency)(4_000_000));
    }
    row("(no map)", ["wait", "wait"], machine(4_000_000));
}

fn print_memory(peers: &[&Entry]) {
    println!("memory: bytes per entry; allocations per op of read-heavy, exchange, growth");
    for peer in peers {
        let (bytes, [read, exchange, growth]) = (peer.memory)();
        println!("{:18} {bytes:8.1} {read:10.3} {exchange:10.3} {growth:10.3}", peer.name);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let setting = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name));
    let asked = |name: &str| {
        arguments.iter().all(|argument| argument.contains('='))
            || arguments.iter().any(|argument| argument == name)
    };
    let only = setting("only=").unwrap_or("").split(',').collect::<Vec<_>>();
    let wanted = |peer: &&Entry| only.iter().any(|only| peer.name.contains(only));
    let peers: Vec<&Entry> = PEERS.iter().filter(wanted).collect();
    let number = |text: &str| text.parse().expect("a number");
    let threads: Vec<u64> =
        setting("threads=").unwrap_or("1,2,4,8").split(',').map(number).collect();
    let runs = number(setting("runs=").unwrap_or("3")) as usize;
    if asked("throughput") {
        print_throughput(&peers, &threads, runs);
    }
    if asked("latency") {
        print_latency(&peers);
    }
    if asked("memory") {
        print_memory(&peers);
    }
}
