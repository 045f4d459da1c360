//! A story as one HTML page, and an index of all. Self-contained: no network, no build step.
//!
//! Everything is in the page when it is written: the lanes as SVG, every state of the tables. The script only shows one state
//! at a time; without it, all are there.
//!
//! # Not here
//! How it looks: `templates/`.
//! # Checked by
//! `tests/story.rs`; `ci/report.sh` opens it in a browser.

use super::minimise::Size;
use super::store::{Occurrence, Record};
use super::story::{Attempt, Kind, Step, Story};
use super::terminal::slot;
use crate::case::Case;
use crate::command::command;
use crate::picture::{Bucket, Picture, State, Table};
use askama::Template;
use std::collections::BTreeSet;

/// Height of a row, width of a lane, of a lane if there is but one, and of the numbers, in pixels.
const ROW: usize = 26;
const LANE: usize = 290;
const LANE_ALONE: usize = 520;
const GUTTER: usize = 44;
/// Letters that fit in a lane.
const LETTERS: usize = 36;
/// Tables with more buckets are shown as far as they change.
const BUCKETS_MAX: usize = 16;

/// A finding's page.
#[derive(Template)]
#[template(path = "finding.html")]
struct Page<'s> {
    story: &'s Story,
    headline: &'s str,
    size: Size,
    lanes: Vec<Lane<'s>>,
    bars: Vec<Bar>,
    arrows: Vec<String>,
    rows: Vec<Row<'s>>,
    width: usize,
    height: usize,
    /// The step to begin with.
    start: usize,
    states: Vec<StateView>,
    attempt: Option<&'s Attempt>,
    occurrences: &'s [Occurrence],
}

struct Lane<'s> {
    name: &'s str,
    x: usize,
    number: usize,
}

/// From a call to its return.
struct Bar {
    x: usize,
    y: usize,
    height: usize,
    lane: usize,
}

struct Row<'s> {
    number: usize,
    state: usize,
    y: usize,
    x: usize,
    class: &'static str,
    lane: usize,
    /// Shortened.
    label: String,
    /// In full.
    step: &'s Step,
}

/// A state of the map.
struct StateView {
    index: usize,
    tables: Vec<TableView>,
}

struct TableView {
    title: String,
    buckets: Vec<BucketView>,
    left_out: usize,
}

struct BucketView {
    index: usize,
    state: &'static str,
    is_changed: bool,
    /// The evacuation mark stands before this bucket.
    is_marked: bool,
    chain: Vec<Vec<SlotView>>,
}

struct SlotView {
    text: String,
    class: &'static str,
    title: String,
}

/// The page of a story.
///
/// # Errors
/// Never, unless a template is broken.
pub fn page(story: &Story) -> Result<String, askama::Error> {
    let lane_width = if story.lanes.len() < 2 { LANE_ALONE } else { LANE };
    let x = |lane: usize| GUTTER + 14 + lane * lane_width;
    let y = |step: usize| ROW + 20 + step * ROW;
    let lanes = story.lanes.iter().enumerate();
    let rows = story.steps.iter().enumerate().map(|(at, step)| Row {
        number: at + 1,
        state: step.state,
        y: y(at),
        x: x(step.lane),
        class: class_of(step.kind),
        lane: step.lane % 4,
        label: label(step, if story.lanes.len() < 2 { 2 * LETTERS } else { LETTERS }),
        step,
    });
    // The failure is nobody's step: it has the whole width.
    let rows = rows.map(|row| match row.step.kind {
        Kind::Failure => {
            let label = label(row.step, LETTERS * story.lanes.len().max(2));
            Row { x: x(0), label, ..row }
        }
        _ => row,
    });
    Page {
        story,
        headline: story.sighting.message.lines().next().unwrap_or_default(),
        size: Case::parse(&story.case).map_or(Size::default(), |case| Size::of(&case)),
        lanes: lanes
            .map(|(number, name)| Lane { name, x: x(number), number: number % 4 })
            .collect(),
        bars: bars(story, x, y),
        arrows: arrows(story, x, y),
        rows: rows.collect(),
        width: GUTTER + lane_width * story.lanes.len().max(1),
        height: y(story.steps.len()) + 8,
        start: start(story) + 1,
        states: states(&story.states),
        attempt: story.attempt.as_ref(),
        occurrences: &story.occurrences,
    }
    .render()
}

/// The return of the op that has no place in any order; else the end.
fn start(story: &Story) -> usize {
    let end = story.steps.len().saturating_sub(1);
    let blocked = || {
        let (name, before) = &story.attempt.as_ref()?.place;
        let lane = story.lanes.iter().position(|lane| lane == name)?;
        let steps = story.steps.iter().enumerate().filter(|(_, step)| step.lane == lane);
        let (back, _) = steps.filter(|(_, step)| step.kind == Kind::Return).nth(*before)?;
        Some(back)
    };
    blocked().unwrap_or(end)
}

fn class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "call",
        Kind::Return => "return",
        Kind::Point => "point",
        Kind::Departure => "departure",
        Kind::Op => "op",
        Kind::Failure => "failure",
    }
}

fn label(step: &Step, letters: usize) -> String {
    let words = match step.kind {
        Kind::Return => format!("→ {}", step.text),
        Kind::Op if !step.place.is_empty() => format!("{}, {}", step.text, step.place),
        _ => step.text.clone(),
    };
    match words.chars().count() > letters {
        true => words.chars().take(letters - 1).chain(['…']).collect(),
        false => words,
    }
}

fn bars(story: &Story, x: impl Fn(usize) -> usize, y: impl Fn(usize) -> usize) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (at, step) in story.steps.iter().enumerate().filter(|(_, step)| step.kind == Kind::Call) {
        let mine = |(_, other): &(usize, &Step)| {
            other.lane == step.lane && matches!(other.kind, Kind::Return | Kind::Failure)
        };
        let end = story.steps.iter().enumerate().skip(at).find(mine);
        let end = end.map_or(story.steps.len() - 1, |(end, _)| end);
        let height = y(end) - y(at);
        bars.push(Bar { x: x(step.lane), y: y(at), height, lane: step.lane % 4 });
    }
    bars
}

/// From a forced switch to the thread that goes on.
fn arrows(story: &Story, x: impl Fn(usize) -> usize, y: impl Fn(usize) -> usize) -> Vec<String> {
    let steps = story.steps.iter().enumerate();
    let arrow = |(at, step): (usize, &Step)| {
        let to = step.text.strip_prefix("switch to ")?;
        let lane = story.lanes.iter().position(|name| name == to)?;
        let (from_x, from_y, to_x, to_y) = (x(step.lane), y(at), x(lane), y(at + 1));
        let middle = from_y.midpoint(to_y);
        Some(format!("M{from_x} {from_y} C{from_x} {middle} {to_x} {middle} {to_x} {to_y}"))
    };
    steps.filter(|(_, step)| step.kind == Kind::Departure).filter_map(arrow).collect()
}

fn states(pictures: &[Picture]) -> Vec<StateView> {
    let busy = busy(pictures);
    let mut before: Option<&Picture> = None;
    let mut views = Vec::new();
    for (index, picture) in pictures.iter().enumerate() {
        let tables = picture.tables.iter().map(|table| {
            let known =
                before.and_then(|before| before.tables.iter().find(|old| old.is_same(table)));
            table_view(table, known, &busy, before.is_none())
        });
        views.push(StateView { index, tables: tables.collect() });
        before = Some(picture);
    }
    views
}

/// The buckets that change in any state: by their table's generation, and index.
fn busy(pictures: &[Picture]) -> BTreeSet<(u64, usize)> {
    let mut busy = BTreeSet::new();
    for pair in pictures.windows(2) {
        for table in &pair[1].tables {
            let old = pair[0].tables.iter().find(|old| old.is_same(table));
            let Some(old) = old else { continue };
            for (index, bucket) in table.buckets.iter().enumerate() {
                if old.buckets.get(index) != Some(bucket) {
                    busy.insert((table.generation, index));
                }
            }
        }
    }
    busy
}

fn table_view(
    table: &Table,
    before: Option<&Table>,
    busy: &BTreeSet<(u64, usize)>,
    is_first: bool,
) -> TableView {
    let all = table.buckets.len();
    let is_shown = |index: usize| {
        let is_busy = busy.contains(&(table.generation, index));
        all <= BUCKETS_MAX || is_busy || table.mark == Some(index)
    };
    let shown: Vec<usize> =
        (0..all).filter(|&index| is_shown(index)).take(4 * BUCKETS_MAX).collect();
    let left_out = all - shown.len();
    let buckets = shown.into_iter().map(|index| {
        let bucket = &table.buckets[index];
        let same = match before {
            Some(before) => before.buckets.get(index) == Some(bucket),
            None => bucket.chain.iter().flatten().all(|slot| !slot.full),
        };
        BucketView {
            index,
            state: bucket.state.name(),
            is_changed: !same && !is_first,
            is_marked: table.mark == Some(index),
            chain: chain(bucket),
        }
    });
    let title = match table.mark {
        Some(mark) => format!("{} · mark {mark} of {all}", table.name),
        None => table.name.clone(),
    };
    TableView { title, buckets: buckets.collect(), left_out }
}

fn chain(bucket: &Bucket) -> Vec<Vec<SlotView>> {
    if bucket.state == State::Drained {
        return Vec::new();
    }
    let view = |one: &crate::picture::Slot| SlotView {
        text: slot(one),
        class: match (one.full, one.tophash) {
            (true, _) => "full",
            (false, 1) => "tombstone",
            (false, 2..=4) => "moved",
            _ => "empty",
        },
        title: match (one.full, one.tophash) {
            (true, tophash) => format!("tophash {tophash:#04x}"),
            (false, 0) => "empty, and so is the rest of the chain".to_string(),
            (false, 1) => "empty, but the chain goes on".to_string(),
            (false, 2) => "evacuated to the bucket of the same index".to_string(),
            (false, 3) => "evacuated to a bucket of a higher index".to_string(),
            (false, 4) => "was empty when its bucket was evacuated".to_string(),
            (false, tophash) => format!("tophash {tophash:#04x}, and no entry"),
        },
    };
    bucket.chain.iter().map(|slots| slots.iter().map(view).collect()).collect()
}

/// The index of findings.
#[derive(Template)]
#[template(path = "index.html")]
struct Index<'r> {
    lines: Vec<Line<'r>>,
    total: usize,
    program: &'static str,
}

struct Line<'r> {
    record: &'r Record,
    file: String,
    count: usize,
    first: &'r str,
    last: &'r str,
    size: Size,
}

/// The index of all findings; each has its page beside it.
///
/// # Errors
/// Never, unless a template is broken.
pub fn index(records: &[Record]) -> Result<String, askama::Error> {
    let mut lines: Vec<Line<'_>> = records
        .iter()
        .map(|record| {
            let (first, last) = record.seen();
            let size = record.smallest().map_or(Size::default(), |case| Size::of(&case));
            let file = format!("{}.html", record.stem());
            Line { record, file, count: record.occurrences.len(), first, last, size }
        })
        .collect();
    lines.sort_by(|a, b| b.last.cmp(a.last).then_with(|| a.record.name.cmp(&b.record.name)));
    let total = lines.iter().map(|line| line.count).sum();
    Index { lines, total, program: command() }.render()
}
