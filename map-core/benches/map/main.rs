//! `Map` beside std, hashbrown and griddle: `u64` → `u64`, the same hasher and seed for all.
//!
//! ```text
//! cargo bench -p map-core                                   everything, about six minutes
//! cargo bench -p map-core -- --size 1M --only hit,miss      a part of it
//! cargo bench -p map-core -- --size 1M --only hit --maps in-order --rounds 200   something for `perf record`
//! objdump -d --disassemble=bench_get_in_order target/release/deps/map-*          what `get` compiles to
//! ```
//!
//! Machines drift and neighbours make noise, so what counts is the ratio to hashbrown within a run: the maps
//! take turns, round by round and workload by workload, each time in another order; the table gives the
//! median time per operation and the median of the rounds' ratios. That, and its build time, is why this is
//! no criterion bench: it measures one map to the end before it starts the next.
//!
//! # Workloads
//! See `workloads`; each is one function. `inserts` is the distribution of single inserts from empty, the
//! clock's own cost included and shown.

mod subjects;
mod workloads;

use comfy_table::{CellAlignment, Table};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use subjects::{Griddle, Hashbrown, OursGo, OursInOrder, Std, Subject};
use workloads::{Keys, THROUGHPUT};

/// What the ratios are ratios to.
const BASE: &str = "hashbrown";

struct Options {
    sizes: Vec<usize>,
    only: Option<Vec<String>>,
    maps: Option<Vec<String>>,
    rounds: Option<usize>,
}

impl Options {
    fn from_args() -> Option<Options> {
        let mut options =
            Options { sizes: vec![1_000_000, 10_000_000], only: None, maps: None, rounds: None };
        let mut measured = false;
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut list = || -> Vec<String> {
                let value = args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
                value.split(',').map(str::to_owned).collect()
            };
            match arg.as_str() {
                "--bench" => measured = true,
                "--size" => options.sizes = list().iter().map(|size| parse_size(size)).collect(),
                "--only" => options.only = Some(list()),
                "--maps" => options.maps = Some(list()),
                "--rounds" => {
                    options.rounds = Some(
                        list()[0].parse().unwrap_or_else(|_| usage("--rounds needs a number")),
                    );
                }
                _ => usage(&format!("unknown argument {arg}")),
            }
        }
        // `cargo test --all-targets` starts this without `--bench`: it need only run.
        measured.then_some(options)
    }

    fn wants(&self, workload: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == workload))
    }

    fn wants_map(&self, map: &str) -> bool {
        self.maps.as_ref().is_none_or(|maps| maps.iter().any(|name| name == map))
    }

    fn rounds(&self, size: usize) -> usize {
        self.rounds.unwrap_or(if size > 2_000_000 { 3 } else { 7 })
    }
}

fn usage(problem: &str) -> ! {
    let names: Vec<&str> = THROUGHPUT.iter().chain(["inserts"].iter()).copied().collect();
    eprintln!(
        "{problem}\nusage: cargo bench -p map-core -- [--size 1M,10M] [--only {}] \
         [--maps std,hashbrown,griddle,go,in-order] [--rounds N]",
        names.join(",")
    );
    std::process::exit(2);
}

fn parse_size(text: &str) -> usize {
    let (digits, unit) = match text.strip_suffix(['M', 'k']) {
        Some(digits) => (digits, if text.ends_with('M') { 1_000_000 } else { 1000 }),
        None => (text, 1),
    };
    digits
        .parse::<usize>()
        .ok()
        .filter(|n| *n > 0)
        .map_or_else(|| usage(&format!("{text} is no size")), |n| n * unit)
}

/// Nanoseconds per operation by workload, map and round.
#[derive(Default)]
struct Results(BTreeMap<(&'static str, &'static str), Vec<f64>>);

impl Results {
    fn median(&self, workload: &'static str, map: &'static str) -> Option<f64> {
        median(self.0.get(&(workload, map))?.clone())
    }

    /// The median over the rounds of this map's time by the base's in the same round.
    fn ratio(&self, workload: &'static str, map: &'static str) -> Option<f64> {
        let (own, base) = (self.0.get(&(workload, map))?, self.0.get(&(workload, BASE))?);
        median(own.iter().zip(base).map(|(own, base)| own / base).collect())
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Calls `$act::<Map>()` for each map that is wanted, beginning with another one each round.
macro_rules! each_map {
    ($options:expr, $round:expr, |$map:ident| $act:expr) => {{
        for turn in 0..5 {
            match (turn + $round) % 5 {
                0 => each_map!(@one $options, Hashbrown, $map, $act),
                1 => each_map!(@one $options, OursInOrder, $map, $act),
                2 => each_map!(@one $options, Std, $map, $act),
                3 => each_map!(@one $options, OursGo, $map, $act),
                _ => each_map!(@one $options, Griddle, $map, $act),
            }
        }
    }};
    (@one $options:expr, $type:ty, $map:ident, $act:expr) => {
        if $options.wants_map(<$type>::NAME) {
            type $map = $type;
            $act
        }
    };
}

const MAPS: [&str; 5] = ["std", "hashbrown", "griddle", "go", "in-order"];

fn main() {
    subjects::keep_for_disassembly();
    let Some(options) = Options::from_args() else {
        smoke();
        return;
    };
    for &size in &options.sizes {
        let keys = Keys::new(size);
        throughput(&options, size, &keys);
        if options.wants("inserts") {
            single_inserts(&options, size, &keys);
        }
    }
}

fn throughput(options: &Options, size: usize, keys: &Keys) {
    let mut results = Results::default();
    for round in 0..options.rounds(size) {
        each_map!(options, round, |M| {
            let wants = |workload: &str| options.wants(workload);
            for (workload, nanoseconds) in workloads::round::<M>(keys, &wants) {
                results.0.entry((workload, M::NAME)).or_default().push(nanoseconds);
            }
        });
    }
    let mut table = new_table(["ns/op (× hashbrown)"].into_iter().chain(MAPS));
    for workload in THROUGHPUT {
        let cell = |map| match (results.median(workload, map), results.ratio(workload, map)) {
            (Some(time), Some(ratio)) => format!("{time:.1} (×{ratio:.2})"),
            (Some(time), None) => format!("{time:.1}"),
            _ => String::from("-"),
        };
        if options.wants(workload) {
            table.add_row([workload.to_owned()].into_iter().chain(MAPS.map(cell)));
        }
    }
    println!("\n{size} entries, {} rounds\n{table}", options.rounds(size));
}

/// Every single insert from empty. The rounds do the same inserts in the same order, so the least time
/// an insert took in any of them is its own, and what only one round saw is the machine's.
fn single_inserts(options: &Options, size: usize, keys: &Keys) {
    let mut times: BTreeMap<&'static str, Vec<u32>> = BTreeMap::new();
    let rounds = options.rounds(size).min(5);
    for round in 0..rounds {
        each_map!(options, round, |M| {
            let least = times.entry(M::NAME).or_insert_with(|| vec![u32::MAX; size]);
            workloads::single_inserts::<M>(keys, least);
        });
    }
    let mut table = new_table(
        ["one insert, ns", "p50", "p99", "p99.9", "p99.99", "max", "max × hashbrown"].into_iter(),
    );
    let worst =
        |map| times.get(map).and_then(|times| times.iter().max()).map(|worst| f64::from(*worst));
    for map in MAPS {
        let Some(times) = times.get(map) else { continue };
        let ratio = worst(map)
            .zip(worst(BASE))
            .map_or_else(|| String::from("-"), |(own, base)| format!("×{:.4}", own / base));
        table.add_row([map.to_owned()].into_iter().chain(quantiles(times)).chain([ratio]));
    }
    let mut clock = vec![u32::MAX; 1_000_000];
    (0..rounds).for_each(|_| workloads::clock_alone(&mut clock));
    table.add_row(["(clock alone)".to_owned()].into_iter().chain(quantiles(&clock)));
    println!("\n{size} inserts from empty, each the least of {rounds} rounds\n{table}");
}

fn quantiles(times: &[u32]) -> impl Iterator<Item = String> + use<> {
    let mut histogram = Histogram::<u64>::new(3).expect("three digits are possible");
    for time in times {
        histogram.record(u64::from(*time)).expect("the histogram resizes itself");
    }
    let quantile = |quantile| histogram.value_at_quantile(quantile).to_string();
    let quantiles = [0.5, 0.99, 0.999, 0.9999].map(quantile);
    let max = times.iter().max().map_or(String::new(), u32::to_string);
    quantiles.into_iter().chain([max])
}

fn new_table<'a>(header: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Runs everything once, small: the answers are checked inside.
fn smoke() {
    let keys = Keys::new(2000);
    let options = Options { sizes: vec![], only: None, maps: None, rounds: Some(1) };
    each_map!(options, 0, |M| {
        assert_eq!(workloads::round::<M>(&keys, &|_| true).len(), THROUGHPUT.len());
    });
}
