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

    /// Faults that were built and that nobody found.
    pub fn survivors(&self) -> Vec<&str> {
        let survived = self
            .rows
            .iter()
            .filter(|(row, cells)| row.broken.is_none() && !cells.iter().any(Cell::is_kill));
        survived.map(|(row, _)| row.slug.as_str()).collect()
    }

    /// Patches that do not apply or build.
    pub fn broken(&self) -> Vec<&str> {
        let broken = self.rows.iter().filter(|(row, _)| row.broken.is_some());
        broken.map(|(row, _)| row.slug.as_str()).collect()
    }

    /// For each detector: how many faults it found, of how many, and those that it alone found.
    pub fn by_detector<'a>(&'a self) -> Vec<(&'a str, usize, usize, Vec<&'a str>)> {
        let column = |(at, name): (usize, &'a String)| {
            let asked = self.rows.iter().filter(|(_, cells)| cells[at] != Cell::Unasked).count();
            let killed: Vec<_> =
                self.rows.iter().filter(|(_, cells)| cells[at].is_kill()).collect();
            let is_alone = |cells: &[Cell]| cells.iter().filter(|cell| cell.is_kill()).count() == 1;
            let alone = killed.iter().filter(|(_, cells)| is_alone(cells));
            (name.as_str(), killed.len(), asked, alone.map(|(row, _)| row.slug.as_str()).collect())
        };
        self.detectors.iter().enumerate().map(column).collect()
    }

    /// For each of these detectors, how many times fewer executions it takes than the best of `others` does, as the
    /// geometric mean over the faults that one of all of them found, and the number of those.
    pub fn gain(&self, ours: &[String], others: &[String]) -> Vec<(String, f64, usize)> {
        let at = |name: &String| self.detectors.iter().position(|own| own == name);
        let cost = |cell: &Cell| match cell {
            Cell::Unasked => None,
            Cell::Missed { executions, .. } => Some((*executions).max(1) as f64),
            Cell::Killed(Kill { executions, .. }) => executions.map(|median| median.max(1) as f64),
        };
        let gain = |name: &String| {
            let mut logs = Vec::new();
            for (_, cells) in &self.rows {
                let all = ours.iter().chain(others).filter_map(at);
                let mine = at(name).and_then(|column| cost(&cells[column]));
                let best = others.iter().filter_map(at).filter_map(|at| cost(&cells[at]));
                let best = best.min_by(f64::total_cmp);
                if let (Some(mine), Some(best)) = (mine, best)
                    && all.into_iter().any(|at| cells[at].is_kill())
                {
                    logs.push((best / mine).ln());
                }
            }
            let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
            (name.clone(), mean.exp(), logs.len())
        };
        ours.iter().chain(others).filter(|name| at(name).is_some()).map(gain).collect()
    }
}
