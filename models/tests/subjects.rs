//! The property holds on every map that ships with an adapter, for every hasher, order and element type.

#[path = "subjects/shared.rs"]
mod shared;

use models::case::{Case, Elements};
use models::elements::{Key, Value};
use models::generators::hashers::{Hasher, ModelState};
use models::generators::ops::{self, Mix};
use models::op::{Op, Order};
use models::property::{Checks, run};
use models::spec::Ordered;
use models::subject::{Capabilities, Growth, NoCursor, SequentialSubject};
use models::subjects::Subject;

#[global_allocator]
static ALLOCATOR: models::memory::Watched = models::memory::Watched;

const SEQUENCES: u64 = if cfg!(miri) { 1 } else { 12 };

/// Fixed seeds, every combination; `panics`: also with panics in user code.
fn hold(subject: Subject, panics: bool) {
    let mut growths = 0;
    for hasher in Hasher::ALL {
        for order in Order::ALL {
            for elements in Elements::ALL {
                for sequence in 0..SEQUENCES {
                    let mut rng = fastrand::Rng::with_seed(sequence);
                    let mut case = Case::default();
                    let mix = if panics && sequence % 3 == 0 { Mix::Panics } else { Mix::Full };
                    ops::fill(&mut case, &mut rng, mix, 200);
                    if !panics {
                        case.ops_mut().retain(|op| !matches!(op, Op::PanicAt(..)));
                    }
                    if subject.name() == "griddle" {
                        // A sum in its `try_reserve` overflows; and if it shrinks when a `retain` has emptied what it had
                        // yet to move, the next insert that has no room panics.
                        let known = |op: &Op| {
                            matches!(op, Op::TryReserveTooMuch | Op::ShrinkToFit | Op::ShrinkTo(_))
                        };
                        case.ops_mut().retain(|op| !known(op));
                    }
                    (case.hasher, case.order, case.elements) = (hasher, order, elements);
                    match subject.run(&case, Checks::Boundaries) {
                        Ok(report) => growths += report.growths,
                        Err(finding) => panic!("{}:\n{case}\n{finding}", subject.name()),
                    }
                }
            }
        }
    }
    if subject == Subject::MAP || subject == Subject::CONCURRENT {
        assert!(growths > 1000, "only {growths} growths");
    }
}

#[test]
fn map() {
    hold(Subject::MAP, true);
}

#[test]
fn concurrent() {
    hold(Subject::CONCURRENT, true);
}

#[test]
fn std() {
    hold(Subject::STD, true);
}

fn shipped(name: &str) -> Subject {
    Subject::named(name).expect("it ships")
}

#[test]
fn shared() {
    for name in ["mutex", "sharded"] {
        hold(shipped(name), true);
    }
}

/// Those of others; `false`: one that loses entries when user code panics, so it is held without.
macro_rules! others {
    ($($feature:tt $name:ident $panics:literal;)*) => {$(
        #[test]
        #[cfg(feature = $feature)]
        fn $name() {
            hold(shipped($feature), $panics);
        }
    )*};
}

others! {
    "dashmap" dashmap true;
    "papaya" papaya true;
    "scc" scc true;
    "flurry" flurry true;
    "hashbrown" hashbrown true;
    "griddle" griddle false;
    "indexmap" indexmap false;
}

#[test]
fn no_capability_comes_with_another() {
    use Capabilities as C;
    let all = [
        C::LOOKUPS,
        C::MUTATION,
        C::DISJOINT,
        C::ENTRY,
        C::INSERT_ENTRY,
        C::VIEWS,
        C::INTO_PARTS,
        C::RETAIN,
        C::DRAIN,
        C::EXTRACT,
        C::CLONE,
        C::EXTEND,
        C::CAPACITY,
        C::SHRINK_TO,
        C::CURSOR,
        C::GROWTH,
        C::GO_GROWTH,
        C::CHECK,
        C::GET_OR_INSERT,
        C::UPDATE,
        C::COMPUTE,
        C::LEN,
        C::ITERATION,
        C::RESERVE,
        C::CLEAR,
        C::DEFERS_DROPS,
        C::REPLACES_KEYS,
        C::SHARED_GROWTH,
        C::BEARS_LIES,
        C::DROPS_REGARDLESS,
        C::FREES_LATER,
        C::NEEDS_SPREAD,
    ];
    for (at, one) in all.into_iter().enumerate() {
        let others = all.into_iter().enumerate().filter(|&(other, _)| other != at);
        let others = others.filter(|(_, other)| *other != C::GO_GROWTH);
        let rest = others.fold(C::NONE, |sum, (_, other)| sum.and(other));
        assert!(one == C::GROWTH || !rest.has(one), "number {at} is in the others");
    }
    let go = C::GROWTH.and(C::DROPS_REGARDLESS);
    assert!(C::GO_GROWTH.has(C::GROWTH) && !go.has(C::GO_GROWTH));
    assert!(!C::GO_GROWTH.has(C::DROPS_REGARDLESS));
}

/// A map that says how far it has grown, and grows otherwise than Go's.
struct Threes<K, V>(std::collections::BTreeMap<u64, (K, V)>, Growth);

impl<K: Key, V: Value> SequentialSubject<K, V> for Threes<K, V> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities = Capabilities::GROWTH;

    fn create(_state: ModelState, _capacity: usize) -> Self {
        Threes(Default::default(), Growth::default())
    }
    fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
        self.0.get(&key.number()).map(|(_, value)| see(value))
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = match self.0.get_mut(&key.number()) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => self.0.insert(key.number(), (key, value)).map(|(_, old)| old),
        };
        let growing = self.0.len().is_multiple_of(3);
        self.1.started += u64::from(growing && self.1.old_buckets.is_none());
        self.1.old_buckets = growing.then_some(self.0.len());
        old
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(&key.number()).map(|(_, value)| value)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.0.values().for_each(|(key, value)| visit(key, value));
    }
    fn growth(&self) -> Growth {
        self.1
    }
}

#[test]
fn a_map_may_report_growths_of_its_own_kind() {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut case = Case::default();
    ops::fill(&mut case, &mut rng, Mix::Full, 200);
    case.hasher = Hasher::Mix;
    let report = run::<Threes<u64, u64>, u64, u64, Ordered>(&case, Checks::Every);
    let growths = report.map(|report| report.growths);
    assert!(growths.is_ok_and(|growths| growths > 0), "{case}");
}
