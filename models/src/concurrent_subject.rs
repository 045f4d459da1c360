//! `ConcurrentSubject`: what a shared map implements to be tested.
//!
//! Four methods are required; the rest are declared in [`CAPABILITIES`](ConcurrentSubject::CAPABILITIES), and an op that needs a
//! capability the subject does not declare is left out. Keys and values are plain numbers. Use [`ModelState`] as
//! hasher if the map takes one: cases choose hashers that make keys collide.
//!
//! ```
//! use models::{case::Case, concurrent_subject::ConcurrentSubject, engines::threads, generators::hashers::ModelState};
//! use std::{collections::BTreeMap, sync::RwLock};
//!
//! struct Locked(RwLock<BTreeMap<u64, u64>>);
//!
//! impl ConcurrentSubject for Locked {
//!     fn create(_: ModelState, _capacity: usize) -> Self { Locked(RwLock::default()) }
//!     fn get(&self, key: u64) -> Option<u64> { self.0.read().unwrap().get(&key).copied() }
//!     fn insert(&self, key: u64, value: u64) -> Option<u64> { self.0.write().unwrap().insert(key, value) }
//!     fn remove(&self, key: u64) -> Option<u64> { self.0.write().unwrap().remove(&key) }
//! }
//!
//! let case = "case 1\nthread setup\n extend k0 20\nend\nthread writer\n insert k1 v5\nend\nthread reader\n get k1\nend\n";
//! threads::run::<Locked>(&Case::parse(case).unwrap(), threads::Settings::default()).unwrap();
//! ```
//!
//! That is under real threads; [`Alone`](crate::subjects::Alone) is it under the operation sequences. A map that takes its locks, atomics and cells from a [`Platform`](map_core::platform::Platform)
//! runs under the model as well, schedule by schedule, by any policy; a finding has the
//! schedule that shows it:
//!
//! ```
//! use map_core::platform::{Mutex, Platform};
//! use models::{case::Case, concurrent_subject::ConcurrentSubject, generators::hashers::ModelState, schedulers::replay};
//! use models::engines::{Limits, dfs::{self, Explore}, shuttle::{Model, run_own}};
//! use std::collections::BTreeMap;
//!
//! struct Hasty<P: Platform>(P::Mutex<BTreeMap<u64, u64>>);
//!
//! impl<P: Platform> ConcurrentSubject for Hasty<P> where Self: Send + Sync {
//!     fn create(_: ModelState, _capacity: usize) -> Self { Hasty(Mutex::new(BTreeMap::new())) }
//!     fn get(&self, key: u64) -> Option<u64> { self.0.with(|map| map.get(&key).copied()) }
//!     fn insert(&self, key: u64, value: u64) -> Option<u64> {
//!         let old = self.get(key); // The lock is free between the two.
//!         self.0.with(|map| map.insert(key, value));
//!         old
//!     }
//!     fn remove(&self, key: u64) -> Option<u64> { self.0.with(|map| map.remove(&key)) }
//! }
//!
//! let case = Case::parse("case 1\nthread ann\n insert k1 v1\nend\nthread ben\n insert k1 v2\nend\n").unwrap();
//! let all = dfs::policy(Explore { preemptions: Some(2), ..Explore::default() });
//! let found = run_own::<Hasty<Model>>(&case, all, &Limits::default()).found.expect("both say that there was nothing");
//!
//! let kept = Case { schedule: found.schedule, ..case }; // `finding::keep` writes it, `Case::parse` reads it.
//! let again = run_own::<Hasty<Model>>(&kept, replay::policy(&kept), &Limits::executions(1)).found.unwrap();
//! assert_eq!(again.finding.objection, found.finding.objection);
//! ```
//!
//! A program of your own has the whole command line for it, triage and its reports included, if its `main` is
//! `drivers::main(&MAPS)`, with `static MAPS: [Adapter; 1] = [Adapter::modelled::<Hasty<Model>, Hasty<Std>>("hasty")]`: see
//! `examples/plug_in`.
//!
//! # Invariants
//! - **as the spec says**: each op on a key answers as `spec` does, taking effect at one moment of the call.
//! - **as declared**: whole-map ops keep [`CONTRACTS`](ConcurrentSubject::CONTRACTS).
//! # Not here
//! Threads: see `engines`.
//! # Checked by
//! `tests/threads.rs`, `tests/own_map.rs`, `tests/plug_in.rs`.

use crate::generators::hashers::ModelState;
use crate::history::Answer;
use crate::op::{Decision, Op, Ret, decide, stays};
use crate::oracles::whole_map::Contracts;
use crate::oracles::{Verdict, reference, well_formed};
use crate::spec::extension;
use crate::subject::{Capabilities, undeclared};

/// A shared map under test. See the module's documentation.
///
/// Methods that have to be declared in [`CAPABILITIES`](Self::CAPABILITIES) panic by default, so that a declaration
/// without an implementation is itself found.
#[allow(unused_variables, reason = "the defaults only say that they are defaults")]
pub trait ConcurrentSubject: Send + Sync + Sized + 'static {
    /// Which of the optional methods it has.
    const CAPABILITIES: Capabilities = Capabilities::NONE;
    /// What it promises of its whole-map ops.
    const CONTRACTS: Contracts = Contracts::WEAK;

    /// An empty map with room for `capacity` entries.
    fn create(state: ModelState, capacity: usize) -> Self;
    /// The value of `key`.
    fn get(&self, key: u64) -> Option<u64>;
    /// Sets `key`'s value and returns the old one.
    fn insert(&self, key: u64, value: u64) -> Option<u64>;
    /// Removes `key` and returns its value.
    fn remove(&self, key: u64) -> Option<u64>;

    /// `LOOKUPS`: is there an entry?
    fn contains_key(&self, key: u64) -> bool {
        undeclared("contains_key")
    }
    /// `GET_OR_INSERT`: the value of `key`, which is `make`'s if there was none.
    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        undeclared("get_or_insert_with")
    }
    /// `UPDATE`: if there is a value, replaces it by what `change` makes of it, and returns the new one.
    fn update(&self, key: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        undeclared("update")
    }
    /// `COMPUTE`: does what `decide` says of the value there; returns the value before and after.
    fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
        undeclared("compute")
    }
    /// `LEN`: how many entries.
    fn len(&self) -> usize {
        undeclared("len")
    }
    /// `LEN`: no entries?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// `ITERATION`: visits entries.
    fn for_each(&self, visit: impl FnMut(u64, u64)) {
        undeclared("for_each")
    }
    /// `CLEAR`: removes everything.
    fn clear(&self) {
        undeclared("clear")
    }
    /// `RETAIN`: removes what `keep` does not choose.
    fn retain(&self, keep: impl Fn(u64, u64) -> bool) {
        undeclared("retain")
    }
    /// `RESERVE`: makes room.
    fn reserve(&self, additional: usize) {
        undeclared("reserve")
    }
    /// `CHECK`, while nobody writes: is the map well formed? The claim it breaks and how, if not.
    fn check(&self) -> Result<(), (String, String)> {
        Ok(())
    }
    /// `CHECK`: the same, with what can be said only if nobody else has the map.
    fn check_at_rest(&mut self) -> Result<(), (String, String)> {
        self.check()
    }
}

/// Judges a map that nobody uses: its structure, and whether it says that it is empty if it is.
pub(crate) fn at_rest<S: ConcurrentSubject>(map: &mut S) -> Verdict {
    well_formed::structure(map.check_at_rest())?;
    match S::CAPABILITIES.has(Capabilities::LEN) {
        true => reference::emptiness(map.is_empty(), map.len()),
        false => Ok(()),
    }
}

/// What an op needs; `None` if shared maps do not have it.
pub fn needs(op: Op) -> Option<Capabilities> {
    Some(match op {
        Op::Get(_) | Op::Insert(..) | Op::Remove(_) => Capabilities::NONE,
        Op::ContainsKey(_) => Capabilities::LOOKUPS,
        Op::EntryOrInsert(..) | Op::EntryOrInsertWith(..) => Capabilities::GET_OR_INSERT,
        Op::Update(..) | Op::UpdateWithin(..) => Capabilities::UPDATE,
        Op::Compute(..) => Capabilities::COMPUTE,
        Op::Len => Capabilities::LEN,
        Op::Iter => Capabilities::ITERATION,
        Op::Clear => Capabilities::CLEAR,
        Op::Retain(..) | Op::RetainValues(..) => Capabilities::RETAIN,
        Op::Reserve(_) => Capabilities::RESERVE,
        _ => return None,
    })
}

/// The ops of a thread as a subject with these capabilities does them: an `extend` as the inserts it is, ops it lacks left
/// out.
pub fn program(ops: &[Op], capabilities: Capabilities) -> Vec<Op> {
    let mut program = Vec::with_capacity(ops.len());
    for &op in ops {
        match op {
            Op::Extend(k, n) => program.extend(extension(k, n).map(|key| Op::Insert(key, key))),
            _ if needs(op).is_some_and(|needs| capabilities.has(needs)) => program.push(op),
            _ => {}
        }
    }
    program
}

/// Does an op.
///
/// # Panics
/// If the map does, or if it cannot do the op: see [`needs`].
pub fn perform<S: ConcurrentSubject>(map: &S, op: Op) -> Answer {
    let value = |value: u16| u64::from(value);
    let ret = match op {
        Op::Get(k) => Ret::Value(map.get(k.into())),
        Op::Insert(k, v) => Ret::Value(map.insert(k.into(), v.into())),
        Op::Remove(k) => Ret::Value(map.remove(k.into())),
        Op::ContainsKey(k) => Ret::Flag(map.contains_key(k.into())),
        Op::EntryOrInsert(k, v) | Op::EntryOrInsertWith(k, v) => {
            Ret::Value(Some(map.get_or_insert_with(k.into(), || v.into())))
        }
        // Not every map lets its closures use it.
        Op::Update(k, v) | Op::UpdateWithin(k, v) => {
            Ret::Value(map.update(k.into(), |old| old.wrapping_add(value(v))))
        }
        Op::Compute(k, v) => Ret::Two(map.compute(k.into(), |old| decide(old, value(v)))),
        Op::Len => Ret::Count(map.len()),
        Op::Iter => {
            let mut entries = Vec::new();
            map.for_each(|key, value| entries.push((key, value)));
            return Answer::Entries(entries);
        }
        Op::Clear => {
            map.clear();
            Ret::Unit
        }
        Op::Retain(..) | Op::RetainValues(..) => {
            map.retain(|key, value| stays(op, key, value));
            Ret::Unit
        }
        Op::Reserve(n) => {
            map.reserve(n.into());
            Ret::Unit
        }
        other => panic!("`{other}` is not an op of shared maps"),
    };
    ret.into()
}
