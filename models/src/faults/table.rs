//! The matrix in the terminal, and as Markdown.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::detector::Detector;
use super::matrix::{Cell, Fate, Gain, Kill, Matrix, Tally};
use super::results::Row;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::iter;
use std::time::Duration;

/// shuttle's own schedulers, which ours are compared with.
pub const SHUTTLES_OWN: [&str; 3] = ["random", "pct", "urw"];

/// Of how many faults that nothing is known of the names are said.
const UNKNOWN_MAX: usize = 5;

/// Seconds, in a few characters; `·` for a miss.
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

/// The matrix for a terminal: all that [`markdown`] says.
pub fn terminal(matrix: &Matrix) -> String {
    let mut text = String::new();
    if matrix.asked().next().is_some() {
        text += &medians(matrix, "seconds to the first kill", short);
        text += &medians(matrix, "executions to the first kill", executions);
    }
    text += &verdict(matrix);
    let gains = gains(matrix);
    if gains.is_empty() {
        return text;
    }
    let mut table = table(COMPARISON);
    table.add_rows(gains.iter().map(compared));
    text + &format!("\n\n{COMPARED}\n{table}")
}

/// A line for each fault that somebody looked for, a column for each detector.
fn medians(matrix: &Matrix, title: &str, text: impl Fn(&Cell) -> String) -> String {
    let names = matrix.detectors.iter().map(String::as_str);
    let mut table = table(iter::once(title).chain(names).chain(["what is found"]));
    for (row, cells) in matrix.asked() {
        let texts = cells.iter().map(&text).chain([signature(row, cells)]);
        table.add_row(iter::once(row.slug.clone()).chain(texts));
    }
    format!("{table}\n")
}

/// An empty table for a terminal.
fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

/// Names of faults of which nothing is known, in a line: all, or the first few.
pub fn unknown(slugs: &mut [String]) -> Option<String> {
    slugs.sort_unstable();
    let all = slugs.len();
    // "and 1 more" is no shorter.
    let shown = if all <= UNKNOWN_MAX + 1 { all } else { UNKNOWN_MAX };
    let more = if shown < all { format!(" and {} more", all - shown) } else { String::new() };
    (all > 0).then(|| format!("{all} not known: {}{more}", slugs[..shown].join(", ")))
}

/// What each detector did with the map as it is: all its goes together.
pub fn unpatched(row: &Row) -> String {
    let mut table = table(["detector", "goes", "executions", "seconds", "what is found"]);
    for (name, goes) in &row.attempts {
        let count = goes.len().to_string();
        let executions: u64 = goes.iter().map(|go| go.summary.executions).sum();
        let seconds = goes.iter().map(|go| go.summary.seconds).sum();
        let found = goes.iter().find_map(|go| go.summary.found.as_deref()).unwrap_or("nothing");
        table.add_row([name, &count, &executions.to_string(), &round(seconds), found]);
    }
    table.to_string()
}

/// What the matrix comes to, in lines.
pub fn verdict(matrix: &Matrix) -> String {
    let killed = matrix.slugs(Fate::Killed).len();
    let [survived, unasked, broken] =
        [Fate::Survived, Fate::Unasked, Fate::Broken].map(|fate| matrix.slugs(fate));
    let mut text = format!("{} faults, {killed} killed", killed + survived.len());
    for (what, slugs) in
        [("survived", survived), ("not asked", unasked), ("neither apply nor build", broken)]
    {
        if !slugs.is_empty() {
            let _ = write!(text, "\n{} {what}: {}", slugs.len(), slugs.join(", "));
        }
    }
    for tally in matrix.by_detector() {
        let Tally { detector, killed, missed, executions, seconds, alone } = tally;
        let _ = write!(text, "\n{detector}: {killed} of {}, {missed} not found", killed + missed);
        if let (Some(executions), Some(seconds)) = (executions, seconds) {
            let _ = write!(text, "; median {executions} executions, {} s", round(seconds));
        }
        if !alone.is_empty() {
            let _ = write!(text, "; alone: {}", alone.join(", "));
        }
    }
    text
}

/// What the goes were given, by whichever runs: the options that give this matrix.
fn given(matrix: &Matrix) -> String {
    let goes = || matrix.asked().flat_map(|(row, _)| row.attempts.values().flatten());
    let budgets: BTreeSet<Duration> = goes().map(|go| go.budget).collect();
    let budgets: Vec<String> = budgets.iter().map(|one| one.as_secs_f64().to_string()).collect();
    let seeds = goes().map(|go| go.seed).max().unwrap_or_default();
    let focus = if goes().any(|go| go.focused) { " --focus" } else { "" };
    format!("--budget {} --seeds {seeds}{focus}", budgets.join(" or "))
}

/// The matrix as a page of Markdown.
pub fn markdown(matrix: &Matrix) -> String {
    let given = given(matrix);
    let mut text = format!(
        "# The kill matrix\n\nWritten by `cargo models faults {given}`; do not edit.\n\n\
         A number is the median over seeds of the seconds to the first finding; `k/n`: k of n seeds found it, fewer than half; \
         `·`: not found within the time; empty: not asked.\n\n"
    );
    let (concurrent, sequential): (Vec<_>, Vec<_>) =
        matrix.asked().partition(|(row, _)| row.concurrent);
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
                signature(row, cells).replace('|', "\\|")
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
        return signature.clone();
    }
    let kills = cells.iter().filter_map(|cell| match cell {
        Cell::Killed(kill) => Some(kill),
        _ => None,
    });
    let seconds = |kill: &Kill| kill.seconds.unwrap_or(f64::INFINITY);
    let first = kills.min_by(|one, other| seconds(one).total_cmp(&seconds(other)));
    first.map_or("nothing".to_string(), |kill| kill.signature.clone())
}

fn executions(cell: &Cell) -> String {
    match cell {
        Cell::Unasked => String::new(),
        Cell::Missed { executions, .. } => format!("(>{executions})"),
        Cell::Killed(Kill { executions: Some(executions), .. }) => executions.to_string(),
        Cell::Killed(Kill { kills, goes, .. }) => format!("{kills}/{goes}"),
    }
}

/// What the comparison of schedulers is of.
const COMPARED: &str = "Executions to the first finding: how many times fewer than the best of shuttle's own (random, pct, urw) \
    on the same fault, as the geometric mean over the faults that any scheduler found. A fault that was not found counts with \
    what was spent on it.";
const COMPARISON: [&str; 4] =
    ["scheduler", "times fewer executions", "faults", "of them not found"];

/// The schedulers beside the best of shuttle's own.
fn gains(matrix: &Matrix) -> Vec<Gain> {
    let others = SHUTTLES_OWN.map(str::to_string);
    let schedulers = super::detector::all().into_iter().filter(Detector::is_scheduler);
    let names = schedulers.map(|scheduler| scheduler.name);
    let ours: Vec<String> = names.filter(|name| !others.contains(name)).collect();
    let gains = matrix.gain(&ours, &others);
    // Without one of shuttle's there is nothing to compare with.
    gains.into_iter().filter(|gain| gain.faults > 0).collect()
}

fn compared(gain: &Gain) -> [String; 4] {
    let Gain { scheduler, times, faults, missed } = gain;
    [scheduler.clone(), format!("{times:.2}"), faults.to_string(), missed.to_string()]
}

/// The comparison as a section of Markdown.
fn comparison(matrix: &Matrix) -> String {
    let gains = gains(matrix);
    if gains.is_empty() {
        return String::new();
    }
    let rows = gains.iter().map(|gain| format!("| {} |\n", compared(gain).join(" | ")));
    format!(
        "\n## Schedulers\n\n{COMPARED}\n\n| {} |\n|---|---:|---:|---:|\n{}",
        COMPARISON.join(" | "),
        rows.collect::<String>()
    )
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
    let slug = &row.slug;
    match (all, killed.len()) {
        (0, _) => format!("{slug}: not asked"),
        (_, 0) => format!("{slug}: SURVIVED {all} detectors{warnings}"),
        (_, some) => format!("{slug}: killed by {some} of {all}: {}{warnings}", killed.join(", ")),
    }
}
