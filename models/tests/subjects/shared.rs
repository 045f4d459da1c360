//! Anybody's shared map under the operation sequences: a right one passes, whatever it declares, and a mistake in any of its
//! methods is found.

use models::case::Case;
use models::concurrent_subject::ConcurrentSubject;
use models::generators::hashers::ModelState;
use models::generators::ops::{self, Mix};
use models::op::Decision;
use models::property::{Checks, Outcome, run};
use models::spec::Ordered;
use models::subject::Capabilities;
use models::subjects::Alone;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Insert,
    Remove,
    Get,
    ContainsKey,
    GetOrInsertWith,
    Update,
    Compute,
    Len,
    IsEmpty,
    ForEach,
    Clear,
    Retain,
    Reserve,
    Check,
    Leak,
}

thread_local! {
    static PLANTED: Cell<Fault> = const { Cell::new(Fault::None) };
}

fn has(fault: Fault) -> bool {
    PLANTED.get() == fault
}

/// Right but for its fault, which is about k3 mostly. It declares `ALL` that it has, or that nobody is to ask for its memory.
struct Planted<const ALL: bool>(Mutex<BTreeMap<u64, u64>>);

impl<const ALL: bool> Planted<ALL> {
    fn table(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        self.0.lock().expect("nobody panicked")
    }
}

impl<const ALL: bool> ConcurrentSubject for Planted<ALL> {
    const CAPABILITIES: Capabilities = match ALL {
        true => Capabilities::ALL_OF_SHARED.and(Capabilities::CHECK),
        false => Capabilities::FREES_LATER,
    };

    fn create(_: ModelState, _: usize) -> Self {
        if has(Fault::Leak) {
            std::mem::forget(black_box(Box::new(0)));
        }
        Planted(Mutex::default())
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.table().get(&key).copied().filter(|_| key != 3 || !has(Fault::Get))
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        if key == 3 && has(Fault::Insert) {
            return self.table().get(&key).copied();
        }
        self.table().insert(key, value)
    }
    fn remove(&self, key: u64) -> Option<u64> {
        if key == 3 && has(Fault::Remove) {
            return self.table().get(&key).copied();
        }
        self.table().remove(&key)
    }
    fn contains_key(&self, key: u64) -> bool {
        self.table().contains_key(&key) || has(Fault::ContainsKey)
    }
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        if has(Fault::GetOrInsertWith) {
            return make();
        }
        *self.table().entry(key).or_insert_with(make)
    }
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        let mut table = self.table();
        let value = table.get_mut(&key)?;
        let new = change(*value);
        if !has(Fault::Update) {
            *value = new;
        }
        Some(new)
    }
    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        let mut table = self.table();
        let old = table.get(&key).copied();
        match decide(old) {
            Decision::Put(new) => table.insert(key, new),
            Decision::Remove if has(Fault::Compute) => None,
            Decision::Remove => table.remove(&key),
            Decision::Keep => None,
        };
        [old, table.get(&key).copied()]
    }
    fn len(&self) -> usize {
        let table = self.table();
        table.len() + usize::from(has(Fault::Len) && table.len() == 5)
    }
    fn is_empty(&self) -> bool {
        self.table().is_empty() && !has(Fault::IsEmpty)
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        let table = self.table();
        table.iter().skip(has(Fault::ForEach).into()).for_each(|(&key, &value)| visit(key, value));
    }
    fn clear(&self) {
        self.table().retain(|&key, _| key == 3 && has(Fault::Clear));
    }
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        // Asked twice, as it would be by a map that was overtaken in between.
        self.table().retain(|&key, value| {
            keep(key, *value) && keep(key, *value) && !(key == 3 && has(Fault::Retain))
        });
    }
    fn reserve(&self, _: usize) {
        if has(Fault::Reserve) {
            self.table().clear();
        }
    }
    fn check(&self) -> Result<(), (String, String)> {
        match has(Fault::Check) && self.table().len() > 5 {
            true => Err(("sound".to_string(), "six are too many".to_string())),
            false => Ok(()),
        }
    }
}

/// The first finding in some sequences.
fn hunt<const ALL: bool>(planted: Fault) -> Outcome {
    PLANTED.set(planted);
    let mut rng = fastrand::Rng::with_seed(1);
    let mut case = Case::default();
    let outcomes = (0..300).map(|_| {
        ops::fill(&mut case, &mut rng, Mix::Full, 200);
        run::<Alone<Planted<ALL>>, u64, u64, Ordered>(&case, Checks::Every)
    });
    let last = outcomes.reduce(|one, other| one.and(other)).expect("some hundreds");
    PLANTED.set(Fault::None);
    last
}

#[test]
fn a_right_map_passes_whatever_it_declares() {
    for outcome in [hunt::<true>(Fault::None), hunt::<false>(Fault::None)] {
        outcome.unwrap_or_else(|finding| panic!("{finding}"));
    }
}

#[test]
fn a_mistake_in_any_method_is_found() {
    for (planted, oracle) in [
        (Fault::Insert, "reference"),
        (Fault::Remove, "reference"),
        (Fault::Get, "reference"),
        (Fault::ContainsKey, "reference"),
        (Fault::GetOrInsertWith, "reference"),
        (Fault::Update, "reference"),
        (Fault::Compute, "reference"),
        (Fault::Len, "reference"),
        (Fault::IsEmpty, "reference"),
        (Fault::ForEach, "reference"),
        (Fault::Clear, "reference"),
        (Fault::Retain, "reference"),
        (Fault::Reserve, "reference"),
        (Fault::Check, "well-formed"),
        (Fault::Leak, "drops"),
    ] {
        let finding = hunt::<true>(planted).expect_err(&format!("{planted:?} is found"));
        assert_eq!(finding.objection.oracle, oracle, "{planted:?}: {finding}");
    }
}

#[test]
fn of_a_map_that_declares_nothing_what_it_must_have_is_judged() {
    for planted in [Fault::Insert, Fault::Remove, Fault::Get] {
        hunt::<false>(planted).expect_err(&format!("{planted:?} is found"));
    }
    hunt::<false>(Fault::Leak).expect("its memory is its own affair");
}
