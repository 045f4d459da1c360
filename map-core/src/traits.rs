//! The trait implementations of std's `HashMap`, with std's bounds.
//!
//! `Clone` needs no `Hash`, so it copies the structure: both tables, bucket by bucket, in the state
//! of the growth.
//!
//! # Checked by
//! `map-core/tests/std_api`, `panics.rs` (a `Clone` that panics half way).

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Index;

use alloc::boxed::Box;

use crate::bucket::{Handle, Slot};
use crate::iter::{IntoIter, Iter, IterMut};
use crate::owned::Owned;
use crate::tables::Tables;
use crate::tophash::{SLOTS, is_full};
use crate::{Map, RandomState};

impl<K: Clone, V: Clone, S: Clone> Clone for Map<K, V, S> {
    /// A map with the same entries, growth state and order of evacuation. Cursors stay with the
    /// original. (`clone_from` does the same, and frees what the map had: it uses no memory again, unlike std's.)
    fn clone(&self) -> Self {
        Self::from_parts(self.hasher().clone(), self.tables().clone_owned())
    }
}

impl<K: Clone, V: Clone> Tables<K, V> {
    /// A copy. At every moment at which a user's `Clone` may panic it is valid, and drops what it
    /// has.
    fn clone_owned(&self) -> Owned<K, V> {
        let mut copy = Owned::new();
        copy.order = self.order;
        copy.counts = self.counts;
        if !self.table.is_allocated() {
            return copy;
        }
        // The copies' segments come with every header written, so a walk finds nothing there that
        // is not copied yet.
        copy.table = self.table.empty_copy();
        copy.generation = self.generation;
        copy.mark = self.mark;
        copy.growing = self.growing.as_ref().map(|growing| Box::new(growing.empty_copy(self.mark)));
        for home in self.homes() {
            let head = copy
                .live_head(home.generation, home.bucket)
                .expect("the copy has the homes of the original");
            copy.clone_chain(home.head, head, home.generation == self.generation);
        }
        copy
    }

    fn clone_chain(&mut self, from: Handle<K, V>, mut to: Handle<K, V>, in_table: bool) {
        for bucket in from.chain() {
            if bucket != from {
                let next = Handle::allocate().unwrap_or_else(|error| error.handle());
                self.overflow_buckets += usize::from(in_table);
                to.set_overflow(Some(next));
                to = next;
            }
            for slot in 0..SLOTS {
                let tophash = bucket.tophash(slot);
                if !is_full(tophash) {
                    to.set_tophash(slot, tophash);
                    continue;
                }
                // SAFETY: **filled**: just seen. **borrowed**: the original is.
                let entry = unsafe { Slot { bucket, index: slot }.entry() }.clone();
                to.fill(slot, tophash, entry);
                self.len += 1;
            }
        }
    }
}

impl<K, V, S> PartialEq for Map<K, V, S>
where
    K: Eq + Hash,
    V: PartialEq,
    S: BuildHasher,
{
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| other.get(key).is_some_and(|v| *value == *v))
    }
}

impl<K, V, S> Eq for Map<K, V, S>
where
    K: Eq + Hash,
    V: Eq,
    S: BuildHasher,
{
}

impl<K, V, S> fmt::Debug for Map<K, V, S>
where
    K: fmt::Debug,
    V: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V, S: Default> Default for Map<K, V, S> {
    #[inline]
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K, Q, V, S> Index<&Q> for Map<K, V, S>
where
    K: Eq + Hash + Borrow<Q>,
    Q: Eq + Hash + ?Sized,
    S: BuildHasher,
{
    type Output = V;

    /// # Panics
    /// If the key is not in the map.
    #[inline]
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry found for key")
    }
}

impl<K, V, S> IntoIterator for Map<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    #[inline]
    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter::new(self.into_tables())
    }
}

impl<'a, K, V, S> IntoIterator for &'a Map<K, V, S> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    #[inline]
    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K, V, S> IntoIterator for &'a mut Map<K, V, S> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    #[inline]
    fn into_iter(self) -> IterMut<'a, K, V> {
        self.iter_mut()
    }
}

impl<K, V, S> FromIterator<(K, V)> for Map<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher + Default,
{
    fn from_iter<T: IntoIterator<Item = (K, V)>>(iter: T) -> Self {
        let mut map = Self::default();
        map.extend(iter);
        map
    }
}

/// Inserts every pair of the iterator; later values replace earlier ones.
///
/// An iterator that promises at least as many pairs as the map has entries moves all of these at once, if they need a larger
/// table, as [`reserve`](Map::reserve) does. Fewer pairs cost what inserting them does.
impl<K, V, S> Extend<(K, V)> for Map<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher,
{
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, iter: T) {
        let iter = iter.into_iter();
        let expected = iter.size_hint().0;
        if expected >= self.len() {
            // Of keys for a map that has some already, half may be there: std's estimate.
            self.reserve(if self.is_empty() { expected } else { expected.div_ceil(2) });
        }
        for (key, value) in iter {
            self.insert(key, value);
        }
    }
}

/// As by pairs that are not borrowed.
impl<'a, K, V, S> Extend<(&'a K, &'a V)> for Map<K, V, S>
where
    K: Eq + Hash + Copy,
    V: Copy,
    S: BuildHasher,
{
    fn extend<T: IntoIterator<Item = (&'a K, &'a V)>>(&mut self, iter: T) {
        self.extend(iter.into_iter().map(|(key, value)| (*key, *value)));
    }
}

impl<K, V, const N: usize> From<[(K, V); N]> for Map<K, V, RandomState>
where
    K: Eq + Hash,
{
    fn from(entries: [(K, V); N]) -> Self {
        Self::from_iter(entries)
    }
}
