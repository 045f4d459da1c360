//! The operations, on a pinned map.
//!
//! # Closures
//! Every closure, and every `Hash`, `Eq` and `Drop` of a key or value, may use the map, whichever
//! keys it touches, and may panic: no lock is held while it runs. A panic leaves the map as if the
//! operation had not begun (or, out of a `drop`, as if it had finished). Closures that see the
//! current entry run again if that entry changed before their result could be stored.
//! # Checked by
//! `tests/concurrent_api.rs`, `tests/concurrent_closures.rs`.

use super::ConcurrentMap;
use super::core::{Located, Pin};
use super::entry::{Entry, Parts, Unpublished};
use super::health::ConcurrentHealth;
use super::iter::{Entries, Iter, Keys, Values, Walk};
use super::table::buckets_log2;
use super::write::{Decision, New};
use crate::RandomState;
use crate::platform::{Guard, Platform, Point, Std};
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cell::RefCell;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;

/// A map, and the promise that nothing reached through it is freed while this lives. Made by
/// [`ConcurrentMap::pin`].
///
/// Cheap to make (no locked instruction; one when dropped); a loop may hold on to one. While any
/// pin is held, what other threads remove is not freed.
///
/// # Complexity
/// An operation on one key takes expected O(1) time, O(chain's length) whatever the hasher does. A
/// write also evacuates up to [`WORK_PER_WRITE`](crate::growth::WORK_PER_WRITE) old buckets of each
/// growth under way; one that begins a growth, and one that ends it, allocates or frees a directory,
/// of a pointer and a counter per 128 buckets. To end a pin may mean to drop what others removed.
/// # Panics
/// An operation panics if a key's `Hash` or `Eq` or its closure does; a pin's end, if a `Drop` does.
pub struct Pinned<'map, K, V, S = RandomState, P: Platform = Std> {
    map: &'map ConcurrentMap<K, V, S, P>,
    guard: Pin<'map, P>,
}

/// As the map that it is of.
impl<'map, K, V, S, P: Platform> UnwindSafe for Pinned<'map, K, V, S, P> where
    &'map ConcurrentMap<K, V, S, P>: UnwindSafe
{
}

/// As the map that it is of.
impl<'map, K, V, S, P: Platform> RefUnwindSafe for Pinned<'map, K, V, S, P> where
    &'map ConcurrentMap<K, V, S, P>: UnwindSafe
{
}

/// What [`Pinned::compute`] should do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation<V, T> {
    /// Store this value.
    Insert(V),
    /// Remove the entry.
    Remove,
    /// Change nothing, and return this.
    Abort(T),
}

/// What [`Pinned::compute`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Computed<'g, K, V, T> {
    /// There was no entry; this one was stored.
    Inserted(&'g K, &'g V),
    /// There was an entry; it was replaced.
    Updated {
        /// The entry before.
        old: (&'g K, &'g V),
        /// The entry after.
        new: (&'g K, &'g V),
    },
    /// This entry was removed.
    Removed(&'g K, &'g V),
    /// There was nothing to remove.
    Absent,
    /// Nothing was changed.
    Aborted(T),
}

impl<'map, K, V, S, P: Platform> Pinned<'map, K, V, S, P> {
    #[inline(always)]
    #[track_caller]
    pub(super) fn new(map: &'map ConcurrentMap<K, V, S, P>) -> Self {
        Pinned { map, guard: map.core.pin() }
    }

    /// The map itself.
    #[must_use]
    pub fn map(&self) -> &'map ConcurrentMap<K, V, S, P> {
        self.map
    }

    /// How many entries the map has; see [`ConcurrentMap::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// What an operator wants to see; see [`ConcurrentMap::health`].
    #[must_use]
    pub fn health(&self) -> ConcurrentHealth {
        self.map.core.health(&self.guard)
    }

    /// All entries, in no particular order, while others may write and the map may grow: never a
    /// key twice, and every entry that is in the map from this call to the iterator's end. Of
    /// what is added or removed meanwhile, any part. O(buckets + entries) in all, a bucket at a time.
    pub fn iter(&self) -> Iter<'_, K, V, P> {
        Iter { entries: Entries::new(&self.map.core, &self.guard) }
    }

    /// All keys; see [`iter`](Self::iter).
    pub fn keys(&self) -> Keys<'_, K, V, P> {
        Keys(self.iter())
    }

    /// All values; see [`iter`](Self::iter).
    pub fn values(&self) -> Values<'_, K, V, P> {
        Values(self.iter())
    }

    /// Removes every entry that is there when the call begins and is not written meanwhile. Bucket
    /// by bucket: not one atomic step. Of what is inserted meanwhile, any part. Capacity stays.
    /// O(buckets + entries); waits for each bucket's writer.
    pub fn clear(&self) {
        let mut walk = Walk::new(&self.map.core, &self.guard);
        let mut cleared = Vec::new();
        let mut round = 0;
        while let Some(Located { table, index, bucket, state }) = walk.next_bucket() {
            P::point(Point::AboutToClearBucket, table.place(index));
            match bucket.lock_if_free(state) {
                Some(locked) => locked.clear(|entry| cleared.push(entry)),
                None => {
                    P::wait(round);
                    round += 1;
                    walk.put_back(table, index);
                    continue;
                }
            }
            round = 0;
            self.map.core.len.subtract(cleared.len());
            for entry in cleared.drain(..) {
                P::point(Point::AboutToRetireEntry, table.place(index));
                // SAFETY: **one-owner**: its slot owned it and was emptied under the lock, which is
                // released.
                unsafe { self.guard.retire(entry) };
            }
        }
    }

    /// Starts the grace period of what this thread has removed or replaced so far: it is dropped when
    /// this pin and all others of this moment have ended. Without it that may take until the thread
    /// has removed more: see [`ConcurrentMap`]. Likewise that of what a growth under way has drained, whichever
    /// thread did, for the growth to use again.
    ///
    /// On [`Std`](crate::platform::Std), a membarrier; and while more threads are pinned than the
    /// thread has removed objects, it does nothing.
    pub fn flush(&self) {
        self.map.core.flush(&self.guard);
    }

    #[inline]
    fn value(&self, entry: *mut Entry<K, V, P>) -> Option<&Parts<K, V>> {
        if entry.is_null() {
            return None;
        }
        P::touched(entry.cast_const());
        // SAFETY: callers pass what a write under `self.guard` saw or left, which the guard keeps.
        Some(unsafe { (*entry).parts() })
    }
}

impl<K: Hash + Eq, V, S: BuildHasher, P: Platform> Pinned<'_, K, V, S, P> {
    #[inline(always)]
    fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.map.hash_builder.hash_one(key)
    }

    /// The value of `key`. Takes no lock and waits for nobody. Expected O(1).
    #[inline]
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The entry of `key`; see [`get`](Self::get).
    #[inline]
    pub fn get_key_value<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let entry =
            self.map.core.get(&self.guard, self.hash(key), |other| other.borrow() == key)?;
        let Parts { key, value, .. } = entry.parts();
        Some((key, value))
    }

    /// Whether `key` has an entry; see [`get`](Self::get).
    #[inline]
    pub fn contains_key<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).is_some()
    }

    /// Stores a value for `key`; returns the one it replaces. Unlike `std`'s, the given key
    /// replaces the stored one too. Expected O(1), and growth work, as every write.
    #[inline]
    pub fn insert(&self, key: K, value: V) -> Option<&V> {
        let hash = self.hash(&key);
        self.map.core.prefetch(&self.guard, hash);
        let new = Unpublished::new(hash, key, value);
        let written =
            self.map.core.write(&self.guard, hash, has_key_of, Some(new), |_, _| Decision::Put);
        self.value(written.before).map(|old| &old.value)
    }

    /// Removes the entry of `key`; returns its value. Expected O(1), and growth work.
    #[inline]
    pub fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.remove_entry(key).map(|(_, value)| value)
    }

    /// Removes the entry of `key`; returns it. As [`remove`](Self::remove).
    #[inline]
    pub fn remove_entry<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let is_key = |entry: &Entry<K, V, P>, _: &_| entry.parts().key.borrow() == key;
        let written =
            self.map.core.write(&self.guard, self.hash(key), is_key, None, |_, _| Decision::Remove);
        self.value(written.before).map(|old| (&old.key, &old.value))
    }

    /// The value of `key`; if it has none, `value` is stored. Expected O(1), and growth work if it
    /// had none.
    pub fn get_or_insert(&self, key: K, value: V) -> &V {
        self.get_or_insert_with(key, || value)
    }

    /// The value of `key`; if it has none, what `make` returns is stored. `make` runs at most once,
    /// and its value is dropped if another thread (or `make` itself) stored one meanwhile. If it
    /// panics, nothing is stored. As costly as [`get_or_insert`](Self::get_or_insert).
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> &V {
        let hash = self.hash(&key);
        if let Some(entry) = self.map.core.get(&self.guard, hash, |other| *other == key) {
            return &entry.parts().value;
        }
        let value = make();
        let new = Unpublished::new(hash, key, value);
        let written = self.map.core.write(&self.guard, hash, has_key_of, Some(new), |entry, _| {
            if entry.is_null() { Decision::Put } else { Decision::Keep }
        });
        &self.value(written.after).expect("the key has an entry: stored, or found").value
    }

    /// Replaces the value of `key` by what `update` makes of it; returns the new value, or `None`
    /// if there is none to update. `update` may run several times, each time for a value that
    /// another thread stored meanwhile. If it panics, nothing changes. Expected O(1), and growth work.
    pub fn update(&self, key: K, mut update: impl FnMut(&V) -> V) -> Option<&V> {
        let compute = |entry: Option<(&K, &V)>| match entry {
            Some((_, value)) => Operation::Insert(update(value)),
            None => Operation::Abort(()),
        };
        match self.compute(key, compute) {
            Computed::Updated { new: (_, value), .. } => Some(value),
            _ => None,
        }
    }

    /// Decides about `key` after seeing its entry, as one atomic step: what `compute` saw is what
    /// its answer replaced. It may run several times, each time for an entry that another thread made
    /// meanwhile, or because another thread removed the one it saw last; the last answer counts. If it
    /// panics, nothing changes. Expected O(1), and growth work.
    pub fn compute<T>(
        &self,
        key: K,
        mut compute: impl FnMut(Option<(&K, &V)>) -> Operation<V, T>,
    ) -> Computed<'_, K, V, T> {
        let hash = self.hash(&key);
        // Here, or in the new entry while there is one.
        let key = RefCell::new(Some(key));
        let mut aborted = None;
        let mut answered = None;
        let written = self.map.core.write(
            &self.guard,
            hash,
            |entry, new| match new {
                Some(new) => entry.parts().key == new.parts().key,
                None => Some(&entry.parts().key) == key.borrow().as_ref(),
            },
            None,
            |entry, new| {
                // Our pin keeps the entry seen, so an equal pointer is the same entry: the answer
                // still stands.
                match answered {
                    Some((seen, decision)) if seen == entry => return decision,
                    _ => {}
                }
                if let Some(stale) = new.take() {
                    let Parts { key: taken, .. } = stale.into_parts();
                    key.replace(Some(taken));
                }
                let decision =
                    match compute(self.value(entry).map(|parts| (&parts.key, &parts.value))) {
                        Operation::Insert(value) => {
                            *new = key.take().map(|key| Unpublished::new(hash, key, value));
                            Decision::Put
                        }
                        Operation::Remove => Decision::Remove,
                        Operation::Abort(value) => {
                            aborted = Some(value);
                            Decision::Keep
                        }
                    };
                answered = Some((entry, decision));
                decision
            },
        );
        if let Some(value) = aborted {
            return Computed::Aborted(value);
        }
        match (self.value(written.before), self.value(written.after)) {
            (None, Some(new)) => Computed::Inserted(&new.key, &new.value),
            (Some(old), Some(new)) => {
                Computed::Updated { old: (&old.key, &old.value), new: (&new.key, &new.value) }
            }
            (Some(old), None) => Computed::Removed(&old.key, &old.value),
            (None, None) => Computed::Absent,
        }
    }

    /// Keeps the entries for which `keep` says so, of those that [`iter`](Self::iter) would yield.
    /// It judges an entry, not a key: one that was not to be kept, and was replaced before it could be removed, is judged
    /// again, as often as that happens. O(buckets + entries), and growth work for each removal. If `keep` panics, what was
    /// judged before stays judged.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        for mut entry in Entries::new(&self.map.core, &self.guard) {
            loop {
                let Parts { hash, key, value } = entry.parts();
                if keep(key, value) || self.remove_exactly(entry) {
                    break;
                }
                match self.map.core.get(&self.guard, *hash, |other| other == key) {
                    Some(replacement) => entry = replacement,
                    None => break,
                }
            }
        }
    }

    /// Removes an entry; false if it has been removed or replaced.
    fn remove_exactly(&self, judged: &Entry<K, V, P>) -> bool {
        let hash = judged.parts().hash;
        let written = self.map.core.write(
            &self.guard,
            hash,
            |entry, _| ptr::eq(entry, judged),
            None,
            |_, _| Decision::Remove,
        );
        !written.before.is_null()
    }

    /// Makes room for `additional` more entries, so that inserting them starts no growth. Takes
    /// time and memory in proportion to the room, in steps like any other growth: other threads
    /// go on meanwhile, and if one of them is slow this call returns early rather than wait. The old tables, in all as large as the
    /// new one, wait for the end of this pin.
    ///
    /// # Panics
    /// If the room exceeds the address space; then nothing has grown. Memory that is not there
    /// aborts, as in `Vec`.
    pub fn reserve(&self, additional: usize) {
        let capacity = self.len().checked_add(additional).expect("capacity overflow");
        self.map.core.grow_to(buckets_log2::<K, V, P>(capacity), &self.guard);
    }
}

/// Whether an entry has the key of the new one, which is there.
fn has_key_of<K: Eq, V, P: Platform>(entry: &Entry<K, V, P>, new: &New<K, V, P>) -> bool {
    new.as_ref().is_some_and(|new| entry.parts().key == new.parts().key)
}

impl<'g, K, V, S, P: Platform> IntoIterator for &'g Pinned<'_, K, V, S, P> {
    type Item = (&'g K, &'g V);
    type IntoIter = Iter<'g, K, V, P>;

    fn into_iter(self) -> Iter<'g, K, V, P> {
        self.iter()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S, P: Platform> fmt::Debug for Pinned<'_, K, V, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
