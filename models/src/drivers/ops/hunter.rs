//! The hunter: runs one sequence after the other. Where it is stands on the board; each finding is a line.
//!
//! It goes on from what is on the board, so a hunter takes the place of one that crashed.
//!
//! # Checked by
//! `tests/command_line.rs`, `tests/crashes.rs`.

use super::Options;
use crate::case::Case;
use crate::drivers::Exit;
use crate::drivers::supervise::Board;
use crate::finding::Finding;
use crate::generators::hashers::mix;
use crate::generators::ops::{self, Mix};
use crate::property::{Checks, Report};
use crate::triage::Sighting;
use crate::triage::signature::Phase;
use fastrand::Rng;
use indicatif::HumanCount;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

/// In the `get-insert-remove` mix, which is for speed, only one sequence in so many is looked at inside.
const LOOK_EVERY: u64 = 16;

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Sequences; the next has this number.
    pub(super) sequences: u64,
    /// Those that reached a growth.
    grew: u64,
    pub(super) ops: u64,
    growths: u64,
    panics: u64,
}

/// What a hunter found, and where it was.
#[derive(Serialize, Deserialize)]
pub(super) struct Find {
    /// Of the sequence.
    pub(super) number: u64,
    pub(super) sighting: Sighting,
}

/// Runs sequences until the ops are used up or something is found.
pub(super) fn hunt(options: &Options, seed: u64) -> io::Result<Exit> {
    let board = Board::given()?;
    let mut tally = Tally::on(&board)?;
    let runner = options.subject.runner(options.oracle);
    let mut case = Case::default();
    let mut found: Vec<Finding> = Vec::new();
    while options.ops.is_none_or(|ops| tally.ops < ops) {
        generate(options, seed, tally.sequences, &mut case);
        let checks = match options.mix {
            Mix::GetInsertRemove if !tally.sequences.is_multiple_of(LOOK_EVERY) => Checks::Answers,
            _ => Checks::Boundaries,
        };
        match runner(&case, checks) {
            Ok(report) => tally.add(report),
            Err(finding) => {
                tally.ops += finding.at as u64;
                let phase = finding.growth.map_or(Phase::Unknown, Phase::of);
                tally.grew += u64::from(!matches!(phase, Phase::Unknown | Phase::BeforeGrowth));
                if !found.iter().any(|known| finding.is_like(known)) {
                    let sighting = Sighting::new(&finding, &[]);
                    // A line of its own, whatever the map under test has said.
                    let find = Find { number: tally.sequences, sighting };
                    println!("\n{}", serde_json::to_string(&find)?);
                    found.push(*finding);
                }
            }
        }
        tally.sequences += 1;
        tally.write(&board)?;
        if !(found.is_empty() || options.keep_going) {
            return Ok(Exit::Found);
        }
    }
    Ok(Exit::Clean)
}

/// Sequence `number` of a seed.
pub(super) fn generate(options: &Options, seed: u64, number: u64, case: &mut Case) {
    let mut rng = Rng::with_seed(mix(seed) ^ mix(!number));
    ops::fill(case, &mut rng, options.mix, options.length as usize);
}

impl Tally {
    pub(super) fn on(board: &Board) -> io::Result<Tally> {
        let [sequences, grew, ops, growths, panics] = board.read()?;
        Ok(Tally { sequences, grew, ops, growths, panics })
    }

    pub(super) fn write(self, board: &Board) -> io::Result<()> {
        let Tally { sequences, grew, ops, growths, panics } = self;
        board.write([sequences, grew, ops, growths, panics])
    }

    fn add(&mut self, report: Report) {
        self.grew += u64::from(report.growths > 0);
        self.ops += report.ops;
        self.growths += report.growths;
        self.panics += report.panics;
    }

    pub(super) fn words(self, took: Duration) -> String {
        let Tally { sequences, grew, ops, growths, panics } = self;
        let seconds = took.as_secs_f64().max(1e-9);
        let reached = crate::drivers::reached_a_growth(grew, sequences);
        let growths = match growths {
            0 => String::new(),
            _ => format!(", {} growths", HumanCount(growths)),
        };
        format!(
            "{} ops in {seconds:.1} s ({:.1} M ops/s), {} sequence{}, {reached}{growths}, {} panics",
            HumanCount(ops),
            ops as f64 / seconds / 1e6,
            HumanCount(sequences),
            if sequences == 1 { "" } else { "s" },
            HumanCount(panics),
        )
    }
}
