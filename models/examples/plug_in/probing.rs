//! A map for one thread: open addressing, linear probing, no tombstones. It can be wrong about the wrap-around.

use models::elements::{Key, Value};
use models::generators::hashers::ModelState;
use models::subject::{NoCursor, SequentialSubject};
use std::hash::BuildHasher;

struct Entry<K, V> {
    /// So that nothing of the user's is called while entries move: it may panic.
    hash: u64,
    key: K,
    value: V,
}

/// 2^n places, at most three quarters of them taken. If it is `HASTY`, a removal closes gaps up to the table's end alone.
pub struct Probing<K, V, const HASTY: bool> {
    state: ModelState,
    places: Vec<Option<Entry<K, V>>>,
    len: usize,
}

fn empty<K, V>(places: usize) -> Vec<Option<Entry<K, V>>> {
    (0..places).map(|_| None).collect()
}

impl<K: Key, V: Value, const HASTY: bool> Probing<K, V, HASTY> {
    fn mask(&self) -> usize {
        self.places.len() - 1
    }

    /// The first place from the hash's on that is free or that is wanted.
    fn find(&self, hash: u64, is_wanted: impl Fn(&Entry<K, V>) -> bool) -> usize {
        let mut at = hash as usize & self.mask();
        while self.places[at].as_ref().is_some_and(|entry| !is_wanted(entry)) {
            at = (at + 1) & self.mask();
        }
        at
    }

    /// Where the key is, or would be put.
    fn place(&self, hash: u64, key: &K) -> usize {
        self.find(hash, |entry| entry.hash == hash && entry.key == *key)
    }

    fn grow(&mut self) {
        let new = empty(2 * self.places.len());
        for entry in std::mem::replace(&mut self.places, new).into_iter().flatten() {
            let at = self.find(entry.hash, |_| false);
            self.places[at] = Some(entry);
        }
    }

    /// Moves back what was pushed past this place.
    fn close(&mut self, mut gap: usize) {
        let mask = self.mask();
        let way = |from: usize, to: usize| to.wrapping_sub(from) & mask;
        let mut at = (gap + 1) & mask;
        while let Some(entry) = &self.places[at] {
            if HASTY && at == 0 {
                return;
            }
            if way(entry.hash as usize, at) >= way(gap, at) {
                self.places.swap(gap, at);
                gap = at;
            }
            at = (at + 1) & mask;
        }
    }
}

impl<K: Key, V: Value, const HASTY: bool> SequentialSubject<K, V> for Probing<K, V, HASTY> {
    type Cursor = NoCursor;

    fn create(state: ModelState, _capacity: usize) -> Self {
        Probing { state, places: empty(4), len: 0 }
    }
    fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
        let at = self.place(self.state.hash_one(key), key);
        self.places[at].as_ref().map(|entry| see(&entry.value))
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = self.state.hash_one(&key);
        if 4 * (self.len + 1) > 3 * self.places.len() {
            self.grow();
        }
        let at = self.place(hash, &key);
        match &mut self.places[at] {
            Some(entry) => Some(std::mem::replace(&mut entry.value, value)),
            free => {
                *free = Some(Entry { hash, key, value });
                self.len += 1;
                None
            }
        }
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.place(self.state.hash_one(key), key);
        let entry = self.places[at].take()?;
        self.len -= 1;
        self.close(at);
        Some(entry.value)
    }
    fn len(&self) -> usize {
        self.len
    }
    fn clear(&mut self) {
        self.len = 0;
        let free = empty(self.places.len());
        drop(std::mem::replace(&mut self.places, free));
    }
    fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        let entries = self.places.iter().flatten();
        entries.for_each(|entry| visit(&entry.key, &entry.value));
    }
}
