//! A schedule as a case keeps it: what was forced, at named moments.
//!
//! ```text
//! schedule
//!   switch writer.0 claimed-bucket#1+2 to reader     # had reached the moment a 2nd time and taken 2 steps since
//!   switch reader.end to writer                      # had done its last op
//!   stall writer.0 copying-bucket#0+0                # for ever
//!   read reader.0 start+3 back 1                     # a load returned the store before the latest
//!   defer writer.0 about-to-retire-entry#0+0         # what it retired stayed in a batch to the end
//!   recycle writer.0 about-to-retire-segment#0+0     # from here on drained segments were used again
//! end
//! ```
//! `writer.0` is the thread in its first op, of those that the map under test can do (an `extend` that it lacks is inserts);
//! `start` is the op's call, before any named moment. A schedule says only
//! what departs from the ordinary: a thread goes on until it ends or waits, then the first that can goes on; loads
//! return the latest store. Steps are counted from a moment of the protocol and not from the beginning, so a schedule
//! survives changes to the code that are not about that moment.
//!
//! # Checked by
//! `tests/case_text.rs`, `tests/replay.rs`.

use super::text::{Line, ParseError};
use map_core::platform::Point;
use std::fmt;
use std::str::FromStr;

/// Where a thread is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The thread's name.
    pub thread: String,
    /// Its place, or `None` when it has done its last op.
    pub at: Option<At>,
}

/// Where in its ops a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At {
    /// Which op, counted from 0.
    pub op: usize,
    /// The named moment it reached last in this op; `None`: the op's call.
    pub point: Option<Point>,
    /// How often it had reached it before, in this op.
    pub occurrence: u32,
    /// How many operations it has done since.
    pub steps: u32,
}

/// What departs from the ordinary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// This thread goes on instead.
    Switch(String),
    /// The thread never goes on.
    Stall,
    /// A load returns a store so many back from the latest.
    Read(usize),
    /// A store goes so many back from the last in the modification order.
    Write(usize),
    /// What is retired stays in its batch: pins that begin later may miss its unlinking.
    Defer,
    /// From here on drained segments are used again as soon as nobody may hold them.
    Recycle,
    /// The thread gives up the evacuation it is at.
    Abandon,
    /// The insertion starts a growth that nothing asks for.
    Grow,
}

/// A departure and its moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forced {
    /// When: it is what the thread does next, or is chosen in its stead.
    pub moment: Moment,
    /// What.
    pub departure: Departure,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(At { op, point, occurrence, steps }) = self.at else {
            return write!(f, "{}.end", self.thread);
        };
        write!(f, "{}.{op} ", self.thread)?;
        match point {
            Some(point) => write!(f, "{point}#{occurrence}+{steps}"),
            None => write!(f, "start+{steps}"),
        }
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forced { moment, departure } = self;
        match departure {
            Departure::Switch(to) => write!(f, "switch {moment} to {to}"),
            Departure::Stall => write!(f, "stall {moment}"),
            Departure::Read(back) => write!(f, "read {moment} back {back}"),
            Departure::Write(back) => write!(f, "write {moment} back {back}"),
            Departure::Defer => write!(f, "defer {moment}"),
            Departure::Recycle => write!(f, "recycle {moment}"),
            Departure::Abandon => write!(f, "abandon {moment}"),
            Departure::Grow => write!(f, "grow {moment}"),
        }
    }
}

impl Forced {
    /// The threads that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let to = match &self.departure {
            Departure::Switch(to) => Some(to.as_str()),
            _ => None,
        };
        std::iter::once(self.moment.thread.as_str()).chain(to)
    }
}

impl FromStr for Forced {
    type Err = ParseError;

    /// Reads one line of a schedule.
    fn from_str(text: &str) -> Result<Forced, ParseError> {
        let mut line = Line::new(1, text);
        let word = line.word("a departure")?;
        let forced = forced(word, &mut line)?;
        line.finish()?;
        Ok(forced)
    }
}

/// Reads the departure that begins with `word`.
pub(super) fn forced(word: &str, line: &mut Line<'_>) -> Result<Forced, ParseError> {
    const WORDS: [&str; 8] =
        ["switch", "stall", "read", "write", "defer", "recycle", "abandon", "grow"];
    if !WORDS.contains(&word) {
        let words = WORDS.map(|word| format!("`{word}`")).join(", ");
        return Err(line.unexpected(word, &format!("{words} or `end`")));
    }
    let moment = moment(line)?;
    let departure = match word {
        "switch" => {
            keyword(line, "to")?;
            Departure::Switch(line.word("a thread's name")?.to_string())
        }
        "stall" => Departure::Stall,
        "defer" => Departure::Defer,
        "recycle" => Departure::Recycle,
        "abandon" => Departure::Abandon,
        "grow" => Departure::Grow,
        _ => {
            keyword(line, "back")?;
            let back = line.number("how many stores back")?;
            if word == "read" { Departure::Read(back) } else { Departure::Write(back) }
        }
    };
    Ok(Forced { moment, departure })
}

fn keyword(line: &mut Line<'_>, keyword: &str) -> Result<(), ParseError> {
    let expected = format!("`{keyword}`");
    match line.word(&expected)? {
        word if word == keyword => Ok(()),
        word => Err(line.unexpected(word, &expected)),
    }
}

fn moment(line: &mut Line<'_>) -> Result<Moment, ParseError> {
    const WHO: &str = "a thread and its op (`writer.0`) or its end (`writer.end`)";
    const WHERE: &str = "a moment and steps (`copying-bucket#0+2`, `start+3`)";
    let who = line.word(WHO)?;
    let (thread, op) = who.rsplit_once('.').ok_or_else(|| line.unexpected(who, WHO))?;
    let thread = thread.to_string();
    if op == "end" {
        return Ok(Moment { thread, at: None });
    }
    let op = op.parse().map_err(|_| line.unexpected(who, WHO))?;
    let place = line.word(WHERE)?;
    let at = at(op, place).ok_or_else(|| line.unexpected(place, WHERE))?;
    Ok(Moment { thread, at: Some(at) })
}

fn at(op: usize, place: &str) -> Option<At> {
    let (point, steps) = place.rsplit_once('+')?;
    let steps = steps.parse().ok()?;
    if point == "start" {
        return Some(At { op, point: None, occurrence: 0, steps });
    }
    let (name, occurrence) = point.split_once('#')?;
    Some(At {
        op,
        point: Some(Point::from_name(name)?),
        occurrence: occurrence.parse().ok()?,
        steps,
    })
}
