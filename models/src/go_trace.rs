//! Recordings of Go's map, replayed on `map_core::Map`: every answer, every state column, the digest.
//!
//! A recording is a table of steps (`corpus/README.md` has the format). Line 1 names it, its hash
//! function and the first capacity hint, line 2 the columns, each further line a step: an op, what
//! it answered, and the state of the map after it.
//!
//! # Invariants
//! - **exact**: the map is made to evacuate in Go's order; nothing else is arranged.
//! # Not here
//! Reading the tables of figures that come with the recordings: that is `tests/go_tables.rs`.
//! # Checked by
//! `tests/go_traces.rs`.

mod read;

pub use read::{Op, ReadError, Step, Trace};

use crate::finding::{FNV_OFFSET, fnv_step};
use crate::generators::hashers::{Hasher, ModelState};
use map_core::{BucketView, Cursor, EvacuationOrder, GrowthKind, Map, TableView};
use std::collections::BTreeMap;
use std::fmt;

/// The map a recording is replayed on.
pub type GoMap = Map<u64, u64, ModelState>;

/// The largest capacity hint for which Go allocates nothing.
const HINT_ALLOCATES_NOTHING: u64 = 8;

/// The largest for which Go can ask for memory: 2^48 bytes of 144-byte buckets. Past it, the hint
/// counts as 0.
const HINT_MAX: u64 = (1 << 48) / 144;

/// A map made as Go's `make(map[uint64]uint64, hint)` makes one.
pub fn make(hasher: Hasher, hint: u64) -> GoMap {
    let state = ModelState::new(hasher);
    let hint = if hint > HINT_MAX { 0 } else { hint };
    let mut map = if hint <= HINT_ALLOCATES_NOTHING {
        Map::with_hasher(state)
    } else {
        Map::with_capacity_and_hasher(hint as usize, state)
    };
    map.set_evacuation_order(EvacuationOrder::Go);
    map
}

/// Where a replay and its recording part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the file, from 1.
    pub line: usize,
    /// The step's number.
    pub step: u64,
    /// The step, as recorded.
    pub op: String,
    /// Which column.
    pub column: &'static str,
    /// What the recording has.
    pub expected: String,
    /// What the map gave.
    pub seen: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { line, step, op, column, expected, seen } = self;
        write!(
            f,
            "go-trace: step {step} {op} has {column} {seen}, Go has {expected}   [line {line}]"
        )
    }
}

/// Replays a recording; returns how many steps agreed if all did.
///
/// # Errors
/// The first column of the first step that differs.
pub fn replay(trace: &Trace) -> Result<usize, Box<Difference>> {
    let mut player = Player {
        hasher: trace.hasher,
        map: make(trace.hasher, trace.hint),
        iterators: BTreeMap::new(),
    };
    for step in &trace.steps {
        let outputs = player.play(step);
        let seen = outputs.into_iter().zip(["out0", "out1", "out2"]);
        let answers = seen
            .zip(step.outputs)
            .map(|((seen, column), expected)| (column, seen.to_string(), expected.to_string()));
        let state = player.state().into_iter().zip(step.state);
        let state = state.map(|((column, seen), expected)| {
            let show = |value: u64| match column {
                "digest_live" => format!("{value:016x}"),
                _ => value.to_string(),
            };
            (column, show(seen), show(expected))
        });
        if let Some((column, seen, expected)) =
            answers.chain(state).find(|(_, seen, expected)| seen != expected)
        {
            return Err(Box::new(Difference {
                line: step.line,
                step: step.number,
                op: step.op.to_string(),
                column,
                expected,
                seen,
            }));
        }
    }
    Ok(trace.steps.len())
}

struct Player {
    hasher: Hasher,
    map: GoMap,
    iterators: BTreeMap<u64, Cursor>,
}

impl Player {
    fn play(&mut self, step: &Step) -> [u64; 3] {
        match step.op {
            Op::Init => [0, 0, 0],
            Op::Reset { hint } => {
                self.iterators.clear();
                self.map = make(self.hasher, hint);
                [0, 0, 0]
            }
            Op::Put { key, value } => [self.map.insert(key, value).is_none().into(), 0, 0],
            Op::Get { key } => match self.map.get(&key) {
                Some(&value) => [1, value, 0],
                None => [0, 0, 0],
            },
            Op::Del { key } => [self.map.remove(&key).is_some().into(), 0, 0],
            Op::Clear => {
                self.map.clear();
                [0, 0, 0]
            }
            Op::IterNew { id, start, offset } => {
                let cursor = self.map.cursor_at(start as usize, offset as usize);
                let is_live = !cursor.is_finished();
                self.iterators.insert(id, cursor);
                [is_live.into(), 0, 0]
            }
            Op::IterNext { id } => {
                let Some(cursor) = self.iterators.get_mut(&id) else { return [0, 0, 0] };
                match cursor.next(&self.map) {
                    Some((&key, &value)) => [1, key, value],
                    None => {
                        self.iterators.remove(&id);
                        [0, 0, 0]
                    }
                }
            }
        }
    }

    /// The state columns, in the order of [`Step::state`].
    fn state(&self) -> [(&'static str, u64); read::STATE] {
        let growth = self.map.growth_state();
        let is_growing = growth.growing.is_some();
        [
            ("len", self.map.len() as u64),
            ("B", growth.buckets_log2.into()),
            ("noverflow", growth.overflow_buckets as u64),
            ("growing", is_growing.into()),
            ("samesize", (growth.growing == Some(GrowthKind::SameSize)).into()),
            ("nevacuate", growth.mark as u64),
            ("fl_iterator", growth.cursor_on_table.into()),
            ("fl_olditerator", growth.cursor_on_old_table.into()),
            ("digest_live", digest_live(&self.map)),
        ]
    }
}

/// The digest of a map's buckets in which an evacuated old bucket counts as that and no more.
pub fn digest_live(map: &GoMap) -> u64 {
    let view = map.view();
    let mut hash = FNV_OFFSET;
    digest_table(&mut hash, &view.table());
    if let Some(old) = view.old_table() {
        hash = fnv_step(hash, 0xAA);
        digest_table(&mut hash, &old);
    }
    hash
}

fn digest_table(hash: &mut u64, table: &TableView<'_, u64, u64>) {
    if !table.is_allocated() {
        *hash = fnv_step(*hash, 0xFF);
        return;
    }
    for index in 0..table.buckets() {
        if table.is_evacuated(index) {
            *hash = fnv_step(*hash, 0xEE);
            continue;
        }
        let mut next = Some(table.bucket(index));
        while let Some(bucket) = next {
            digest_bucket(hash, &bucket);
            next = bucket.overflow();
        }
        *hash = fnv_step(*hash, 0xE0);
    }
}

fn digest_bucket(hash: &mut u64, bucket: &BucketView<'_, u64, u64>) {
    *hash = fnv_step(*hash, 0xB0);
    let tophashes = bucket.tophashes();
    for tophash in tophashes {
        *hash = fnv_step(*hash, tophash);
    }
    for slot in 0..tophashes.len() {
        if let Some((key, value)) = bucket.slot(slot) {
            for byte in key.to_le_bytes().into_iter().chain(value.to_le_bytes()) {
                *hash = fnv_step(*hash, byte);
            }
        }
    }
}
