//! The text form of a case: a line per fact, a line per op.
//!
//! A line is a keyword and its arguments. `#` begins a comment that fills a line; comments are kept, but for those in a
//! schedule. Blank lines and indentation mean nothing. The first line that is neither is `case VERSION`.
//!
//! # Not here
//! What the ops mean: see `op`.
//! # Checked by
//! `tests/round_trips.rs`, `tests/case_text.rs`.

use super::schedule::{self, Forced};
use super::{Case, Elements, Expectation, GIVEN, Thread, VERSION};
use crate::generators::hashers::Hasher;
use crate::op::{Argument, CURSORS, Kind, Op, Order, Site};
use crate::oracles;
use std::fmt;

/// Why a text is no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: expected {}, found {}", self.line, self.expected, self.found)
    }
}

impl std::error::Error for ParseError {}

pub(super) fn print(case: &Case, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "case {VERSION}")?;
    for line in &case.story {
        comment(f, "", line)?;
    }
    match case.hasher.seed() {
        Some(seed) => writeln!(f, "hasher {} {seed}", case.hasher.name())?,
        None => writeln!(f, "hasher {}", case.hasher.name())?,
    }
    writeln!(f, "order {}", case.order.name())?;
    writeln!(f, "elements {}", case.elements.name())?;
    writeln!(f, "capacity {}", case.capacity)?;
    // That it ought to pass goes without saying: of a case that fails it would read as what came of it.
    if let Expectation::Finding(oracle) = &case.expect {
        writeln!(f, "expect finding {oracle}")?;
    }
    for thread in &case.threads {
        writeln!(f, "\nthread {}", thread.name)?;
        let mut notes = thread.notes.iter().peekable();
        for at in 0..=thread.ops.len() {
            while let Some((_, note)) = notes.next_if(|(before, _)| *before <= at) {
                comment(f, "  ", note)?;
            }
            if let Some(op) = thread.ops.get(at) {
                writeln!(f, "  {op}")?;
            }
        }
        writeln!(f, "end")?;
    }
    if !case.schedule.is_empty() {
        writeln!(f, "\nschedule")?;
        for forced in &case.schedule {
            writeln!(f, "  {forced}")?;
        }
        writeln!(f, "end")?;
    }
    Ok(())
}

pub(crate) fn comment(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    if text.is_empty() { writeln!(f, "{indent}#") } else { writeln!(f, "{indent}# {text}") }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        let mut result = Ok(());
        self.arguments(|argument, raw| {
            let written = match argument {
                Argument::Key => write!(f, " k{raw}"),
                Argument::Value => write!(f, " v{raw}"),
                Argument::Count | Argument::Small => write!(f, " {raw}"),
                Argument::Cursor => write!(f, " c{}", argument.reduce(raw)),
                Argument::Distance => write!(f, " {:+}", raw as u8 as i8),
                Argument::Site => write!(f, " {}", Site::ALL[raw as usize].name()),
                Argument::Order => write!(f, " {}", Order::ALL[raw as usize].name()),
            };
            if result.is_ok() {
                result = written;
            }
        });
        result
    }
}

const HEADERS: &str = "`hasher`, `order`, `elements`, `capacity`, `expect` or `thread`";

pub(super) fn parse(text: &str) -> Result<Case, ParseError> {
    let mut reader = Reader::default();
    let mut last = 0;
    for (index, raw) in text.lines().enumerate() {
        let mut line = Line::new(index + 1, raw);
        last = line.number;
        if let Some(text) = raw.trim().strip_prefix('#') {
            let text = text.strip_prefix(' ').unwrap_or(text).trim_end().to_string();
            if !reader.comment(text) {
                return Err(line.unexpected(raw.trim(), "no comment between or after threads"));
            }
        } else if let Some(word) = line.next_word() {
            reader.line(word, &mut line)?;
            line.finish()?;
        }
    }
    let end = Line::new(last + 1, "");
    let expected = match reader.place {
        Place::Start => &format!("`case {VERSION}`"),
        Place::Header => HEADERS,
        Place::Thread(_) => "an op or `end`",
        Place::Schedule => "a departure or `end`",
        Place::Between | Place::End => return Ok(reader.case),
    };
    Err(end.unexpected("the end of the file", expected))
}

/// What has been read.
struct Reader<'a> {
    case: Case,
    /// Words of the header that have come.
    said: Vec<&'a str>,
    place: Place,
}

/// Where the next line is.
enum Place {
    /// Before the version.
    Start,
    Header,
    Thread(Thread),
    /// Behind a thread.
    Between,
    Schedule,
    /// Behind the schedule.
    End,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        let case = Case { threads: Vec::new(), ..Case::default() };
        Reader { case, said: Vec::new(), place: Place::Start }
    }
}

impl<'a> Reader<'a> {
    /// Keeps a comment; false where there may be none.
    fn comment(&mut self, text: String) -> bool {
        match &mut self.place {
            Place::Start | Place::Header => self.case.story.push(text),
            Place::Thread(thread) => thread.notes.push((thread.ops.len(), text)),
            Place::Schedule => {}
            Place::Between | Place::End => return false,
        }
        true
    }

    fn line(&mut self, word: &'a str, line: &mut Line<'a>) -> Result<(), ParseError> {
        let Reader { case, said, place } = self;
        match place {
            Place::Start => {
                line.version(word, "case", VERSION)?;
                *place = Place::Header;
            }
            Place::Thread(thread) if word == "end" => {
                case.threads.push(std::mem::take(thread));
                *place = Place::Between;
            }
            Place::Thread(thread) => thread.ops.push(op(word, line)?),
            Place::Schedule if word == "end" => {
                *place = if case.schedule.is_empty() { Place::Between } else { Place::End };
            }
            Place::Schedule => case.schedule.push(departure(case, word, line)?),
            Place::Header | Place::Between if word == "thread" => {
                let name = line.word("a thread's name")?;
                if case.threads.iter().any(|thread| thread.name == name) {
                    return Err(line.unexpected(name, "a name that no other thread has"));
                }
                *place = Place::Thread(Thread { name: name.to_string(), ..Thread::default() });
            }
            Place::Header => {
                line.once(word, said)?;
                header(case, word, line)?;
            }
            Place::Between if case.threads.len() == 1 => {
                return Err(line.unexpected(word, "`thread` or the end of the file"));
            }
            Place::Between if word == "schedule" => *place = Place::Schedule,
            Place::Between => {
                return Err(line.unexpected(word, "`thread`, `schedule` or the end of the file"));
            }
            Place::End => return Err(line.unexpected(word, "the end of the file")),
        }
        Ok(())
    }
}

/// Reads a departure, of threads that there are; the setup's is there in any case.
fn departure(case: &Case, word: &str, line: &mut Line<'_>) -> Result<Forced, ParseError> {
    let forced = schedule::forced(word, line)?;
    let is_thread =
        |name: &str| name == GIVEN || case.threads.iter().any(|thread| thread.name == name);
    if let Some(stranger) = forced.names().find(|name| !is_thread(name)) {
        let names = list(case.threads.iter().map(|thread| thread.name.as_str()));
        return Err(line.unexpected(stranger, &format!("one of the threads ({names})")));
    }
    Ok(forced)
}

fn header(case: &mut Case, word: &str, line: &mut Line<'_>) -> Result<(), ParseError> {
    match word {
        "hasher" => {
            let expected = format!("a hasher ({})", list(Hasher::ALL.map(Hasher::name)));
            let name = line.word(&expected)?;
            let found = Hasher::ALL.into_iter().find(|hasher| hasher.name() == name);
            case.hasher = found.ok_or_else(|| line.unexpected(name, &expected))?;
            if let Some(seed) = case.hasher.seed_mut() {
                *seed = line.number("a seed (0 to 65535)")?;
            }
        }
        "order" => {
            case.order = line.choice("an order", Order::ALL, Order::name)?;
        }
        "elements" => {
            case.elements = line.choice("element types", Elements::ALL, Elements::name)?;
        }
        "capacity" => case.capacity = line.number("a capacity (0 to 65535)")?,
        "expect" => case.expect = line.expectation()?,
        other => return Err(line.unexpected(other, HEADERS)),
    }
    Ok(())
}

/// Reads the op that begins with `word`.
pub(crate) fn op(word: &str, line: &mut Line<'_>) -> Result<Op, ParseError> {
    let kind = Kind::named(word).ok_or_else(|| {
        let alike = |name: &&str| name.chars().next() == word.chars().next();
        let near = list(Kind::ALL.iter().map(|kind| kind.name()).filter(alike));
        let hint =
            if near.is_empty() { String::new() } else { format!(" (with this letter: {near})") };
        line.unexpected(word, &format!("an op{hint} or `end`"))
    })?;
    Op::build(kind, |argument| line.argument(kind, argument))
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// A line being read, word by word.
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    words: std::str::SplitWhitespace<'a>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(number: usize, text: &'a str) -> Self {
        Line { number, words: text.split_whitespace() }
    }

    pub(crate) fn next_word(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    pub(crate) fn error(&self, found: String, expected: String) -> ParseError {
        ParseError { line: self.number, found, expected }
    }

    pub(crate) fn unexpected(&self, found: &str, expected: &str) -> ParseError {
        let found =
            if found.starts_with("the end") { found.to_string() } else { format!("`{found}`") };
        self.error(found, expected.to_string())
    }

    /// A word that a line may begin with only if no line has: `said` are those that did.
    pub(crate) fn once(&self, word: &'a str, said: &mut Vec<&'a str>) -> Result<(), ParseError> {
        if said.contains(&word) {
            return Err(self.error("a second".to_string(), format!("only one `{word}`")));
        }
        said.push(word);
        Ok(())
    }

    pub(crate) fn word(&mut self, expected: &str) -> Result<&'a str, ParseError> {
        self.next_word().ok_or_else(|| self.unexpected("the end of the line", expected))
    }

    pub(crate) fn number<T: std::str::FromStr>(&mut self, expected: &str) -> Result<T, ParseError> {
        let word = self.word(expected)?;
        word.parse().map_err(|_| self.unexpected(word, expected))
    }

    pub(crate) fn choice<T: Copy, const N: usize>(
        &mut self,
        what: &str,
        all: [T; N],
        name: fn(T) -> &'static str,
    ) -> Result<T, ParseError> {
        let expected = format!("{what} ({})", list(all.map(name)));
        let word = self.word(&expected)?;
        all.into_iter()
            .find(|&one| name(one) == word)
            .ok_or_else(|| self.unexpected(word, &expected))
    }

    /// The version of a format, after the word for that: there is but one.
    pub(crate) fn version(
        &mut self,
        word: &str,
        format: &str,
        only: u32,
    ) -> Result<(), ParseError> {
        let expected = format!("`{format} {only}`");
        if word != format {
            return Err(self.unexpected(word, &expected));
        }
        let word = self.word(&expected)?;
        match word.parse::<u32>() {
            Ok(version) if version == only => Ok(()),
            Ok(other) => {
                let expected = format!("version {only}, the only one this program reads");
                Err(self.error(format!("version {other}"), expected))
            }
            Err(_) => Err(self.unexpected(word, "a version number")),
        }
    }

    pub(crate) fn expectation(&mut self) -> Result<Expectation, ParseError> {
        let expected = "`pass` or `finding ORACLE`";
        match self.word(expected)? {
            "pass" => Ok(Expectation::Pass),
            "finding" => {
                let oracle = self.choice("an oracle", oracles::NAMES, |name| name)?;
                Ok(Expectation::Finding(oracle.to_string()))
            }
            other => Err(self.unexpected(other, expected)),
        }
    }

    fn argument(&mut self, kind: Kind, argument: Argument) -> Result<u16, ParseError> {
        let expected = match argument {
            Argument::Key => "a key (k0 to k65535)",
            Argument::Value => "a value (v0 to v65535)",
            Argument::Count => "a count (0 to 65535)",
            Argument::Small => "a count (0 to 255)",
            Argument::Cursor => "a cursor (c0 to c3)",
            Argument::Distance => "a distance (-128 to +127)",
            Argument::Site => "a site (hash, eq, clone, drop, closure)",
            Argument::Order => "an order (go, in-order)",
        };
        let expected = format!("{expected} for `{}`", kind.name());
        let word = self.word(&expected)?;
        let after = |letter| word.strip_prefix(letter);
        let raw = match argument {
            Argument::Key => after('k').and_then(|digits| digits.parse().ok()),
            Argument::Value => after('v').and_then(|digits| digits.parse().ok()),
            Argument::Count => word.parse().ok(),
            Argument::Small => word.parse::<u8>().ok().map(u16::from),
            Argument::Cursor => {
                let cursor = after('c').and_then(|digits| digits.parse::<u16>().ok());
                cursor.filter(|&cursor| usize::from(cursor) < CURSORS)
            }
            Argument::Distance => word.parse::<i8>().ok().map(|distance| distance as u8 as u16),
            Argument::Site => {
                Site::ALL.iter().position(|site| site.name() == word).map(|at| at as u16)
            }
            Argument::Order => {
                Order::ALL.iter().position(|order| order.name() == word).map(|at| at as u16)
            }
        };
        raw.ok_or_else(|| self.unexpected(word, &expected))
    }

    pub(crate) fn finish(&mut self) -> Result<(), ParseError> {
        match self.next_word() {
            Some(extra) => Err(self.unexpected(extra, "the end of the line")),
            None => Ok(()),
        }
    }
}
