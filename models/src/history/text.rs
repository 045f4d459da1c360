//! The text form of a history: a line per event.
//!
//! As in a case, `#` begins a comment that fills a line, comments are kept, and blank lines and indentation mean
//! nothing. The first other line is `history VERSION`; then facts; then events. An op that the judges would pass over, whatever it
//! did (`drain`, `extend`), is refused.
//!
//! # Not here
//! Which event can follow which: see [`History::push`].
//! # Checked by
//! `tests/history.rs`.

use super::{Answer, History, Misplaced, VERSION, What};
use crate::case::{Expectation, Line, ParseError, comment, parse_op};
use crate::op::{Op, Ret};
use crate::oracles::linearizability::is_judged;
use crate::oracles::whole_map::{Contracts, Iteration, Length, Walk};
use std::fmt;

pub(super) fn print(history: &History, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "history {VERSION}")?;
    for line in &history.story {
        comment(f, "", line)?;
    }
    if let Expectation::Finding(oracle) = &history.expect {
        writeln!(f, "expect finding {oracle}")?;
    }
    let Contracts { iteration, length, walk } = history.contracts;
    writeln!(f, "contracts {} {} {}", iteration.name(), length.name(), walk.name())?;
    for (key, value) in &history.given {
        writeln!(f, "given k{key} v{value}")?;
    }
    writeln!(f, "\nevents")?;
    let mut notes = history.notes.iter().peekable();
    for at in 0..=history.events.len() {
        while let Some((_, note)) = notes.next_if(|(before, _)| *before <= at) {
            comment(f, "", note)?;
        }
        let Some(event) = history.events.get(at) else { break };
        let thread = &history.threads[event.thread];
        match &event.what {
            What::Call(op) => writeln!(f, "call {thread} {op}")?,
            What::Return(answer) => writeln!(f, "return {thread} {answer}")?,
            What::Panic => writeln!(f, "panic {thread}")?,
        }
    }
    Ok(())
}

pub(super) fn parse(text: &str) -> Result<History, ParseError> {
    let mut history = History::default();
    let (mut versioned, mut begun, mut last) = (false, false, 0);
    let mut said = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let mut line = Line::new(index + 1, raw);
        last = line.number;
        if let Some(text) = raw.trim().strip_prefix('#') {
            let text = text.strip_prefix(' ').unwrap_or(text).trim_end().to_string();
            if begun {
                history.notes.push((history.events.len(), text));
            } else {
                history.story.push(text);
            }
            continue;
        }
        let Some(word) = line.next_word() else { continue };
        if !versioned {
            line.version(word, "history", VERSION)?;
            versioned = true;
        } else if begun {
            event(&mut history, word, &mut line)?;
        } else if word == "events" {
            begun = true;
        } else {
            if word != "given" {
                line.once(word, &mut said)?;
            }
            fact(&mut history, word, &mut line)?;
        }
        line.finish()?;
    }
    let end = Line::new(last + 1, "");
    if !versioned {
        return Err(end.unexpected("the end of the file", &format!("`history {VERSION}`")));
    }
    if !begun {
        return Err(end.unexpected("the end of the file", FACTS));
    }
    Ok(history)
}

const FACTS: &str = "`expect`, `contracts`, `given` or `events`";

fn fact(history: &mut History, word: &str, line: &mut Line<'_>) -> Result<(), ParseError> {
    match word {
        "expect" => history.expect = line.expectation()?,
        "contracts" => {
            history.contracts = Contracts {
                iteration: line.choice("how iterations fit", Iteration::ALL, Iteration::name)?,
                length: line.choice("how `len` counts", Length::ALL, Length::name)?,
                walk: line.choice("how often a walk meets a key", Walk::ALL, Walk::name)?,
            };
        }
        "given" => {
            let key = number(line, 'k', "a key (k0 to k65535)")?;
            if history.given.iter().any(|&(other, _)| other == key) {
                return Err(line.unexpected(&format!("k{key}"), "a key not given yet"));
            }
            history.given.push((key, number(line, 'v', "a value (v0, v1, …)")?));
        }
        other => return Err(line.unexpected(other, FACTS)),
    }
    Ok(())
}

/// A number after its letter.
fn number<T: std::str::FromStr>(
    line: &mut Line<'_>,
    letter: char,
    expected: &str,
) -> Result<T, ParseError> {
    let word = line.word(expected)?;
    let number = word.strip_prefix(letter).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| line.unexpected(word, expected))
}

fn event(history: &mut History, word: &str, line: &mut Line<'_>) -> Result<(), ParseError> {
    if !["call", "return", "panic"].contains(&word) {
        return Err(line.unexpected(word, "`call`, `return` or `panic`"));
    }
    let thread = line.word("a thread's name")?;
    let known = history.threads.iter().position(|name| name == thread);
    let open = known.and_then(|thread| history.open(thread));
    let misplaced =
        |misplaced: Misplaced| line.error(format!("`{word} {thread}`"), misplaced.to_string());
    let what = match (word, open) {
        ("call", None) => {
            let name = line.word("an op")?;
            let op = parse_op(name, line)?;
            if !is_judged(op) {
                return Err(line.unexpected(name, "an op that can be judged beside others"));
            }
            What::Call(op)
        }
        ("call", Some(_)) => return Err(misplaced(Misplaced::StillOpen)),
        (_, None) => return Err(misplaced(Misplaced::NotOpen)),
        ("return", Some(op)) => What::Return(answer(op, line)?),
        _ => What::Panic,
    };
    history
        .push(thread, what)
        .map_err(|misplaced| line.error(format!("`{word} {thread}`"), misplaced.to_string()))
}

/// What kind of answer an op gives.
enum Shape {
    Unit,
    Flag,
    Value,
    Entry,
    Two,
    Count,
    Entries,
}

impl Shape {
    fn of(op: Op) -> Shape {
        match op {
            Op::ContainsKey(_) => Shape::Flag,
            Op::RemoveEntry(_) | Op::EntryRemoveEntry(_) | Op::GetKeyValue(_) => Shape::Entry,
            Op::GetDisjointMut(..) | Op::Compute(..) => Shape::Two,
            Op::Len => Shape::Count,
            Op::Iter | Op::View => Shape::Entries,
            _ if crate::oracles::linearizability::key_of(op).is_some() => Shape::Value,
            _ => Shape::Unit,
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Shape::Unit => "`nothing`",
            Shape::Flag => "`true` or `false`",
            Shape::Value => "`None` or `Some(v1)`",
            Shape::Entry => "`None` or `Some((k1, v1))`",
            Shape::Two => "two values, as in `[None, Some(v1)]`",
            Shape::Count => "a count",
            Shape::Entries => "entries, as in `{}` or `{k1 v1, k2 v2}`",
        }
    }

    fn read(&self, text: &str) -> Option<Answer> {
        Some(Answer::Ret(match self {
            Shape::Unit => (text == "nothing").then_some(Ret::Unit)?,
            Shape::Flag => Ret::Flag(text.parse().ok()?),
            Shape::Value => Ret::Value(value(text)?),
            Shape::Entry if text == "None" => Ret::Entry(None),
            Shape::Entry => {
                let (key, value) =
                    text.strip_prefix("Some((")?.strip_suffix("))")?.split_once(", ")?;
                Ret::Entry(Some((lettered(key, 'k')?, lettered(value, 'v')?)))
            }
            Shape::Two => {
                let (a, b) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(", ")?;
                Ret::Two([value(a)?, value(b)?])
            }
            Shape::Count => Ret::Count(text.parse().ok()?),
            Shape::Entries => {
                let inner = text.strip_prefix('{')?.strip_suffix('}')?;
                if inner.is_empty() {
                    return Some(Answer::Entries(Vec::new()));
                }
                let entry = |text: &str| {
                    let (key, value) = text.split_once(' ')?;
                    Some((lettered(key, 'k')?, lettered(value, 'v')?))
                };
                return inner.split(", ").map(entry).collect::<Option<_>>().map(Answer::Entries);
            }
        }))
    }
}

fn value(text: &str) -> Option<Option<u64>> {
    if text == "None" {
        return Some(None);
    }
    Some(Some(lettered(text.strip_prefix("Some(")?.strip_suffix(')')?, 'v')?))
}

fn lettered(text: &str, letter: char) -> Option<u64> {
    text.strip_prefix(letter)?.parse().ok()
}

fn answer(op: Op, line: &mut Line<'_>) -> Result<Answer, ParseError> {
    let mut text = String::new();
    while let Some(word) = line.next_word() {
        let space = if text.is_empty() { "" } else { " " };
        text = text + space + word;
    }
    let shape = Shape::of(op);
    let expected = || format!("{}, for `{op}`", shape.expected());
    if text.is_empty() {
        return Err(line.unexpected("the end of the line", &expected()));
    }
    shape.read(&text).ok_or_else(|| line.unexpected(&text, &expected()))
}
