//! What a failure is called: the same for the same bug, whatever case shows it.
//!
//! ```text
//!   lost-entry · get×evacuate · doubling · about-to-publish-evacuated→search-chain
//!   symptom      operations     phase      where the threads stood at the last forced switches
//! ```
//! It is made of a *minimal* case and its sighting: what such a case has, the failure needs. It names nothing that
//! unrelated edits to the code change: no line, no step, no key, no count.
//!
//! Failures are one bug if oracle, symptom and operations agree. Where in a growth a bug first shows, and between which
//! two moments of a race, differs from one minimal case to the next: these are told of the smallest.
//!
//! # Checked by
//! `tests/triage.rs`.

use super::sighting::Sighting;
use crate::case::schedule::Departure;
use crate::case::{Case, Forced};
use crate::op::{Kind, Op};
use crate::oracles::linearizability::Witness;
use crate::oracles::{Objection, linearizability, panics, reference, well_formed};
use crate::picture::Picture;
use crate::subject::Growth;
use crate::trace::Event;
use map_core::platform::Point;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far the map had grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// There was no growth yet.
    BeforeGrowth,
    /// To twice as many buckets.
    Doubling,
    /// To as many buckets.
    SameSize,
    /// To another number: `reserve` or `shrink_to`.
    Explicit,
    /// One growth within another.
    Nested,
    /// A growth had ended, none was under way.
    AfterGrowth,
    /// The map does not say.
    Unknown,
}

impl Phase {
    /// Of a map's growth.
    pub fn of(growth: Growth) -> Phase {
        let new = 1_usize << growth.buckets_log2;
        match growth.old_buckets {
            None if growth.started == 0 => Phase::BeforeGrowth,
            None => Phase::AfterGrowth,
            Some(old) if old == new => Phase::SameSize,
            Some(old) if 2 * old == new => Phase::Doubling,
            Some(_) => Phase::Explicit,
        }
    }

    /// The most that was going on in a run: what the finding says, or its pictures.
    pub fn of_run(said: Phase, events: &[Event]) -> Phase {
        let (mut most, mut buckets) = (said, None);
        let mut raise = |phase: Phase| {
            if phase.busyness() > most.busyness() {
                most = phase;
            }
        };
        for event in events {
            let Event::State(picture) = event else { continue };
            raise(Phase::of_picture(picture));
            let now = picture.tables.last().map(|table| table.buckets.len());
            // A small growth begins and ends between two pictures.
            if buckets.is_some() && now > buckets {
                raise(Phase::Doubling);
            }
            buckets = now;
        }
        most
    }

    fn of_picture(picture: &Picture) -> Phase {
        match &picture.tables[..] {
            [] | [_] => Phase::BeforeGrowth,
            [old, new] if old.buckets.len() == new.buckets.len() => Phase::SameSize,
            [_, _] => Phase::Doubling,
            _ => Phase::Nested,
        }
    }

    fn busyness(self) -> u8 {
        match self {
            Phase::Unknown => 0,
            Phase::BeforeGrowth => 1,
            Phase::AfterGrowth => 2,
            Phase::Doubling => 3,
            Phase::Explicit | Phase::SameSize => 4,
            Phase::Nested => 5,
        }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::BeforeGrowth => "before-growth",
            Phase::Doubling => "doubling",
            Phase::SameSize => "same-size",
            Phase::Explicit => "explicit",
            Phase::Nested => "nested",
            Phase::AfterGrowth => "after-growth",
            Phase::Unknown => "any-phase",
        }
    }
}

/// What a failure is called. See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signature {
    /// The oracle that objects.
    pub oracle: String,
    /// What kind of failure it is: the rule, as a person would call it.
    pub symptom: String,
    /// What kind of op failed, and what kind did the damage.
    pub pair: [String; 2],
    /// How far the map had grown.
    pub phase: Phase,
    /// Where the threads stood at the last forced switches.
    pub points: Vec<String>,
}

/// How many points a signature names.
const POINTS_MAX: usize = 2;

impl Signature {
    /// Of a case, minimal if it is to be the same for every case of the bug, and what came of it.
    pub fn of(case: &Case, sighting: &Sighting) -> Signature {
        let pair = match case.is_sequential() {
            true => [sighting.class.clone(), damage(case, sighting)],
            false => racing(case),
        };
        let points = case.schedule.iter().filter_map(point).collect::<Vec<String>>();
        let last = points.len().saturating_sub(POINTS_MAX);
        Signature {
            oracle: sighting.oracle.clone(),
            symptom: match sighting.contents {
                true => format!("{}+contents", sighting.symptom),
                false => sighting.symptom.clone(),
            },
            pair,
            phase: sighting.phase,
            points: points[last..].to_vec(),
        }
    }

    /// What failures of one bug have in common.
    pub fn bug(&self) -> String {
        format!("{}: {}", self.oracle, self.head())
    }

    /// The same without the oracle: how the signature in words begins.
    pub(super) fn head(&self) -> String {
        let Signature { symptom, pair: [failed, damage], .. } = self;
        format!("{symptom} · {failed}×{damage}")
    }

    /// The bug's name for files: letters, digits and hyphens.
    pub fn slug(&self) -> String {
        let [failed, damage] = &self.pair;
        let words = slug(&format!("{}-{failed}-{damage}", self.symptom));
        let at = words.char_indices().nth(70).map_or(words.len(), |(at, _)| at);
        words[..at].trim_end_matches('-').to_string()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signature { phase, points, .. } = self;
        write!(f, "{} · {}", self.head(), phase.name())?;
        if !points.is_empty() {
            write!(f, " · {}", points.join("→"))?;
        }
        Ok(())
    }
}

/// The name of the moment of a departure.
fn point(forced: &Forced) -> Option<String> {
    let at = forced.moment.at?;
    Some(at.point.map_or("start".to_string(), |point| point.to_string()))
}

/// In a sequential case: the kind of the last op before the one that failed that does more than fill the map and make it
/// grow; or the growth itself.
fn damage(case: &Case, sighting: &Sighting) -> String {
    const DAMAGING: [&str; 9] =
        ["remove", "clear", "retain", "drain", "into-iter", "cursor", "panic", "clone", "shrink"];
    let before = case.ops().iter().take(sighting.at).map(|op| class_of(op.kind()));
    let mut suspects = before.filter(|class| DAMAGING.contains(class) && *class != sighting.class);
    match (suspects.next_back(), sighting.phase) {
        (Some(class), _) => class.to_string(),
        (None, _) if sighting.class == "evacuate" => "insert".to_string(),
        (None, Phase::BeforeGrowth | Phase::Unknown) => "insert".to_string(),
        (None, Phase::Explicit) => "reserve".to_string(),
        (None, _) => "evacuate".to_string(),
    }
}

/// In a concurrent case: the kinds of ops that race, in the order of their names, whichever thread does them. That is the op
/// left at the last forced switch and the one that went on instead; of a case without a switch, all that are not there to
/// see what came of the others.
fn racing(case: &Case) -> [String; 2] {
    let at_last = (0..case.schedule.len()).rev().find_map(|at| switched(case, at));
    let mut kinds: Vec<&str> = match at_last {
        Some(pair) => pair.to_vec(),
        None => {
            let ops = case.running().iter().flat_map(|thread| &thread.ops);
            // That a thread may give up is a matter of growth work, too.
            let gives_up = |forced: &Forced| forced.departure == Departure::Abandon;
            let growth_work = case.schedule.iter().any(gives_up).then_some("evacuate");
            ops.map(class).chain(growth_work).collect()
        }
    };
    kinds.sort_unstable();
    if at_last.is_none() {
        kinds.dedup();
        if kinds.len() > 2 {
            kinds.retain(|class| *class != "get");
        }
    }
    match &kinds[..] {
        [] => ["nothing".to_string(), "nothing".to_string()],
        [one] => [one.to_string(), one.to_string()],
        [one, others @ ..] => [one.to_string(), others.join("×")],
    }
}

fn class(op: &Op) -> &'static str {
    class_of(op.kind())
}

/// The ops that a forced switch leaves and goes on with: the first write there, if there is one, from where that thread was
/// left last.
fn switched(case: &Case, at: usize) -> Option<[&'static str; 2]> {
    let Forced { moment, departure: Departure::Switch(to) } = &case.schedule[at] else {
        return None;
    };
    let ops = |name: &str| case.threads.iter().find(|thread| thread.name == name);
    let stood = moment.at?;
    let left = ops(&moment.thread)?.ops.get(stood.op)?;
    let before = case.schedule[..at].iter().filter(|forced| forced.moment.thread == *to);
    let from = before.filter_map(|forced| forced.moment.at).next_back().map_or(0, |at| at.op);
    let rest = ops(to)?.ops.get(from..)?;
    let goes_on = rest.iter().find(|op| class(op) != "get").or(rest.first())?;
    let left = if stood.point.is_some_and(is_growth_work) { "evacuate" } else { class(left) };
    Some([left, class(goes_on)])
}

/// Is a write at this moment at the work that it owes a growth? That is the same whatever it wrote.
fn is_growth_work(point: Point) -> bool {
    (Point::ClaimedBucket..=Point::AboutToRetireTable).contains(&point)
}

/// Ops that do the same to a map have one class.
pub fn class_of(kind: Kind) -> &'static str {
    use Kind::*;
    match kind {
        Get | ContainsKey | GetKeyValue | GetMut | GetDisjointMut | EntryDrop => "get",
        Insert | EntryOrInsert | EntryOrInsertWith | EntryOrDefault | EntryAndModify
        | EntryInsert | EntryReplace | Extend | FillToThreshold => "insert",
        Update | UpdateWithin | Compute => "update",
        Remove | RemoveEntry | EntryRemove | EntryRemoveEntry => "remove",
        CursorOpen | CursorOpenAnywhere | CursorStep | CursorClose => "cursor",
        Iter | IterMut | KeysValues | ValuesMut | View | Check => "iterate",
        IntoIter | IntoIterDrop | IntoKeysValues => "into-iter",
        Retain | RetainValues | ExtractIf | ExtractIfDrop => "retain",
        Drain | DrainDrop => "drain",
        Clone | CloneSwap => "clone",
        Clear => "clear",
        Reserve | TryReserve | TryReserveTooMuch | TryReserveRefused => "reserve",
        ShrinkTo | ShrinkToFit => "shrink",
        Evacuate | EvacuateTo => "evacuate",
        SetOrder => "set-order",
        PanicAt => "panic",
        Len => "len",
    }
}

/// What kind of failure an objection is about, in a few words.
pub(super) fn symptom(objection: &Objection, witness: Option<&Witness>) -> String {
    let Objection { oracle, rule, detail, .. } = objection;
    if let Some(kind) = differs(detail).filter(|_| *oracle == reference::NAME) {
        return kind.to_string();
    }
    match *oracle {
        well_formed::NAME => format!("breaks-{}", slug(rule)),
        linearizability::NAME => witness.map_or("unordered", blocked).to_string(),
        panics::NAME => match detail.split('"').nth(1) {
            Some(said) => format!("{oracle}-{}", words(&slug(said), WORDS_MAX)),
            None => slug(rule),
        },
        _ => match rule.as_str() {
            "all the spec holds is there"
            | "an entry there throughout is yielded"
            | "an iterator yields until there is no more" => "lost-entry".to_string(),
            "nothing else is there" | "a removed entry is not yielded" => "ghost-entry".to_string(),
            "a key is yielded once" | "an entry is yielded at most once" => {
                "twice-entry".to_string()
            }
            "every value is the spec's" | "an entry is yielded with its current value" => {
                "wrong-value".to_string()
            }
            "len is the number of entries" => "wrong-len".to_string(),
            rule => slug(rule),
        },
    }
}

/// How the answer in "returned A, the spec says B" differs.
fn differs(detail: &str) -> Option<&'static str> {
    let (seen, spec) = detail.strip_prefix("returned ")?.split_once(", the spec says ")?;
    Some(match (seen, spec) {
        ("None" | "false", _) => "lost-entry",
        (_, "None" | "false") => "ghost-entry",
        _ => "wrong-value",
    })
}

/// How the answer of a witness's blocked op differs from all that the spec would say.
fn blocked(witness: &Witness) -> &'static str {
    let message = witness.to_string();
    let first = message.lines().next().unwrap_or_default();
    let none = |text: &str| text == "None" || text == "false" || text.starts_with("[None");
    let seen = first.rsplit_once(" returned ").map_or("", |(_, rest)| rest);
    let seen = seen.split("; no order").next().unwrap_or_default();
    let spec: Vec<bool> =
        witness.alternatives.iter().map(|one| none(&one.spec.to_string())).collect();
    match none(seen) {
        true if spec.iter().all(|none| !none) => "lost-entry",
        false if spec.iter().all(|&none| none) && !spec.is_empty() => "ghost-entry",
        _ => "stale-value",
    }
}

/// The most words of a panic's message that go into a symptom.
const WORDS_MAX: usize = 5;

/// The first words of a name.
fn words(slug: &str, count: usize) -> String {
    slug.split('-').take(count).collect::<Vec<_>>().join("-")
}

/// Words as a name: small letters and digits, hyphens between; articles and numbers left out.
pub(super) fn slug(words: &str) -> String {
    let words = words.split(|letter: char| !letter.is_ascii_alphanumeric());
    let kept = words.filter(|word| {
        let dull = ["", "a", "an", "the", "s"];
        !dull.contains(word) && !word.starts_with(|letter: char| letter.is_ascii_digit())
    });
    let kept: Vec<String> = kept.map(str::to_ascii_lowercase).collect();
    kept.join("-")
}
