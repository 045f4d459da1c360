//! Maps by name: those that ship with an adapter, and those that a program of your own adds.
//!
//! # Not here
//! What a map implements to be one of them: see `subject` and `concurrent_subject`.
//! # Checked by
//! `tests/subjects.rs`, `tests/threads.rs`; maps of your own: `tests/plug_in.rs`.

#[macro_use]
mod std_api;

mod alone;
mod concurrent;
#[cfg(feature = "griddle")]
mod griddle;
#[cfg(feature = "hashbrown")]
mod hashbrown;
#[cfg(feature = "indexmap")]
mod indexmap;
mod map;
pub mod shared;
mod std;
mod wrong;

use crate::case::Case;
use crate::catalogue::Allowed;
use crate::concurrent_subject::{ConcurrentSubject, program};
use crate::engines::judge::Judge;
use crate::engines::shuttle::{self, Policy};
use crate::engines::{Limits, Report, threads};
use crate::generators::hashers::ModelState;
use crate::property::{self, Checks, Outcome};
use crate::spec::Ordered;
use crate::subject::Capabilities;
use ::std::fmt;
use ::std::sync::OnceLock;
pub use alone::Alone;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser, ValueParserFactory};
pub use concurrent::OneThread;
use shared::locked;

/// What the reference oracle compares with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// The `BTreeMap` spec.
    #[default]
    Reference,
    /// The same over an array indexed by key: faster.
    DirectIndex,
}

/// [`property::run`], with its types chosen.
pub type Runner = fn(&Case, Checks) -> Outcome;

/// [`shuttle::run_own`], with its type chosen.
pub type Modelled = fn(&Case, Policy, &Limits) -> Report;

/// How cases with several threads run on a map.
#[derive(Clone, Copy)]
pub enum Shared {
    /// As `ConcurrentMap`'s: under every engine, from the middle of a growth on.
    Program,
    /// Under the engines that control what the map is made of, and under real threads.
    Model(Modelled, threads::Runner, Capabilities),
    /// Under real threads alone.
    Threads(threads::Runner, Capabilities),
}

impl Shared {
    /// Under real threads.
    pub fn on_threads(self) -> threads::Runner {
        match self {
            #[cfg(not(fuzzing))]
            Shared::Program => threads::run::<map_core::ConcurrentMap<u64, u64, ModelState>>,
            #[cfg(fuzzing)]
            Shared::Program => unreachable!("a fuzz target has no real threads"),
            Shared::Model(_, threads, _) | Shared::Threads(threads, _) => threads,
        }
    }

    /// The case without what the map cannot do.
    pub fn fitted(self, mut case: Case) -> Case {
        if let Shared::Model(.., capabilities) | Shared::Threads(_, capabilities) = self {
            for thread in &mut case.threads {
                thread.ops = program(&thread.ops, capabilities);
            }
        }
        case
    }

    /// Runs a case with several threads under the model; `None`: there is none. What the case allows is known of the catalogue
    /// alone, and asked of no other map.
    pub fn under_model(
        self,
        case: &Case,
        allowed: &Allowed,
        policy: Policy,
        limits: &Limits,
    ) -> Option<Report> {
        match self {
            Shared::Program => {
                Some(shuttle::run(case, Judge::new(case, allowed.clone()), policy, limits))
            }
            Shared::Model(run, ..) => Some(run(case, policy, limits)),
            Shared::Threads(..) => None,
        }
    }
}

/// A map under a name, and what runs cases on it.
pub struct Adapter {
    name: &'static str,
    is_hidden: bool,
    sequential: fn(Model) -> Runner,
    shared: Option<Shared>,
}

impl Adapter {
    /// A map for one thread. [`sequential!`](crate::sequential!) writes the function.
    pub const fn sequential(name: &'static str, runner: fn(Model) -> Runner) -> Adapter {
        Adapter { name, is_hidden: false, sequential: runner, shared: None }
    }

    /// A shared map that is generic over [`Platform`](map_core::platform::Platform): `M` is made of the primitives of
    /// [`shuttle::Model`], `T` of those of [`Std`](map_core::platform::Std). What has one thread runs on `T`.
    pub const fn modelled<M: ConcurrentSubject, T: ConcurrentSubject>(
        name: &'static str,
    ) -> Adapter {
        let threads = threads::run::<T>;
        Self::shared::<T>(name, Shared::Model(shuttle::run_own::<M>, threads, M::CAPABILITIES))
    }

    /// Any other shared map: it runs under real threads.
    pub const fn threads<T: ConcurrentSubject>(name: &'static str) -> Adapter {
        Self::shared::<T>(name, Shared::Threads(threads::run::<T>, T::CAPABILITIES))
    }

    /// Such maps hold numbers: a case's choice of elements is nothing to them.
    const fn shared<T: ConcurrentSubject>(name: &'static str, shared: Shared) -> Adapter {
        let alone: fn(Model) -> Runner = |_| property::run::<Alone<T>, u64, u64, Ordered>;
        Adapter { name, is_hidden: false, sequential: alone, shared: Some(shared) }
    }

    /// What has several threads runs on `ConcurrentMap`.
    const fn and_programs(self) -> Adapter {
        Adapter { shared: Some(Shared::Program), ..self }
    }

    const fn hidden(self) -> Adapter {
        Adapter { is_hidden: true, ..self }
    }
}

/// An [`Adapter`] for a map for one thread: its name, and the type, as `Map` where `Map<K, V>` is one.
///
/// Cases choose the elements. Those that count or are wide are not about speed: they have the `BTreeMap` as their
/// reference, whatever is asked for.
///
/// ```
/// use models::{sequential, subjects::{Adapter, Subject}};
///
/// type Map<K, V> = map_core::Map<K, V, models::generators::hashers::ModelState>;
/// static MINE: Adapter = sequential!("mine", Map);
/// assert_eq!(Subject::of(&MINE).name(), "mine");
/// ```
#[macro_export]
macro_rules! sequential {
    ($name:expr, $map:ident) => {
        $crate::subjects::Adapter::sequential($name, |model| {
            // No name of ours is in the way of the map's.
            fn __run<__Spec: $crate::spec::Spec>(
                case: &$crate::case::Case,
                checks: $crate::property::Checks,
            ) -> $crate::property::Outcome {
                use $crate::elements as e;
                match case.elements {
                    $crate::case::Elements::Plain => {
                        $crate::sequential!(@on $map, u64, u64, __Spec)(case, checks)
                    }
                    $crate::case::Elements::Counted => {
                        $crate::sequential!(@on $map, e::CountedKey, e::CountedValue)(case, checks)
                    }
                    $crate::case::Elements::CountedKeys => {
                        $crate::sequential!(@on $map, e::CountedKey, e::LargeValue)(case, checks)
                    }
                    $crate::case::Elements::CountedValues => {
                        $crate::sequential!(@on $map, u64, e::CountedValue)(case, checks)
                    }
                    $crate::case::Elements::Wide => {
                        $crate::sequential!(@on $map, e::WideKey, e::WideValue)(case, checks)
                    }
                }
            }
            match model {
                $crate::subjects::Model::Reference => __run::<$crate::spec::Ordered>,
                $crate::subjects::Model::DirectIndex => __run::<$crate::spec::Direct>,
            }
        })
    };
    (@on $map:ident, $key:ty, $value:ty) => {
        $crate::sequential!(@on $map, $key, $value, $crate::spec::Ordered)
    };
    (@on $map:ident, $key:ty, $value:ty, $spec:ty) => {
        $crate::property::run::<$map<$key, $value>, $key, $value, $spec>
    };
}

type CoreMap<K, V> = map_core::Map<K, V, ModelState>;
type SharedMap<K, V> = OneThread<K, V>;
type WrongMap<K, V> = wrong::Wrong<K, V>;
type StdMap<K, V> = ::std::collections::HashMap<K, V, ModelState>;
#[cfg(feature = "hashbrown")]
type HashbrownMap<K, V> = ::hashbrown::HashMap<K, V, ModelState>;
#[cfg(feature = "griddle")]
type GriddleMap<K, V> = ::griddle::HashMap<K, V, ModelState>;
#[cfg(feature = "indexmap")]
type IndexedMap<K, V> = ::indexmap::IndexMap<K, V, ModelState>;

/// A map that is compiled in this crate. For a fuzz target it is not, and only its name is here: the target compiles the map itself,
/// instrumented, and what it found compiled here it would use as it is.
#[cfg(not(fuzzing))]
macro_rules! compiled {
    ($name:literal, $map:ident) => {
        sequential!($name, $map)
    };
}
#[cfg(fuzzing)]
macro_rules! compiled {
    ($name:literal, $map:ident) => {
        Adapter::sequential($name, |_| |_, _| unreachable!("the target compiles it"))
    };
}

static MAP: Adapter = compiled!("map", CoreMap).and_programs();
static CONCURRENT: Adapter = compiled!("concurrent", SharedMap).and_programs();
static STD: Adapter = compiled!("std", StdMap);
static WRONG: Adapter = compiled!("wrong", WrongMap).hidden();
static SHIPPED: &[Adapter] = &[
    Adapter::threads::<locked::Locked>("mutex"),
    Adapter::threads::<locked::Sharded>("sharded"),
    #[cfg(feature = "hashbrown")]
    sequential!("hashbrown", HashbrownMap),
    #[cfg(feature = "griddle")]
    sequential!("griddle", GriddleMap),
    #[cfg(feature = "indexmap")]
    sequential!("indexmap", IndexedMap),
    #[cfg(feature = "dashmap")]
    Adapter::threads::<shared::dashmap::Map>("dashmap"),
    #[cfg(feature = "papaya")]
    Adapter::threads::<shared::papaya::Map>("papaya"),
    #[cfg(feature = "scc")]
    Adapter::threads::<shared::scc::Map>("scc"),
    #[cfg(feature = "flurry")]
    Adapter::threads::<shared::flurry::Map>("flurry"),
];
/// Those of a program of your own.
static OWN: OnceLock<&'static [Adapter]> = OnceLock::new();

/// A map to run cases on, by name.
#[derive(Clone, Copy)]
pub struct Subject(&'static Adapter);

impl Subject {
    /// `map_core::Map`; what has several threads runs on `ConcurrentMap`.
    pub const MAP: Subject = Subject(&MAP);
    /// `map_core::ConcurrentMap`; what has one thread runs on it as well.
    pub const CONCURRENT: Subject = Subject(&CONCURRENT);
    /// `std::collections::HashMap`.
    pub const STD: Subject = Subject(&STD);
    /// A map that is wrong on purpose.
    pub const WRONG: Subject = Subject(&WRONG);

    /// A map of your own, where no program has told of it: in a fuzz target.
    pub const fn of(adapter: &'static Adapter) -> Subject {
        Subject(adapter)
    }

    /// The map with this name.
    pub fn named(name: &str) -> Option<Subject> {
        all().find(|subject| subject.name() == name)
    }

    /// The same.
    ///
    /// # Errors
    /// That there is none, in words.
    pub fn known(name: &str) -> Result<Subject, String> {
        Subject::named(name).ok_or_else(|| format!("this program has no map that is called {name}"))
    }

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The one that is meant if none is named: the first, your own before others, or the first that runs what has several
    /// threads.
    pub fn usual(has_several: bool) -> Subject {
        let can = |subject: &Subject| !has_several || subject.shared().is_some();
        all().find(can).unwrap_or(Subject::MAP)
    }

    /// What a command has to say to mean it, with a space before; nothing, if it is the usual one.
    pub fn flag(self, has_several: bool) -> String {
        match self == Subject::usual(has_several) {
            true => String::new(),
            false => format!(" --subject {}", self.name()),
        }
    }

    /// The property of this map against this model.
    pub fn runner(self, model: Model) -> Runner {
        (self.0.sequential)(model)
    }

    /// Runs a case with one thread on this map with the spec as reference.
    pub fn run(self, case: &Case, checks: Checks) -> Outcome {
        self.runner(Model::Reference)(case, checks)
    }

    /// How cases with several threads run on it; `None`: not at all.
    pub fn shared(self) -> Option<Shared> {
        self.0.shared
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Subject) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Subject {}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ValueParserFactory for Subject {
    type Parser = clap::builder::ValueParser;

    fn value_parser() -> Self::Parser {
        let names =
            all().map(|Subject(adapter)| PossibleValue::new(adapter.name).hide(adapter.is_hidden));
        let parser = PossibleValuesParser::new(names);
        parser.map(|name| Subject::named(&name).expect("it is one of them")).into()
    }
}

/// Every map there is: your own first.
pub fn all() -> impl Iterator<Item = Subject> {
    let shipped = [&MAP, &CONCURRENT, &STD, &WRONG].into_iter().chain(SHIPPED);
    own().iter().chain(shipped).map(Subject)
}

fn own() -> &'static [Adapter] {
    OWN.get().copied().unwrap_or_default()
}

/// Adds maps of your own, once and before anything asks for one by name.
///
/// # Panics
/// If two maps have one name, or at the second call.
pub(crate) fn add(own: &'static [Adapter]) {
    for (at, Adapter { name, .. }) in own.iter().enumerate() {
        let is_new = own[..at].iter().all(|other| other.name != *name);
        assert!(is_new && Subject::named(name).is_none(), "two maps are called {name}");
    }
    OWN.set(own).unwrap_or_else(|_| panic!("a program has one list of maps"));
}
