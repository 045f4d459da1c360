//! Reading a recording: text to steps, or the first line that is not as it should be.

use crate::generators::hashers::Hasher;
use std::collections::BTreeSet;
use std::fmt;

/// The columns that say what a map's state is after a step, in the order of [`Step::state`].
const STATE_COLUMNS: [&str; STATE] = [
    "len",
    "B",
    "noverflow",
    "growing",
    "samesize",
    "nevacuate",
    "fl_iterator",
    "fl_olditerator",
    "digest_live",
];

/// How many of them there are.
pub(super) const STATE: usize = 9;

/// The hash functions of the recordings, by their names there.
const HASHES: [(&str, Hasher); 4] = [
    ("ident", Hasher::Identity),
    ("mix", Hasher::Mix),
    ("low3", Hasher::Low3),
    ("zero", Hasher::Zero),
];

/// A recording.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its name.
    pub name: String,
    /// Its hash function.
    pub hasher: Hasher,
    /// The capacity hint of the first map.
    pub hint: u64,
    /// What was done.
    pub steps: Vec<Step>,
}

/// One step: an op, its answer, the state after it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line of the file, from 1.
    pub line: usize,
    /// Its number in the recording.
    pub number: u64,
    /// What was done.
    pub op: Op,
    /// What was answered.
    pub outputs: [u64; 3],
    /// The state columns.
    pub state: [u64; STATE],
}

/// What Go's map was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns' own names")]
pub enum Op {
    Init,
    Reset { hint: u64 },
    Put { key: u64, value: u64 },
    Get { key: u64 },
    Del { key: u64 },
    Clear,
    IterNew { id: u64, start: u64, offset: u64 },
    IterNext { id: u64 },
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Init => f.write_str("init"),
            Op::Reset { hint } => write!(f, "reset {hint}"),
            Op::Put { key, value } => write!(f, "put {key} {value}"),
            Op::Get { key } => write!(f, "get {key}"),
            Op::Del { key } => write!(f, "del {key}"),
            Op::Clear => f.write_str("clear"),
            Op::IterNew { id, start, offset } => write!(f, "iter_new {id} {start} {offset}"),
            Op::IterNext { id } => write!(f, "iter_next {id}"),
        }
    }
}

/// Why a file is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for ReadError {}

fn fault<T>(line: usize, problem: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError { line, problem: problem.into() })
}

impl Trace {
    /// Reads a recording.
    ///
    /// # Errors
    /// The first line that is not as it should be, and what is wrong with it.
    pub fn read(text: &str) -> Result<Trace, ReadError> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let mut trace = match lines.next() {
            Some((_, line)) => title(line)?,
            None => {
                return fault(1, "the file is empty; `# trace=NAME hash=H hint=N` was expected");
            }
        };
        let columns = match lines.next() {
            Some((_, line)) => Columns::read(line)?,
            None => return fault(2, "the file ends before the names of the columns"),
        };
        let mut open = BTreeSet::new();
        let mut last = 2;
        for (number, line) in lines {
            last = number;
            if line.is_empty() {
                continue;
            }
            let step = columns.step(number, line)?;
            match step.op {
                Op::IterNew { id, .. } => {
                    open.insert(id);
                }
                Op::IterNext { id } if !open.contains(&id) => {
                    return fault(number, format!("iterator {id} was never opened, or has ended"));
                }
                Op::IterNext { id } if step.outputs[0] == 0 => {
                    open.remove(&id);
                }
                Op::Reset { .. } => open.clear(),
                _ => {}
            }
            trace.steps.push(step);
        }
        if trace.steps.is_empty() {
            return fault(last, "the recording has no steps");
        }
        Ok(trace)
    }
}

/// Line 1: `# trace=NAME hash=H hint=N keys=u64 vals=u64`.
fn title(line: &str) -> Result<Trace, ReadError> {
    let Some(facts) = line.strip_prefix('#') else {
        return fault(1, format!("`# trace=NAME hash=H hint=N` was expected, found {line:?}"));
    };
    let fact = |name: &str| {
        let mut words = facts.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let Some(hash) = fact("hash") else { return fault(1, "there is no `hash=`") };
    let names = HASHES.map(|(name, _)| name).join(", ");
    let Some(&(_, hasher)) = HASHES.iter().find(|(name, _)| *name == hash) else {
        return fault(1, format!("hash `{hash}` is not one of {names}"));
    };
    let hint = fact("hint").unwrap_or("0");
    let Ok(hint) = hint.parse::<i64>() else {
        return fault(1, format!("hint `{hint}` is not a number"));
    };
    // Go takes a negative hint for 0.
    let hint = hint.max(0) as u64;
    for name in ["keys", "vals"] {
        if let Some(other) = fact(name).filter(|&what| what != "u64") {
            return fault(1, format!("{name} are `{other}`; only u64 can be replayed"));
        }
    }
    let name = fact("trace").unwrap_or("unnamed").to_string();
    Ok(Trace { name, hasher, hint, steps: Vec::new() })
}

/// Where each column stands.
struct Columns {
    count: usize,
    step: usize,
    op: usize,
    inputs: [usize; 3],
    outputs: [usize; 3],
    state: [usize; STATE],
    /// Not compared (a map may free what it has evacuated), but the last, so that a line that was
    /// cut off shows here.
    digest_full: Option<usize>,
}

impl Columns {
    fn read(line: &str) -> Result<Columns, ReadError> {
        let names: Vec<&str> = line.split(',').map(str::trim).collect();
        let at = |name: &str| match names.iter().position(|&known| known == name) {
            Some(at) => Ok(at),
            None => fault(2, format!("there is no column `{name}`")),
        };
        let mut state = [0; STATE];
        for (place, name) in state.iter_mut().zip(STATE_COLUMNS) {
            *place = at(name)?;
        }
        Ok(Columns {
            count: names.len(),
            step: at("step")?,
            op: at("op")?,
            inputs: [at("a")?, at("b")?, at("c")?],
            outputs: [at("out0")?, at("out1")?, at("out2")?],
            state,
            digest_full: names.iter().position(|&name| name == "digest_full"),
        })
    }

    fn step(&self, line: usize, text: &str) -> Result<Step, ReadError> {
        let cells: Vec<&str> = text.split(',').map(str::trim).collect();
        if cells.len() != self.count {
            let (found, expected) = (cells.len(), self.count);
            return fault(line, format!("{found} columns; {expected} were expected"));
        }
        let digest = |at: usize, name: &str| match u64::from_str_radix(cells[at], 16) {
            Ok(digest) if cells[at].len() == 16 => Ok(digest),
            _ => fault(line, format!("{name} is {:?}, not 16 hex digits", cells[at])),
        };
        let number = |at: usize, name: &str| match cells[at].parse::<u64>() {
            Ok(number) => Ok(number),
            Err(_) => fault(line, format!("{name} is {:?}, not a number", cells[at])),
        };
        let [a, b, c] = self.inputs;
        let op = match cells[self.op] {
            "init" => Op::Init,
            "reset" => Op::Reset { hint: number(a, "a (hint)")? },
            "put" => Op::Put { key: number(a, "a (key)")?, value: number(b, "b (value)")? },
            "get" => Op::Get { key: number(a, "a (key)")? },
            "del" => Op::Del { key: number(a, "a (key)")? },
            "clear" => Op::Clear,
            "iter_new" => Op::IterNew {
                id: number(a, "a (iterator)")?,
                start: number(b, "b (start bucket)")?,
                offset: number(c, "c (offset)")?,
            },
            "iter_next" => Op::IterNext { id: number(a, "a (iterator)")? },
            other => {
                let known = "init, reset, put, get, del, clear, iter_new, iter_next";
                return fault(line, format!("op `{other}` is not one of {known}"));
            }
        };
        let mut outputs = [0; 3];
        for (place, (at, name)) in
            outputs.iter_mut().zip(self.outputs.into_iter().zip(["out0", "out1", "out2"]))
        {
            *place = number(at, name)?;
        }
        let mut state = [0; STATE];
        for (place, (at, name)) in state.iter_mut().zip(self.state.into_iter().zip(STATE_COLUMNS)) {
            *place = if name == "digest_live" { digest(at, name)? } else { number(at, name)? };
        }
        if let Some(at) = self.digest_full {
            digest(at, "digest_full")?;
        }
        Ok(Step { line, number: number(self.step, "step")?, op, outputs, state })
    }
}
