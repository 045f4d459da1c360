//! The vocabulary: what can be done to a map, and what it can answer.
//!
//! Every harness speaks it: the fuzz targets, proptest, `cargo models`, the corpus. An [`Op`] is `Copy` and small
//! (8 bytes), names its keys and values by number, and says nothing about how it is written down: `case` knows
//! the text and `input` the bytes, both through [`Op::arguments`] and [`Op::build`].
//!
//! # Invariants
//! - **append-only**: a new op goes to the end of the vocabulary, so that old byte inputs keep their meaning.
//! # Not here
//! What an op does: `spec` for the model, `property` for the map under test.
//! # Checked by
//! `tests/round_trips.rs`.

use std::fmt;

/// A key, by number. Small, so that ops collide and a case fits in few bytes.
pub type Key = u16;
/// A value, by number. A map's values may grow past it (`and_modify` adds), so answers are `u64`.
pub type Value = u16;

/// How many cursors a case can hold open at once.
pub const CURSORS: usize = 4;

/// A call into user code at which a panic can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// `Hash::hash` of a key.
    Hash,
    /// `Eq::eq` of a key.
    Eq,
    /// `Clone::clone` of a key or a value.
    Clone,
    /// `Drop::drop` of a key or a value.
    Drop,
    /// A closure passed to the map: `retain`, `extract_if`, `or_insert_with`, `and_modify`.
    Closure,
}

impl Site {
    /// Every site, in the order of its code.
    pub const ALL: [Site; 5] = [Site::Hash, Site::Eq, Site::Clone, Site::Drop, Site::Closure];

    /// The word for it in a case.
    pub fn name(self) -> &'static str {
        ["hash", "eq", "clone", "drop", "closure"][self as usize]
    }
}

/// Which old bucket a write evacuates first while a map grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Go's: the bucket being written, then the one at the mark.
    Go,
    /// Two at the mark; a write ahead of the mark goes to the old chain.
    #[default]
    InOrder,
}

impl Order {
    /// Both orders, in the order of their codes.
    pub const ALL: [Order; 2] = [Order::Go, Order::InOrder];

    /// The word for it in a case.
    pub fn name(self) -> &'static str {
        ["go", "in-order"][self as usize]
    }
}

/// What kind of argument an op takes: its range, how it is spelt and how many bytes it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `k3`: a key, any `u16`.
    Key,
    /// `v9`: a value, any `u16`.
    Value,
    /// `12`: a count or an index, any `u16`.
    Count,
    /// `12`: a count or an index, any `u8`.
    Small,
    /// `c0`: one of the case's cursors.
    Cursor,
    /// `+1`: a signed distance, any `i8`.
    Distance,
    /// `hash`, `eq`, ...: see [`Site`].
    Site,
    /// `go` or `in-order`: see [`Order`].
    Order,
}

impl Argument {
    /// Does it take two bytes when its value is above 255?
    pub const fn is_wide(self) -> bool {
        matches!(self, Argument::Key | Argument::Value | Argument::Count)
    }

    /// The nearest valid raw value: arguments with few values wrap around.
    pub fn reduce(self, raw: u16) -> u16 {
        match self {
            Argument::Key | Argument::Value | Argument::Count => raw,
            Argument::Small | Argument::Distance => raw & 0xff,
            Argument::Cursor => raw % CURSORS as u16,
            Argument::Site => raw % Site::ALL.len() as u16,
            Argument::Order => raw % Order::ALL.len() as u16,
        }
    }
}

/// A type that can stand as an argument: raw numbers in, raw numbers out.
trait Raw: Sized {
    fn raw(self) -> u16;
    fn from_raw(raw: u16) -> Self;
}

macro_rules! raw {
    ($($ty:ty: $raw:ident => $to:expr, $value:ident => $from:expr;)*) => {$(
        impl Raw for $ty {
            #[inline]
            fn raw(self) -> u16 { let $value = self; $from }
            #[inline]
            fn from_raw($raw: u16) -> Self { $to }
        }
    )*};
}
raw! {
    u16: raw => raw, value => value;
    u8: raw => raw as u8, value => value as u16;
    i8: raw => raw as u8 as i8, value => value as u8 as u16;
    Site: raw => Site::ALL[raw as usize % Site::ALL.len()], value => value as u16;
    Order: raw => Order::ALL[raw as usize % Order::ALL.len()], value => value as u16;
}

macro_rules! vocabulary {
    ($( $(#[$doc:meta])* $name:literal $variant:ident $( ( $($arg:ident: $kind:ident $ty:ty),+ ) )?, )*) => {
        /// One operation on a map.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Op { $( $(#[$doc])* $variant $( ( $($ty),+ ) )?, )* }

        /// An [`Op`] without its arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind { $( $(#[$doc])* $variant, )* }

        impl Kind {
            /// Every kind, in the order of its code.
            pub const ALL: &'static [Kind] = &[ $( Kind::$variant, )* ];
            const NAMES: &'static [&'static str] = &[ $( $name, )* ];
            const ARGUMENTS: &'static [&'static [Argument]] = &[ $( &[ $( $( Argument::$kind ),+ )? ], )* ];
        }

        impl Op {
            /// The op without its arguments.
            #[inline]
            pub fn kind(self) -> Kind {
                match self { $( Op::$variant { .. } => Kind::$variant, )* }
            }

            /// Calls `visit` with every argument, in order.
            #[inline]
            pub fn arguments(self, mut visit: impl FnMut(Argument, u16)) {
                match self {
                    $( Op::$variant $( ( $($arg),+ ) )? => { $( $( visit(Argument::$kind, $arg.raw()); )+ )? } )*
                }
                let _ = &mut visit;
            }

            /// An op of this kind, its arguments taken from `source` in order and wrapped into their range.
            ///
            /// # Errors
            /// The first one that `source` returns.
            #[inline]
            pub fn build<E>(kind: Kind, mut source: impl FnMut(Argument) -> Result<u16, E>) -> Result<Op, E> {
                let _ = &mut source;
                Ok(match kind {
                    $( Kind::$variant => Op::$variant $( ( $(
                        <$ty as Raw>::from_raw(Argument::$kind.reduce(source(Argument::$kind)?))
                    ),+ ) )?, )*
                })
            }
        }
    };
}

vocabulary! {
    /// `get`.
    "get" Get(k: Key Key),
    /// `insert`.
    "insert" Insert(k: Key Key, v: Value Value),
    /// `remove`.
    "remove" Remove(k: Key Key),
    /// `remove_entry`: the stored key comes back too.
    "remove-entry" RemoveEntry(k: Key Key),
    /// `contains_key`.
    "contains-key" ContainsKey(k: Key Key),
    /// `get_key_value`.
    "get-key-value" GetKeyValue(k: Key Key),
    /// `get_mut`, and write the value if there.
    "get-mut" GetMut(k: Key Key, v: Value Value),
    /// `get_disjoint_mut` of two keys; adds one to each value found. The same key twice counts as one. With the first key
    /// twice, and another, it must panic if that is there.
    "get-disjoint-mut" GetDisjointMut(k: Key Key, l: Key Key),
    /// `entry(k).or_insert(v)`.
    "entry-or-insert" EntryOrInsert(k: Key Key, v: Value Value),
    /// `entry(k).or_insert_with(..)`.
    "entry-or-insert-with" EntryOrInsertWith(k: Key Key, v: Value Value),
    /// `entry(k).or_default()`.
    "entry-or-default" EntryOrDefault(k: Key Key),
    /// `entry(k).and_modify(|old| *old += v).or_insert(v)`.
    "entry-and-modify" EntryAndModify(k: Key Key, v: Value Value),
    /// `entry(k).insert_entry(v)`.
    "entry-insert" EntryInsert(k: Key Key, v: Value Value),
    /// `OccupiedEntry::insert`; a vacant entry is dropped.
    "entry-replace" EntryReplace(k: Key Key, v: Value Value),
    /// `OccupiedEntry::remove`; a vacant entry is dropped.
    "entry-remove" EntryRemove(k: Key Key),
    /// `OccupiedEntry::remove_entry`; a vacant entry is dropped.
    "entry-remove-entry" EntryRemoveEntry(k: Key Key),
    /// `entry(k)`, looked at and dropped.
    "entry-drop" EntryDrop(k: Key Key),
    /// Opens a cursor at a bucket and an offset in the bucket; closes the one that had the name.
    "cursor-open" CursorOpen(c: Cursor u8, bucket: Count u16, offset: Small u8),
    /// Opens a cursor where the map likes.
    "cursor-open-anywhere" CursorOpenAnywhere(c: Cursor u8),
    /// Takes so many steps with a cursor.
    "cursor-step" CursorStep(c: Cursor u8, steps: Small u8),
    /// Drops a cursor.
    "cursor-close" CursorClose(c: Cursor u8),
    /// `iter`, the view of the tables and the health, compared with the model.
    "iter" Iter,
    /// `iter_mut`, compared; adds `v` to every value.
    "iter-mut" IterMut(v: Value Value),
    /// `keys` and `values`, compared; what comes behind the middle, clones of them yield.
    "keys-values" KeysValues,
    /// `values_mut`, compared; adds `v` to every value.
    "values-mut" ValuesMut(v: Value Value),
    /// `into_iter`, compared; goes on with an empty map.
    "into-iter" IntoIter,
    /// `into_iter`, dropped after `n` entries; goes on with an empty map.
    "into-iter-drop" IntoIterDrop(n: Small u8),
    /// `into_keys` of one clone and `into_values` of another, compared.
    "into-keys-values" IntoKeysValues,
    /// `retain(|k, _| k % (m + 1) != r)`, and adds one to every value that stays.
    "retain" Retain(m: Small u8, r: Small u8),
    /// `drain`, to the end.
    "drain" Drain,
    /// `drain`, dropped after `n` entries.
    "drain-drop" DrainDrop(n: Small u8),
    /// `extract_if(|k, _| k % (m + 1) == r)`, to the end.
    "extract-if" ExtractIf(m: Small u8, r: Small u8),
    /// The same, dropped after `n` entries.
    "extract-if-drop" ExtractIfDrop(m: Small u8, r: Small u8, n: Small u8),
    /// `clone`, compared with the model, as it is and with an entry changed; is collected afresh, and dropped.
    "clone" Clone,
    /// `clone_from`, over a map with entries and another hasher; goes on with the clone.
    "clone-swap" CloneSwap,
    /// `extend` with the `n` keys from `k` on, each with its own number as value.
    "extend" Extend(k: Key Key, n: Small u8),
    /// `clear`.
    "clear" Clear,
    /// `reserve(n)`.
    "reserve" Reserve(n: Count u16),
    /// `try_reserve(n)`.
    "try-reserve" TryReserve(n: Count u16),
    /// `shrink_to(n)`.
    "shrink-to" ShrinkTo(n: Count u16),
    /// `shrink_to_fit`.
    "shrink-to-fit" ShrinkToFit,
    /// Does the growth work for `n` old buckets.
    "evacuate" Evacuate(n: Small u8),
    /// Evacuates until the mark stands at old bucket `j` (or the growth ends).
    "evacuate-to" EvacuateTo(j: Count u16),
    /// Inserts absent keys from `k` upwards until the map holds its capacity plus the distance.
    "fill-to-threshold" FillToThreshold(d: Distance i8, k: Key Key),
    /// Chooses the evacuation order.
    "set-order" SetOrder(order: Order Order),
    /// Arms a panic at the `n`-th call from here of a piece of user code (the first is 0).
    "panic-at" PanicAt(site: Site Site, n: Small u8),
    /// `try_reserve` of more than any machine has: must fail and change nothing.
    "try-reserve-too-much" TryReserveTooMuch,
    /// If there, adds `v` to the value, as one step; answers the new value. Shared maps only, as the ops below.
    "update" Update(k: Key Key, v: Value Value),
    /// Does with the entry what [`decide`] says, as one step; answers the value before and after.
    "compute" Compute(k: Key Key, v: Value Value),
    /// `len`.
    "len" Len,
    /// `retain(|_, v| v % (m + 1) != r)`. All maps have it.
    "retain-values" RetainValues(m: Small u8, r: Small u8),
    /// `try_reserve(n)`, whose `at`-th allocation is refused: must fail and change nothing, unless it makes no so many.
    "try-reserve-refused" TryReserveRefused(n: Count u16, at: Small u8),
    /// `update`, whose closure uses the map: its first `v` mod 16 calls store the value anew before they answer. Shared maps only.
    "update-within" UpdateWithin(k: Key Key, v: Value Value),
    /// `view`: of a key that several tables show, what the newest does. `ConcurrentMap` only, in a model.
    "view" View,
    /// `check`, which passes over what others are at. `ConcurrentMap` only, in a model.
    "check" Check,
}

impl Kind {
    /// The word for it in a case.
    pub fn name(self) -> &'static str {
        Kind::NAMES[self as usize]
    }

    /// The kind a case calls `name`.
    pub fn named(name: &str) -> Option<Kind> {
        let at = Kind::NAMES.iter().position(|&known| known == name)?;
        Some(Kind::ALL[at])
    }

    /// Do only shared maps have it?
    pub fn is_for_shared_maps(self) -> bool {
        use Kind::*;
        matches!(self, Update | UpdateWithin | Compute | Len | View | Check)
    }

    /// What arguments it takes.
    pub const fn arguments(self) -> &'static [Argument] {
        Kind::ARGUMENTS[self as usize]
    }
}

/// Does the predicate of `retain` and `extract_if` choose this key, or that of `retain-values` this value?
pub fn chosen(number: u64, modulus: u8, residue: u8) -> bool {
    number % (modulus as u64 + 1) == residue as u64
}

/// Does the entry stay that this op comes to on its walk over all entries? Only `clear` and the retains remove any.
pub fn stays(op: Op, key: u64, value: u64) -> bool {
    match op {
        Op::Clear => false,
        Op::Retain(m, r) => !chosen(key, m, r),
        Op::RetainValues(m, r) => !chosen(value, m, r),
        _ => true,
    }
}

/// What a `compute` is to do with the entry it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Store this value.
    Put(u64),
    /// Remove the entry.
    Remove,
    /// Change nothing.
    Keep,
}

/// What `compute k v` does, by the value there: absent, put `v`; else by its remainder by 3, put the sum, remove, keep.
pub fn decide(old: Option<u64>, v: u64) -> Decision {
    match old {
        None => Decision::Put(v),
        Some(old) => match old % 3 {
            0 => Decision::Put(old.wrapping_add(v)),
            1 => Decision::Remove,
            _ => Decision::Keep,
        },
    }
}

/// What an op answered. Lists of entries are compared one by one in `oracles::reference`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// Nothing to say.
    Unit,
    /// Yes or no.
    Flag(bool),
    /// A value, if there.
    Value(Option<u64>),
    /// An entry, if there.
    Entry(Option<(u64, u64)>),
    /// The values of two keys, if there.
    Two([Option<u64>; 2]),
    /// How many.
    Count(usize),
}

impl fmt::Display for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |v: &Option<u64>| v.map_or("None".to_string(), |v| format!("Some(v{v})"));
        match self {
            Ret::Unit => f.write_str("nothing"),
            Ret::Flag(yes) => write!(f, "{yes}"),
            Ret::Value(v) => f.write_str(&value(v)),
            Ret::Entry(None) => f.write_str("None"),
            Ret::Entry(Some((k, v))) => write!(f, "Some((k{k}, v{v}))"),
            Ret::Two([a, b]) => write!(f, "[{}, {}]", value(a), value(b)),
            Ret::Count(n) => write!(f, "{n}"),
        }
    }
}
