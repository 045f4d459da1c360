//! What the threads of a case do to a `ConcurrentMap`, on whichever platform.
//!
//! Each op is done under a pin of its own. The ops are those of [`KINDS`](crate::input::threads::KINDS).
//!
//! # Not here
//! When they do it: the engines. Whether the answers are right: see `judge`.
//! # Checked by
//! `tests/catalogue.rs`.

use crate::case::Case;
use crate::elements::{Key, Ledger, Value};
use crate::generators::hashers::ModelState;
use crate::history::Answer;
use crate::op::{Decision, Op, Ret, decide, stays};
use crate::picture::Picture;
use map_core::ConcurrentMap;
use map_core::concurrent::{Breach, Computed, Operation};
use map_core::growth::entries_max;
use map_core::platform::Platform;

/// A map that the threads of a case share.
pub struct Program<K, V, P: Platform> {
    map: ConcurrentMap<K, V, ModelState, P>,
}

/// What the platform should do while a case's `given` ops run.
pub trait Setup {
    /// From now on, gives up every evacuation of an old bucket from this one on; `None`: none.
    fn abandon_from(bucket: Option<usize>);
}

impl<K: Key, V: Value, P: Platform + Setup> Program<K, V, P> {
    /// The map of a case, with its `given` ops done.
    ///
    /// `evacuate-to j` begins a growth, unless one is under way, and evacuates the old buckets below `j`.
    pub fn new(case: &Case) -> Self {
        let hasher = ModelState::new(case.hasher);
        let map = ConcurrentMap::with_capacity_and_hasher(case.capacity as usize, hasher);
        let program = Program { map };
        for (at, &op) in case.given().iter().enumerate() {
            match op {
                Op::EvacuateTo(mark) => program.grow_to_mark(mark as usize),
                op => drop(program.apply(op, at as u32)),
            }
        }
        P::abandon_from(None);
        program
    }

    fn grow_to_mark(&self, mark: usize) {
        P::abandon_from(Some(mark));
        let pin = self.map.pin();
        let newest = self.map.health().buckets_log2;
        pin.reserve((entries_max(newest) + 1).saturating_sub(self.map.len()));
    }
}

impl<K: Key, V: Value, P: Platform> Program<K, V, P> {
    /// Does an op, the `stamp`-th of the run.
    ///
    /// # Panics
    /// If a shared map has no such op.
    pub fn apply(&self, op: Op, stamp: u32) -> Answer {
        let pin = self.map.pin();
        let key = |k: u16| K::make(k, stamp);
        let value = |v: u16| V::make(v as u64);
        let number = |value: Option<&V>| Ret::Value(value.map(V::number));
        let entry =
            |entry: Option<(&K, &V)>| Ret::Entry(entry.map(|(k, v)| (k.number(), v.number())));
        Answer::Ret(match op {
            Op::Get(k) => number(pin.get(&key(k))),
            Op::ContainsKey(k) => Ret::Flag(pin.contains_key(&key(k))),
            Op::GetKeyValue(k) => entry(pin.get_key_value(&key(k))),
            Op::Insert(k, v) => number(pin.insert(key(k), value(v))),
            Op::Remove(k) => number(pin.remove(&key(k))),
            Op::RemoveEntry(k) => entry(pin.remove_entry(&key(k))),
            Op::EntryOrInsert(k, v) => {
                Ret::Value(Some(pin.get_or_insert(key(k), value(v)).number()))
            }
            Op::EntryOrInsertWith(k, v) => {
                let make = || {
                    Ledger::call(crate::op::Site::Closure);
                    value(v)
                };
                Ret::Value(Some(pin.get_or_insert_with(key(k), make).number()))
            }
            Op::Update(k, v) => number(pin.update(key(k), |old| {
                Ledger::call(crate::op::Site::Closure);
                V::make(old.number().wrapping_add(v as u64))
            })),
            Op::Compute(k, v) => {
                let computed = pin.compute(key(k), |entry| {
                    Ledger::call(crate::op::Site::Closure);
                    match decide(entry.map(|(_, value)| value.number()), v as u64) {
                        Decision::Put(new) => Operation::Insert(V::make(new)),
                        Decision::Remove => Operation::Remove,
                        Decision::Keep => Operation::Abort(entry.map(|(_, value)| value.number())),
                    }
                });
                Ret::Two(match computed {
                    Computed::Inserted(_, new) => [None, Some(new.number())],
                    Computed::Updated { old: (_, old), new: (_, new) } => {
                        [Some(old.number()), Some(new.number())]
                    }
                    Computed::Removed(_, old) => [Some(old.number()), None],
                    Computed::Absent => [None, None],
                    Computed::Aborted(kept) => [kept, kept],
                })
            }
            Op::Retain(..) | Op::RetainValues(..) => {
                pin.retain(|key, value| {
                    Ledger::call(crate::op::Site::Closure);
                    stays(op, key.number(), value.number())
                });
                Ret::Unit
            }
            Op::Clear => {
                pin.clear();
                Ret::Unit
            }
            Op::Reserve(n) => {
                pin.reserve(n as usize);
                Ret::Unit
            }
            Op::Len => Ret::Count(pin.len()),
            Op::Iter => {
                let entries = pin.iter().map(|(key, value)| (key.number(), value.number()));
                return Answer::Entries(entries.collect());
            }
            Op::PanicAt(site, n) => {
                Ledger::arm(site, u32::from(n));
                Ret::Unit
            }
            // It is for the setup.
            Op::EvacuateTo(_) => Ret::Unit,
            other => panic!("a shared map has no `{other}`"),
        })
    }

    /// What the tables look like.
    pub fn picture(&self) -> Picture {
        let tables = self.map.view(|key, value| (key.number(), value.number()));
        Picture::of_concurrent(tables)
    }

    /// Every entry, sorted.
    pub fn contents(&self) -> Vec<(u64, u64)> {
        let pin = self.map.pin();
        let mut contents: Vec<(u64, u64)> =
            pin.iter().map(|(key, value)| (key.number(), value.number())).collect();
        contents.sort_unstable();
        contents
    }

    /// How many entries the map says that it holds.
    pub fn count(&self) -> usize {
        self.map.pin().len()
    }

    /// Goes on with writes that write nothing, until every growth has ended. `there` is what the map holds, sorted.
    ///
    /// # Errors
    /// How far a growth has come that does not end.
    pub fn finish(&self, there: &[(u64, u64)]) -> Result<(), String> {
        let growing = || self.map.health().growing;
        let owed: usize = growing().iter().map(|growth| growth.old_buckets).sum();
        if owed == 0 {
            return Ok(());
        }
        let absent =
            (0..).find(|key| there.binary_search_by_key(key, |&(there, _)| there).is_err());
        let absent = K::make(absent.unwrap_or(0) as u16, 0);
        for _ in 0..owed {
            self.map.pin().remove(&absent);
        }
        match growing().first() {
            None => Ok(()),
            Some(growth) => Err(format!("{owed} more writes left a growth: {growth:?}")),
        }
    }

    /// Checks every structural claim; nobody else uses the map.
    ///
    /// # Errors
    /// The first broken claim.
    pub fn check(&mut self) -> Result<(), Breach> {
        self.map.check_at_rest()
    }
}
