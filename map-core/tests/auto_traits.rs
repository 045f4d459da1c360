//! What the compiler may assume of the map and its iterators: variance, auto traits, drop check.
//!
//! # Properties
//! - **covariant**: `Map` and everything that lends shared access is covariant in `K` and `V`;
//!   what lends mutable access is covariant in `K` only. These are std's.
//! - **auto traits**: `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` hold exactly when they do
//!   for std's type, for arguments with and without each of them.
//!   A shared map hands entries from thread to thread even through `&`, and asks for `Send` there. Its pins belong to a thread.
//! - **drop check**: a map may hold references to what is dropped before it, as std's may.
//!
//! The other direction, programs that must *not* compile, is in `compile_fail.md` beside this file.

use map_core::concurrent;
use map_core::platform::Std;
use map_core::{BucketView, ConcurrentMap, Cursor, Map, TableView, View, hash_map as ours};
use std::cell::{Cell, RefCell};
use std::collections::hash_map as theirs;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

/// Shortening a lifetime in a covariant argument is a coercion; the function compiles or it doesn't.
macro_rules! covariant {
    ($($name:ident: $long:ty => $short:ty;)*) => {
        $(#[allow(dead_code, reason = "type-checked, never called")]
        fn $name<'a, 'long: 'short, 'short>(it: $long) -> $short {
            it
        })*
    };
}

covariant! {
    map_key: Map<&'long str, u8, ()> => Map<&'short str, u8, ()>;
    map_value: Map<u8, &'long str, ()> => Map<u8, &'short str, ()>;
    map_hasher: Map<u8, u8, &'long str> => Map<u8, u8, &'short str>;
    iter: ours::Iter<'long, &'long str, &'long str> => ours::Iter<'short, &'short str, &'short str>;
    keys: ours::Keys<'long, &'long str, &'long str> => ours::Keys<'short, &'short str, &'short str>;
    values: ours::Values<'long, &'long str, &'long str> => ours::Values<'short, &'short str, &'short str>;
    into_iter: ours::IntoIter<&'long str, &'long str> => ours::IntoIter<&'short str, &'short str>;
    into_keys: ours::IntoKeys<&'long str, &'long str> => ours::IntoKeys<&'short str, &'short str>;
    into_values: ours::IntoValues<&'long str, &'long str> => ours::IntoValues<&'short str, &'short str>;
    drain: ours::Drain<'long, &'long str, &'long str> => ours::Drain<'short, &'short str, &'short str>;
    iter_mut_key: ours::IterMut<'long, &'long str, u8> => ours::IterMut<'short, &'short str, u8>;
    values_mut_key: ours::ValuesMut<'long, &'long str, u8> => ours::ValuesMut<'short, &'short str, u8>;
}

/// `Probe::<T>::SEND` is an inherent constant when `T: Send`, else the trait's: no specialisation needed.
struct Probe<T: ?Sized>(std::marker::PhantomData<T>);

macro_rules! probes {
    ($($constant:ident $fallback:ident: $auto:ident;)*) => {
        $(trait $fallback { const $constant: bool = false; }
        impl<T: ?Sized> $fallback for Probe<T> {}
        impl<T: ?Sized + $auto> Probe<T> { const $constant: bool = true; })*
    };
}

probes! {
    SEND MaybeSend: Send;
    SYNC MaybeSync: Sync;
    UNPIN MaybeUnpin: Unpin;
    UNWIND MaybeUnwind: UnwindSafe;
    REF_UNWIND MaybeRefUnwind: RefUnwindSafe;
}

macro_rules! auto_traits {
    ($type:ty) => {{
        type Asked = Probe<$type>;
        [Asked::SEND, Asked::SYNC, Asked::UNPIN, Asked::UNWIND, Asked::REF_UNWIND]
    }};
}

/// Not `Unpin`.
type Pinned = std::marker::PhantomPinned;

#[test]
fn the_probes_can_tell() {
    assert_eq!(auto_traits!(u8), [true; 5]);
    assert_eq!(auto_traits!(Rc<u8>), [false, false, true, true, true]);
    assert_eq!(auto_traits!(Cell<u8>), [true, false, true, true, false]);
    assert_eq!(auto_traits!(&'static mut u8), [true, true, true, false, true]);
    assert!(!auto_traits!(MutexGuard<'static, u8>)[0] && auto_traits!(MutexGuard<'static, u8>)[1]);
    assert!(!auto_traits!(Pinned)[2]);
}

macro_rules! same {
    ($differences:ident: $($ours:ty as $theirs:ty;)*) => {
        $(if auto_traits!($ours) != auto_traits!($theirs) {
            $differences.push(format!(
                "{}: {:?}, std's {:?}",
                std::any::type_name::<$ours>(),
                auto_traits!($ours),
                auto_traits!($theirs)
            ));
        })*
    };
}

macro_rules! same_for {
    ($differences:ident: $($key:ty, $value:ty, $hasher:ty;)*) => {$({
        type K = $key;
        type V = $value;
        type S = $hasher;
        type F = fn(&K, &mut V) -> bool;
        same! { $differences:
            Map<K, V, S> as std::collections::HashMap<K, V, S>;
            ours::Iter<'static, K, V> as theirs::Iter<'static, K, V>;
            ours::IterMut<'static, K, V> as theirs::IterMut<'static, K, V>;
            ours::IntoIter<K, V> as theirs::IntoIter<K, V>;
            ours::Keys<'static, K, V> as theirs::Keys<'static, K, V>;
            ours::Values<'static, K, V> as theirs::Values<'static, K, V>;
            ours::ValuesMut<'static, K, V> as theirs::ValuesMut<'static, K, V>;
            ours::IntoKeys<K, V> as theirs::IntoKeys<K, V>;
            ours::IntoValues<K, V> as theirs::IntoValues<K, V>;
            ours::Drain<'static, K, V> as theirs::Drain<'static, K, V>;
            ours::ExtractIf<'static, K, V, F> as theirs::ExtractIf<'static, K, V, F>;
        }
    })*};
}

macro_rules! same_entries_for {
    ($differences:ident: $($key:ty, $value:ty;)*) => {$({
        type K = $key;
        type V = $value;
        same! { $differences:
            ours::Entry<'static, K, V> as theirs::Entry<'static, K, V>;
            ours::OccupiedEntry<'static, K, V> as theirs::OccupiedEntry<'static, K, V>;
            ours::VacantEntry<'static, K, V> as theirs::VacantEntry<'static, K, V>;
        }
    })*};
}

macro_rules! same_predicates_for {
    ($differences:ident: $($predicate:ty;)*) => {
        same! { $differences:
            $(ours::ExtractIf<'static, u8, u8, $predicate> as theirs::ExtractIf<'static, u8, u8, $predicate>;)*
        }
    };
}

type Guard = MutexGuard<'static, u8>;
type Mutable = &'static mut u8;

#[test]
fn auto_traits_are_std_s() {
    let mut differences = Vec::new();
    same_for! { differences:
        u8, u8, u8;
        Rc<u8>, u8, u8;
        u8, Rc<u8>, u8;
        u8, u8, Rc<u8>;
        Cell<u8>, u8, u8;
        u8, Cell<u8>, u8;
        u8, u8, Cell<u8>;
        Guard, u8, u8;
        u8, Guard, u8;
        u8, u8, Guard;
        Mutable, u8, u8;
        u8, Mutable, u8;
        u8, u8, Mutable;
        Pinned, u8, u8;
        u8, Pinned, u8;
        u8, u8, Pinned;
    }
    same_entries_for! { differences:
        u8, u8;
        Rc<u8>, u8;
        u8, Rc<u8>;
        Cell<u8>, u8;
        u8, Cell<u8>;
        Guard, u8;
        u8, Guard;
    }
    same_predicates_for! { differences:
        Box<dyn FnMut(&u8, &mut u8) -> bool>;
        Box<dyn FnMut(&u8, &mut u8) -> bool + Send>;
        Box<dyn FnMut(&u8, &mut u8) -> bool + Send + Sync>;
    }
    assert!(
        differences.is_empty(),
        "Send, Sync, Unpin, UnwindSafe, RefUnwindSafe differ:\n{}",
        differences.join("\n")
    );
}

/// To share the map is to hand over what is in it: one thread inserts, and another drops what it has removed.
#[test]
fn the_shared_map_is_shared_if_what_is_in_it_may_cross_threads() {
    macro_rules! send_and_sync {
        ($($key:ty, $value:ty, $hasher:ty => $send:literal $sync:literal;)*) => {$(
            let [send, sync, ..] = auto_traits!(ConcurrentMap<$key, $value, $hasher>);
            let name = stringify!($key, $value, $hasher);
            assert_eq!((send, sync), ($send, $sync), "{name}");
        )*};
    }
    send_and_sync! {
        u8, u8, u8 => true true;
        Rc<u8>, u8, u8 => false false;
        u8, Rc<u8>, u8 => false false;
        u8, u8, Rc<u8> => false false;
        Cell<u8>, u8, u8 => true false;
        u8, Cell<u8>, u8 => true false;
        u8, u8, Cell<u8> => true false;
        Guard, u8, u8 => false false;
        u8, Guard, u8 => false false;
        u8, u8, Guard => false true;
    }
}

/// Whatever panics leaves it valid; what it lends is the caller's to answer for.
#[test]
fn the_shared_map_may_be_used_after_a_panic_if_what_is_in_it_may() {
    macro_rules! unwind_safe {
        ($($key:ty, $value:ty, $hasher:ty => $by_value:literal $by_reference:literal;)*) => {$(
            let [.., by_value, by_reference] = auto_traits!(ConcurrentMap<$key, $value, $hasher>);
            let name = stringify!($key, $value, $hasher);
            assert_eq!((by_value, by_reference), ($by_value, $by_reference), "{name}");
            let [.., by_value, by_reference] =
                auto_traits!(concurrent::Pinned<'static, $key, $value, $hasher>);
            assert_eq!((by_value, by_reference), ($by_reference, $by_reference), "pinned {name}");
        )*};
    }
    unwind_safe! {
        u8, u8, u8 => true true;
        Cell<u8>, u8, u8 => false false;
        u8, Cell<u8>, u8 => false false;
        u8, u8, Cell<u8> => true false;
        &'static mut u8, u8, u8 => false false;
        u8, &'static mut u8, u8 => false false;
    }
}

/// Neither by value nor by reference.
macro_rules! stays {
    ($($type:ty;)*) => {$(
        let [send, sync, ..] = auto_traits!($type);
        assert!(!send && !sync, stringify!($type));
    )*};
}

/// So does what iterates under it.
#[test]
fn a_pin_belongs_to_its_thread() {
    stays! {
        concurrent::Pinned<'static, u8, u8, u8, Std>;
        concurrent::Iter<'static, u8, u8, Std>;
        concurrent::Keys<'static, u8, u8, Std>;
        concurrent::Values<'static, u8, u8, Std>;
    }
}

/// A view reads the map.
#[test]
fn a_view_crosses_no_thread_if_the_map_may_not_be_shared() {
    stays! {
        View<'static, u8, Cell<u8>>;
        View<'static, Cell<u8>, u8>;
        TableView<'static, u8, Cell<u8>>;
        TableView<'static, Cell<u8>, u8>;
        BucketView<'static, u8, Cell<u8>>;
        BucketView<'static, Cell<u8>, u8>;
    }
}

#[test]
fn cursors_may_cross_threads() {
    let [send, sync, unpin, ..] = auto_traits!(Cursor);
    assert!(send && sync && unpin);
}

#[test]
fn a_map_may_outlive_what_it_refers_to_as_std_s_may() {
    // Dropped in reverse order: the names first, then the map that refers to them.
    let mut map: Map<&str, &str> = Map::new();
    let names: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    for name in &names {
        map.insert(name, name);
    }
    assert_eq!(map.len(), 60);
    let (mut entries, name);
    name = String::from("one");
    entries = Map::from([(name.as_str(), &name)]).into_iter();
    assert!(entries.next().is_some());
}

#[test]
fn an_entry_may_refer_to_the_map_s_neighbours() {
    // Self-referential through a shared cell, which needs covariance and `may_dangle` together.
    struct Node<'a>(RefCell<Map<u32, &'a Node<'a>>>);
    let nodes = [Node(RefCell::default()), Node(RefCell::default())];
    nodes[0].0.borrow_mut().insert(0, &nodes[1]);
    nodes[1].0.borrow_mut().insert(0, &nodes[0]);
    assert_eq!(nodes[0].0.borrow()[&0].0.borrow().len(), 1);
}
