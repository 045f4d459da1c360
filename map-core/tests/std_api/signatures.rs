//! Names, signatures and bounds: each function here is generic with std's bounds and no others, and
//! every method is named by its full path with its type spelled out. Compiling is the test.

use super::{Map, RandomState, TryReserveError, hash_map};
use core::borrow::Borrow;
use core::fmt::Debug;
use core::hash::{BuildHasher, Hash, Hasher};
use core::iter::FusedIterator;
use core::ops::Index;
use hash_map::{
    DefaultHasher, Drain, Entry, ExtractIf, IntoIter, IntoKeys, IntoValues, Iter, IterMut, Keys,
    OccupiedEntry, VacantEntry, Values, ValuesMut,
};

/// A hasher that is no `Default`, no `Clone`, no `Debug`: what asks for more than `BuildHasher` won't compile.
struct PlainHasher;

impl BuildHasher for PlainHasher {
    type Hasher = <RandomState as BuildHasher>::Hasher;
    fn build_hasher(&self) -> Self::Hasher {
        RandomState::default().build_hasher()
    }
}

// `const` and without any bound on `S`.
const _EMPTY: Map<u8, u8, ()> = Map::with_hasher(());
static _STATIC: Map<&'static str, u8, ()> = Map::with_hasher(());

#[allow(dead_code, reason = "type-checked, never called")]
fn without_bounds<K, V, S>(hasher: S, other: S) {
    let _: fn() -> Map<K, V> = Map::<K, V>::new;
    let _: fn(usize) -> Map<K, V> = Map::<K, V>::with_capacity;
    let _: fn(usize, S) -> Map<K, V, S> = Map::<K, V, S>::with_capacity_and_hasher;
    let mut map: Map<K, V, S> = Map::with_hasher(hasher);
    let _: usize = Map::capacity(&map);
    let _: usize = Map::len(&map);
    let _: bool = Map::is_empty(&map);
    let _: &S = Map::hasher(&map);
    let _: Keys<'_, K, V> = Map::keys(&map);
    let _: Values<'_, K, V> = Map::values(&map);
    let _: ValuesMut<'_, K, V> = Map::values_mut(&mut map);
    let _: Iter<'_, K, V> = Map::iter(&map);
    let _: IterMut<'_, K, V> = Map::iter_mut(&mut map);
    let _: Iter<'_, K, V> = (&map).into_iter();
    let _: IterMut<'_, K, V> = (&mut map).into_iter();
    let _: Drain<'_, K, V> = Map::drain(&mut map);
    let _: ExtractIf<'_, K, V, _> = Map::extract_if(&mut map, |_: &K, _: &mut V| true);
    Map::retain(&mut map, |_: &K, _: &mut V| true);
    Map::clear(&mut map);
    let _: IntoIter<K, V> = map.into_iter();
    let _: IntoKeys<K, V> = Map::into_keys(Map::<K, V, S>::with_hasher(other));
    let _: fn(Map<K, V, S>) -> IntoValues<K, V> = Map::into_values;
}

#[allow(dead_code, reason = "type-checked, never called")]
fn with_hash<K: Eq + Hash, V, S: BuildHasher>(
    map: &mut Map<K, V, S>,
    key: fn() -> K,
    value: fn() -> V,
) {
    Map::reserve(map, 1);
    let _: Result<(), TryReserveError> = Map::try_reserve(map, 1);
    Map::shrink_to_fit(map);
    Map::shrink_to(map, 1);
    let _: Option<V> = Map::insert(map, key(), value());
    let _: Entry<'_, K, V> = Map::entry(map, key());
    Extend::<(K, V)>::extend(map, [(key(), value())]);
}

#[allow(dead_code, reason = "type-checked, never called")]
fn with_borrowed<K, Q, V, S>(map: &mut Map<K, V, S>, q: &Q)
where
    K: Eq + Hash + Borrow<Q>,
    Q: Hash + Eq + ?Sized,
    S: BuildHasher,
{
    let _: Option<&V> = Map::get(map, q);
    let _: Option<(&K, &V)> = Map::get_key_value(map, q);
    let _: bool = Map::contains_key(map, q);
    let _: Option<&mut V> = Map::get_mut(map, q);
    let _: [Option<&mut V>; 3] = Map::get_disjoint_mut(map, [q, q, q]);
    // SAFETY: never run.
    let _: [Option<&mut V>; 1] = unsafe { Map::get_disjoint_unchecked_mut(map, [q]) };
    let _: Option<V> = Map::remove(map, q);
    let _: Option<(K, V)> = Map::remove_entry(map, q);
    let _: &V = Index::index(&*map, q);
    let _: &V = &map[q];
}

fn clones<T: Clone>() {}
fn debugs<T: Debug>() {}
fn defaults<T: Default>() {}
fn equals<T: Eq>() {}
fn exact<T: ExactSizeIterator + FusedIterator>() {}
fn fused<T: FusedIterator>() {}

struct Bare;
#[derive(Clone)]
struct OnlyClone;
#[derive(Debug)]
struct OnlyDebug;
#[derive(PartialEq, Eq, Hash)]
struct OnlyKey;

#[allow(dead_code, reason = "type-checked, never called")]
fn maps() {
    clones::<Map<OnlyClone, OnlyClone, OnlyClone>>();
    debugs::<Map<OnlyDebug, OnlyDebug, Bare>>();
    defaults::<Map<Bare, Bare>>();
    defaults::<Map<Bare, Bare, ()>>();
    equals::<Map<OnlyKey, OnlyKey, PlainHasher>>();
    let _: fn([(OnlyKey, Bare); 3]) -> Map<OnlyKey, Bare> = From::from;
    let _: fn(Vec<(OnlyKey, Bare)>) -> Map<OnlyKey, Bare> = FromIterator::from_iter;
}

#[allow(dead_code, reason = "type-checked, never called")]
fn copies<'a, K: Eq + Hash + Copy, V: Copy, S: BuildHasher>(
    map: &mut Map<K, V, S>,
    from: &'a [(&'a K, &'a V)],
) {
    Extend::<(&'a K, &'a V)>::extend(map, from.iter().copied());
}

#[allow(dead_code, reason = "type-checked, never called")]
fn iterators() {
    type Yes = fn(&Bare, &mut Bare) -> bool;
    exact::<Iter<'_, Bare, Bare>>();
    exact::<IterMut<'_, Bare, Bare>>();
    exact::<IntoIter<Bare, Bare>>();
    exact::<Keys<'_, Bare, Bare>>();
    exact::<Values<'_, Bare, Bare>>();
    exact::<ValuesMut<'_, Bare, Bare>>();
    exact::<IntoKeys<Bare, Bare>>();
    exact::<IntoValues<Bare, Bare>>();
    exact::<Drain<'_, Bare, Bare>>();
    fused::<ExtractIf<'_, Bare, Bare, Yes>>();
    clones::<Iter<'_, Bare, Bare>>();
    clones::<Keys<'_, Bare, Bare>>();
    clones::<Values<'_, Bare, Bare>>();
    defaults::<Iter<'_, Bare, Bare>>();
    defaults::<IterMut<'_, Bare, Bare>>();
    defaults::<IntoIter<Bare, Bare>>();
    defaults::<Keys<'_, Bare, Bare>>();
    defaults::<Values<'_, Bare, Bare>>();
    defaults::<ValuesMut<'_, Bare, Bare>>();
    defaults::<IntoKeys<Bare, Bare>>();
    defaults::<IntoValues<Bare, Bare>>();
    debugs::<Iter<'_, OnlyDebug, OnlyDebug>>();
    debugs::<IterMut<'_, OnlyDebug, OnlyDebug>>();
    debugs::<IntoIter<OnlyDebug, OnlyDebug>>();
    debugs::<Keys<'_, OnlyDebug, Bare>>();
    debugs::<Values<'_, Bare, OnlyDebug>>();
    debugs::<ValuesMut<'_, Bare, OnlyDebug>>();
    debugs::<IntoKeys<OnlyDebug, Bare>>();
    debugs::<IntoValues<Bare, OnlyDebug>>();
    debugs::<Drain<'_, OnlyDebug, OnlyDebug>>();
    debugs::<ExtractIf<'_, OnlyDebug, OnlyDebug, Yes>>();
    debugs::<Entry<'_, OnlyDebug, OnlyDebug>>();
    debugs::<OccupiedEntry<'_, OnlyDebug, OnlyDebug>>();
    debugs::<VacantEntry<'_, OnlyDebug, Bare>>();
}

#[allow(dead_code, reason = "type-checked, never called")]
fn entries<'a, K, V: Default>(entry: fn() -> Entry<'a, K, V>, value: fn() -> V) {
    let _: &K = Entry::key(&entry());
    let _: &'a mut V = Entry::or_insert(entry(), value());
    let _: &'a mut V = Entry::or_insert_with(entry(), value);
    let _: &'a mut V = Entry::or_insert_with_key(entry(), |_: &K| value());
    let _: &'a mut V = Entry::or_default(entry());
    let _: Entry<'a, K, V> = Entry::and_modify(entry(), |_: &mut V| {});
    let _: OccupiedEntry<'a, K, V> = Entry::insert_entry(entry(), value());
    match entry() {
        Entry::Occupied(mut occupied) => {
            let _: &K = OccupiedEntry::key(&occupied);
            let _: &V = OccupiedEntry::get(&occupied);
            let _: &mut V = OccupiedEntry::get_mut(&mut occupied);
            let _: V = OccupiedEntry::insert(&mut occupied, value());
            let _: fn(OccupiedEntry<'a, K, V>) -> &'a mut V = OccupiedEntry::into_mut;
            let _: fn(OccupiedEntry<'a, K, V>) -> V = OccupiedEntry::remove;
            let _: (K, V) = OccupiedEntry::remove_entry(occupied);
        }
        Entry::Vacant(vacant) => {
            let _: &K = VacantEntry::key(&vacant);
            let _: fn(VacantEntry<'a, K, V>) -> K = VacantEntry::into_key;
            let _: fn(VacantEntry<'a, K, V>, V) -> &'a mut V = VacantEntry::insert;
            let _: OccupiedEntry<'a, K, V> = VacantEntry::insert_entry(vacant, value());
        }
    }
}

/// std's error is an `Error` that can be compared, cloned and passed between threads.
#[allow(dead_code, reason = "type-checked, never called")]
fn error() {
    fn full<E: core::error::Error + Clone + Eq + Send + Sync + 'static>() {}
    full::<TryReserveError>();
    let _: fn(TryReserveError) -> std::io::Error = From::from;
}

#[allow(dead_code, reason = "type-checked, never called")]
fn hashers() {
    fn hasher<H: Hasher + Default + Clone + Debug + Send + Sync + Unpin + 'static>() {}
    fn builder<B: BuildHasher<Hasher = DefaultHasher> + Default + Clone + Debug + Send + Sync>() {}
    hasher::<DefaultHasher>();
    builder::<RandomState>();
    let _: fn() -> DefaultHasher = DefaultHasher::new;
    let _: fn() -> RandomState = RandomState::new;
    let _: Map<u8, u8> = Map::with_hasher(RandomState::new());
}
