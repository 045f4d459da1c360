//! The shared maps that ship with an adapter.
//!
//! # Checked by
//! `tests/threads.rs`.

/// What maps whose methods are those of a guard answer in the same words.
macro_rules! by_pin {
    () => {
        fn create(state: ModelState, capacity: usize) -> Self {
            Self::with_capacity_and_hasher(capacity, state)
        }
        fn get(&self, key: u64) -> Option<u64> {
            self.pin().get(&key).copied()
        }
        fn insert(&self, key: u64, value: u64) -> Option<u64> {
            self.pin().insert(key, value).copied()
        }
        fn remove(&self, key: u64) -> Option<u64> {
            self.pin().remove(&key).copied()
        }
        fn contains_key(&self, key: u64) -> bool {
            self.pin().contains_key(&key)
        }
        fn len(&self) -> usize {
            self.pin().len()
        }
        fn is_empty(&self) -> bool {
            self.pin().is_empty()
        }
        fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
            self.pin().iter().for_each(|(&key, &value)| visit(key, value));
        }
        fn clear(&self) {
            self.pin().clear();
        }
        fn reserve(&self, additional: usize) {
            self.pin().reserve(additional);
        }
    };
}

/// `COMPUTE`, by an entry.
#[cfg(any(feature = "dashmap", feature = "scc"))]
macro_rules! by_entry {
    ($entry:ident) => {
        fn compute(&self, key: u64, decide: impl Fn(Option<u64>) -> Decision) -> [Option<u64>; 2] {
            match self.$entry(key) {
                Entry::Occupied(mut entry) => {
                    let old = *entry.get();
                    match decide(Some(old)) {
                        Decision::Put(new) => {
                            entry.insert(new);
                            [Some(old), Some(new)]
                        }
                        Decision::Remove => [Some(entry.remove()), None],
                        Decision::Keep => [Some(old), Some(old)],
                    }
                }
                Entry::Vacant(entry) => match decide(None) {
                    Decision::Put(new) => [None, Some(*entry.insert_entry(new).get())],
                    Decision::Remove | Decision::Keep => [None, None],
                },
            }
        }
    };
}

#[cfg(feature = "dashmap")]
pub(super) mod dashmap;
#[cfg(feature = "flurry")]
pub(super) mod flurry;
pub mod locked;
mod map;
#[cfg(feature = "papaya")]
pub(super) mod papaya;
#[cfg(feature = "scc")]
pub(super) mod scc;
