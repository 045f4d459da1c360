//! A locked map with one planted fault. Windows between two locked sections are held open by yielding.

use models::concurrent_subject::ConcurrentSubject;
use models::generators::hashers::ModelState;
use models::op::Decision;
use models::oracles::whole_map::Contracts;
use models::subject::Capabilities;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is wrong.
pub mod fault {
    pub const NONE: u8 = 0;
    /// `update` reads and writes in two steps.
    pub const LOST_UPDATE: u8 = 1;
    /// `get` looks at a copy that every few writes refresh.
    pub const STALE_GET: u8 = 2;
    /// An insert copies another entry and writes it back later, as an evacuation that misses the lock.
    pub const RESURRECTED: u8 = 3;
    /// An insert takes another entry out and puts it back, as an evacuation that is not seen by readers.
    pub const MISSED: u8 = 4;
    /// `remove` reads and removes in two steps, and returns what it read.
    pub const TWO_REMOVES_WIN: u8 = 5;
    /// `get_or_insert_with` looks and inserts in two steps.
    pub const TWO_ARE_FIRST: u8 = 6;
    /// `compute` looks and writes in two steps.
    pub const COMPUTE_IN_STEPS: u8 = 7;
    /// `insert` says that there was nothing, of every 16th value.
    pub const HIDES_OLD: u8 = 8;
    /// `clear` leaves the last key.
    pub const CLEAR_FORGETS: u8 = 9;
    /// `retain` removes the first key whatever it is told.
    pub const RETAIN_TAKES: u8 = 10;
    /// `retain` judges keys, and later removes those whose value has not changed.
    pub const RETAIN_LEAVES: u8 = 11;
    /// Iteration yields the first entry twice.
    pub const REPEATS: u8 = 12;
    /// Iteration leaves out the last entry.
    pub const SKIPS: u8 = 13;
    /// Iteration yields the key removed last.
    pub const YIELDS_REMOVED: u8 = 14;
    /// Iteration yields a key that nobody knows.
    pub const MAKES_UP: u8 = 15;
    /// Iteration yields the values of an older copy.
    pub const OLD_VALUES: u8 = 16;
    /// `len` counts an overwriting insert as one more.
    pub const LEN_DRIFTS: u8 = 17;
    /// `check` objects.
    pub const ILL_FORMED: u8 = 18;
    /// The 50th write panics.
    pub const PANICS: u8 = 19;
    /// The 50th write never returns.
    pub const STALLS: u8 = 20;
    /// `compute` is declared and not there.
    pub const UNDECLARED: u8 = 21;
    /// `retain` judges entries, and later removes by key.
    pub const RETAIN_TAKES_UNJUDGED: u8 = 22;
    /// The 50th write panics, and every later one waits for it.
    pub const PANICS_HOLDING: u8 = 23;
}

type Table = BTreeMap<u64, u64>;

#[derive(Default)]
pub struct Broken<const FAULT: u8> {
    table: Mutex<Table>,
    old: Mutex<Table>,
    removed: Mutex<Option<(u64, u64)>>,
    writes: AtomicUsize,
    extra: AtomicUsize,
}

fn pause() {
    for _ in 0..3 {
        std::thread::yield_now();
    }
}

fn wait_for_ever() -> ! {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

impl<const FAULT: u8> Broken<FAULT> {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn old(&self) -> MutexGuard<'_, Table> {
        self.old.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What every write does first.
    fn write(&self, key: u64) {
        let count = self.writes.fetch_add(1, Ordering::SeqCst);
        match FAULT {
            fault::PANICS | fault::PANICS_HOLDING if count == 50 => panic!("the fault"),
            fault::STALLS if count == 50 => wait_for_ever(),
            fault::PANICS_HOLDING if count > 50 => wait_for_ever(),
            fault::STALE_GET | fault::OLD_VALUES if count.is_multiple_of(4) => {
                let now = self.table().clone();
                *self.old() = now;
            }
            fault::RESURRECTED => {
                let copied = self.table().range(..key).next_back().map(|(&k, &v)| (k, v));
                pause();
                self.table().extend(copied);
            }
            fault::MISSED => {
                let moved = self.table().range(..key).next_back().map(|(&k, &v)| (k, v));
                if let Some((key, _)) = moved {
                    self.table().remove(&key);
                    pause();
                    self.table().extend(moved);
                }
            }
            _ => {}
        }
    }

    fn put(&self, key: u64, new: Option<u64>) -> Option<u64> {
        let mut table = self.table();
        match new {
            Some(value) => table.insert(key, value),
            None => table.remove(&key),
        }
    }
}

impl<const FAULT: u8> ConcurrentSubject for Broken<FAULT> {
    const CAPABILITIES: Capabilities =
        Capabilities::ALL_OF_SHARED.without(Capabilities::RESERVE).and(Capabilities::CHECK);
    const CONTRACTS: Contracts = Contracts::STRICT;

    fn create(_: ModelState, _: usize) -> Self {
        Self::default()
    }
    fn get(&self, key: u64) -> Option<u64> {
        match FAULT {
            fault::STALE_GET => self.old().get(&key).copied(),
            _ => self.table().get(&key).copied(),
        }
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.write(key);
        let old = self.put(key, Some(value));
        if FAULT == fault::LEN_DRIFTS && old.is_some() {
            self.extra.fetch_add(1, Ordering::SeqCst);
        }
        old.filter(|_| FAULT != fault::HIDES_OLD || !value.is_multiple_of(16))
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.write(key);
        if FAULT == fault::TWO_REMOVES_WIN {
            let read = self.table().get(&key).copied();
            pause();
            self.put(key, None);
            return read;
        }
        let old = self.put(key, None);
        if let Some(value) = old {
            *self.removed.lock().unwrap() = Some((key, value));
        }
        old
    }
    fn contains_key(&self, key: u64) -> bool {
        self.table().contains_key(&key)
    }
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        if FAULT == fault::TWO_ARE_FIRST {
            if let Some(&value) = self.table().get(&key) {
                return value;
            }
            pause();
            let value = make();
            self.put(key, Some(value));
            return value;
        }
        *self.table().entry(key).or_insert_with(make)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        if FAULT == fault::LOST_UPDATE {
            let old = self.table().get(&key).copied()?;
            pause();
            self.put(key, Some(change(old)));
            return Some(change(old));
        }
        let mut table = self.table();
        let value = table.get_mut(&key)?;
        *value = change(*value);
        Some(*value)
    }
    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        assert!(FAULT != fault::UNDECLARED, "no compute");
        let mut table = self.table();
        let old = table.get(&key).copied();
        let new = match decide(old) {
            Decision::Put(new) => Some(new),
            Decision::Remove => None,
            Decision::Keep => return [old, old],
        };
        if FAULT == fault::COMPUTE_IN_STEPS {
            drop(table);
            pause();
            table = self.table();
        }
        match new {
            Some(new) => table.insert(key, new),
            None => table.remove(&key),
        };
        [old, new]
    }
    fn len(&self) -> usize {
        self.table().len() + self.extra.load(Ordering::SeqCst)
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        let mut entries: Vec<(u64, u64)> = self.table().iter().map(|(&k, &v)| (k, v)).collect();
        let removed = *self.removed.lock().unwrap();
        match FAULT {
            fault::REPEATS => entries.extend(entries.first().copied()),
            fault::SKIPS => drop(entries.pop()),
            fault::YIELDS_REMOVED => {
                entries.extend(removed.filter(|r| entries.iter().all(|e| e.0 != r.0)));
            }
            fault::MAKES_UP => entries.push((70_000, 0)),
            fault::OLD_VALUES => {
                let old = self.old();
                for (key, value) in &mut entries {
                    *value = *old.get(key).unwrap_or(value);
                }
            }
            _ => {}
        }
        entries.into_iter().for_each(|(key, value)| visit(key, value));
    }
    fn clear(&self) {
        let mut table = self.table();
        let last = table.pop_last();
        table.clear();
        if FAULT == fault::CLEAR_FORGETS {
            table.extend(last);
        }
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        if FAULT == fault::RETAIN_LEAVES || FAULT == fault::RETAIN_TAKES_UNJUDGED {
            let judged: Vec<(u64, u64)> = self.table().iter().map(|(&k, &v)| (k, v)).collect();
            pause();
            for (key, value) in judged {
                let mut table = self.table();
                let is_judged = table.get(&key) == Some(&value);
                if !keep(key, value) && (is_judged || FAULT == fault::RETAIN_TAKES_UNJUDGED) {
                    table.remove(&key);
                }
            }
            return;
        }
        let mut table = self.table();
        table.retain(|&key, &mut value| keep(key, value));
        if FAULT == fault::RETAIN_TAKES {
            table.pop_first();
        }
    }
    fn check(&self) -> Result<(), (String, String)> {
        match FAULT {
            fault::ILL_FORMED => Err(("the fault is not there".into(), "it is".into())),
            _ => Ok(()),
        }
    }
}
