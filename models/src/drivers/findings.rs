//! `cargo models findings`: what triage has kept, and what of it is fixed.

use super::Exit;
use crate::command::command;
use crate::subjects::Subject;
use crate::triage::intake::{FINDINGS, KEPT};
use crate::triage::lab::Lab;
use crate::triage::minimise::Size;
use crate::triage::store::{Record, Store};
use crate::triage::verdict;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::path::PathBuf;

/// What to list, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where findings are (default: findings).
    #[arg(long, value_name = "DIRECTORY")]
    pub findings: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// One signature.
#[derive(Serialize)]
struct Line {
    signature: String,
    oracle: String,
    rule: String,
    subject: String,
    count: usize,
    first_seen: String,
    last_seen: String,
    smallest: PathBuf,
    size: Size,
    /// The smallest case passes now, as often as it is worth trying.
    fixed: bool,
}

/// Lists every signature, the last seen first. Exit 1 if one is not fixed.
pub fn drive(options: &Options) -> Exit {
    if let Some(folder) = options.findings.as_ref().filter(|folder| !folder.exists()) {
        eprintln!("{}: no such folder", folder.display());
        return Exit::Bad;
    }
    let findings = options.findings.clone().unwrap_or(FINDINGS.into());
    let store = Store::new(findings.join(KEPT));
    let (records, mut errors) = store.records();
    let mut lines = Vec::new();
    for record in &records {
        match line(&store, record) {
            Ok(line) => lines.push(line),
            Err(error) => errors.push(format!("{}: {error}", store.case(record).display())),
        }
    }
    lines.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.signature.cmp(&b.signature)));
    match options.json {
        true => match serde_json::to_string_pretty(&lines) {
            Ok(text) => println!("{text}"),
            Err(error) => errors.push(error.to_string()),
        },
        false if lines.is_empty() && !errors.is_empty() => {}
        false => table(&lines),
    }
    errors.iter().for_each(|error| eprintln!("{error}"));
    match (errors.is_empty(), lines.iter().all(|line| line.fixed)) {
        (false, _) => Exit::Bad,
        (true, true) => Exit::Clean,
        (true, false) => Exit::Found,
    }
}

fn line(store: &Store, record: &Record) -> Result<Line, String> {
    let case = record.smallest()?;
    let subject = Subject::known(&record.subject)?;
    let replayed = verdict::replay(Lab::new(subject), &case, record.runs_to_fail());
    let now = replayed.map_err(|error| error.to_string())??.verdict;
    let (first, last) = record.seen();
    Ok(Line {
        signature: record.name.clone(),
        oracle: record.signature.oracle.clone(),
        rule: record.sighting.rule.clone(),
        subject: record.subject.clone(),
        count: record.occurrences.len(),
        first_seen: first.to_string(),
        last_seen: last.to_string(),
        smallest: store.case(record),
        size: Size::of(&case),
        fixed: now.is_gone(),
    })
}

fn table(lines: &[Line]) {
    if lines.is_empty() {
        println!("nothing was triaged yet: `{} triage`", command());
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "signature",
        "map",
        "count",
        "first seen",
        "last seen",
        "smallest case",
        "now",
    ]);
    for line in lines {
        let smallest = format!("{}\n{}", line.size, line.smallest.display());
        let now = if line.fixed { "fixed" } else { "open" };
        let (first, last) = (day(&line.first_seen), day(&line.last_seen));
        let count = line.count.to_string();
        table.add_row([&line.signature, &line.subject, &count, &first, &last, &smallest, now]);
    }
    println!("{table}");
}

/// `2026-01-02T03:04:05Z` as a person writes it.
fn day(time: &str) -> String {
    time.replace('T', " ").trim_end_matches('Z').to_string()
}
