//! `Map`: the interface of `std::collections::HashMap` over the old/new pair.
//!
//! The methods hash, compare and hand out; what happens to tables and buckets is in `tables` and
//! `evacuate`. Methods that std has follow std in name, bounds and meaning.
//!
//! # Invariants
//! - **user-code**: whenever `Hash`, `Eq`, `Clone`, `Drop` or a closure runs, the tables are valid,
//!   so a panic there leaves a valid map.
//! # Not here
//! Room: see `capacity`. What std's map has not: see `extras`. Trait implementations: see `traits`.
//! Entries, iterators, cursors: see `entry`, `iter`, `cursor`.
//! # Checked by
//! `map-core/tests/std_api`, `panics.rs`, `drops.rs`; the operation fuzzers.

mod capacity;
mod extras;

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;

use crate::bucket::Slot;
use crate::entry::{Entry, OccupiedEntry, VacantEntry};
use crate::growth;
use crate::iter::{Drain, ExtractIf, IntoKeys, IntoValues, Iter, IterMut, Keys, Values, ValuesMut};
use crate::owned::Owned;
use crate::table::Table;
use crate::tables::Tables;
use crate::{RandomState, TryReserveError};

/// A hash map that grows a bucket or two at a time.
///
/// It has the interface of `std::collections::HashMap`. No single insert moves or frees a whole
/// table: growth is paid for by the writes that follow, at most two old buckets each (see
/// [`growth`](crate::growth)); only [`reserve`](Self::reserve), the shrinks, and an [`extend`](Extend) by as many entries as
/// there are move all at once. Lookups take O(1) expected time, and in the worst case as long as one
/// chain is; inserts and removals as long as that chain and those of two old buckets are. An insert that
/// begins a growth and the write that ends it also allocate or free a directory, of a pointer for each
/// 128 KiB of buckets (for each bucket, if one is larger than half of that). The first write after
/// [cursors](Self::cursor) have ended frees what was kept for them: as much as moved or went while they were open. (A
/// removal from an empty map and its `clear` do nothing, so they are none.)
///
/// A key's `Hash` and `Eq` must agree and must not change while it is in the map. If they do,
/// results are unspecified, but there is no undefined behaviour.
///
/// ```
/// use map_core::Map;
///
/// let mut ages = Map::new();
/// ages.insert("Ada", 36);
/// *ages.entry("Ada").or_insert(0) += 1;
/// assert_eq!(ages["Ada"], 37);
/// ```
pub struct Map<K, V, S = RandomState> {
    hash_builder: S,
    tables: Owned<K, V>,
}

impl<K, V> Map<K, V, RandomState> {
    /// An empty map. Allocates nothing until the first insert.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty map that holds `capacity` entries without growing.
    ///
    /// # Panics
    /// If no address space could hold it.
    #[inline]
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, RandomState::default())
    }
}

impl<K, V, S> Map<K, V, S> {
    /// An empty map that hashes keys with `hash_builder`. Allocates nothing until the first insert.
    #[inline]
    pub const fn with_hasher(hash_builder: S) -> Self {
        Self { hash_builder, tables: Owned::new() }
    }

    /// An empty map that holds `capacity` entries without growing and hashes keys with
    /// `hash_builder`.
    ///
    /// # Panics
    /// If no address space could hold it.
    pub fn with_capacity_and_hasher(capacity: usize, hash_builder: S) -> Self {
        let mut map = Self::with_hasher(hash_builder);
        if capacity > 0 {
            map.tables.table = growth::buckets_log2_for(capacity)
                .ok_or(TryReserveError::CapacityOverflow)
                .and_then(Table::fresh)
                .unwrap_or_else(|error| error.handle());
        }
        map
    }

    pub(crate) fn from_parts(hash_builder: S, tables: Owned<K, V>) -> Self {
        Self { hash_builder, tables }
    }

    #[inline]
    pub(crate) fn tables(&self) -> &Tables<K, V> {
        &self.tables
    }

    #[cfg(test)]
    pub(crate) fn tables_mut(&mut self) -> &mut Tables<K, V> {
        &mut self.tables
    }

    pub(crate) fn into_tables(self) -> Owned<K, V> {
        self.tables
    }

    /// The keys, in no particular order. As [`iter`](Self::iter).
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys { inner: self.iter() }
    }

    /// The keys, consuming the map. As [`iter`](Self::iter).
    #[inline]
    pub fn into_keys(self) -> IntoKeys<K, V> {
        IntoKeys { inner: self.into_iter() }
    }

    /// The values, in no particular order. As [`iter`](Self::iter).
    pub fn values(&self) -> Values<'_, K, V> {
        Values { inner: self.iter() }
    }

    /// The values, mutably. As [`iter`](Self::iter).
    pub fn values_mut(&mut self) -> ValuesMut<'_, K, V> {
        ValuesMut { inner: self.iter_mut() }
    }

    /// The values, consuming the map. As [`iter`](Self::iter).
    #[inline]
    pub fn into_values(self) -> IntoValues<K, V> {
        IntoValues { inner: self.into_iter() }
    }

    /// The entries, in no particular order. O(buckets) in all, not O(len).
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(self.tables.raw_iter())
    }

    /// The entries, with mutable values. As [`iter`](Self::iter).
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        self.tables.claim();
        IterMut::new(self.tables.raw_iter())
    }

    /// The number of entries.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.len
    }

    /// True when there are no entries.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all entries and returns them as an iterator. Keeps the memory, as
    /// [`clear`](Self::clear) does. O(buckets) in all.
    ///
    /// Entries not taken from the iterator are dropped with it. If it is forgotten, they are
    /// leaked with all that the map was: what is left is a new, empty map, which cursors do not
    /// know and whose counts of growths start at 0, with the hasher and the order of evacuation that it had.
    ///
    /// # Panics
    /// The iterator, if the `Drop` of an entry does; the others are dropped all the same.
    #[inline]
    pub fn drain(&mut self) -> Drain<'_, K, V> {
        Drain::new(&mut self.tables)
    }

    /// Removes the entries for which `pred` holds, as an iterator.
    ///
    /// If the iterator is dropped before its end, the rest is kept. Does no growth work. O(buckets)
    /// in all.
    ///
    /// # Panics
    /// The iterator, if `pred` does; the entry that it looked at is kept. If the `Drop` of a key does that was kept for a
    /// cursor that is gone; all entries are kept then.
    #[inline]
    pub fn extract_if<F>(&mut self, pred: F) -> ExtractIf<'_, K, V, F>
    where
        F: FnMut(&K, &mut V) -> bool,
    {
        ExtractIf::new(&mut self.tables, pred)
    }

    /// Keeps only the entries for which `f` holds. Does no growth work. O(buckets).
    ///
    /// # Panics
    /// If `f` or the `Drop` of an entry does, or that of a key that was kept for a cursor that is gone; entries that `f`
    /// has not seen are kept then.
    #[inline]
    pub fn retain<F>(&mut self, mut f: F)
    where
        F: FnMut(&K, &mut V) -> bool,
    {
        self.extract_if(|key, value| !f(key, value)).drop_all();
    }

    /// Removes all entries. Keeps the memory of the table; allocates none, but for a note in the middle of a growth if a
    /// cursor is open. O(buckets).
    ///
    /// Abandons a growth under way: the map goes on with the new table if all of that is there, as
    /// in small tables, else with the old one, and has its capacity. An empty map is left as it is,
    /// even in the middle of a growth.
    ///
    /// # Panics
    /// If the `Drop` of an entry does; the others are dropped all the same.
    #[inline]
    pub fn clear(&mut self) {
        self.tables.clear();
    }

    /// The hasher's builder.
    #[inline]
    #[must_use]
    pub fn hasher(&self) -> &S {
        &self.hash_builder
    }
}

impl<K, V, S> Map<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher,
{
    #[inline]
    pub(crate) fn hash<Q>(&self, key: &Q) -> u64
    where
        Q: Hash + ?Sized,
    {
        self.hash_builder.hash_one(key)
    }

    #[inline]
    pub(crate) fn find<Q>(&self, key: &Q) -> Option<Slot<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if self.is_empty() {
            return None;
        }
        self.tables.find(self.hash(key), |other| other.borrow() == key)
    }

    /// The entry of a key, for in-place manipulation.
    ///
    /// Does what an insert owes the growth; an absent key may start one, even if nothing is
    /// inserted then. O(1) expected, as [`insert`](Self::insert).
    ///
    /// # Panics
    /// As [`insert`](Self::insert).
    #[inline]
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        let hash = self.hash(&key);
        let hash_builder = &self.hash_builder;
        let hash_of = |key: &K| hash_builder.hash_one(key);
        match self.tables.find_for_write(hash, |other| *other == key, &hash_of) {
            Ok(slot) => Entry::Occupied(OccupiedEntry::new(&mut self.tables, hash, slot)),
            Err(vacancy) => {
                let vacancy = self.tables.make_room(hash, vacancy, &hash_of);
                Entry::Vacant(VacantEntry::new(&mut self.tables, hash, key, vacancy))
            }
        }
    }

    /// The value of a key. Never does growth work.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The stored key and the value of a key.
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slot = self.find(key)?;
        // SAFETY: **filled**: just found. **borrowed**: as long as the references live.
        let (key, value) = unsafe { slot.entry() };
        Some((key, value))
    }

    /// The values of several keys, mutably.
    ///
    /// # Panics
    /// If two of the keys are equal, and in the map.
    pub fn get_disjoint_mut<Q, const N: usize>(&mut self, keys: [&Q; N]) -> [Option<&'_ mut V>; N]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.tables.claim();
        let slots = keys.map(|key| self.find(key));
        for (index, slot) in slots.iter().enumerate() {
            let twice = slots[..index].iter().flatten().any(|before| {
                slot.is_some_and(|slot| before.bucket == slot.bucket && before.index == slot.index)
            });
            assert!(!twice, "duplicate keys found");
        }
        // SAFETY: **filled**: just found. **exclusive**: the slots are distinct, as was just seen.
        slots.map(|slot| slot.map(|slot| &mut unsafe { slot.entry_mut() }.1))
    }

    /// The values of several keys, mutably, without checking that the keys are distinct.
    ///
    /// # Safety
    /// - No two of the keys are equal, unless neither is in the map.
    pub unsafe fn get_disjoint_unchecked_mut<Q, const N: usize>(
        &mut self,
        keys: [&Q; N],
    ) -> [Option<&'_ mut V>; N]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.tables.claim();
        let slots = keys.map(|key| self.find(key));
        // SAFETY: **filled**: just found. **exclusive**: distinct keys are in distinct slots.
        slots.map(|slot| slot.map(|slot| &mut unsafe { slot.entry_mut() }.1))
    }

    /// True when the key is in the map.
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.find(key).is_some()
    }

    /// The value of a key, mutably. Never does growth work.
    #[inline]
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.tables.claim();
        let slot = self.find(key)?;
        // SAFETY: **filled**: just found. **exclusive**: as long as the reference lives.
        Some(&mut unsafe { slot.entry_mut() }.1)
    }

    /// Inserts a value; returns the one that was there. The stored key stays on overwrite.
    ///
    /// May start a growth if the key is new. Evacuates at most two old buckets of a growth. O(1)
    /// expected; in the worst case as long as the chains of the key and of those buckets are.
    ///
    /// May allocate, also where room was [reserved](Self::try_reserve); aborts if memory is refused.
    ///
    /// # Panics
    /// If `Hash` or `Eq` of a key does, or the `Drop` of one that was kept for a cursor; the map
    /// holds what it held then. If no address space could hold a table of twice the size.
    ///
    /// The `Hash` may be that of any key in a bucket that is evacuated. One that panics each time keeps the growth where it
    /// is, and almost every write panics, until [`clear`](Self::clear), [`drain`](Self::drain), [`retain`](Self::retain) or
    /// [`extract_if`](Self::extract_if) has removed that key: they hash none.
    #[inline]
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = self.hash(&key);
        let hash_builder = &self.hash_builder;
        let hash_of = |key: &K| hash_builder.hash_one(key);
        match self.tables.find_for_write(hash, |other| *other == key, &hash_of) {
            // SAFETY: **filled**: just found. **exclusive**: the map is.
            Ok(slot) => Some(mem::replace(&mut unsafe { slot.entry_mut() }.1, value)),
            Err(vacancy) => {
                let vacancy = self.tables.make_room(hash, vacancy, &hash_of);
                self.tables.fill_vacancy(hash, (key, value), vacancy);
                None
            }
        }
    }

    /// Removes a key; returns its value. Evacuates at most two old buckets, also when the key is
    /// absent, which may allocate; aborts if memory is refused. Without a growth under way it allocates nothing.
    ///
    /// # Panics
    /// As [`insert`](Self::insert), but for the size.
    #[inline]
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (hash, slot) = self.find_for_remove(key)?;
        Some(self.tables.discard(hash, slot))
    }

    /// Removes a key; returns it and its value. Growth work and panics as [`remove`](Self::remove).
    #[inline]
    pub fn remove_entry<Q>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (hash, slot) = self.find_for_remove(key)?;
        Some(self.tables.take(hash, slot))
    }

    #[inline]
    fn find_for_remove<Q>(&mut self, key: &Q) -> Option<(u64, Slot<K, V>)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if self.is_empty() {
            return None;
        }
        let hash = self.hash(key);
        let hash_builder = &self.hash_builder;
        let slot = self.tables.find_for_remove(hash, |other| other.borrow() == key, &|key| {
            hash_builder.hash_one(key)
        })?;
        Some((hash, slot))
    }
}
