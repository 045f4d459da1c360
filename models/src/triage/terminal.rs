//! A story in a terminal: a lane for each thread, 100 columns, in colour or without.
//!
//! # Checked by
//! `tests/story.rs`.

use super::minimise::Size;
use super::story::{Attempt, Kind, Step, Story};
use crate::case::Case;
use crate::picture::{Bucket, Slot, State, Table};
use anstyle::{AnsiColor, Style};
use map_core::tophash::MIN_TOPHASH;
use std::fmt::Write;

/// Columns.
const WIDTH: usize = 100;
/// Columns for the number of a step.
const GUTTER: usize = 4;
/// Buckets shown of one change.
const BUCKETS_MAX: usize = 8;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const FORCED: Style = AnsiColor::Magenta.on_default();
const LANES: [AnsiColor; 4] =
    [AnsiColor::Cyan, AnsiColor::Yellow, AnsiColor::Green, AnsiColor::Blue];

/// The report, with colours; whoever prints it takes them out if need be.
pub fn report(story: &Story) -> String {
    let mut text = String::new();
    head(&mut text, story);
    lanes(&mut text, story);
    if let Some(attempt) = &story.attempt {
        order(&mut text, attempt);
    }
    rule(&mut text, "case");
    for line in story.case.lines() {
        let _ = writeln!(text, "{}", fit(format!("  {line}").trim_end(), WIDTH));
    }
    let _ = writeln!(text, "\nreplay: {}", story.replay);
    text
}

fn head(text: &mut String, story: &Story) {
    let _ = writeln!(text, "{BOLD}{}{BOLD:#}", story.name);
    let mut message = story.sighting.message.lines();
    for line in wrap(message.next().unwrap_or_default(), WIDTH) {
        let _ = writeln!(text, "{RED}{line}{RED:#}");
    }
    let _ = writeln!(text, "rule: {}", story.sighting.rule_told());
    let size = Case::parse(&story.case).map_or(Size::default(), |case| Size::of(&case));
    let times = story.occurrences.len();
    let _ = writeln!(text, "{size}; found {times} time{}", if times == 1 { "" } else { "s" });
}

fn rule(text: &mut String, title: &str) {
    let line = "─".repeat(WIDTH - title.chars().count() - 4);
    let _ = writeln!(text, "\n{DIM}──{DIM:#} {BOLD}{title}{BOLD:#} {DIM}{line}{DIM:#}");
}

fn style(lane: usize) -> Style {
    LANES[lane % LANES.len()].on_default()
}

fn lanes(text: &mut String, story: &Story) {
    rule(text, "what happened");
    let count = story.lanes.len().max(1);
    let width = (WIDTH - GUTTER) / count - 2;
    let mut line = " ".repeat(GUTTER);
    for (lane, name) in story.lanes.iter().enumerate() {
        let style = style(lane).bold();
        let _ = match lane + 1 == count {
            true => write!(line, "{DIM}│{DIM:#} {style}{}{style:#}", fit(name, width)),
            false => write!(line, "{DIM}│{DIM:#} {style}{}{style:#}", pad(name, width)),
        };
    }
    let _ = writeln!(text, "{line}");
    if !story.states.is_empty() {
        state(text, story, 0);
    }
    let mut shown = 0;
    for (number, step) in story.steps.iter().enumerate() {
        row(text, story, number + 1, step, width);
        if step.state > shown {
            for index in shown + 1..=step.state {
                state(text, story, index);
            }
            shown = step.state;
        }
    }
    if !story.states.is_empty() {
        for line in wrap(LEGEND, WIDTH - GUTTER - 4) {
            let _ = writeln!(text, "{}{DIM}{line}{DIM:#}", " ".repeat(GUTTER + 4));
        }
    }
}

/// A step, in its lane.
fn row(text: &mut String, story: &Story, number: usize, step: &Step, width: usize) {
    if step.kind == Kind::Failure {
        let lines = wrap(&step.text, WIDTH - GUTTER - 2);
        for (at, line) in lines.iter().enumerate() {
            let (number, mark) = match at {
                0 => (number.to_string(), "✗"),
                _ => (String::new(), " "),
            };
            let _ = writeln!(text, "{DIM}{number:>3}{DIM:#} {RED}{mark} {line}{RED:#}");
        }
        return;
    }
    let words = match step.kind {
        Kind::Call => format!("▶ {}", step.text),
        Kind::Return => format!("◀ {}", step.text),
        Kind::Point if step.place.is_empty() => format!("  · {}", step.text),
        Kind::Point => format!("  · {} {}", step.text, short(&step.place)),
        Kind::Departure => format!("  ⇄ {}", step.text),
        Kind::Op if step.place.is_empty() => step.text.clone(),
        Kind::Op => format!("{}, {}", step.text, step.place),
        Kind::Failure => String::new(),
    };
    let style = match step.kind {
        Kind::Point => Style::new(),
        Kind::Departure => FORCED,
        _ => style(step.lane).bold(),
    };
    let mut line = |number: &str, words: &str| {
        let _ = writeln!(
            text,
            "{DIM}{number:>3}{DIM:#} {}",
            in_lane(story, step.lane, width, style, words)
        );
    };
    line(&number.to_string(), &words);
    if step.kind == Kind::Departure && !step.place.is_empty() {
        line("", &format!("    {}", short(&step.place)));
    }
}

/// Words in their lane, the others beside it.
fn in_lane(story: &Story, lane: usize, width: usize, style: Style, words: &str) -> String {
    let mut line = format!("{DIM}│{DIM:#} {}", " ".repeat(width)).repeat(lane);
    let rest = story.lanes.len().max(1) - 1 - lane;
    let words = if rest == 0 { fit(words, width) } else { pad(words, width) };
    let _ = write!(line, "{DIM}│{DIM:#} {style}{words}{style:#}");
    for lane in 0..rest {
        let gap = if lane + 1 == rest { 0 } else { width + 1 };
        let _ = write!(line, "{DIM}│{DIM:#}{}", " ".repeat(gap));
    }
    line
}

/// `table 1 bucket 2` in few letters; of a file, its name.
fn short(place: &str) -> String {
    let words = place.split(' ').map(|word| word.rsplit('/').next().unwrap_or(word));
    words.collect::<Vec<_>>().join(" ").replace("table ", "t").replace(" bucket ", "·b")
}

/// What is new in a state.
fn state(text: &mut String, story: &Story, index: usize) {
    for (table, buckets) in story.changes(index) {
        let _ = writeln!(text, "{}{DIM}{}{DIM:#}", " ".repeat(GUTTER + 4), title(table));
        for (index, bucket) in buckets.iter().take(BUCKETS_MAX) {
            for (link, slots) in chain(bucket).iter().enumerate() {
                let lead = match link {
                    0 => format!("{index:>5} {:<9}", bucket.state.name()),
                    _ => format!("{:>5} {:<9}", "", "└ overflow"),
                };
                let line = format!("{}{lead} {slots}", " ".repeat(GUTTER + 2));
                let _ = writeln!(text, "{DIM}{}{DIM:#}", fit(line.trim_end(), WIDTH));
            }
        }
        if buckets.len() > BUCKETS_MAX {
            let more = buckets.len() - BUCKETS_MAX;
            let _ = writeln!(text, "{}{DIM}and {more} more{DIM:#}", " ".repeat(GUTTER + 4));
        }
    }
}

fn title(table: &Table) -> String {
    match table.mark {
        Some(mark) => format!("{}, mark {mark}/{}", table.name, table.buckets.len()),
        None => table.name.clone(),
    }
}

/// The slots of each bucket of a chain, in words.
fn chain(bucket: &Bucket) -> Vec<String> {
    if bucket.chain.is_empty() || matches!(bucket.state, State::Drained) {
        return vec![String::new()];
    }
    bucket.chain.iter().map(|slots| slots.iter().map(slot).collect::<Vec<_>>().join(" ")).collect()
}

/// What the letters of [`slot`] mean.
const LEGEND: &str = "· empty, as is the rest   ∅ empty   →low →high → evacuated   #05 full, frozen   (05) tophash, no entry   ?k entry, no tophash";

/// A slot in a few letters.
pub fn slot(slot: &Slot) -> String {
    match (slot.entry, slot.full, slot.tophash) {
        (Some((key, value)), _, tophash) if tophash < MIN_TOPHASH => format!("?k{key}=v{value}"),
        (Some((key, value)), ..) => format!("k{key}=v{value}"),
        (None, true, tophash) => format!("#{tophash:02x}"),
        (None, false, 0) => "·".to_string(),
        (None, false, 1) => "∅".to_string(),
        (None, false, 2) => "→low".to_string(),
        (None, false, 3) => "→high".to_string(),
        (None, false, 4) => "→".to_string(),
        (None, false, tophash) => format!("({tophash:02x})"),
    }
}

fn order(text: &mut String, attempt: &Attempt) {
    rule(text, &format!("an order of the ops on k{}", attempt.key));
    for (at, op) in attempt.order.iter().enumerate() {
        let _ = writeln!(text, "{:>3} {}", at + 1, fit(op, WIDTH - GUTTER));
    }
    for (at, line) in wrap(&attempt.blocked, WIDTH - GUTTER - 2).iter().enumerate() {
        let mark = if at == 0 { "✗" } else { " " };
        let _ = writeln!(text, "    {RED}{mark} {line}{RED:#}");
    }
    for line in &attempt.tried {
        for line in wrap(line, WIDTH - 8) {
            let _ = writeln!(text, "        {line}");
        }
    }
    if let Some(rival) = &attempt.rival {
        for line in wrap(&format!("where it fits, {rival} has no place"), WIDTH - 8) {
            let _ = writeln!(text, "        {line}");
        }
    }
}

/// At most so many columns.
fn fit(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width - 1).chain(['…']).collect(),
        false => text.to_string(),
    }
}

/// Exactly so many.
fn pad(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let missing = width - text.chars().count();
    format!("{text}{}", " ".repeat(missing))
}

/// Lines of so many columns at most, broken between words where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = fit(word, width);
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
