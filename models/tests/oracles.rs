//! Each oracle has been seen to object: a map with one planted fault per rule, and the oracle that must notice.

use map_core::Health;
use models::case::{Case, Elements};
use models::elements::{CountedKey, CountedValue, Key, Value};
use models::finding::{Finding, keep};
use models::generators::hashers::{Hasher, ModelState};
use models::memory::Watched;
use models::op::Order;
use models::oracles::work::{self, Bound};
use models::oracles::{sizes, well_formed};
use models::picture::{self, Picture};
use models::property::{self, Checks};
use models::spec::Ordered;
use models::subject::{Capabilities, EntryAnswer, EntryPath, Growth, Mutably, SequentialSubject};
use models::triage::Sighting;
use models::triage::minimise::{Here, Settings, minimise};
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::AtomicBool;

/// What a [`Faulty`] map does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    GetForgets,
    LenOnOverwrite,
    IterationSkips,
    IterationRepeats,
    IterationMakesUp,
    OverwriteReplacesKey,
    RetainKeepsAll,
    DrainLosesOne,
    CloneLosesOne,
    ValuesMutSkips,
    CheckObjects,
    RemoveLeaks,
    RemoveDropsTwice,
    KeyDroppedEarly,
    CursorRepeats,
    CursorSkips,
    CursorYieldsRemoved,
    CursorStaleValue,
    CursorComesBack,
    CursorOfEmptyLives,
    WriteWorksTooMuch,
    ReadWorks,
    EvacuateMiscounts,
    ClearForgetsTheOrder,
    CloneForgetsTheOrder,
    Panics,
    PanicLosesEntry,
    Undeclared,
    ReserveDoesNothing,
    TryReserveSucceeds,
    WriteStandsStill,
    NeverGrows,
    SpillsEarly,
    ClearLeaksMemory,
    RefusalLosesOne,
    RefusesUnasked,
    CapacityBelowLen,
    EqualsAny,
    LendsTwice,
    ClosureIsEager,
    SizeIsOneOff,
    CursorStepsAnywhere,
    CursorNeverFinishes,
    ViewHidesOne,
    ViewShowsTheUnborn,
    FiguresDiffer,
    EvacuatedDiffers,
    LoadFactorDiffers,
    CollectsOneLess,
    CloneIntoKeeps,
    ClearGivesUp,
    ClearMisfrees,
    RemoveLeaksIfStruck,
    RemoveDropsTheUnwritten,
    CloneGrowsAnew,
    DrainGoesOnGrowing,
}

thread_local! {
    /// The fault of this thread's maps: one for each would be an engine compiled for each.
    static PLANTED: Cell<Fault> = const { Cell::new(Fault::None) };
}

fn has(fault: Fault) -> bool {
    PLANTED.get() == fault
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// A map in a row, right but for its fault. Pretends to be growing from 8 buckets, until it is emptied.
///
/// `MORE`: what it declares beyond the usual. 1: `EXTRACT`, which it lacks. 2: `EXTEND` and `VIEWS`.
struct Faulty<K, V, const MORE: u8> {
    entries: Vec<(K, V)>,
    capacity: usize,
    overwritten: usize,
    evacuated: Cell<u64>,
    mark: usize,
    emptied: bool,
    order: Order,
}

/// Visits the entries by key, in order, so that it does not mind what becomes of the row.
struct Sorted {
    next: Option<u64>,
    yielded: usize,
    stale: Option<(u16, u64)>,
    was_empty: bool,
}

/// An iterator that says of its size that it is so much more.
struct OneOff<I>(I, isize);

impl<I: ExactSizeIterator> Iterator for OneOff<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        let said = self.0.len().saturating_add_signed(self.1);
        (said, Some(said))
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for OneOff<I> {}

impl<K: Key, V: Value, const MORE: u8> Faulty<K, V, MORE> {
    fn position(&self, key: &K) -> Option<usize> {
        self.entries.iter().position(|entry| entry.0 == *key)
    }
}

impl<K: Key, V: Value, const MORE: u8> SequentialSubject<K, V> for Faulty<K, V, MORE> {
    type Cursor = Sorted;
    const CAPABILITIES: Capabilities = Capabilities::CURSOR
        .and(Capabilities::GO_GROWTH)
        .and(Capabilities::CHECK)
        .and(Capabilities::CLONE)
        .and(Capabilities::RETAIN)
        .and(Capabilities::DRAIN)
        .and(Capabilities::CAPACITY)
        .and(Capabilities::MUTATION)
        .and(Capabilities::DISJOINT)
        .and(Capabilities::BEARS_LIES)
        .and(Capabilities::DROPS_REGARDLESS)
        .and(Capabilities::ENTRY)
        .and(match MORE {
            1 => Capabilities::EXTRACT,
            2 => Capabilities::EXTEND.and(Capabilities::VIEWS),
            _ => Capabilities::NONE,
        });

    fn create(_: ModelState, _: usize) -> Self {
        Faulty {
            entries: Vec::new(),
            capacity: 0,
            overwritten: 0,
            evacuated: 0.into(),
            mark: 0,
            emptied: false,
            order: Order::default(),
        }
    }
    fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
        if has(Fault::ReadWorks) {
            self.evacuated.set(self.evacuated.get() + 1);
        }
        let value = &self.entries[self.position(key)?].1;
        (!has(Fault::GetForgets) || key.number() != 3).then(|| see(value))
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.mark += usize::from(!has(Fault::WriteStandsStill));
        if has(Fault::WriteWorksTooMuch) {
            self.evacuated.set(self.evacuated.get() + 3);
        }
        assert!(!has(Fault::Panics) || self.entries.len() < 4, "five is too many");
        if has(Fault::PanicLosesEntry) {
            // Takes an entry out while it hashes the key.
            let kept = self.entries.pop();
            key.hash(&mut std::hash::DefaultHasher::new());
            self.entries.extend(kept);
        }
        let Some(at) = self.position(&key) else {
            self.entries.push((key, value));
            return None;
        };
        if has(Fault::LenOnOverwrite) {
            self.overwritten += 1;
        }
        if has(Fault::OverwriteReplacesKey) {
            self.entries[at].0 = key;
        }
        Some(std::mem::replace(&mut self.entries[at].1, value))
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        self.mark += 1;
        let (key, value) = self.entries.remove(self.position(key)?);
        match PLANTED.get() {
            Fault::RemoveLeaks => std::mem::forget(key),
            Fault::RemoveLeaksIfStruck => {
                let scratch = std::hint::black_box(ManuallyDrop::new(Box::new(7)));
                drop(key);
                ManuallyDrop::into_inner(scratch);
            }
            // SAFETY: none: this is the fault. A `CountedKey` owns no memory, so it does no harm.
            Fault::RemoveDropsTwice => drop(unsafe { std::ptr::read(&key) }),
            Fault::RemoveDropsTheUnwritten => {
                let slot = std::hint::black_box(Box::<K>::new_uninit());
                // SAFETY: none: this is the fault. The allocator has filled it, and a drop looks first.
                drop(unsafe { slot.as_ptr().read() });
            }
            _ => {}
        }
        Some(value)
    }
    fn len(&self) -> usize {
        self.entries.len() + self.overwritten
    }
    fn clear(&mut self) {
        if has(Fault::ClearLeaksMemory) {
            std::mem::forget(std::hint::black_box(Box::new(7)));
        }
        if has(Fault::ClearMisfrees) {
            let block = Box::into_raw(std::hint::black_box(Box::new([7_u64; 2])));
            // SAFETY: none: this is the fault. The allocator knows better.
            drop(unsafe { Box::from_raw(block.cast::<u64>()) });
        }
        while has(Fault::ClearGivesUp) && self.entries.pop().is_some() {}
        self.entries.clear();
        self.emptied = true;
        if has(Fault::ClearForgetsTheOrder) {
            self.order = Order::default();
        }
    }
    fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        for (at, (key, value)) in self.entries.iter().enumerate() {
            match PLANTED.get() {
                Fault::IterationSkips if at == 2 => continue,
                Fault::IterationRepeats if at == 2 => visit(key, value),
                Fault::IterationMakesUp if at == 2 => visit(&K::make(999, 0), value),
                // SAFETY: none: this is the fault. A `CountedKey` owns no memory.
                Fault::KeyDroppedEarly if at == 2 => drop(unsafe { std::ptr::read(key) }),
                _ => {}
            }
            visit(key, value);
        }
    }
    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.position(key)?;
        Some(&mut self.entries[at].1)
    }
    fn each_mut(&mut self, how: Mutably, mut visit: impl FnMut(Option<&K>, &mut V)) {
        let skip = usize::from(has(Fault::ValuesMutSkips));
        for (key, value) in self.entries.iter_mut().skip(skip) {
            visit((how == Mutably::Iter).then_some(key), value);
        }
    }
    fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value) || has(Fault::RetainKeepsAll));
    }
    fn drain(&mut self, take: usize, mut visit: impl FnMut(K, V)) {
        if has(Fault::DrainLosesOne) {
            self.entries.pop();
        }
        let more = isize::from(has(Fault::SizeIsOneOff));
        let all = sizes::exactly(OneOff(self.entries.drain(..), more));
        all.take(take).for_each(|(key, value)| visit(key, value));
        self.emptied |= !has(Fault::DrainGoesOnGrowing);
    }
    fn get_disjoint_mut<const N: usize>(&mut self, keys: [&K; N]) -> [Option<&mut V>; N] {
        let asked = keys.map(|key| self.position(key));
        let twice = |n: usize| asked[n].is_some() && asked[..n].contains(&asked[n]);
        assert!(has(Fault::LendsTwice) || !(0..N).any(twice), "a key twice");
        let mut found = [const { None }; N];
        for (at, (_, value)) in self.entries.iter_mut().enumerate() {
            if let Some(n) = asked.iter().position(|asked| *asked == Some(at)) {
                found[n] = Some(value);
            }
        }
        found
    }
    fn entry(&mut self, key: K, path: EntryPath, closure: impl Fn()) -> EntryAnswer<K> {
        let EntryPath::OrInsertWith(v) = path else { unimplemented!("no case here needs it") };
        self.mark += 1;
        let at = self.position(&key);
        if at.is_none() || has(Fault::ClosureIsEager) {
            closure();
        }
        let value = match at {
            Some(at) => self.entries[at].1.number(),
            None => {
                self.entries.push((key, V::make(v)));
                v
            }
        };
        EntryAnswer { value: Some(value), key: None }
    }
    fn into_each(self, take: usize, mut visit: impl FnMut(K, V)) {
        self.entries.into_iter().take(take).for_each(|(key, value)| visit(key, value));
    }
    fn collected(entries: impl Iterator<Item = (K, V)>) -> Self {
        let mut map = Self::create(ModelState::default(), 0);
        map.entries = entries.skip(usize::from(has(Fault::CollectsOneLess))).collect();
        map
    }
    fn duplicate_into(&self, other: &mut Self) {
        let kept = other.entries.pop().filter(|_| has(Fault::CloneIntoKeeps));
        *other = self.duplicate();
        other.entries.extend(kept);
    }
    fn is_finished(cursor: &Sorted) -> Option<bool> {
        match PLANTED.get() {
            Fault::CursorNeverFinishes => Some(false),
            Fault::CursorStepsAnywhere => Some(cursor.was_empty || cursor.next.is_none()),
            _ => None,
        }
    }
    fn picture(&self) -> Option<Picture> {
        let hidden = match PLANTED.get() {
            Fault::ViewHidesOne => 1,
            Fault::None
            | Fault::ViewShowsTheUnborn
            | Fault::FiguresDiffer
            | Fault::EvacuatedDiffers
            | Fault::LoadFactorDiffers => 0,
            _ => return None,
        };
        let full = |(key, value): &(K, V)| {
            let entry = Some((key.number(), value.number()));
            picture::Slot { tophash: 9, full: true, entry }
        };
        let slots: Vec<picture::Slot> = self.entries.iter().skip(hidden).map(full).collect();
        let chain = slots.chunks(8).map(<[_]>::to_vec).collect();
        let mut buckets = vec![picture::Bucket { state: picture::State::Live, chain }];
        if has(Fault::ViewShowsTheUnborn) {
            let slot = picture::Slot { tophash: 2, full: false, entry: None };
            let (state, chain) = (picture::State::Unborn, vec![vec![slot]]);
            buckets.push(picture::Bucket { state, chain });
        }
        let table = picture::Table { name: "table 2^0".into(), generation: 0, mark: None, buckets };
        Some(Picture { tables: vec![table] })
    }
    fn health(&self) -> Option<Health> {
        let (full, rest) = (self.entries.len() / 8, self.entries.len() % 8);
        let mut health = map_core::Map::<u8, u8>::new().health();
        health.len = self.entries.len();
        health.buckets = 1;
        health.load_factor = health.len as f64;
        if has(Fault::LoadFactorDiffers) {
            health.load_factor *= 2.0;
        }
        health.tombstones = usize::from(has(Fault::FiguresDiffer));
        health.growth.evacuated = usize::from(has(Fault::EvacuatedDiffers));
        health.slot_fill[8] = full;
        health.slot_fill[rest] += usize::from(rest > 0);
        if let Some(empty) = (full + usize::from(rest > 0)).checked_sub(1) {
            health.chain_lengths = vec![0; empty];
            health.chain_lengths.push(1);
        }
        Some(health)
    }
    fn duplicate(&self) -> Self {
        let mut entries = self.entries.clone();
        if has(Fault::CloneLosesOne) {
            entries.pop();
        }
        let (evacuated, mark) = match PLANTED.get() {
            Fault::CloneGrowsAnew => (0.into(), 0),
            _ => (self.evacuated.clone(), self.mark),
        };
        let order = match PLANTED.get() {
            Fault::CloneForgetsTheOrder => Order::default(),
            _ => self.order,
        };
        let (capacity, emptied) = (self.capacity, self.emptied);
        Faulty { entries, capacity, overwritten: 0, evacuated, mark, emptied, order }
    }
    fn equals(&self, other: &Self) -> bool {
        let same = |(key, value): &(K, V)| other.get(key, V::number) == Some(value.number());
        has(Fault::EqualsAny)
            || self.entries.len() == other.entries.len() && self.entries.iter().all(same)
    }
    fn capacity(&self) -> usize {
        if has(Fault::CapacityBelowLen) {
            return self.capacity;
        }
        self.capacity.max(self.entries.len())
    }
    fn reserve(&mut self, additional: usize) {
        if !has(Fault::ReserveDoesNothing) {
            self.capacity = self.entries.len() + additional;
        }
    }
    fn try_reserve(&mut self, additional: usize) -> bool {
        if has(Fault::TryReserveSucceeds) || additional >= 1 << 20 {
            return has(Fault::TryReserveSucceeds);
        }
        let refused = Vec::<u64>::new().try_reserve(additional).is_err();
        if refused && has(Fault::RefusalLosesOne) {
            self.entries.pop();
        }
        if !refused {
            self.reserve(additional);
        }
        !refused && !has(Fault::RefusesUnasked)
    }
    fn shrink_to_fit(&mut self) {
        self.capacity = 0;
    }
    fn open_cursor(&mut self, _: Option<(usize, usize)>) -> Sorted {
        let stale = self.entries.iter().min_by_key(|entry| entry.0.number());
        Sorted {
            next: Some(0),
            yielded: 0,
            stale: stale.map(|(key, value)| (key.number() as u16, value.number())),
            was_empty: self.entries.is_empty(),
        }
    }
    fn step_cursor<'m>(&'m self, cursor: &mut Sorted) -> Option<(&'m K, &'m V)> {
        if cursor.was_empty && !has(Fault::CursorOfEmptyLives) {
            return None;
        }
        let leak = |key: u16, value: u64| -> (&'m K, &'m V) {
            (Box::leak(Box::new(K::make(key, 0))), Box::leak(Box::new(V::make(value))))
        };
        cursor.yielded += 1;
        match (PLANTED.get(), cursor.yielded, cursor.stale) {
            (Fault::CursorYieldsRemoved, 2, Some((key, value)))
                if self.position(&K::make(key, 0)).is_none() =>
            {
                return Some(leak(key, value));
            }
            (Fault::CursorStaleValue, 1, Some((key, value)))
                if self.get(&K::make(key, 0), V::number).is_some_and(|now| now != value) =>
            {
                return Some(leak(key, value));
            }
            (Fault::CursorRepeats, 2, _) => cursor.next = Some(0),
            _ => {}
        }
        let from = match cursor.next {
            Some(from) => from,
            None if has(Fault::CursorComesBack) => 0,
            None => return None,
        };
        let found = self.entries.iter().filter(|entry| entry.0.number() >= from);
        let skip = usize::from(has(Fault::CursorSkips) && cursor.yielded == 2);
        let mut ordered: Vec<&(K, V)> = found.collect();
        ordered.sort_by_key(|entry| entry.0.number());
        let entry = ordered.get(skip);
        cursor.next = entry.map(|entry| entry.0.number() + 1);
        entry.map(|entry| (&entry.0, &entry.1))
    }
    fn growth(&self) -> Growth {
        let is_growing =
            !self.emptied && !matches!(PLANTED.get(), Fault::NeverGrows | Fault::SpillsEarly);
        Growth {
            evacuated: self.evacuated.get(),
            buckets_log2: 4,
            old_buckets: is_growing.then_some(8),
            mark: self.mark,
            nested: false,
            started: 1,
            overflow: match PLANTED.get() {
                Fault::SpillsEarly => self.entries.len().min(8),
                _ if self.emptied => 0,
                _ => 16,
            },
            len: self.entries.len(),
            order: Some(self.order),
        }
    }
    fn evacuate(&mut self, buckets: usize) -> usize {
        let did = buckets.min(8);
        self.evacuated.set(self.evacuated.get() + did as u64);
        did - usize::from(has(Fault::EvacuateMiscounts))
    }
    fn set_order(&mut self, order: Order) {
        self.order = order;
    }
    fn check(&self) -> Result<(), (String, String)> {
        match has(Fault::CheckObjects) && self.entries.len() == 3 {
            true => Err(("rest".into(), "bucket 2 has something after its rest".into())),
            false => Ok(()),
        }
    }
}

/// What needs a map that has had no cursor.
const UNWATCHED: &str = "
    insert k1 v1\n insert k2 v2\n insert k3 v3\n try-reserve-refused 5 1\n try-reserve-refused 9 0\n get k1\n clear\n insert k5 v5";

/// What is looked at from outside.
const VIEWS: &str = "
    insert k1 v1\n insert k2 v2\n insert k3 v3\n get-disjoint-mut k1 k2\n get-disjoint-mut k3 k3\n
    entry-or-insert-with k2 v7\n entry-or-insert-with k4 v4\n iter\n
    cursor-open c0 0 0\n cursor-step c0 1\n clone\n cursor-step c0 9\n
    clone-swap\n get k1\n set-order go\n clear\n insert k1 v1\n clone";

/// Some of everything.
const OPS: &str = "
    cursor-open c3 0 0\n get k1\n
    insert k1 v1\n insert k2 v2\n insert k3 v3\n insert k4 v4\n insert k2 v5\n
    cursor-open c0 0 0\n cursor-step c0 1\n remove k1\n insert k6 v6\n cursor-step c0 9\n cursor-step c0 3\n
    cursor-open c1 0 0\n get-mut k2 v77\n cursor-step c1 9\n cursor-step c3 1\n
    get k3\n remove k9\n values-mut v1\n clone\n retain 1 1\n evacuate 2\n iter\n reserve 100\n try-reserve-too-much\n
    panic-at hash 0\n insert k8 v8\n extract-if 1 0\n insert k5 v5\n insert k6 v6\n drain-drop 1\n insert k7 v7\n remove k7\n iter\n insert k11 v1\n insert k12 v2\n drain";

/// A `Drop` that panics while the map is emptied, and one of what is removed.
const DROPS: &str = "
    insert k1 v1\n insert k2 v2\n insert k3 v3\n panic-at drop 1\n clear\n insert k4 v4\n iter\n
    panic-at drop 0\n remove k4";

fn case() -> Case {
    case_of(OPS)
}

fn case_of(ops: &str) -> Case {
    let mut case = Case::parse(&format!("case 1\nelements counted\nthread main\n{ops}\nend\n"))
        .expect("a case");
    assert_eq!(case.elements, Elements::Counted);
    case.story.clear();
    case
}

fn run(fault: Fault, case: &Case) -> property::Outcome {
    type Counted<const MORE: u8> = Faulty<CountedKey, CountedValue, MORE>;
    PLANTED.set(fault);
    match fault {
        Fault::Undeclared => property::run::<Counted<1>, _, _, Ordered>(case, Checks::Every),
        Fault::CollectsOneLess => property::run::<Counted<2>, _, _, Ordered>(case, Checks::Every),
        _ => property::run::<Counted<0>, _, _, Ordered>(case, Checks::Every),
    }
}

fn found(fault: Fault) -> Finding {
    let ran = [OPS, UNWATCHED, VIEWS, DROPS].map(|ops| run(fault, &case_of(ops)));
    *ran.into_iter().find_map(Result::err).expect("a fault is found")
}

#[test]
fn without_a_fault_no_oracle_objects() {
    for ops in [OPS, UNWATCHED, VIEWS, DROPS] {
        if let Err(finding) = run(Fault::None, &case_of(ops)) {
            panic!("{finding}");
        }
    }
}

macro_rules! objects {
    ($($name:ident: $fault:ident, $oracle:literal, $rule:literal;)*) => {$(
        #[test]
        fn $name() {
            let finding = found(Fault::$fault);
            let objection = &finding.objection;
            assert_eq!((objection.oracle, objection.rule.as_str()), ($oracle, $rule), "{finding}");
        }
    )*};
}

objects! {
    a_get_that_forgets: GetForgets, "reference", "every answer is the spec's";
    a_len_that_counts_overwrites: LenOnOverwrite, "reference", "len is the number of entries";
    an_iteration_that_skips: IterationSkips, "reference", "all the spec holds is there";
    an_iteration_that_repeats: IterationRepeats, "reference", "a key is yielded once";
    an_iteration_that_makes_things_up: IterationMakesUp, "reference", "nothing else is there";
    an_overwrite_that_replaces_the_key: OverwriteReplacesKey, "reference", "the stored key stays on overwrite";
    a_retain_that_keeps_all: RetainKeepsAll, "reference", "len is the number of entries";
    a_drain_that_loses_one: DrainLosesOne, "reference", "all the spec holds is there";
    a_clone_that_loses_one: CloneLosesOne, "reference", "a clone is equal";
    a_values_mut_that_skips: ValuesMutSkips, "reference", "keys and values are the spec's";
    a_reserve_that_does_nothing: ReserveDoesNothing, "reference", "capacity is what was asked for";
    a_try_reserve_of_the_impossible: TryReserveSucceeds, "reference", "try_reserve of too much fails";
    a_capacity_below_len: CapacityBelowLen, "reference", "capacity is no less than len";
    a_try_reserve_that_fails_unasked: RefusesUnasked, "reference", "try_reserve of little succeeds";
    a_refusal_that_loses_one: RefusalLosesOne, "reference", "all the spec holds is there";
    a_clear_that_leaks_memory: ClearLeaksMemory, "drops", "no memory leaks";
    a_map_whose_check_objects: CheckObjects, "well-formed", "rest";
    a_remove_that_leaks: RemoveLeaks, "drops", "no key or value leaks";
    a_remove_that_drops_twice: RemoveDropsTwice, "drops", "each key and value is dropped exactly once";
    a_key_dropped_early: KeyDroppedEarly, "drops", "no key or value is dropped early";
    a_cursor_that_repeats: CursorRepeats, "iteration", "an entry is yielded at most once";
    a_cursor_that_skips: CursorSkips, "iteration", "an entry there throughout is yielded";
    a_cursor_that_yields_the_removed: CursorYieldsRemoved, "iteration", "a removed entry is not yielded";
    a_cursor_with_a_stale_value: CursorStaleValue, "iteration", "an entry is yielded with its current value";
    a_cursor_that_comes_back: CursorComesBack, "iteration", "a finished cursor stays finished";
    a_cursor_of_an_empty_map_that_lives: CursorOfEmptyLives, "iteration", "a cursor of an empty map is finished at once";
    a_write_that_works_too_much: WriteWorksTooMuch, "work", "a write evacuates at most two old buckets";
    a_write_that_does_no_work: WriteStandsStill, "work", "a write to a growing map raises the mark";
    a_map_that_never_grows: NeverGrows, "work", "a growth starts exactly when it is due";
    a_drain_that_goes_on_growing: DrainGoesOnGrowing, "work", "an emptied map is in no growth";
    a_chain_that_spills_early: SpillsEarly, "work", "a chain gets an overflow bucket when it is full";
    a_read_that_works: ReadWorks, "work", "a read does no growth work";
    a_clear_that_forgets_the_order: ClearForgetsTheOrder, "work", "the order of evacuation stays";
    a_clone_that_forgets_the_order: CloneForgetsTheOrder, "work", "a clone has grown as far as the map";
    an_evacuate_that_miscounts: EvacuateMiscounts, "work", "evacuate says how many old buckets it emptied";
    a_map_that_panics: Panics, "panics", "no op panics on its own";
    a_panic_that_loses_an_entry: PanicLosesEntry, "panics", "a panic leaves every entry as before or after the op";
    a_clear_that_frees_half: ClearMisfrees, "drops", "memory is freed as it was allocated";
    a_remove_that_leaks_when_a_drop_panics: RemoveLeaksIfStruck, "drops", "no memory leaks";
    a_remove_that_drops_what_was_never_written: RemoveDropsTheUnwritten, "drops", "each key and value is dropped exactly once";
    a_clear_that_gives_up: ClearGivesUp, "panics", "a map is emptied whatever a Drop does";
    a_map_that_equals_any: EqualsAny, "reference", "maps are == if their entries are";
    a_value_lent_twice: LendsTwice, "reference", "no value is lent twice";
    a_closure_called_for_nothing: ClosureIsEager, "reference", "a closure is called once, if it is needed";
    an_iterator_one_off: SizeIsOneOff, "reference", "an iterator keeps what it says of its size";
    a_cursor_that_steps_anywhere: CursorStepsAnywhere, "iteration", "a cursor reads only the map that opened it";
    a_cursor_that_never_says_its_end: CursorNeverFinishes, "iteration", "a cursor says whether it is finished";
    a_view_that_hides_an_entry: ViewHidesOne, "reference", "all the spec holds is there";
    a_view_of_an_unborn_bucket: ViewShowsTheUnborn, "well-formed", "a view shows what is there";
    a_figure_that_differs_from_the_view: FiguresDiffer, "well-formed", "health is what the view shows";
    a_count_of_the_evacuated_that_differs: EvacuatedDiffers, "well-formed", "health is what the view shows";
    a_load_factor_of_another_table: LoadFactorDiffers, "well-formed", "health is what the view shows";
    a_map_collected_from_fewer: CollectsOneLess, "reference", "all the spec holds is there";
    a_clone_beside_what_was_there: CloneIntoKeeps, "reference", "a clone is equal";
    a_clone_that_has_not_grown_as_far: CloneGrowsAnew, "work", "a clone has grown as far as the map";
    a_capability_without_a_method: Undeclared, "panics", "no op panics on its own";
}

#[test]
fn with_a_fickle_hasher_only_safety_is_judged() {
    fn rule(fault: Fault) -> Option<String> {
        let mut case = case();
        case.hasher = Hasher::Fickle(1);
        run(fault, &case).err().map(|finding| finding.objection.rule)
    }
    let twice = "each key and value is dropped exactly once";
    assert_eq!(rule(Fault::RemoveDropsTwice).as_deref(), Some(twice));
    assert_eq!(rule(Fault::RemoveLeaks).as_deref(), Some("no key or value leaks"));
    let length = "len is the number of entries";
    assert_eq!(rule(Fault::IterationSkips).as_deref(), Some(length));
    assert_eq!(rule(Fault::Panics).as_deref(), Some("no op panics on its own"));
    let answers = [
        rule(Fault::None),
        rule(Fault::GetForgets),
        rule(Fault::CheckObjects),
        rule(Fault::CursorSkips),
        rule(Fault::NeverGrows),
    ];
    assert_eq!(answers, [const { None }; 5]);
}

#[test]
fn half_of_what_counts_is_judged() {
    let case = case_of(OPS);
    let of_keys =
        || property::run::<Faulty<CountedKey, u64, 0>, _, _, Ordered>(&case, Checks::Every);
    let of_values =
        || property::run::<Faulty<u64, CountedValue, 0>, _, _, Ordered>(&case, Checks::Every);
    of_keys().expect("no fault");
    of_values().expect("no fault");
    // What leaks is the key.
    PLANTED.set(Fault::RemoveLeaks);
    assert_eq!(of_keys().expect_err("keys leak").objection.rule, "no key or value leaks");
    of_values().expect("nothing is lost of a number");
}

#[test]
fn a_clone_goes_on_where_its_iterator_stands() {
    /// Its clone begins anew.
    struct Forgetful(std::ops::Range<u8>);
    impl Clone for Forgetful {
        fn clone(&self) -> Self {
            Forgetful(0..self.0.end)
        }
    }
    impl Iterator for Forgetful {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            self.0.next()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.0.size_hint()
        }
    }
    impl ExactSizeIterator for Forgetful {}
    /// Does not say at its `len` what it says at its `size_hint`.
    struct Wavering(std::ops::Range<u8>);
    impl Iterator for Wavering {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            self.0.next()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.0.size_hint()
        }
    }
    impl ExactSizeIterator for Wavering {
        fn len(&self) -> usize {
            0
        }
    }
    /// Its fold passes over one.
    #[derive(Clone)]
    struct Hasty(std::ops::Range<u8>);
    impl Iterator for Hasty {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            self.0.next()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.0.size_hint()
        }
        fn fold<B, F: FnMut(B, u8) -> B>(self, init: B, f: F) -> B {
            self.0.skip(1).fold(init, f)
        }
    }
    impl ExactSizeIterator for Hasty {}
    /// Its `nth` stops at the last that there is.
    #[derive(Clone)]
    struct Clinging(std::ops::Range<u8>);
    impl Iterator for Clinging {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            self.0.next()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.0.size_hint()
        }
        fn nth(&mut self, n: usize) -> Option<u8> {
            self.0.nth(n.min(self.0.len().saturating_sub(1)))
        }
    }
    impl ExactSizeIterator for Clinging {}
    let kept = || sizes::kept().map_err(|objection| objection.detail);
    let mut seen = Vec::new();
    sizes::half(0..5u8, |n| seen.push(n));
    assert_eq!((seen, kept()), (vec![0, 1, 2, 3, 4], Ok(())));
    sizes::half(Forgetful(0..5), drop);
    assert!(kept().is_err(), "two and five came");
    let fewer = Err("had an iterator that yields fewer entries than it said".to_string());
    let more = Err("had an iterator that yields more entries than it said".to_string());
    for (off, said) in [(0, Ok(())), (1, fewer.clone()), (-1, more.clone())] {
        sizes::exactly(OneOff(0..3u8, off)).for_each(drop);
        assert_eq!(kept(), said);
        sizes::watched(OneOff(0..3u8, off)).for_each(drop);
        assert_eq!(kept(), said);
        // One by one, and not by `fold`, as above.
        let mut entries = sizes::exactly(OneOff(0..3u8, off));
        while entries.next().is_some() {}
        assert_eq!(kept(), said);
    }
    sizes::half(Hasty(0..5), drop);
    assert_eq!(kept(), fewer);
    sizes::half(Clinging(0..5), drop);
    let nth = "had an iterator that passes over another number of entries than nth is told";
    assert_eq!(kept(), Err(nth.to_string()));
    sizes::folded(Hasty(0..5), drop);
    assert_eq!(kept(), fewer);
    let mut seen = Vec::new();
    sizes::folded(0..5u8, |n| seen.push(n));
    assert_eq!((seen, kept()), (vec![0, 1, 2, 3, 4], Ok(())));
    let _ = sizes::exactly(Wavering(0..3));
    assert_eq!(
        kept().unwrap_err(),
        "had an iterator that has a size_hint that differs from its len"
    );
    sizes::watched(std::iter::once(1).chain(2..4)).for_each(drop);
    assert_eq!(kept(), Ok(()));
}

#[test]
fn a_finding_says_the_op_what_was_expected_and_the_state() {
    let said = found(Fault::GetForgets).to_string();
    assert_eq!(
        said,
        "reference: op 17 get k3 returned None, the spec says Some(v3)   [growing 2^3→2^4, mark 7/8]\n\
         rule: every answer is the spec's"
    );
    let said = found(Fault::Panics).to_string();
    assert!(
        said.starts_with("panics: op 6 insert k2 v5 panicked: \"five is too many\" at "),
        "{said}"
    );
    let said = found(Fault::ClearLeaksMemory).to_string();
    assert!(said.starts_with("drops: the end of the run left "), "{said}");
}

#[test]
fn minimising_keeps_the_failure_and_drops_what_it_does_not_need() {
    let seen = |found: Box<Finding>| Sighting::new(&found, &[]);
    let bench = Here(|case: &Case| run(Fault::CursorSkips, case).err().map(seen));
    let raw = seen(Box::new(found(Fault::CursorSkips)));
    let stop = AtomicBool::new(false);
    let settings = Settings { stop: &stop, limit: None, better: &|_, _, _| {} };
    let minimal = minimise(&case(), &raw, &bench, &settings);
    assert!(minimal.is_minimal && minimal.sighting.is_like(&raw));
    assert!(minimal.case.ops().len() <= 6, "{}", minimal.case);
    let again = run(Fault::CursorSkips, &minimal.case).expect_err("still found");
    assert_eq!(seen(again), minimal.sighting);
}

#[test]
fn a_kept_finding_is_a_case_and_never_overwrites() {
    let folder = tempfile::tempdir().expect("a place for files");
    let (case, finding) = (case(), found(Fault::GetForgets));
    let path = keep(folder.path(), &case, &finding, "found by a test").expect("kept");
    let text = std::fs::read_to_string(&path).expect("text");
    let kept = Case::parse(&text).expect("a case");
    assert_eq!(kept.bare(), case.bare());
    assert!(text.contains("# reference: op 17 get k3") && text.contains("# found by a test"));
    // The same again is the same file; another of the same name gets a number.
    assert_eq!(keep(folder.path(), &case, &finding, "found by a test").expect("kept"), path);
    std::fs::write(&path, "something else").expect("written");
    let other = keep(folder.path(), &case, &finding, "found by a test").expect("kept");
    assert_ne!(other, path);
    assert_eq!(std::fs::read_to_string(&path).expect("text"), "something else");
}

#[test]
fn growth_that_is_everybodys_begins_goes_on_and_ends() {
    let still = |len, log2| Growth { len, buckets_log2: log2, ..Growth::default() };
    let growing = |len, log2, mark| {
        let old_buckets = Some(1_usize << (log2 - 1));
        Growth { started: 1, old_buckets, mark, ..still(len, log2) }
    };
    let begun = |growth: Growth| Growth { started: growth.started + 1, ..growth };
    let chained = |growth: Growth, overflow| Growth { overflow, ..growth };
    let (due, stuck) =
        ("a growth starts exactly when it is due", "a write to a growing map raises the mark");
    let (most, idle) = ("a write evacuates at most two old buckets", "a read does no growth work");
    let after_one = Growth { old_buckets: None, ..growing(27, 3, 0) };
    let nested = |growth: Growth| Growth { nested: true, ..begun(growth) };
    let inner = |len| Growth { buckets_log2: 5, ..nested(growing(len, 4, 4)) };
    let packed = nested(growing(105, 4, 4));
    let after_two = Growth { started: 2, ..growing(105, 5, 4) };
    for (name, before, after, bound, expected) in [
        ("an insertion", still(3, 2), still(4, 2), Bound::Write, None),
        ("one too many", still(26, 2), still(27, 2), Bound::Write, Some(due)),
        ("a doubling", still(26, 2), growing(27, 3, 2), Bound::Write, None),
        ("one too early", still(25, 2), growing(26, 3, 2), Bound::Write, Some(due)),
        ("by a removal", still(28, 2), growing(27, 3, 2), Bound::Write, Some(due)),
        ("to the same size", still(26, 2), begun(still(27, 2)), Bound::Write, Some(due)),
        ("nobody counted it", still(26, 2), still(27, 3), Bound::Write, Some(due)),
        ("chains", chained(still(9, 2), 3), begun(still(10, 2)), Bound::Write, None),
        ("few chains", chained(still(9, 2), 2), begun(still(10, 2)), Bound::Write, Some(due)),
        ("too many", still(9, 2), chained(still(10, 2), 4), Bound::Write, Some(due)),
        ("a large map", still(416, 6), still(417, 6), Bound::Write, None),
        ("for too long", still(417, 6), still(418, 6), Bound::Write, Some(due)),
        ("going on", growing(27, 3, 0), growing(27, 3, 2), Bound::Write, None),
        ("too fast", growing(27, 3, 0), growing(27, 3, 3), Bound::Write, Some(most)),
        ("the rest at once", growing(27, 3, 1), after_one, Bound::Write, Some(most)),
        ("not at all", growing(27, 3, 2), growing(27, 3, 2), Bound::Write, Some(stuck)),
        ("nothing to write", growing(27, 3, 2), growing(27, 3, 2), Bound::Entry, None),
        ("another in it", growing(104, 4, 2), inner(105), Bound::Write, None),
        ("another too early", growing(103, 4, 2), inner(104), Bound::Write, Some(due)),
        ("another by a removal", growing(106, 4, 2), inner(105), Bound::Write, Some(due)),
        ("another of that size", growing(104, 4, 2), packed, Bound::Write, Some(due)),
        ("a third", nested(growing(104, 4, 7)), begun(inner(105)), Bound::Write, Some(due)),
        ("fast", growing(52, 4, 2), nested(growing(53, 4, 5)), Bound::Write, Some(most)),
        ("the other alone", nested(growing(104, 4, 7)), after_two, Bound::Write, None),
        ("at once", nested(growing(104, 4, 5)), after_two, Bound::Write, Some(most)),
        ("a read", growing(27, 3, 0), growing(27, 3, 1), Bound::Read, Some(idle)),
    ] {
        let objection = work::shared(&before, &after, bound).err();
        let rule = objection.map(|objection| objection.rule);
        assert_eq!(rule.as_deref(), expected, "{name}: {before:?} to {after:?}");
    }
}

#[test]
fn a_shared_map_that_grew_had_to() {
    for (log2, most, is_due) in
        [(0, 0, true), (1, 8, false), (1, 9, true), (3, 26, false), (3, 27, true)]
    {
        assert_eq!(work::overgrown(log2, most).is_ok(), is_due, "2^{log2}, {most}");
    }
}

#[test]
fn the_figures_of_a_shared_map_are_those_of_its_view() {
    use map_core::{ConcurrentMap, GrowthKind};
    let map: ConcurrentMap<u64, u64> = ConcurrentMap::with_capacity(52);
    while map.health().growing.is_empty() {
        let n = map.len() as u64;
        map.pin().insert(n, n);
    }
    let tables = map.view(|_, _| ());
    let is_right = |break_it: &dyn Fn(&mut map_core::concurrent::ConcurrentHealth)| {
        let mut health = map.health();
        break_it(&mut health);
        well_formed::shared_figures(&tables, &health).is_ok()
    };
    assert!(is_right(&|_| ()));
    assert!(!is_right(&|health| health.generation += 1));
    assert!(!is_right(&|health| health.buckets /= 2));
    assert!(!is_right(&|health| health.load_factor *= 2.0));
    assert!(!is_right(&|health| health.growing[0].kind = GrowthKind::SameSize));
    assert!(!is_right(&|health| health.growing[0].claimed += 1));
    assert!(!is_right(&|health| health.growing[0].old_buckets += 1));
    assert!(!is_right(&|health| health.growing.clear()));
}

#[test]
fn growth_of_one_s_own_begins_with_an_insertion() {
    let full = Growth { len: 26, buckets_log2: 2, ..Growth::default() };
    let begun = Growth { started: 1, buckets_log2: 3, old_buckets: Some(4), mark: 2, ..full };
    // A growth to the same size ends with the write that makes a doubling due.
    let ended = |len| Growth { started: 1, evacuated: 4, len, ..full };
    let ending = |len| Growth { old_buckets: Some(4), mark: 2, evacuated: 2, ..ended(len) };
    let begun_after = |len| Growth { started: 2, evacuated: 6, len, ..begun };
    let due = Some("a growth starts exactly when it is due");
    let twice = Some("a write evacuates at most two old buckets");
    for (name, before, after, bound, expected) in [
        ("a doubling", full, Growth { len: 27, ..begun }, Bound::Write, None),
        ("by an overwrite", full, begun, Bound::Write, due),
        ("by a vacant entry", full, begun, Bound::Entry, None),
        ("by a removal", full, Growth { len: 25, ..begun }, Bound::Write, due),
        ("none", full, Growth { len: 27, ..full }, Bound::Write, due),
        ("an overwrite", full, full, Bound::Write, None),
        ("another after one", ending(26), begun_after(27), Bound::Write, None),
        ("none after one", ending(26), ended(27), Bound::Write, due),
        ("none before it is due", ending(25), ended(26), Bound::Write, None),
        ("by an overwrite after one", ending(26), begun_after(26), Bound::Write, due),
        ("by a vacant entry after one", ending(26), begun_after(26), Bound::Entry, None),
        ("by a removal after one", ending(27), begun_after(26), Bound::Entry, due),
        ("to the wrong size after one", ending(20), begun_after(21), Bound::Write, due),
        (
            "four buckets of one",
            full,
            Growth { len: 27, evacuated: 4, ..begun },
            Bound::Write,
            twice,
        ),
    ] {
        let rule = work::bounded(&before, &after, bound).err().map(|found| found.rule);
        assert_eq!(rule.as_deref(), expected, "{name}");
    }
}

#[test]
fn a_shared_map_that_never_grew_was_never_to_grow() {
    for (log2, len, overflow, is_due) in [
        (1, 13, 1, false),
        (1, 14, 0, true),
        (1, 10, 2, true),
        (5, 208, 31, false),
        (5, 150, 32, true),
        // Not every insertion looks.
        (6, 417, 64, false),
    ] {
        let judged = work::overdue(log2, len, overflow);
        assert_eq!(judged.is_err(), is_due, "2^{log2}, {len}, {overflow}: {judged:?}");
    }
}
