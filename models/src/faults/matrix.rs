//! The matrix: of each fault and detector, how often it was found, after how much; and what follows from it.
//!
//! A median over seeds counts a go that found nothing as one that would have taken for ever. A comparison of schedulers
//! needs a number, so there a fault that was not found counts with the executions that were spent on it: less than the
//! truth, never more.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::detector::{Attempt, Detector};
use super::results::Row;
use std::collections::BTreeMap;

/// What a detector came to with a fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// It was not asked.
    Unasked,
    /// It found nothing.
    Missed {
        /// Executions of all goes.
        executions: u64,
        /// Seconds of all goes.
        seconds: f64,
    },
    /// It found the fault.
    Killed(Kill),
}

/// What a detector took to find a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Kill {
    /// Goes that found it.
    pub kills: usize,
    /// Goes.
    pub goes: usize,
    /// Executions, the median; `None` if half of the goes or more found nothing.
    pub executions: Option<u64>,
    /// Seconds, likewise.
    pub seconds: Option<f64>,
    /// What most goes found.
    pub signature: String,
}

impl Cell {
    /// Of the goes of a detector.
    pub fn of(goes: &[Attempt]) -> Cell {
        let found = || goes.iter().filter_map(|go| go.summary.found.as_ref());
        if goes.is_empty() {
            return Cell::Unasked;
        }
        let mut names = BTreeMap::new();
        for name in found() {
            *names.entry(name).or_insert(0) += 1;
        }
        let Some((signature, _)) = names.into_iter().max_by_key(|&(_, count)| count) else {
            return Cell::Missed {
                executions: goes.iter().map(|go| go.summary.executions).sum(),
                seconds: goes.iter().map(|go| go.summary.seconds).sum(),
            };
        };
        let by = |measure: &dyn Fn(&Attempt) -> f64| {
            let took = |go: &Attempt| match go.summary.found {
                Some(_) => measure(go),
                None => f64::INFINITY,
            };
            median(goes.iter().map(took).collect()).filter(|median| median.is_finite())
        };
        Cell::Killed(Kill {
            kills: found().count(),
            goes: goes.len(),
            executions: by(&|go| go.summary.executions as f64).map(|median| median as u64),
            seconds: by(&|go| go.summary.seconds),
            signature: signature.clone(),
        })
    }

    /// Did it find the fault?
    pub fn is_kill(&self) -> bool {
        matches!(self, Cell::Killed(_))
    }
}

/// The middle value, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// What came of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The patch does not apply or build.
    Broken,
    /// No detector that was to look looks at faults of its kind.
    Unasked,
    /// All that looked found nothing.
    Survived,
    /// Some detector found it.
    Killed,
}

impl Fate {
    /// Of a row and its cells.
    pub fn of(row: &Row, cells: &[Cell]) -> Fate {
        match () {
            () if row.broken.is_some() => Fate::Broken,
            () if cells.iter().any(Cell::is_kill) => Fate::Killed,
            () if cells.iter().all(|cell| *cell == Cell::Unasked) => Fate::Unasked,
            () => Fate::Survived,
        }
    }
}

/// What a detector came to with all faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally<'a> {
    /// Its name.
    pub detector: &'a str,
    /// Faults that it found.
    pub killed: usize,
    /// Faults that it looked for and did not find.
    pub missed: usize,
    /// Executions to the first finding: the median over the faults of the medians over seeds, where what was not found takes
    /// for ever. `None` if that is the middle.
    pub executions: Option<u64>,
    /// Seconds, likewise.
    pub seconds: Option<f64>,
    /// Faults that no other detector found.
    pub alone: Vec<&'a str>,
}

/// A scheduler beside the best of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Gain {
    /// Its name.
    pub scheduler: String,
    /// How many times fewer executions it takes, as the geometric mean over the faults.
    pub times: f64,
    /// The faults.
    pub faults: usize,
    /// Those of them that it did not find: what it spent on them counts, which is less than the truth.
    pub missed: usize,
}

/// Rows by fault, columns by detector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// The names of the detectors, without those that were never asked.
    pub detectors: Vec<String>,
    /// The rows, and their cells.
    pub rows: Vec<(Row, Vec<Cell>)>,
}

impl Matrix {
    /// Of these rows, with the columns of these detectors.
    pub fn new(rows: Vec<Row>, detectors: &[Detector]) -> Matrix {
        let names = detectors.iter().map(|detector| &detector.name);
        let asked = names.filter(|name| rows.iter().any(|row| row.attempts.contains_key(*name)));
        let detectors: Vec<String> = asked.cloned().collect();
        let cells = |row: &Row| {
            let goes = |name: &String| row.attempts.get(name).map_or(&[][..], Vec::as_slice);
            detectors.iter().map(|name| Cell::of(goes(name))).collect()
        };
        let rows = rows.into_iter().map(|row| (cells(&row), row)).map(|(cells, row)| (row, cells));
        Matrix { rows: rows.collect(), detectors }
    }

    /// The faults of which this came.
    pub fn slugs(&self, fate: Fate) -> Vec<&str> {
        let rows = self.rows.iter().filter(|(row, cells)| Fate::of(row, cells) == fate);
        rows.map(|(row, _)| row.slug.as_str()).collect()
    }

    /// The rows of faults that some detector looked for.
    pub fn asked(&self) -> impl Iterator<Item = &(Row, Vec<Cell>)> {
        let was_asked = |fate| matches!(fate, Fate::Survived | Fate::Killed);
        self.rows.iter().filter(move |(row, cells)| was_asked(Fate::of(row, cells)))
    }

    /// What each detector came to.
    pub fn by_detector(&self) -> Vec<Tally<'_>> {
        self.detectors.iter().enumerate().map(|(at, name)| self.tally(at, name)).collect()
    }

    fn tally<'a>(&'a self, at: usize, detector: &'a str) -> Tally<'a> {
        let (mut executions, mut seconds, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        let mut missed = 0;
        for (row, cells) in &self.rows {
            match &cells[at] {
                Cell::Unasked => continue,
                Cell::Missed { .. } => {
                    missed += 1;
                    executions.push(f64::INFINITY);
                    seconds.push(f64::INFINITY);
                }
                Cell::Killed(kill) => {
                    executions.push(kill.executions.map_or(f64::INFINITY, |count| count as f64));
                    seconds.push(kill.seconds.unwrap_or(f64::INFINITY));
                    if cells.iter().filter(|cell| cell.is_kill()).count() == 1 {
                        alone.push(row.slug.as_str());
                    }
                }
            }
        }
        let killed = seconds.len() - missed;
        let middle = |values| median(values).filter(|middle| middle.is_finite());
        let executions = middle(executions).map(|count| count as u64);
        Tally { detector, killed, missed, executions, seconds: middle(seconds), alone }
    }

    /// Each of these schedulers beside the best of `others`, over the faults that one of all of them found.
    pub fn gain(&self, ours: &[String], others: &[String]) -> Vec<Gain> {
        let at = |name: &String| self.detectors.iter().position(|own| own == name);
        let cost = |cell: &Cell| match cell {
            Cell::Unasked => None,
            Cell::Missed { executions, .. } => Some((*executions).max(1) as f64),
            Cell::Killed(Kill { executions, .. }) => executions.map(|median| median.max(1) as f64),
        };
        let gain = |name: &String| {
            let (mut logs, mut missed) = (Vec::new(), 0);
            for (_, cells) in &self.rows {
                let all = ours.iter().chain(others).filter_map(at);
                let mine = at(name).and_then(|column| cost(&cells[column]));
                let best = others.iter().filter_map(at).filter_map(|at| cost(&cells[at]));
                let best = best.min_by(f64::total_cmp);
                if let (Some(mine), Some(best)) = (mine, best)
                    && all.into_iter().any(|at| cells[at].is_kill())
                {
                    logs.push((best / mine).ln());
                    missed += usize::from(at(name).is_some_and(|at| !cells[at].is_kill()));
                }
            }
            let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
            Gain { scheduler: name.clone(), times: mean.exp(), faults: logs.len(), missed }
        };
        ours.iter().chain(others).filter(|name| at(name).is_some()).map(gain).collect()
    }
}
