//! The matrix in the terminal, and as Markdown.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::matrix::{Cell, Kill, Matrix};
use super::results::Row;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use std::fmt::Write;

/// shuttle's own schedulers, which ours are compared with.
pub const SHUTTLES_OWN: [&str; 3] = ["random", "pct", "urw"];

/// A few characters for a cell: seconds, and executions if there is room; `·` for a miss.
pub fn short(cell: &Cell) -> String {
    match cell {
        Cell::Unasked => String::new(),
        Cell::Missed { .. } => "·".to_string(),
        Cell::Killed(Kill { seconds: Some(seconds), .. }) => round(*seconds),
        Cell::Killed(Kill { kills, goes, .. }) => format!("{kills}/{goes}"),
    }
}

/// Seconds, or a count, to two digits.
fn round(value: f64) -> String {
    match value {
        small if small < 0.095 => format!("{small:.2}"),
        small if small < 9.5 => format!("{small:.1}"),
        large => format!("{large:.0}"),
    }
}

/// The matrix for a terminal.
pub fn terminal(matrix: &Matrix) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    let names = matrix.detectors.iter().map(String::as_str);
    table.set_header(std::iter::once("seconds to the first kill").chain(names));
    for (row, cells) in &matrix.rows {
        if row.broken.is_none() {
            table.add_row(std::iter::once(row.slug.clone()).chain(cells.iter().map(short)));
        }
    }
    format!("{table}\n{}", verdict(matrix))
}

/// What the matrix comes to, in lines.
pub fn verdict(matrix: &Matrix) -> String {
    let (survivors, broken) = (matrix.survivors(), matrix.broken());
    let built = matrix.rows.len() - broken.len();
    let mut text = format!("{built} faults, {} killed", built - survivors.len());
    for (what, slugs) in [("survived", survivors), ("neither apply nor build", broken)] {
        if !slugs.is_empty() {
            let _ = write!(text, "\n{what}: {}", slugs.join(", "));
        }
    }
    for (name, killed, asked, alone) in matrix.by_detector() {
        let _ = write!(text, "\n{name}: {killed} of {asked}");
        if !alone.is_empty() {
            let _ = write!(text, "; alone: {}", alone.join(", "));
        }
    }
    text
}

/// The matrix as a page of Markdown. `how` says which command made it.
pub fn markdown(matrix: &Matrix, how: &str) -> String {
    let mut text = format!(
        "# The kill matrix\n\nWritten by `{how}`; do not edit.\n\n\
         A number is the median over seeds of the seconds to the first finding; `k/n`: k of n seeds found it, fewer than half; \
         `·`: not found within the time; empty: not asked.\n\n"
    );
    let (concurrent, sequential): (Vec<_>, Vec<_>) = matrix
        .rows
        .iter()
        .filter(|(row, _)| row.broken.is_none())
        .partition(|(row, _)| row.concurrent);
    for (title, rows) in [("Sequential faults", sequential), ("Concurrent faults", concurrent)] {
        if rows.is_empty() {
            continue;
        }
        let asked: Vec<usize> = (0..matrix.detectors.len())
            .filter(|&at| rows.iter().any(|(_, cells)| cells[at] != Cell::Unasked))
            .collect();
        let names: Vec<&str> = asked.iter().map(|&at| matrix.detectors[at].as_str()).collect();
        let _ = writeln!(text, "## {title}\n\n### Seconds\n");
        let _ = writeln!(text, "| fault | {} | what is found |", names.join(" | "));
        let _ = writeln!(text, "|---|{}---|", "---:|".repeat(names.len()));
        for (row, cells) in &rows {
            let cells_text: Vec<String> = asked.iter().map(|&at| short(&cells[at])).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                row.slug,
                cells_text.join(" | "),
                signature(row, cells)
            );
        }
        let _ = writeln!(text, "\n### Executions\n");
        let _ = writeln!(text, "| fault | {} |", names.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(names.len()));
        for (row, cells) in &rows {
            let cells: Vec<String> = asked.iter().map(|&at| executions(&cells[at])).collect();
            let _ = writeln!(text, "| {} | {} |", row.slug, cells.join(" | "));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "## What it comes to\n\n```\n{}\n```", verdict(matrix));
    text + &comparison(matrix)
}

/// What triage calls it, or else what the detector that was quickest says.
fn signature(row: &Row, cells: &[Cell]) -> String {
    if let Some(signature) = &row.signature {
        return signature.replace('|', "\\|");
    }
    let kills = cells.iter().filter_map(|cell| match cell {
        Cell::Killed(kill) => Some(kill),
        _ => None,
    });
    let seconds = |kill: &Kill| kill.seconds.unwrap_or(f64::INFINITY);
    let first = kills.min_by(|one, other| seconds(one).total_cmp(&seconds(other)));
    first.map_or("**nothing**".to_string(), |kill| kill.signature.replace('|', "\\|"))
}

fn executions(cell: &Cell) -> String {
    match cell {
        Cell::Unasked => String::new(),
        Cell::Missed { executions, .. } => format!("(>{executions})"),
        Cell::Killed(Kill { executions: Some(executions), .. }) => executions.to_string(),
        Cell::Killed(Kill { kills, goes, .. }) => format!("{kills}/{goes}"),
    }
}

/// The schedulers beside the best of shuttle's own.
fn comparison(matrix: &Matrix) -> String {
    let others = SHUTTLES_OWN.map(str::to_string);
    let ours: Vec<String> = super::detector::all()
        .iter()
        .filter(|detector| detector.is_scheduler() && !others.contains(&detector.name))
        .map(|detector| detector.name.clone())
        .collect();
    let gains = matrix.gain(&ours, &others);
    if gains.is_empty() {
        return String::new();
    }
    let mut text = "\n## Schedulers\n\nExecutions to the first finding: how many times fewer than the best of shuttle's own (random, pct, urw) \
        on the same fault, as the geometric mean over the faults that any scheduler found. A fault that was not found counts with what was spent on it.\n\n\
        | scheduler | times fewer executions | faults |\n|---|---:|---:|\n"
        .to_string();
    for (name, gain, faults) in gains {
        let _ = writeln!(text, "| {name} | {gain:.2} | {faults} |");
    }
    text
}

/// A line about a fault that is done.
pub fn line(row: &Row) -> String {
    if let Some(said) = &row.broken {
        return format!("{}: ERROR: {said}", row.slug);
    }
    let cells = row.attempts.iter().map(|(name, goes)| (name, Cell::of(goes)));
    let killed: Vec<String> = cells
        .clone()
        .filter(|(_, cell)| cell.is_kill())
        .map(|(name, cell)| format!("{name} {}", short(&cell)))
        .collect();
    let all = cells.count();
    let warnings = match row.warnings.as_slice() {
        [] => String::new(),
        [first, ..] => format!("; builds with warnings: {first}"),
    };
    match killed.is_empty() {
        true => format!("{}: SURVIVED {all} detectors{warnings}", row.slug),
        false => {
            format!(
                "{}: killed by {} of {all}: {}{warnings}",
                row.slug,
                killed.len(),
                killed.join(", ")
            )
        }
    }
}
