//! A picture of a map's tables: what a reader of the algorithm would draw.
//!
//! # Not here
//! Drawing it: see `triage::terminal` and `triage::page`.
//! # Checked by
//! `tests/trace.rs`.

use map_core::concurrent::{BucketState, ConcurrentTable};
use map_core::{GrowthKind, View};
use serde::{Deserialize, Serialize};

/// The tables of a map, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// One, or more while the map grows.
    pub tables: Vec<Table>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What to call it.
    pub name: String,
    /// Which of the map's tables it is: each growth makes the next one.
    pub generation: u64,
    /// How far its evacuation has come, if there is a newer one.
    pub mark: Option<usize>,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
}

impl Table {
    /// Is it this table, seen at another moment? One that becomes the old table changes its name, and a map that takes
    /// another's place begins to count again.
    pub fn is_same(&self, other: &Table) -> bool {
        self.generation == other.generation && self.buckets.len() == other.buckets.len()
    }
}

/// A bucket and those it overflows to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Where it is in its life.
    pub state: State,
    /// Slots, bucket by bucket of the chain.
    pub chain: Vec<Vec<Slot>>,
}

/// Where a bucket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing was evacuated to it yet.
    Unborn,
    /// It holds the truth for its hashes.
    Live,
    /// It does, and a thread has locked it.
    Locked,
    /// Its entries are in the newer table.
    Evacuated,
    /// They are, and its memory was given back.
    Drained,
}

impl State {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            State::Unborn => "unborn",
            State::Live => "live",
            State::Locked => "locked",
            State::Evacuated => "evacuated",
            State::Drained => "drained",
        }
    }
}

/// A slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its tophash, or what stands in its place: see `map_core::tophash`.
    pub tophash: u8,
    /// An entry is in it.
    pub full: bool,
    /// The entry's numbers, if it can be looked at.
    pub entry: Option<(u64, u64)>,
}

impl Picture {
    /// Of a sequential map.
    pub fn of_map<K, V>(view: &View<'_, K, V>, show: impl Fn(&K, &V) -> (u64, u64)) -> Picture {
        let bucket_of = |table: &map_core::TableView<'_, K, V>, index: usize, state: State| {
            let chain =
                std::iter::successors(Some(table.bucket(index)), |bucket| bucket.overflow());
            let slots = |bucket: map_core::BucketView<'_, K, V>| {
                let tophashes = bucket.tophashes().into_iter().enumerate();
                let slot = tophashes.map(|(slot, tophash)| {
                    let entry = bucket.slot(slot).map(|(key, value)| show(key, value));
                    Slot { tophash, full: entry.is_some(), entry }
                });
                slot.collect()
            };
            Bucket { state, chain: chain.map(slots).collect() }
        };
        let mut tables = Vec::new();
        let old = view.old_table();
        if let Some(old) = &old {
            let state =
                |index| if old.is_evacuated(index) { State::Evacuated } else { State::Live };
            let buckets = (0..old.buckets()).map(|index| bucket_of(old, index, state(index)));
            let name = format!("old 2^{}", old.buckets_log2());
            let (generation, mark) = (old.generation(), Some(view.mark()));
            tables.push(Table { name, generation, mark, buckets: buckets.collect() });
        }
        let new = view.table();
        if new.is_allocated() {
            let unborn = |index: usize| {
                old.as_ref().is_some_and(|old| {
                    new.buckets() >= old.buckets() && !old.is_evacuated(index & (old.buckets() - 1))
                })
            };
            let state = |index| if unborn(index) { State::Unborn } else { State::Live };
            let buckets = (0..new.buckets()).map(|index| bucket_of(&new, index, state(index)));
            let name = match view.growing() {
                None => format!("table 2^{}", new.buckets_log2()),
                Some(kind) => format!("new 2^{} ({})", new.buckets_log2(), kind_name(kind)),
            };
            let generation = new.generation();
            tables.push(Table { name, generation, mark: None, buckets: buckets.collect() });
        }
        Picture { tables }
    }

    /// Every bucket, with its table and its place there.
    pub fn buckets(&self) -> impl Iterator<Item = (&Table, usize, &Bucket)> {
        let of = |table| move |(at, bucket)| (table, at, bucket);
        self.tables.iter().flat_map(move |table| table.buckets.iter().enumerate().map(of(table)))
    }

    /// Every slot.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.buckets().flat_map(|(_, _, bucket)| bucket.chain.iter().flatten())
    }

    /// Of a concurrent map.
    pub fn of_concurrent(tables: Vec<ConcurrentTable<(u64, u64)>>) -> Picture {
        let newest = tables.len().saturating_sub(1);
        let table = |(at, table): (usize, ConcurrentTable<(u64, u64)>)| {
            let log2 = table.buckets.len().ilog2();
            let kind = table.kind.filter(|_| at > 0);
            let kind = kind.map_or(String::new(), |kind| format!(" ({})", kind_name(kind)));
            let buckets = table.buckets.into_iter().map(|bucket| Bucket {
                state: match bucket.state {
                    BucketState::Unborn => State::Unborn,
                    BucketState::Live => State::Live,
                    BucketState::Locked => State::Locked,
                    BucketState::Evacuated => State::Evacuated,
                    BucketState::Drained => State::Drained,
                },
                chain: bucket.chain.into_iter().map(|slots| slots.map(slot).to_vec()).collect(),
            });
            Table {
                name: format!("table {} 2^{log2}{kind}", table.generation),
                generation: table.generation,
                mark: (at < newest).then_some(table.claimed),
                buckets: buckets.collect(),
            }
        };
        Picture { tables: tables.into_iter().enumerate().map(table).collect() }
    }
}

fn slot(slot: map_core::concurrent::ConcurrentSlot<(u64, u64)>) -> Slot {
    Slot { tophash: slot.tophash, full: slot.is_full, entry: slot.entry }
}

fn kind_name(kind: GrowthKind) -> &'static str {
    match kind {
        GrowthKind::Doubled => "doubling",
        GrowthKind::SameSize => "same size",
        GrowthKind::Explicit => "explicit",
    }
}
