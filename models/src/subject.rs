//! `SequentialSubject`: what a map implements to be tested.
//!
//! Seven methods and a type are required; the rest are declared in [`CAPABILITIES`](SequentialSubject::CAPABILITIES), and an
//! op that needs a capability the subject does not declare is skipped. Implement it for every `K: Key, V: Value` the
//! map can hold, with [`ModelState`] as its hasher if it takes one, and hand it to `property::run`:
//!
//! ```
//! use models::{elements::{Key, Value}, generators::hashers::ModelState, subject::{NoCursor, SequentialSubject}};
//!
//! /// Remembers everything in a row.
//! struct Row<K, V>(Vec<(K, V)>);
//!
//! impl<K: Key, V: Value> SequentialSubject<K, V> for Row<K, V> {
//!     type Cursor = NoCursor;
//!     fn create(_: ModelState, capacity: usize) -> Self { Row(Vec::with_capacity(capacity)) }
//!     fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
//!         self.0.iter().find(|entry| entry.0 == *key).map(|entry| see(&entry.1))
//!     }
//!     fn insert(&mut self, key: K, value: V) -> Option<V> {
//!         match self.0.iter_mut().find(|entry| entry.0 == key) {
//!             Some(entry) => Some(std::mem::replace(&mut entry.1, value)),
//!             None => { self.0.push((key, value)); None }
//!         }
//!     }
//!     fn remove(&mut self, key: &K) -> Option<V> {
//!         let at = self.0.iter().position(|entry| entry.0 == *key)?;
//!         Some(self.0.swap_remove(at).1)
//!     }
//!     fn len(&self) -> usize { self.0.len() }
//!     fn clear(&mut self) { self.0.clear() }
//!     fn for_each(&self, mut visit: impl FnMut(&K, &V)) { self.0.iter().for_each(|(key, value)| visit(key, value)) }
//! }
//!
//! use models::{case::Case, property::{self, Checks}, spec::Ordered};
//! let case = Case::parse("case 1\nthread main\n insert k1 v2\n get k1\n remove k1\nend\n").unwrap();
//! property::run::<Row<u64, u64>, u64, u64, Ordered>(&case, Checks::Every).unwrap();
//!
//! // A hunt, which makes what it finds smaller:
//! use models::generators::{ops::Mix, strategy::swarm_case};
//! use proptest::prelude::*;
//! proptest!(ProptestConfig::with_cases(20), |(case in swarm_case(Mix::Full, 200))| {
//!     let ran = property::run::<Row<u64, u64>, u64, u64, Ordered>(&case, Checks::Boundaries);
//!     prop_assert!(ran.is_ok(), "{case}{}", ran.unwrap_err());
//! });
//! ```
//!
//! A program of your own has the whole command line for it, triage and its reports included, if its `main` is
//! `drivers::main(&MAPS)`, with `static MAPS: [Adapter; 1] = [sequential!("row", Row)]`: see `examples/plug_in`.
//!
//! # Not here
//! Which ops need which capability, and what they must answer: see `property`.
//! # Checked by
//! `tests/subjects.rs`.

use crate::elements::{Key, Value};
use crate::generators::hashers::{Hasher, ModelState};
use crate::op::Order;
use crate::picture::Picture;
use map_core::Health;

/// A set of optional abilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Only what is required.
    pub const NONE: Self = Capabilities(0);
    /// `contains_key`, `get_key_value`, `remove_entry`.
    pub const LOOKUPS: Self = Capabilities(1);
    /// `get_mut`, `each_mut` by `iter_mut` and by `values_mut`.
    pub const MUTATION: Self = Capabilities(1 << 1);
    /// `get_disjoint_mut`.
    pub const DISJOINT: Self = Capabilities(1 << 2);
    /// `entry`, in all its forms.
    pub const ENTRY: Self = Capabilities(1 << 3);
    /// `entry(..).insert_entry`.
    pub const INSERT_ENTRY: Self = Capabilities(1 << 4);
    /// `keys`, `values`, `into_iter`.
    pub const VIEWS: Self = Capabilities(1 << 5);
    /// `into_keys`, `into_values`.
    pub const INTO_PARTS: Self = Capabilities(1 << 6);
    /// `retain`.
    pub const RETAIN: Self = Capabilities(1 << 7);
    /// `drain`.
    pub const DRAIN: Self = Capabilities(1 << 8);
    /// `extract_if`.
    pub const EXTRACT: Self = Capabilities(1 << 9);
    /// `clone`, `clone_from`, `==`.
    pub const CLONE: Self = Capabilities(1 << 10);
    /// `extend`, and `collected`: a map of what an iterator gives.
    pub const EXTEND: Self = Capabilities(1 << 11);
    /// `capacity`, `reserve`, `try_reserve`, `shrink_to_fit`.
    pub const CAPACITY: Self = Capabilities(1 << 12);
    /// `shrink_to`.
    pub const SHRINK_TO: Self = Capabilities(1 << 13);
    /// Iteration that does not borrow the map.
    pub const CURSOR: Self = Capabilities(1 << 14);
    /// It says how far it has grown: `growth`. Then it is looked at closely where a growth begins and ends, and findings are
    /// told with the phase they came in.
    pub const GROWTH: Self = Capabilities(1 << 15);
    /// `GROWTH`, and it is Go's, to the threshold: what [`work::bounded`](crate::oracles::work::bounded) says, and `evacuate`
    /// and `set_order`.
    pub const GO_GROWTH: Self = Capabilities(1 << 29).and(Self::GROWTH);
    /// `check`.
    pub const CHECK: Self = Capabilities(1 << 16);
    /// Of shared maps: `get_or_insert_with`.
    pub const GET_OR_INSERT: Self = Capabilities(1 << 17);
    /// Of shared maps: `update`.
    pub const UPDATE: Self = Capabilities(1 << 18);
    /// Of shared maps: `compute`.
    pub const COMPUTE: Self = Capabilities(1 << 19);
    /// Of shared maps: `len`.
    pub const LEN: Self = Capabilities(1 << 20);
    /// Of shared maps: `for_each`.
    pub const ITERATION: Self = Capabilities(1 << 21);
    /// Of shared maps: `reserve`.
    pub const RESERVE: Self = Capabilities(1 << 26);
    /// Of shared maps: `clear`.
    pub const CLEAR: Self = Capabilities(1 << 22);

    /// Removed entries may be dropped later, at the latest with the map.
    pub const DEFERS_DROPS: Self = Capabilities(1 << 23);
    /// An overwrite stores the new key too: entries are never changed after readers may have them.
    pub const REPLACES_KEYS: Self = Capabilities(1 << 24);

    /// Growth that every write has a share in: `growth`, and what [`work::shared`](crate::oracles::work::shared) says of it.
    pub const SHARED_GROWTH: Self = Capabilities(1 << 25);

    /// Where equal keys have different hashes, answers are anything, but it neither panics nor hangs, and it holds as many
    /// entries as it says.
    pub const BEARS_LIES: Self = Capabilities(1 << 27);
    /// A `Drop` that panics in `clear`, at the end of a `drain` or an `into_iter`, or in the map's own, keeps nothing else
    /// from being dropped or freed, and nothing in the map; nor does one in any other op keep memory from being freed.
    pub const DROPS_REGARDLESS: Self = Capabilities(1 << 28);
    /// Of shared maps: memory of a map that is gone may be freed later, by a collector that others use too, so that memory which
    /// is left behind is no leak.
    pub const FREES_LATER: Self = Capabilities(1 << 30);
    /// It is not made for many keys of one hash: it gets none of the hashers that give few.
    pub const NEEDS_SPREAD: Self = Capabilities(1 << 31);

    /// All that shared maps may have, but `check`.
    pub const ALL_OF_SHARED: Self = Self::LOOKUPS
        .and(Self::GET_OR_INSERT)
        .and(Self::UPDATE)
        .and(Self::COMPUTE)
        .and(Self::LEN)
        .and(Self::ITERATION)
        .and(Self::CLEAR)
        .and(Self::RETAIN)
        .and(Self::RESERVE);

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Capabilities(self.0 | other.0)
    }

    /// What both sets have.
    pub const fn within(self, other: Self) -> Self {
        Capabilities(self.0 & other.0)
    }

    /// Everything in `self` but not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Capabilities(self.0 & !other.0)
    }

    /// Is all of `other` in it?
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The hasher, if such a map may be asked to bear it; else the one that comes next to it.
    pub fn bearing(self, hasher: Hasher) -> Hasher {
        let hasher = if self.has(Self::BEARS_LIES) { hasher } else { hasher.honest() };
        if self.has(Self::NEEDS_SPREAD) { hasher.spread() } else { hasher }
    }
}

/// How far a map has grown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Growths started, ever.
    pub started: u64,
    /// Old buckets evacuated, ever.
    pub evacuated: u64,
    /// log2 of the (new) table's buckets.
    pub buckets_log2: u32,
    /// The old table's buckets, while there is one.
    pub old_buckets: Option<usize>,
    /// The evacuation mark; of a shared map, how many old buckets were claimed.
    pub mark: usize,
    /// The table new in this growth grows as well: with a shared map.
    pub nested: bool,
    /// Overflow buckets of the (new) table.
    pub overflow: usize,
    /// Entries.
    pub len: usize,
    /// `GO_GROWTH`: the order in which it evacuates.
    pub order: Option<Order>,
}

/// What to do with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPath {
    /// `or_insert(v)`.
    OrInsert(u64),
    /// `or_insert_with(|| v)`.
    OrInsertWith(u64),
    /// `or_default()`.
    OrDefault,
    /// `and_modify(|old| *old += v).or_insert(v)`.
    AndModify(u64),
    /// `insert_entry(v)`; answers the value in the entry it returns.
    InsertEntry(u64),
    /// Occupied: `insert(v)`. Vacant: drop.
    Replace(u64),
    /// Occupied: `remove()`. Vacant: drop.
    Remove,
    /// Occupied: `remove_entry()`. Vacant: drop.
    RemoveEntry,
    /// Occupied: `get()`. Vacant: `key()`. Then drop.
    Look,
}

/// What an entry answered: the value now or formerly there, and the stored key where the path hands it out.
#[derive(Debug)]
pub struct EntryAnswer<K> {
    /// The value's number.
    pub value: Option<u64>,
    /// The key, when the entry gave it away; a copy, when it was looked at.
    pub key: Option<K>,
}

/// The cursor of a map that has none.
#[derive(Debug)]
pub enum NoCursor {}

/// Which of two ways to reach every value for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutably {
    /// `iter_mut`.
    Iter,
    /// `values_mut`.
    Values,
}

/// A map under test. See the module's documentation.
///
/// Methods that have to be declared in [`CAPABILITIES`](Self::CAPABILITIES) panic by default, so that a declaration
/// without an implementation is itself found.
#[allow(unused_variables, reason = "the defaults only say that they are defaults")]
pub trait SequentialSubject<K: Key, V: Value>: Sized {
    /// Iteration that does not borrow the map; [`NoCursor`] if there is none.
    type Cursor;
    /// Which of the optional methods it has.
    const CAPABILITIES: Capabilities = Capabilities::NONE;

    /// An empty map with room for `capacity` entries.
    fn create(state: ModelState, capacity: usize) -> Self;
    /// What `see` makes of the value of `key`.
    fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R>;
    /// Sets `key`'s value and returns the old one. The stored key stays.
    fn insert(&mut self, key: K, value: V) -> Option<V>;
    /// Removes `key`.
    fn remove(&mut self, key: &K) -> Option<V>;
    /// How many entries.
    fn len(&self) -> usize;
    /// No entries?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Removes everything.
    fn clear(&mut self);
    /// Visits every entry once, in any order.
    fn for_each(&self, visit: impl FnMut(&K, &V));

    /// `LOOKUPS`.
    fn contains_key(&self, key: &K) -> bool {
        undeclared("contains_key")
    }
    /// `LOOKUPS`.
    fn get_key_value<R>(&self, key: &K, see: impl FnOnce(&K, &V) -> R) -> Option<R> {
        undeclared("get_key_value")
    }
    /// `LOOKUPS`.
    fn remove_entry(&mut self, key: &K) -> Option<(K, V)> {
        undeclared("remove_entry")
    }
    /// `MUTATION`.
    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        undeclared("get_mut")
    }
    /// `MUTATION`: visits every entry, the key only where the way shows it.
    fn each_mut(&mut self, how: Mutably, visit: impl FnMut(Option<&K>, &mut V)) {
        undeclared("each_mut")
    }
    /// `DISJOINT`: different keys. Panics if two are equal and in the map.
    fn get_disjoint_mut<const N: usize>(&mut self, keys: [&K; N]) -> [Option<&mut V>; N] {
        undeclared("get_disjoint_mut")
    }
    /// `ENTRY`; `closure` is to be called at the start of every closure given to the map. Of `or_insert_with` and
    /// `and_modify` the calls are counted.
    fn entry(&mut self, key: K, path: EntryPath, closure: impl Fn()) -> EntryAnswer<K> {
        undeclared("entry")
    }
    /// `VIEWS`: `keys`, then `values`.
    fn keys_values(&self, key: impl FnMut(&K), value: impl FnMut(&V)) {
        undeclared("keys_values")
    }
    /// `VIEWS`: `into_iter`; stop after `take` entries and drop the rest.
    fn into_each(self, take: usize, visit: impl FnMut(K, V)) {
        undeclared("into_each")
    }
    /// `INTO_PARTS`: `into_keys`.
    fn into_each_key(self, visit: impl FnMut(K)) {
        undeclared("into_each_key")
    }
    /// `INTO_PARTS`: `into_values`.
    fn into_each_value(self, visit: impl FnMut(V)) {
        undeclared("into_each_value")
    }
    /// `RETAIN`.
    fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
        undeclared("retain")
    }
    /// `DRAIN`: stop after `take` entries and drop the iterator.
    fn drain(&mut self, take: usize, visit: impl FnMut(K, V)) {
        undeclared("drain")
    }
    /// `EXTRACT`: stop after `take` entries and drop the iterator.
    fn extract_if(
        &mut self,
        take: usize,
        choose: impl FnMut(&K, &mut V) -> bool,
        visit: impl FnMut(K, V),
    ) {
        undeclared("extract_if")
    }
    /// `CLONE`.
    fn duplicate(&self) -> Self {
        undeclared("duplicate")
    }
    /// `CLONE`: `clone_from`, for a map that has entries and a hasher already.
    fn duplicate_into(&self, other: &mut Self) {
        *other = self.duplicate();
    }
    /// `CLONE`: `==`, by entries that are equal in number.
    fn equals(&self, other: &Self) -> bool {
        undeclared("equals")
    }
    /// `EXTEND`. Of a map without it, the op is the inserts that it is.
    fn extend(&mut self, entries: impl Iterator<Item = (K, V)>) {
        undeclared("extend")
    }
    /// `EXTEND`: a map of these entries, with the default hasher.
    fn collected(entries: impl Iterator<Item = (K, V)>) -> Self {
        undeclared("collected")
    }
    /// `CAPACITY`: entries it can hold without growing.
    fn capacity(&self) -> usize {
        undeclared("capacity")
    }
    /// `CAPACITY`, `RESERVE`.
    fn reserve(&mut self, additional: usize) {
        undeclared("reserve")
    }
    /// `CAPACITY`: did it succeed?
    fn try_reserve(&mut self, additional: usize) -> bool {
        undeclared("try_reserve")
    }
    /// `CAPACITY`.
    fn shrink_to_fit(&mut self) {
        undeclared("shrink_to_fit")
    }
    /// `SHRINK_TO`.
    fn shrink_to(&mut self, capacity: usize) {
        undeclared("shrink_to")
    }
    /// `CURSOR`: at a bucket and an offset, or where the map likes.
    fn open_cursor(&mut self, start: Option<(usize, usize)>) -> Self::Cursor {
        undeclared("open_cursor")
    }
    /// `CURSOR`. Panics if the cursor is not at its end and was opened by another map, of which this may be a clone.
    fn step_cursor<'m>(&'m self, cursor: &mut Self::Cursor) -> Option<(&'m K, &'m V)> {
        undeclared("step_cursor")
    }
    /// `CURSOR`: does it say that it is at its end, which is when a step has given nothing? `None`: it says nothing of that.
    fn is_finished(cursor: &Self::Cursor) -> Option<bool> {
        None
    }
    /// `GROWTH`, `SHARED_GROWTH`: O(1).
    #[inline]
    fn growth(&self) -> Growth {
        Growth::default()
    }
    /// `GO_GROWTH`: how many old buckets it emptied.
    fn evacuate(&mut self, buckets: usize) -> usize {
        undeclared("evacuate")
    }
    /// `GO_GROWTH`.
    fn set_order(&mut self, order: Order) {
        undeclared("set_order")
    }
    /// `CHECK`: is the map well formed? The claim it breaks and how, if not.
    fn check(&self) -> Result<(), (String, String)> {
        Ok(())
    }
    /// `CHECK`: the same, of a map that nobody else uses: of a shared one there is more to say then.
    fn check_at_rest(&mut self) -> Result<(), (String, String)> {
        self.check()
    }
    /// What its tables look like, if it has any to show: for reports. Its slots are judged by the tophash codes of
    /// `map_core::tophash`.
    fn picture(&self) -> Option<Picture> {
        None
    }
    /// The figures of it that such a picture must bear out, if it has them.
    fn health(&self) -> Option<Health> {
        None
    }
}

pub(crate) fn undeclared(method: &str) -> ! {
    panic!("the subject declares the capability of `{method}` and does not implement it")
}
