//! A sighting: what went wrong in a run, as one process tells another.
//!
//! # Checked by
//! `tests/triage.rs`.

use super::signature::{Phase, class_of, symptom};
use crate::case::{Case, Forced};
use crate::engines::judge::ALLOWED;
use crate::engines::shuttle::{RACE, RECLAMATION};
use crate::finding::Finding;
use crate::history::History;
use crate::oracles::linearizability::{self, Budget, Outcome, Witness, check};
use crate::oracles::{drops, iteration, panics, reference, well_formed, work};
use crate::trace::Event;
use serde::{Deserialize, Serialize};

/// This oracle's name: the process that ran the case ended by itself.
pub const CRASH: &str = "crash";
/// This oracle's name: the run did not come to an end.
pub const HANG: &str = "hang";

/// What a run of a case came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Came {
    /// No oracle objects. How it was run.
    Passed(String),
    /// One does.
    Failed(Box<Sighting>),
    /// The case cannot be run; why.
    Unfit(String),
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The oracle that objects.
    pub oracle: String,
    /// The rule that was broken.
    pub rule: String,
    /// What kind of failure it is, in a word or a few.
    pub symptom: String,
    /// The contents are wrong as well.
    #[serde(default)]
    pub contents: bool,
    /// What was expected and what was seen.
    pub detail: String,
    /// The whole message.
    pub message: String,
    /// The op objected to, counted from 0; the number of ops if it was the end.
    pub at: usize,
    /// What that op was doing.
    pub op: Option<String>,
    /// What kind of op that is.
    pub class: String,
    /// How far the map had grown.
    pub phase: Phase,
    /// What departed from the ordinary in this run, a line each as in a case.
    pub schedule: Vec<String>,
}

impl Sighting {
    /// Of a finding and the schedule that led to it.
    pub fn new(finding: &Finding, schedule: &[Forced]) -> Sighting {
        let Finding { objection, at, op, growth } = finding;
        let blocked = witness(&objection.detail).map(|(history, witness)| {
            let op = history.operations()[witness.blocked].op;
            (class_of(op.kind()).to_string(), witness)
        });
        let (blocked_class, witness) = blocked.unzip();
        let class = blocked_class.or(op.map(|op| class_of(op.kind()).to_string()));
        Sighting {
            oracle: objection.oracle.to_string(),
            rule: objection.rule.clone(),
            symptom: symptom(objection, witness.as_ref()),
            contents: objection.also.is_some(),
            detail: objection.detail.clone(),
            message: finding.to_string(),
            at: *at,
            op: op.map(|op| op.to_string()),
            class: class.unwrap_or_else(|| "end".to_string()),
            phase: growth.map_or(Phase::Unknown, Phase::of),
            schedule: schedule.iter().map(ToString::to_string).collect(),
        }
    }

    /// Of a run that took its process with it.
    pub fn of_a_crash(detail: String) -> Sighting {
        Sighting::of_a_process(CRASH, "a run does not end its process", detail)
    }

    /// Of a run that did not end.
    pub fn of_a_hang(detail: String) -> Sighting {
        Sighting::of_a_process(HANG, "every op comes to an end", detail)
    }

    fn of_a_process(oracle: &str, rule: &str, detail: String) -> Sighting {
        Sighting {
            oracle: oracle.to_string(),
            rule: rule.to_string(),
            symptom: super::signature::slug(&detail),
            contents: false,
            message: format!("{oracle}: {detail}\nrule: {rule}"),
            detail,
            at: 0,
            op: None,
            class: "unknown".to_string(),
            phase: Phase::Unknown,
            schedule: Vec::new(),
        }
    }

    /// Says in which op a run of one thread took its process with it, or got stuck: in its trace, that is the last one begun.
    pub fn locate(&mut self, case: &Case, events: &[Event]) {
        let mut begun = events.iter().rev().filter_map(|event| match event {
            Event::Begun { at } => Some(*at),
            _ => None,
        });
        let Some(at) = begun.next().filter(|_| self.ended_its_process()) else { return };
        let op = case.ops().get(at);
        let place = op.map_or("the end of the run".to_string(), |op| format!("op {at} {op}"));
        let Sighting { oracle, rule, detail, .. } = self;
        self.message = format!("{oracle}: {place}: {detail}\nrule: {rule}");
        self.class = op.map_or("end", |op| class_of(op.kind())).to_string();
        self.op = op.map(ToString::to_string);
        self.at = at;
    }

    /// Is it the same failure? The oracle, the symptom; and what kind of op it was, where that is what the rule is about:
    /// which op comes upon a broken structure, or upon growth work not done, is chance. Of a history without an order, which
    /// op is the one too many, and so the symptom, is chance as well. The contents and the phase of the growth are left open:
    /// they are the smallest case's.
    pub fn is_like(&self, other: &Sighting) -> bool {
        self.oracle == other.oracle
            && (self.oracle == linearizability::NAME
                || self.symptom == other.symptom
                    && (self.is_structural()
                        || self.ended_its_process()
                        || self.oracle == work::NAME
                        || family(&self.class) == family(&other.class)))
    }

    /// Can it stand for the other, in a short case of such ops? A broken structure goes before all that shows of one, be it a wrong
    /// order, a crash, or another claim that breaks next: which of them a case comes to is chance. But a run by one thread
    /// is looked at after every op: if it kept the structure and was wrong all the same, there may be two bugs. (Where `Hash` lies,
    /// only the number of entries is looked at.) What only cursors rely on stands for what they miss, and that for it; and
    /// which outcomes are allowed, of another case nobody knows.
    pub fn stands_for(&self, other: &Sighting) -> bool {
        let of_one_thread = [reference::NAME, work::NAME, iteration::NAME, drops::NAME];
        let kept_the_structure =
            of_one_thread.contains(&other.oracle.as_str()) && other.rule != reference::LENGTH;
        self.is_structural() && !kept_the_structure
            || self.is_like(other) && other.oracle != ALLOWED
            || self.oracle == iteration::NAME && other.is_of_cursors()
    }

    /// Is it about what cursors yield, or about what they alone rely on?
    pub fn is_of_cursors(&self) -> bool {
        self.oracle == iteration::NAME || self.symptom == "breaks-present"
    }

    /// Did it take the process with it?
    pub fn is_crash(&self) -> bool {
        self.oracle == CRASH
    }

    /// Did it, or did it never end? Of such a run only a trace says which op it was.
    pub fn ended_its_process(&self) -> bool {
        self.is_crash() || self.oracle == HANG
    }

    /// Is it about the inside of a map?
    fn is_structural(&self) -> bool {
        let oracles = [well_formed::NAME, RECLAMATION, RACE, panics::BARRIER];
        oracles.contains(&self.oracle.as_str()) || self.rule == panics::UNASKED
    }

    /// Gives a case the schedule of this run. A process that crashed could not say it; the case keeps its own then, and it does if
    /// its loads may be stale and none was: without, it would be run, and judged, by other rules.
    pub fn reschedule(&self, case: &mut Case) {
        let schedule = self.forced();
        let again = Case { schedule, ..case.clone() };
        if !again.schedule.is_empty() && (again.reads_stale() || !case.reads_stale()) {
            *case = again;
        }
    }

    /// The rule; of a claim that the map makes about its structure, in a sentence, too.
    pub fn rule_told(&self) -> String {
        match well_formed::claim(&self.rule).filter(|_| self.oracle == well_formed::NAME) {
            Some(sentence) => format!("{}: {sentence}", self.rule),
            None => self.rule.clone(),
        }
    }

    /// The schedule of this run.
    pub fn forced(&self) -> Vec<Forced> {
        self.schedule.iter().flat_map(|line| line.parse()).collect()
    }
}

/// Kinds of ops that go the same way in a map.
fn family(class: &str) -> &str {
    match class {
        "drain" | "into-iter" => "clear",
        class => class,
    }
}

/// The history in an objection's detail, and why its ops have no order.
pub fn witness(detail: &str) -> Option<(History, Witness)> {
    let history = history(detail)?;
    match check(&history, Budget::default()) {
        Outcome::Illegal(witness) => Some((history, *witness)),
        _ => None,
    }
}

/// The history in an objection's detail.
pub fn history(detail: &str) -> Option<History> {
    let at = detail.find("\nhistory ")?;
    History::parse(&detail[at + 1..]).ok()
}
