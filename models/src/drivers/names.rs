//! `cargo models names`: does triage give one bug one name, and two bugs two?
//!
//! Says which patches do not apply. Then plants faults in a copy of the workspace, one at a time, lets hunters find each
//! from many seeds, has the faulty program triage what they found, and counts signatures. Raw failures stay in the scratch
//! folder, in `raw`, and serve the next run; what triage made of each is beside them, in `names`.
//!
//! Exit 0: each fault has one signature, and no two share one. 1: not so. 2: some cannot be planted (the others are named).

use super::Exit;
use super::ops::seconds;
use crate::faults::copy::{Broken, Copy};
use crate::faults::detector::{self, Detector, Terms};
use crate::faults::names::{self, Named};
use crate::faults::patch::{Fault, Kind};
use crate::faults::site::Place;
use crate::files;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Hunters that take turns, seed by seed.
const SEQUENTIAL: [&str; 4] = ["ops", "ops-iteration", "ops", "ops-panics"];
const CONCURRENT: [&str; 4] = ["portfolio", "generated", "pos", "stale"];
/// Goes a failure that is wanted: a hunter may find nothing.
const GOES: u64 = 3;

/// Which faults, how many failures, how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Which faults, and where.
    #[command(flatten)]
    pub place: Place,
    /// Failures of each fault.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..))]
    pub failures: u64,
    /// Seconds that a hunter has for one.
    #[arg(long, value_name = "SECONDS", default_value = "4", value_parser = seconds)]
    pub budget: Duration,
    /// Seconds that triage has to make one small.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub limit: Duration,
    /// Write the table to this file, too.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// Names every fault.
pub fn drive(options: &Options) -> Exit {
    match all(options) {
        Ok(exit) => exit,
        Err(said) => {
            eprintln!("{said}");
            Exit::Bad
        }
    }
}

fn all(options: &Options) -> Result<Exit, String> {
    let mut site = options.place.open(None)?;
    let copy = Copy::new(&options.place.workspace, &site.scratch, 0);
    let refused = copy.refused(&mut site.faults).map_err(|error| error.to_string())?;
    for (fault, said) in &refused {
        eprintln!("{}: does not apply: {said}", fault.slug);
    }
    let (mut all, mut is_bad) = (Vec::new(), !refused.is_empty());
    for (number, fault) in site.faults.iter().enumerate() {
        let named = match one(options, &copy, &site.scratch, fault) {
            Ok(named) => named,
            Err(said) => {
                eprintln!("{}: {said}", fault.slug);
                is_bad = true;
                continue;
            }
        };
        println!("[{}/{}] {}: {} failures", number + 1, site.faults.len(), named.slug, named.raw);
        match named.raw - named.records.len() {
            0 => {}
            lost => println!("  {lost} of them got no name"),
        }
        for (signature, count) in named.signatures() {
            println!("  {count}× {signature}");
        }
        all.push(named);
    }
    let table = names::markdown(&all);
    println!("\n{table}");
    if let Some(file) = &options.markdown {
        files::replace(file, table.as_bytes()).map_err(|error| error.to_string())?;
    }
    Ok(match names::is_one_to_one(&all) {
        _ if is_bad => Exit::Bad,
        true => Exit::Clean,
        false => Exit::Found,
    })
}

/// Plants a fault, finds it so many times, and names what was found.
fn one(options: &Options, copy: &Copy, scratch: &Path, fault: &Fault) -> Result<Named, String> {
    let (program, _) = copy.make(Some(&fault.path)).map_err(|broken| match broken {
        Broken::Copy(said) => said,
        Broken::Apply(said) => format!("does not apply: {said}"),
        Broken::Build(said) => format!("does not build: {said}"),
    })?;
    let concurrent = fault.kind == Some(Kind::Concurrent);
    let raw = scratch.join("raw").join(&fault.slug);
    let turns = if concurrent { CONCURRENT } else { SEQUENTIAL };
    let hunters = detector::select(&turns.map(str::to_string))?;
    let hunter = |seed: u64| -> &Detector {
        let name = turns[seed as usize % turns.len()];
        hunters.iter().find(|hunter| hunter.name == name).expect("it was selected")
    };
    // ctrl-C ends this process, and a hunter ends with it.
    let stop = &AtomicBool::new(false);
    let (budget, findings) = (options.budget, raw.as_path());
    let terms = Terms { budget, scenarios: &[], test: None, unbounded: false, findings, stop };
    let mut cases = detector::cases(&raw);
    for seed in 1..=GOES * options.failures {
        if cases.len() as u64 >= options.failures {
            break;
        }
        hunter(seed).attempt(copy, &program, seed, terms)?;
        cases = detector::cases(&raw);
    }
    cases.truncate(options.failures as usize);
    let records = detector::triage(&program, &cases, options.limit, None, stop)?;
    let kept = scratch.join("names").join(&fault.slug).with_extension("json");
    let text = serde_json::to_vec_pretty(&records).map_err(|error| error.to_string())?;
    files::replace(&kept, &text).map_err(|error| error.to_string())?;
    Ok(Named { slug: fault.slug.clone(), concurrent, raw: cases.len(), records })
}
