//! The entry interface: look up once, then decide.
//!
//! `Map::entry` does the growth work that an insert owes, finds the key, and for an absent key
//! starts the growth that inserting it makes due. An entry therefore refers to a slot or a vacancy
//! that stays right until it is used, and needs no hasher, as in std.
//!
//! # Invariants
//! - **steady**: while an entry lives the map is borrowed, so no bucket is evacuated.
//! # Checked by
//! `map-core/tests/std_api`; the entry operations of the fuzzers.

use core::fmt;
use core::mem;

use crate::bucket::Slot;
use crate::chain::Vacancy;
use crate::tables::Tables;

/// A place in a map: occupied or vacant. Made by [`Map::entry`](crate::Map::entry).
pub enum Entry<'a, K: 'a, V: 'a> {
    /// The key is in the map.
    Occupied(OccupiedEntry<'a, K, V>),
    /// The key is not in the map.
    Vacant(VacantEntry<'a, K, V>),
}

/// The entry of a key that is in the map.
pub struct OccupiedEntry<'a, K: 'a, V: 'a> {
    tables: &'a mut Tables<K, V>,
    hash: u64,
    slot: Slot<K, V>,
}

/// The entry of a key that is not in the map.
pub struct VacantEntry<'a, K: 'a, V: 'a> {
    tables: &'a mut Tables<K, V>,
    hash: u64,
    key: K,
    vacancy: Vacancy<K, V>,
}

// SAFETY: an entry is an exclusive borrow of the map; the slot is a place in it.
unsafe impl<K: Send, V: Send> Send for OccupiedEntry<'_, K, V> {}
// SAFETY: a shared entry gives out `&K` and `&V` only.
unsafe impl<K: Sync, V: Sync> Sync for OccupiedEntry<'_, K, V> {}
// SAFETY: an entry is an exclusive borrow of the map; the vacancy is a place in it.
unsafe impl<K: Send, V: Send> Send for VacantEntry<'_, K, V> {}
// SAFETY: a shared entry gives out `&K` only.
unsafe impl<K: Sync, V: Sync> Sync for VacantEntry<'_, K, V> {}

impl<'a, K, V> Entry<'a, K, V> {
    /// The value, after inserting `default` if the entry is vacant.
    #[inline]
    pub fn or_insert(self, default: V) -> &'a mut V {
        self.or_insert_with_key(|_| default)
    }

    /// The value, after inserting the result of `default` if the entry is vacant.
    #[inline]
    pub fn or_insert_with<F: FnOnce() -> V>(self, default: F) -> &'a mut V {
        self.or_insert_with_key(|_| default())
    }

    /// The value, after inserting what `default` makes of the key if the entry is vacant.
    #[inline]
    pub fn or_insert_with_key<F: FnOnce(&K) -> V>(self, default: F) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => {
                let value = default(entry.key());
                entry.insert(value)
            }
        }
    }

    /// The key this entry was asked for, or the stored one if it is in the map.
    #[inline]
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// Changes the value if there is one.
    #[inline]
    pub fn and_modify<F: FnOnce(&mut V)>(mut self, f: F) -> Self {
        if let Self::Occupied(entry) = &mut self {
            f(entry.get_mut());
        }
        self
    }

    /// Sets the value; returns the occupied entry.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry
            }
            Self::Vacant(entry) => entry.insert_entry(value),
        }
    }
}

impl<'a, K, V: Default> Entry<'a, K, V> {
    /// The value, after inserting the default if the entry is vacant.
    #[inline]
    pub fn or_default(self) -> &'a mut V {
        self.or_insert_with(V::default)
    }
}

impl<'a, K, V> OccupiedEntry<'a, K, V> {
    /// `slot` was just found for `hash`.
    #[inline]
    pub(crate) fn new(tables: &'a mut Tables<K, V>, hash: u64, slot: Slot<K, V>) -> Self {
        Self { tables, hash, slot }
    }

    /// The entry, for as long as the map is borrowed.
    #[inline]
    fn entry(&self) -> &'a (K, V) {
        // SAFETY: **filled**: by **steady**, still. **borrowed**: callers shorten `'a` to their
        // borrow of this entry.
        unsafe { self.slot.entry() }
    }

    /// The value, for as long as the map is borrowed.
    #[inline]
    fn value(&mut self) -> &'a mut V {
        // SAFETY: **filled**: by **steady**, still. **exclusive**: callers shorten `'a` or give
        // this entry up.
        &mut unsafe { self.slot.entry_mut() }.1
    }

    /// The stored key.
    #[inline]
    pub fn key(&self) -> &K {
        &self.entry().0
    }

    /// Removes the entry; returns the stored key and the value.
    #[inline]
    pub fn remove_entry(self) -> (K, V) {
        self.tables.take(self.hash, self.slot)
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> &V {
        &self.entry().1
    }

    /// The value, mutably, while this entry is borrowed.
    #[inline]
    pub fn get_mut(&mut self) -> &mut V {
        self.value()
    }

    /// The value, mutably, while the map is borrowed.
    #[inline]
    pub fn into_mut(mut self) -> &'a mut V {
        self.value()
    }

    /// Sets the value; returns the old one.
    #[inline]
    pub fn insert(&mut self, value: V) -> V {
        mem::replace(self.get_mut(), value)
    }

    /// Removes the entry; returns the value.
    #[inline]
    pub fn remove(self) -> V {
        self.remove_entry().1
    }
}

impl<'a, K, V> VacantEntry<'a, K, V> {
    /// `vacancy` was just made for `hash`.
    #[inline]
    pub(crate) fn new(
        tables: &'a mut Tables<K, V>,
        hash: u64,
        key: K,
        vacancy: Vacancy<K, V>,
    ) -> Self {
        Self { tables, hash, key, vacancy }
    }

    /// The key that would be inserted.
    #[inline]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The key, back.
    #[inline]
    pub fn into_key(self) -> K {
        self.key
    }

    /// Inserts a value.
    #[inline]
    pub fn insert(self, value: V) -> &'a mut V {
        self.insert_entry(value).into_mut()
    }

    /// Inserts a value; returns the occupied entry.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V> {
        let Self { tables, hash, key, vacancy } = self;
        let slot = tables.fill_vacancy(hash, (key, value), vacancy);
        OccupiedEntry { tables, hash, slot }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => f.debug_tuple("Entry").field(entry).finish(),
            Self::Vacant(entry) => f.debug_tuple("Entry").field(entry).finish(),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for OccupiedEntry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OccupiedEntry")
            .field("key", self.key())
            .field("value", self.get())
            .finish_non_exhaustive()
    }
}

impl<K: fmt::Debug, V> fmt::Debug for VacantEntry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VacantEntry").field(self.key()).finish()
    }
}
