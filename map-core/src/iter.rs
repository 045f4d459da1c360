//! The iterators of std's `HashMap`, over both tables.
//!
//! All are a [`RawIter`] that knows what to do with the slots it comes to: lend, lend mutably, or
//! take. `IntoIter` and `Drain` mark each slot empty as they take its entry, so what they leave
//! behind is dropped by the tables as usual.
//!
//! # Invariants
//! - **steady**: see `raw_iter`: each iterator borrows or owns the tables it walks.
//! # Not here
//! Iteration that does not borrow: see `cursor`.
//! # Checked by
//! `map-core/tests/iteration.rs`, `drops.rs`.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::owned::Owned;
use crate::raw_iter::{Found, RawIter};
use crate::tables::Tables;

/// The entries, borrowed. Made by [`Map::iter`](crate::Map::iter).
pub struct Iter<'a, K, V> {
    raw: RawIter<K, V>,
    marker: PhantomData<(&'a K, &'a V)>,
}

impl<K, V> Iter<'_, K, V> {
    pub(crate) fn new(raw: RawIter<K, V>) -> Self {
        Self { raw, marker: PhantomData }
    }
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self::new(self.raw.clone())
    }
}

impl<K, V> Default for Iter<'_, K, V> {
    fn default() -> Self {
        Self::new(Tables::new().raw_iter())
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let found = self.raw.next()?;
        // SAFETY: **filled**: a walk yields full slots. **borrowed**: for `'a`.
        let (key, value) = unsafe { found.slot.entry() };
        Some((key, value))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.raw.remaining(), Some(self.raw.remaining()))
    }
}

// SAFETY: it gives out `&K` and `&V` only.
unsafe impl<K: Sync, V: Sync> Send for Iter<'_, K, V> {}
// SAFETY: as for `Send`.
unsafe impl<K: Sync, V: Sync> Sync for Iter<'_, K, V> {}

/// The entries, with mutable values. Made by [`Map::iter_mut`](crate::Map::iter_mut).
pub struct IterMut<'a, K, V> {
    raw: RawIter<K, V>,
    marker: PhantomData<(&'a K, &'a mut V)>,
}

impl<K, V> IterMut<'_, K, V> {
    pub(crate) fn new(raw: RawIter<K, V>) -> Self {
        Self { raw, marker: PhantomData }
    }

    fn rest(&self) -> Iter<'_, K, V> {
        Iter::new(self.raw.clone())
    }
}

impl<K, V> Default for IterMut<'_, K, V> {
    fn default() -> Self {
        Self::new(Tables::new().raw_iter())
    }
}

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let found = self.raw.next()?;
        // SAFETY: **filled**: a walk yields full slots. **exclusive**: for `'a`, and no slot is
        // yielded twice.
        let (key, value) = unsafe { found.slot.entry_mut() };
        Some((key, value))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.raw.remaining(), Some(self.raw.remaining()))
    }
}

// SAFETY: it gives out `&K` and `&mut V` only. (A `&K` is sent: std asks for `K: Send` and so do
// we.)
unsafe impl<K: Send, V: Send> Send for IterMut<'_, K, V> {}
// SAFETY: a shared one gives out nothing but, through `Debug`, `&K` and `&V`.
unsafe impl<K: Sync, V: Sync> Sync for IterMut<'_, K, V> {}

/// Takes the entry that a walk has come to.
///
/// The walk goes on in the chain although this may sweep it: it has noted which slots of the bucket
/// are full and whether others follow, and sweeping marks slots that lie behind it, and frees none.
#[inline]
fn take<K, V>(tables: &mut Tables<K, V>, found: &Found<K, V>) -> (K, V) {
    if tables.trail.is_some() {
        tables.forget_at(&found.home, found.slot, None);
    }
    tables.take_from(found.home.head, found.slot)
}

/// The entries, consuming the map. Made by `Map::into_iter`.
pub struct IntoIter<K, V> {
    raw: RawIter<K, V>,
    tables: Owned<K, V>,
}

impl<K, V> IntoIter<K, V> {
    pub(crate) fn new(tables: Owned<K, V>) -> Self {
        Self { raw: tables.raw_iter(), tables }
    }

    fn rest(&self) -> Iter<'_, K, V> {
        Iter::new(self.raw.clone())
    }
}

impl<K, V> Default for IntoIter<K, V> {
    fn default() -> Self {
        Self::new(Owned::new())
    }
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        self.raw.next().map(|found| take(&mut self.tables, &found))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.raw.remaining(), Some(self.raw.remaining()))
    }
}

// SAFETY: it owns the tables that the walk goes over.
unsafe impl<K: Send, V: Send> Send for IntoIter<K, V> {}
// SAFETY: a shared one gives out nothing but, through `Debug`, `&K` and `&V`.
unsafe impl<K: Sync, V: Sync> Sync for IntoIter<K, V> {}

/// The entries, removed. Made by [`Map::drain`](crate::Map::drain).
///
/// It holds the tables while the map is empty, and gives them back emptied.
pub struct Drain<'a, K, V> {
    raw: RawIter<K, V>,
    tables: Owned<K, V>,
    /// Where the tables come from. A pointer, so that `Drain` is covariant as std's is.
    home: NonNull<Owned<K, V>>,
    marker: PhantomData<&'a (K, V)>,
}

impl<'a, K, V> Drain<'a, K, V> {
    pub(crate) fn new(home: &'a mut Owned<K, V>) -> Self {
        let tables = mem::replace(home, Owned::new());
        home.order = tables.order;
        Self { raw: tables.raw_iter(), tables, home: NonNull::from(home), marker: PhantomData }
    }

    fn rest(&self) -> Iter<'_, K, V> {
        Iter::new(self.raw.clone())
    }
}

impl<K, V> Drop for Drain<'_, K, V> {
    fn drop(&mut self) {
        /// Gives the tables back, also when dropping the rest of the entries panics.
        struct GiveBack<'d, 'a, K, V>(&'d mut Drain<'a, K, V>);
        impl<K, V> Drop for GiveBack<'_, '_, K, V> {
            fn drop(&mut self) {
                // SAFETY: the map is borrowed exclusively for `'a`, and gets back what it gave.
                mem::swap(unsafe { self.0.home.as_mut() }, &mut self.0.tables);
            }
        }
        GiveBack(self).0.tables.empty();
    }
}

impl<K, V> Iterator for Drain<'_, K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        self.raw.next().map(|found| take(&mut self.tables, &found))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.raw.remaining(), Some(self.raw.remaining()))
    }
}

// As std's, which has no pointer to the map's own keys and values either.
impl<K, V> Unpin for Drain<'_, K, V> {}
impl<K: RefUnwindSafe, V: RefUnwindSafe> UnwindSafe for Drain<'_, K, V> {}

// SAFETY: it owns the tables that the walk goes over.
unsafe impl<K: Send, V: Send> Send for Drain<'_, K, V> {}
// SAFETY: a shared one gives out nothing but, through `Debug`, `&K` and `&V`.
unsafe impl<K: Sync, V: Sync> Sync for Drain<'_, K, V> {}

/// The entries for which a predicate holds, removed. Made by
/// [`Map::extract_if`](crate::Map::extract_if).
#[must_use = "iterators are lazy and do nothing unless consumed; consider `retain`"]
pub struct ExtractIf<'a, K, V, F> {
    raw: RawIter<K, V>,
    tables: &'a mut Owned<K, V>,
    pred: F,
}

impl<'a, K, V, F> ExtractIf<'a, K, V, F> {
    pub(crate) fn new(tables: &'a mut Owned<K, V>, pred: F) -> Self {
        tables.claim();
        tables.prune_trail();
        Self { raw: tables.raw_iter(), tables, pred }
    }
}

impl<K, V, F> ExtractIf<'_, K, V, F>
where
    F: FnMut(&K, &mut V) -> bool,
{
    fn find(&mut self) -> Option<Found<K, V>> {
        self.raw.find(|found| {
            // SAFETY: **filled**: a walk yields full slots. **exclusive**: while this is borrowed.
            let (key, value) = unsafe { found.slot.entry_mut() };
            (self.pred)(key, value)
        })
    }

    /// Drops the entries where they are: they may be large.
    pub(crate) fn drop_all(mut self) {
        while let Some(found) = self.find() {
            if self.tables.trail.is_some() {
                self.tables.forget_at(&found.home, found.slot, None);
            }
            self.tables.drop_from(found.home.head, found.slot);
        }
    }
}

impl<K, V, F> Iterator for ExtractIf<'_, K, V, F>
where
    F: FnMut(&K, &mut V) -> bool,
{
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let found = self.find()?;
        Some(take(self.tables, &found))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.raw.remaining()))
    }
}

// SAFETY: it is an exclusive borrow of the map that the walk goes over.
unsafe impl<K: Send, V: Send, F: Send> Send for ExtractIf<'_, K, V, F> {}
// SAFETY: a shared one gives out nothing.
unsafe impl<K: Sync, V: Sync, F: Sync> Sync for ExtractIf<'_, K, V, F> {}

impl<K, V, F> FusedIterator for ExtractIf<'_, K, V, F> where F: FnMut(&K, &mut V) -> bool {}

impl<K: fmt::Debug, V: fmt::Debug, F> fmt::Debug for ExtractIf<'_, K, V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractIf").finish_non_exhaustive()
    }
}

/// The keys, borrowed. Made by [`Map::keys`](crate::Map::keys).
pub struct Keys<'a, K, V> {
    pub(crate) inner: Iter<'a, K, V>,
}

/// The values, borrowed. Made by [`Map::values`](crate::Map::values).
pub struct Values<'a, K, V> {
    pub(crate) inner: Iter<'a, K, V>,
}

/// The values, mutably. Made by [`Map::values_mut`](crate::Map::values_mut).
pub struct ValuesMut<'a, K, V> {
    pub(crate) inner: IterMut<'a, K, V>,
}

/// The keys, consuming the map. Made by [`Map::into_keys`](crate::Map::into_keys).
pub struct IntoKeys<K, V> {
    pub(crate) inner: IntoIter<K, V>,
}

/// The values, consuming the map. Made by [`Map::into_values`](crate::Map::into_values).
pub struct IntoValues<K, V> {
    pub(crate) inner: IntoIter<K, V>,
}

impl<K, V> Clone for Keys<'_, K, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<K, V> Clone for Values<'_, K, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

/// An iterator over one half of another's entries.
macro_rules! half {
    ($name:ident [$($lifetime:lifetime)?], $item:ty, $half:tt, $rest:expr, [$($debug:tt)*]) => {
        impl<$($lifetime,)? K, V> Default for $name<$($lifetime,)? K, V> {
            fn default() -> Self {
                Self { inner: Default::default() }
            }
        }

        impl<$($lifetime,)? K, V> Iterator for $name<$($lifetime,)? K, V> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                Some(self.inner.next()?.$half)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.inner.size_hint()
            }
        }

        impl<$($lifetime,)? $($debug)*> fmt::Debug for $name<$($lifetime,)? K, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries($rest(&self.inner).map(|entry| entry.$half)).finish()
            }
        }
    };
}

half!(Keys ['a], &'a K, 0, Iter::clone, [K: fmt::Debug, V]);
half!(Values ['a], &'a V, 1, Iter::clone, [K, V: fmt::Debug]);
half!(ValuesMut ['a], &'a mut V, 1, IterMut::rest, [K, V: fmt::Debug]);
half!(IntoKeys [], K, 0, IntoIter::rest, [K: fmt::Debug, V]);
half!(IntoValues [], V, 1, IntoIter::rest, [K, V: fmt::Debug]);

macro_rules! exact {
    ($($name:ident [$($lifetime:lifetime)?]),* $(,)?) => {$(
        impl<$($lifetime,)? K, V> ExactSizeIterator for $name<$($lifetime,)? K, V> {}
        impl<$($lifetime,)? K, V> FusedIterator for $name<$($lifetime,)? K, V> {}
    )*};
}

exact!(
    Iter ['a], IterMut ['a], IntoIter [], Drain ['a],
    Keys ['a], Values ['a], ValuesMut ['a], IntoKeys [], IntoValues [],
);

macro_rules! debug_entries {
    ($($name:ident [$($lifetime:lifetime)?] $rest:expr),* $(,)?) => {$(
        impl<$($lifetime,)? K: fmt::Debug, V: fmt::Debug> fmt::Debug for $name<$($lifetime,)? K, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries($rest(self)).finish()
            }
        }
    )*};
}

debug_entries!(
    Iter ['a] Iter::clone,
    IterMut ['a] IterMut::rest,
    IntoIter [] IntoIter::rest,
    Drain ['a] Drain::rest,
);
