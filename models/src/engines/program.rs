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
use crate::op::{Decision, Op, Ret, Site, decide, stays};
use crate::oracles::panics::{
    ABOVE_ALL, ASKED_AGAIN, BELOW_NOTHING, BREACH_SEEN, LEADS_NOWHERE, SHOWS_UNTRUTH,
};
use crate::oracles::work::{self, ENDS, GOES_ON, ROOM};
use crate::oracles::{Objection, Verdict, well_formed};
use crate::picture::Picture;
use map_core::ConcurrentMap;
use map_core::concurrent::BucketState::{Drained, Evacuated, Live, Locked};
use map_core::concurrent::{
    Breach, Computed, ConcurrentHealth, ConcurrentTable, Operation, Pinned,
};
use map_core::growth::entries_max;
use map_core::platform::{Place, Platform};
use std::collections::BTreeMap;

/// A map that the threads of a case share.
pub struct Program<K, V, P: Platform> {
    map: ConcurrentMap<K, V, ModelState, P>,
    /// How it was when the case's `given` ops were done.
    given: ConcurrentHealth,
}

/// What the platform should do while a case's `given` ops run, and while what was left is judged.
pub trait Setup {
    /// From now on, gives up every evacuation of these old buckets; `None`: of none.
    fn abandon(which: Option<Abandoned>);

    /// A closure has used the map, and the op that it belongs to goes on with what it had read before. If that makes it wait,
    /// it is for something that may have happened meanwhile.
    fn returned_to_an_op() {}

    /// Has it started a growth in this run that nothing asked for?
    fn has_grown_early() -> bool {
        false
    }
}

/// Old buckets that are not evacuated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Of this table only.
    pub generation: Option<u64>,
    /// From this one on.
    pub from: usize,
}

impl Abandoned {
    /// Is it one of these?
    pub fn has(self, place: Place) -> bool {
        place.bucket >= self.from && self.generation.is_none_or(|only| only == place.generation)
    }
}

/// The entries that a closure was asked about. All of them stay under the pin of the op, so each has an address of its own.
#[derive(Default)]
struct Asked {
    entries: Vec<usize>,
    /// There was none the last time.
    absent: bool,
}

impl Asked {
    /// The closure is asked about the entry of this value.
    fn about<V>(&mut self, value: &V) {
        Ledger::call(Site::Closure);
        let address = std::ptr::from_ref(value).addr();
        assert!(!self.entries.contains(&address), "{ASKED_AGAIN}");
        self.entries.push(address);
        self.absent = false;
    }

    /// It is asked about there being none.
    fn about_none(&mut self) {
        Ledger::call(Site::Closure);
        assert!(!std::mem::replace(&mut self.absent, true), "{ASKED_AGAIN}: there is none");
    }
}

/// The entries of a view that was taken while others wrote: of a key that moved meanwhile, what the newest table shows.
///
/// # Panics
/// If a bucket of the newest table has given its entries away, or one that does not hold the truth shows entries, or if more
/// buckets are claimed than there are.
fn shown(tables: &[ConcurrentTable<(u64, u64)>]) -> Vec<(u64, u64)> {
    for ConcurrentTable { generation, claimed, buckets, .. } in tables {
        let all = buckets.len();
        assert!(
            *claimed <= all,
            "{ABOVE_ALL}: table {generation} has {all} buckets, {claimed} claimed"
        );
    }
    let newest = tables.last().into_iter().flat_map(|table| &table.buckets);
    for (index, bucket) in newest.enumerate() {
        let state = bucket.state;
        assert!(
            !matches!(state, Evacuated | Drained),
            "{LEADS_NOWHERE}: bucket {index} is {state:?}"
        );
    }
    let mut entries = BTreeMap::new();
    for bucket in tables.iter().flat_map(|table| &table.buckets) {
        let mut shown = bucket.chain.iter().flatten().filter_map(|slot| slot.entry).peekable();
        let is_owner = matches!(bucket.state, Live | Locked);
        assert!(is_owner || shown.peek().is_none(), "{SHOWS_UNTRUTH}: {bucket:?}");
        entries.extend(shown);
    }
    entries.into_iter().collect()
}

/// Looks at the health of a map while others write.
///
/// # Panics
/// If a count says that there is less than nothing of something, or more than all.
fn counted(health: &ConcurrentHealth) {
    let ConcurrentHealth { len, overflow_buckets, spare_segments, growing, .. } = health;
    for count in [len, overflow_buckets, spare_segments] {
        assert!(isize::try_from(*count).is_ok(), "{BELOW_NOTHING}: {health:?}");
    }
    for growth in growing {
        let claimed = growth.claimed <= growth.old_buckets;
        assert!(
            claimed && growth.drained_segments <= growth.old_segments,
            "{ABOVE_ALL}: {health:?}"
        );
    }
}

/// What `compute` is to do, as it is decided about a value.
pub(crate) fn operation<V: Value>(
    decision: Decision,
    old: Option<u64>,
) -> Operation<V, Option<u64>> {
    match decision {
        Decision::Put(new) => Operation::Insert(V::make(new)),
        Decision::Remove => Operation::Remove,
        Decision::Keep => Operation::Abort(old),
    }
}

/// The value before a `compute`, and after it.
pub(crate) fn before_and_after<K, V: Value>(
    computed: Computed<'_, K, V, Option<u64>>,
) -> [Option<u64>; 2] {
    match computed {
        Computed::Inserted(_, new) => [None, Some(new.number())],
        Computed::Updated { old: (_, old), new: (_, new) } => {
            [Some(old.number()), Some(new.number())]
        }
        Computed::Removed(_, old) => [Some(old.number()), None],
        Computed::Absent => [None, None],
        Computed::Aborted(kept) => [kept, kept],
    }
}

impl<K: Key, V: Value, P: Platform + Setup> Program<K, V, P> {
    /// The map of a case, with its `given` ops done.
    ///
    /// `evacuate-to j` begins a growth, unless one is under way, and evacuates the old buckets below `j`.
    pub fn new(case: &Case) -> Self {
        // One before that did not come to its end may have left some.
        P::abandon(None);
        let hasher = ModelState::new(case.hasher);
        let map = ConcurrentMap::with_capacity_and_hasher(case.capacity as usize, hasher);
        let given = map.health();
        let mut program = Program { map, given };
        for (at, &op) in case.given().iter().enumerate() {
            match op {
                Op::EvacuateTo(mark) => program.grow_to_mark(mark as usize),
                op => drop(program.apply(op, at as u32)),
            }
        }
        P::abandon(None);
        program.given = program.map.health();
        program
    }

    /// Reserves one entry more than the newest table has room for; how many that is.
    fn reserve_more(&self) -> usize {
        let newest = self.map.health().buckets_log2;
        let additional = (entries_max(newest) + 1).saturating_sub(self.map.len());
        self.map.pin().reserve(additional);
        additional
    }

    fn grow_to_mark(&self, mark: usize) {
        P::abandon(Some(Abandoned { generation: None, from: mark }));
        self.reserve_more();
    }
}

impl<K: Key, V: Value, P: Platform + Setup> Program<K, V, P> {
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
        let mut asked = Asked::default();
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
                    Ledger::call(Site::Closure);
                    value(v)
                };
                Ret::Value(Some(pin.get_or_insert_with(key(k), make).number()))
            }
            Op::Update(k, v) => number(Self::update(&pin, || key(k), v, 0)),
            Op::UpdateWithin(k, v) => number(Self::update(&pin, || key(k), v, v % 16)),
            Op::Compute(k, v) => {
                let computed = pin.compute(key(k), |entry| {
                    match entry {
                        Some((_, value)) => asked.about(value),
                        None => asked.about_none(),
                    }
                    let old = entry.map(|(_, value)| value.number());
                    operation(decide(old, v as u64), old)
                });
                Ret::Two(before_and_after(computed))
            }
            Op::Retain(..) | Op::RetainValues(..) => {
                pin.retain(|key, value| {
                    asked.about(value);
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
            Op::View => {
                counted(&pin.health());
                let show = |key: &K, value: &V| (key.number(), value.number());
                return Answer::Entries(shown(&self.map.view(show)));
            }
            Op::Check => {
                let checked = self.map.check();
                assert!(checked.is_ok(), "{BREACH_SEEN}: {checked:?}");
                Ret::Unit
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

    /// Adds `v` to a value, by a closure that first updates the same entry itself, up to `within` times in all.
    fn update<'pin>(
        pin: &'pin Pinned<'_, K, V, ModelState, P>,
        key: impl Fn() -> K,
        v: u16,
        mut within: u16,
    ) -> Option<&'pin V> {
        let mut asked = Asked::default();
        pin.update(key(), |old| {
            asked.about(old);
            if within > 0 {
                within -= 1;
                pin.update(key(), |now| V::make(now.number()));
                P::returned_to_an_op();
            }
            V::make(old.number().wrapping_add(v as u64))
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

    /// Whether it says that it holds none.
    pub fn is_empty(&self) -> bool {
        self.map.pin().is_empty()
    }

    /// Checks every structural claim; nobody else uses the map.
    ///
    /// # Errors
    /// The first broken claim.
    pub fn check(&mut self) -> Result<(), Breach> {
        self.map.check_at_rest()
    }
}

impl<K: Key, V: Value, P: Platform + Setup> Program<K, V, P> {
    /// If a growth is under way, reserves more than its new table has room for, with nobody else at the map.
    ///
    /// # Errors
    /// There is no room for that then.
    pub fn makes_room(&self) -> Verdict {
        let before = self.map.health();
        let [growth] = &before.growing[..] else { return Ok(()) };
        let additional = self.reserve_more();
        match self.map.health().buckets_log2 > before.buckets_log2 {
            true => Ok(()),
            false => {
                let log2 = before.buckets_log2;
                let detail = format!(
                    "reserve({additional}) of the map that was left stayed at 2^{log2} buckets, in a growth: {growth:?}"
                );
                Objection::raise(work::NAME, ROOM, detail)
            }
        }
    }

    /// Goes on with writes that write nothing, until every growth has ended. `there` is what the map holds, sorted.
    ///
    /// A growth within another is looked at first while a thread seems to sit on what is left of that one: its own buckets
    /// have to be evacuated all the same, but for those that are not born yet.
    ///
    /// # Errors
    /// A growth does not go on, or does not end: how far it has come.
    pub fn finish(&self, there: &[(u64, u64)]) -> Verdict {
        let health = self.map.health();
        let owed: usize = health.growing.iter().map(|growth| growth.old_buckets).sum();
        if owed == 0 {
            return Ok(());
        }
        let absent =
            (0..).find(|key| there.binary_search_by_key(key, |&(there, _)| there).is_err());
        let absent = K::make(absent.unwrap_or(0) as u16, 0);
        let write = || {
            for _ in 0..owed {
                self.map.pin().remove(&absent);
            }
        };
        if let nested @ 2.. = health.growing.len() {
            // Each table is one generation on from that which it takes the place of.
            let oldest = health.generation - nested as u64;
            P::abandon(Some(Abandoned { generation: Some(oldest), from: 0 }));
            write();
            P::abandon(None);
            if let [_, middle, _] = &self.map.view(|_, _| ())[..]
                && let Some(left) = middle.buckets.iter().position(|bucket| bucket.state == Live)
            {
                let detail =
                    format!("{owed} more writes left bucket {left} of table {}", middle.generation);
                return Objection::raise(work::NAME, GOES_ON, detail);
            }
        }
        write();
        match self.map.health().growing.first() {
            None => Ok(()),
            Some(growth) => {
                let detail = format!("{owed} more writes left a growth: {growth:?}");
                Objection::raise(work::NAME, ENDS, detail)
            }
        }
    }

    /// Does the map say of itself what it shows?
    ///
    /// # Errors
    /// What it says, and what it shows.
    pub fn figures(&self) -> Verdict {
        well_formed::shared_figures(&self.map.view(|_, _| ()), &self.map.health())
    }

    /// Is there a growth within a growth?
    pub fn is_nested(&self) -> bool {
        self.map.health().growing.len() > 1
    }

    /// If no growth was under way when the threads began, and none has begun since: should one have?
    ///
    /// The last of the insertions saw all others, as long as there is one order of what happens.
    ///
    /// # Errors
    /// How full the map is, or its chains are.
    pub fn has_grown_enough(&self) -> Verdict {
        let health = self.map.health();
        match self.given.growing.is_empty() && self.given.generation == health.generation {
            true => work::overdue(health.buckets_log2, health.len, health.overflow_buckets),
            false => Ok(()),
        }
    }

    /// Has the map grown further than so many entries ask for, on top of those given?
    ///
    /// # Errors
    /// How far it has grown.
    pub fn has_grown_too_far(&self, asked: usize) -> Verdict {
        let log2 = self.map.health().buckets_log2;
        match log2 == self.given.buckets_log2 || P::has_grown_early() {
            true => Ok(()),
            false => work::overgrown(log2, self.given.len + asked),
        }
    }

    /// If the growth that was under way when the threads began still is: has each of so many writes helped?
    ///
    /// One that `evacuate-to` began tells nothing: all tickets were drawn then, and given up.
    ///
    /// # Errors
    /// How far it has come.
    pub fn has_been_helped(&self, writes: usize) -> Verdict {
        let health = self.map.health();
        let ([before], [after]) = (&self.given.growing[..], &health.growing[..]) else {
            return Ok(());
        };
        let due = (before.claimed + work::PER_WRITE * writes).min(after.old_buckets);
        if self.given.generation != health.generation || after.claimed >= due {
            return Ok(());
        }
        let detail = format!("{writes} writes took a growth from {before:?} to {after:?}");
        Objection::raise(work::NAME, work::HELPED, detail)
    }
}
