//! The maps that ship with an adapter, one per file, and how to run a case on one chosen by name.
//!
//! # Not here
//! What a subject is: see `subject`.
//! # Checked by
//! `tests/subjects.rs`.

#[macro_use]
mod std_api;

mod concurrent;
#[cfg(feature = "griddle")]
mod griddle;
#[cfg(feature = "hashbrown")]
mod hashbrown;
#[cfg(feature = "indexmap")]
mod indexmap;
mod map;
mod std;
mod wrong;

use crate::case::{Case, Elements};
use crate::drivers::word;
use crate::elements::{CountedKey, CountedValue, WideKey, WideValue};
use crate::generators::hashers::ModelState;
use crate::property::{self, Checks, Outcome};
use crate::spec::{Direct, Ordered};
use clap::ValueEnum;

/// A map to run cases on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// `map_core::Map`.
    #[default]
    Map,
    /// `map_core::ConcurrentMap`, from one thread.
    Concurrent,
    /// `std::collections::HashMap`.
    Std,
    /// A map that is wrong on purpose.
    #[value(hide = true)]
    Wrong,
    /// `hashbrown::HashMap`.
    #[cfg(feature = "hashbrown")]
    Hashbrown,
    /// `griddle::HashMap`.
    #[cfg(feature = "griddle")]
    Griddle,
    /// `indexmap::IndexMap`.
    #[cfg(feature = "indexmap")]
    Indexmap,
}

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

/// A runner that chooses the element types by the case. Elements that count or are wide are not about speed: they
/// have the reference, whatever is asked for.
macro_rules! runner {
    ($map:ident, $model:expr) => {{
        fn run<M: crate::spec::Spec>(case: &Case, checks: Checks) -> Outcome {
            match case.elements {
                Elements::Plain => property::run::<$map<u64, u64>, u64, u64, M>(case, checks),
                Elements::Counted => {
                    type Map = $map<CountedKey, CountedValue>;
                    property::run::<Map, CountedKey, CountedValue, Ordered>(case, checks)
                }
                Elements::Wide => {
                    type Map = $map<WideKey, WideValue>;
                    property::run::<Map, WideKey, WideValue, Ordered>(case, checks)
                }
            }
        }
        match $model {
            Model::Reference => run::<Ordered> as Runner,
            Model::DirectIndex => run::<Direct> as Runner,
        }
    }};
}

type CoreMap<K, V> = map_core::Map<K, V, ModelState>;
type SharedMap<K, V> = concurrent::OneThread<K, V>;
type WrongMap<K, V> = wrong::Wrong<K, V>;
type StdMap<K, V> = ::std::collections::HashMap<K, V, ModelState>;
#[cfg(feature = "hashbrown")]
type HashbrownMap<K, V> = ::hashbrown::HashMap<K, V, ModelState>;
#[cfg(feature = "griddle")]
type GriddleMap<K, V> = ::griddle::HashMap<K, V, ModelState>;
#[cfg(feature = "indexmap")]
type IndexedMap<K, V> = ::indexmap::IndexMap<K, V, ModelState>;

impl Subject {
    /// The property of this map against this model.
    pub fn runner(self, model: Model) -> Runner {
        match self {
            Subject::Map => runner!(CoreMap, model),
            Subject::Concurrent => runner!(SharedMap, model),
            Subject::Std => runner!(StdMap, model),
            Subject::Wrong => runner!(WrongMap, model),
            #[cfg(feature = "hashbrown")]
            Subject::Hashbrown => runner!(HashbrownMap, model),
            #[cfg(feature = "griddle")]
            Subject::Griddle => runner!(GriddleMap, model),
            #[cfg(feature = "indexmap")]
            Subject::Indexmap => runner!(IndexedMap, model),
        }
    }

    /// Runs a case on this map with the spec as reference.
    pub fn run(self, case: &Case, checks: Checks) -> Outcome {
        self.runner(Model::Reference)(case, checks)
    }

    /// The word for it on the command line.
    pub fn name(self) -> String {
        word(&self)
    }
}
