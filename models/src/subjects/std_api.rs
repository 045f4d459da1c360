//! The methods that every map with std's API answers in the same words. A file beside this one says which it has.

/// All of them, over the module that holds `Entry`, which inserts by `$insert_entry`.
macro_rules! std_all {
    ($module:ident, $insert_entry:ident) => {
        std_required!();
        std_removal!();
        std_optional!();
        std_shrink_to!();
        std_into_parts!();
        std_disjoint!();
        std_drain!();
        std_extract!();
        std_entry!($module, remove, remove_entry, |entry, value| Some(
            entry.$insert_entry(value).get().number()
        ));
    };
}

/// The required methods.
macro_rules! std_required {
    () => {
        fn create(state: ModelState, capacity: usize) -> Self {
            Self::with_capacity_and_hasher(capacity, state)
        }
        #[inline]
        fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
            Self::get(self, key).map(see)
        }
        #[inline]
        fn insert(&mut self, key: K, value: V) -> Option<V> {
            Self::insert(self, key, value)
        }
        #[inline]
        fn len(&self) -> usize {
            Self::len(self)
        }
        fn is_empty(&self) -> bool {
            Self::is_empty(self)
        }
        fn clear(&mut self) {
            Self::clear(self);
        }
        fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
            sizes::folded(self.iter(), |(key, value)| visit(key, value));
        }
    };
}

/// `remove` and `remove_entry` (`IndexMap` spells them otherwise), and the other lookups.
macro_rules! std_removal {
    () => {
        #[inline]
        fn remove(&mut self, key: &K) -> Option<V> {
            Self::remove(self, key)
        }
        fn remove_entry(&mut self, key: &K) -> Option<(K, V)> {
            Self::remove_entry(self, key)
        }
    };
}

/// `LOOKUPS`, `MUTATION`, `VIEWS`, `RETAIN`, `CLONE`, `EXTEND`, `CAPACITY`.
macro_rules! std_optional {
    () => {
        fn contains_key(&self, key: &K) -> bool {
            Self::contains_key(self, key)
        }
        fn get_key_value<R>(&self, key: &K, see: impl FnOnce(&K, &V) -> R) -> Option<R> {
            Self::get_key_value(self, key).map(|(key, value)| see(key, value))
        }
        fn get_mut(&mut self, key: &K) -> Option<&mut V> {
            Self::get_mut(self, key)
        }
        fn each_mut(&mut self, how: Mutably, mut visit: impl FnMut(Option<&K>, &mut V)) {
            match how {
                Mutably::Iter => {
                    sizes::folded(self.iter_mut(), |(key, value)| visit(Some(key), value));
                }
                Mutably::Values => {
                    sizes::folded(self.values_mut(), |value| visit(None, value));
                }
            }
        }
        fn keys_values(&self, key: impl FnMut(&K), value: impl FnMut(&V)) {
            sizes::half(self.keys(), key);
            sizes::half(self.values(), value);
            sizes::half(self.iter(), |_| ());
        }
        fn into_each(self, take: usize, mut visit: impl FnMut(K, V)) {
            sizes::some(sizes::exactly(self.into_iter()), take, |(key, value)| visit(key, value));
        }
        fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
            Self::retain(self, keep);
        }
        fn duplicate(&self) -> Self {
            self.clone()
        }
        fn duplicate_into(&self, other: &mut Self) {
            other.clone_from(self);
        }
        fn equals(&self, other: &Self) -> bool {
            self == other
        }
        fn extend(&mut self, entries: impl Iterator<Item = (K, V)>) {
            Extend::extend(self, entries);
        }
        fn collected(entries: impl Iterator<Item = (K, V)>) -> Self {
            entries.collect()
        }
        #[inline]
        fn capacity(&self) -> usize {
            Self::capacity(self)
        }
        fn reserve(&mut self, additional: usize) {
            Self::reserve(self, additional);
        }
        fn try_reserve(&mut self, additional: usize) -> bool {
            Self::try_reserve(self, additional).is_ok()
        }
        fn shrink_to_fit(&mut self) {
            Self::shrink_to_fit(self);
        }
    };
}

/// `SHRINK_TO`.
macro_rules! std_shrink_to {
    () => {
        fn shrink_to(&mut self, capacity: usize) {
            Self::shrink_to(self, capacity);
        }
    };
}

/// `INTO_PARTS`.
macro_rules! std_into_parts {
    () => {
        fn into_each_key(self, visit: impl FnMut(K)) {
            sizes::folded(self.into_keys(), visit);
        }
        fn into_each_value(self, visit: impl FnMut(V)) {
            sizes::folded(self.into_values(), visit);
        }
    };
}

/// `DISJOINT`.
macro_rules! std_disjoint {
    () => {
        fn get_disjoint_mut<const N: usize>(&mut self, keys: [&K; N]) -> [Option<&mut V>; N] {
            Self::get_disjoint_mut(self, keys)
        }
    };
}

/// `DRAIN`; `$all` is what `drain` takes.
macro_rules! std_drain {
    ($($all:expr)?) => {
        fn drain(&mut self, take: usize, mut visit: impl FnMut(K, V)) {
            let all = sizes::exactly(Self::drain(self $(, $all)?));
            sizes::some(all, take, |(key, value)| visit(key, value));
        }
    };
}

/// `EXTRACT`; `$all` is what `extract_if` takes first.
macro_rules! std_extract {
    ($($all:expr)?) => {
        fn extract_if(
            &mut self,
            take: usize,
            choose: impl FnMut(&K, &mut V) -> bool,
            mut visit: impl FnMut(K, V),
        ) {
            let chosen = sizes::watched(Self::extract_if(self, $($all,)? choose));
            sizes::some(chosen, take, |(key, value)| visit(key, value));
        }
    };
}

/// `ENTRY` over the module that holds `Entry`; `$remove` and `$remove_entry` are the map's words for them.
macro_rules! std_entry {
    ($($module:ident)::+, $remove:ident, $remove_entry:ident, |$entry:ident, $new:ident| $insert_entry:expr) => {
        fn entry(&mut self, key: K, path: EntryPath, closure: impl Fn()) -> EntryAnswer<K> {
            use $($module)::+::Entry;
            let entry = Self::entry(self, key);
            let mut answer = EntryAnswer { value: None, key: None };
            answer.value = match path {
                EntryPath::OrInsert(v) => Some(entry.or_insert(V::make(v)).number()),
                EntryPath::OrInsertWith(v) => {
                    let value = entry.or_insert_with(|| {
                        closure();
                        V::make(v)
                    });
                    Some(value.number())
                }
                EntryPath::OrDefault => Some(entry.or_insert_with(V::default).number()),
                EntryPath::AndModify(v) => {
                    let modify = |old: &mut V| {
                        closure();
                        old.add(v);
                    };
                    Some(entry.and_modify(modify).or_insert(V::make(v)).number())
                }
                EntryPath::InsertEntry(v) => {
                    let ($entry, $new) = (entry, V::make(v));
                    $insert_entry
                }
                EntryPath::Replace(v) => match entry {
                    Entry::Occupied(mut entry) => Some(entry.insert(V::make(v)).number()),
                    Entry::Vacant(_) => None,
                },
                EntryPath::Remove => match entry {
                    Entry::Occupied(entry) => Some(entry.$remove().number()),
                    Entry::Vacant(_) => None,
                },
                EntryPath::RemoveEntry => match entry {
                    Entry::Occupied(entry) => {
                        let (key, value) = entry.$remove_entry();
                        answer.key = Some(key);
                        Some(value.number())
                    }
                    Entry::Vacant(_) => None,
                },
                EntryPath::Look => match entry {
                    Entry::Occupied(entry) => {
                        answer.key = Some(entry.key().clone());
                        Some(entry.get().number())
                    }
                    Entry::Vacant(entry) => {
                        answer.key = Some(entry.into_key());
                        None
                    }
                },
            };
            answer
        }
    };
}
