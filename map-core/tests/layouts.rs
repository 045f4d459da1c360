//! Sizes and alignments: nothing, much, and more than there is.
//!
//! # Properties
//! - **intact**: keys and values of any size and alignment come back as they went in, at an address
//!   that fits their alignment, in every state of growth.
//! - **no luck**: the allocator here gives what is asked for, and no more alignment than that.
//! - **nothing**: zero-sized keys and values are entries like any other.
//! - **too much**: a capacity that no address space holds is an error of `try_reserve` and a panic of
//!   everything else, and changes nothing.

mod common;

use common::hashers::{LOW3, MIX, ZERO};
use common::{By, EvacuationOrder, Map};
use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Borrow;
use std::cell::Cell;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Addresses that are aligned as asked for, and to nothing beyond.
struct Exact;

impl Exact {
    fn wider(layout: Layout) -> Layout {
        let align = layout.align();
        Layout::from_size_align(layout.size() + align, 2 * align).expect("not that large")
    }
}

// SAFETY: `System`'s blocks are larger by the alignment, and given from there on.
unsafe impl GlobalAlloc for Exact {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: of a size, as the caller's is, or larger.
        let block = unsafe { System.alloc(Self::wider(layout)) };
        if block.is_null() {
            return block;
        }
        // SAFETY: the block is larger by this.
        unsafe { block.add(layout.align()) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `alloc` went so far from the block's beginning.
        let block = unsafe { block.sub(layout.align()) };
        // SAFETY: `System` gave it with this layout.
        unsafe { System.dealloc(block, Self::wider(layout)) };
    }
}

#[global_allocator]
static EXACT: Exact = Exact;

/// `SIZE` bytes that follow from one number.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Block<const SIZE: usize>([u8; SIZE]);

impl<const SIZE: usize> Block<SIZE> {
    fn new(n: u64) -> Self {
        let mut bytes = [0; SIZE];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = n.to_le_bytes()[i % 8].wrapping_add((i / 8) as u8);
        }
        Block(bytes)
    }
}

impl<const SIZE: usize> Hash for Block<SIZE> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut low = [0; 8];
        let len = SIZE.min(8);
        low[..len].copy_from_slice(&self.0[..len]);
        state.write_u64(u64::from_le_bytes(low));
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[repr(align(64))]
struct Aligned(u64);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[repr(align(4096))]
struct PageAligned(u64);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[repr(align(128))]
struct AlignedNothing;

/// Fills, checks, empties by half, grows on: all with entries made by the two functions.
fn intact<K: Hash + Eq + Clone + Debug, V: Eq + Clone + Debug>(
    key: impl Fn(u64) -> K,
    value: impl Fn(u64) -> V,
) {
    let len = if cfg!(miri) { 28 } else { 150 };
    for order in [EvacuationOrder::Go, EvacuationOrder::InOrder] {
        for hasher in [MIX, LOW3] {
            let mut map: Map<K, V, By> = Map::with_hasher(hasher);
            map.set_evacuation_order(order);
            for n in 0..len {
                assert!(map.insert(key(n), value(n)).is_none());
                for asked in [0, n / 2, n] {
                    let (stored, found) = map.get_key_value(&key(asked)).expect("was inserted");
                    assert_eq!((stored, found), (&key(asked), &value(asked)));
                    assert_eq!(std::ptr::from_ref(stored).addr() % align_of::<K>(), 0);
                    assert_eq!(std::ptr::from_ref(found).addr() % align_of::<V>(), 0);
                }
                assert!(!map.contains_key(&key(n + 1)));
            }
            map.check().unwrap();
            let copy = map.clone();
            for n in (0..len).step_by(2) {
                assert_eq!(map.remove_entry(&key(n)), Some((key(n), value(n))));
            }
            for n in len..len + 40 {
                *map.entry(key(n)).or_insert(value(0)) = value(n);
            }
            map.check().unwrap();
            assert!(
                (0..len + 40).all(
                    |n| map.get(&key(n)) == (n >= len || n % 2 == 1).then(|| value(n)).as_ref()
                )
            );
            map.shrink_to_fit();
            map.reserve(300);
            assert_eq!(map.drain().filter(|(k, v)| copy.get(k) == Some(v)).count() as u64, len / 2);
            assert!((0..len).all(|n| copy.get(&key(n)) == Some(&value(n))));
            assert_eq!(copy.into_iter().count() as u64, len);
        }
    }
}

#[test]
fn sizes_around_a_word_and_around_128_bytes() {
    intact(|n| n as u8, |n| n as u8);
    intact(|n| n as u16, |n| [n as u8; 3]);
    intact(Block::<9>::new, Block::<31>::new);
    intact(Block::<127>::new, Block::<128>::new);
    intact(Block::<128>::new, Block::<129>::new);
    intact(Block::<129>::new, Block::<127>::new);
    intact(Block::<512>::new, |n| n);
    intact(|n| n, Block::<512>::new);
}

#[test]
fn a_shared_map_of_small_entries() {
    let map = map_core::ConcurrentMap::<u8, u8, By>::with_hasher(LOW3);
    (0..200).for_each(|n| _ = map.pin().insert(n, n));
    (0..100).for_each(|n| assert_eq!(map.pin().remove(&n), Some(&n)));
    (100..200).for_each(|n| assert_eq!(map.pin().get(&n), Some(&n)));
    map.check().unwrap();
}

/// Beside one of small entries in the same process, so that only the size differs.
#[test]
#[cfg_attr(miri, ignore = "Miri's time is not the machine's")]
fn a_lookup_takes_no_longer_where_values_are_large() {
    fn time<V>(value: V) -> Duration {
        let mut map: Map<u64, V, By> = Map::with_hasher(MIX);
        map.insert(0, value);
        let lookups = || {
            let began = Instant::now();
            assert!((1..1_000).all(|key| map.get(&key).is_none() && map.contains_key(&0)));
            began.elapsed()
        };
        (0..10).map(|_| lookups()).min().expect("there are ten")
    }
    let (small, large) = (time(0_u64), time([0_u8; 1 << 16]));
    assert!(large < 20 * small, "{large:?}, and {small:?} where values are small");
}

#[test]
fn huge_keys_and_values() {
    // Miri would spend its time on filling the blocks.
    const HUGE: usize = if cfg!(miri) { 600 } else { 4096 };
    intact(Block::<HUGE>::new, Block::<HUGE>::new);
    intact(|n| n, Block::<HUGE>::new);
}

#[test]
fn over_aligned_keys_and_values() {
    intact(Aligned, Aligned);
    intact(|n| n as u8, Aligned);
    intact(Aligned, |n| n as u8);
    intact(|n| n, |_| AlignedNothing);
    intact(PageAligned, |_| ());
}

#[test]
fn values_of_no_size() {
    intact(|n| n, |_| ());
    intact(|n| n.to_string(), |_| ());
    intact(|n| n, |_| [0_u64; 0]);
}

#[test]
fn keys_of_no_size() {
    let mut map: Map<(), u64, By> = Map::default();
    assert_eq!((map.insert((), 1), map.insert((), 2)), (None, Some(1)));
    assert_eq!((map.get(&()), map.len()), (Some(&2), 1));
    map.reserve(100);
    assert_eq!(map.iter().next(), Some((&(), &2)));
    assert_eq!(map.remove(&()), Some(2));
    map.check().unwrap();
    let mut map: Map<AlignedNothing, (), By> = Map::default();
    map.insert(AlignedNothing, ());
    let (key, _) = map.get_key_value(&AlignedNothing).unwrap();
    assert_eq!(std::ptr::from_ref(key).addr() % 128, 0);
    map.extend([(AlignedNothing, ())]);
    map.check().unwrap();
    let mut cursor = map.cursor();
    assert!(cursor.next(&map).is_some() && cursor.next(&map).is_none());
}

/// Equal to nothing, not even to itself, and of no size: as many entries as one likes, each dropped once.
#[test]
fn many_entries_of_no_size_at_all() {
    thread_local!(static ALIVE: Cell<isize> = const { Cell::new(0) });
    #[derive(Debug)]
    struct Unlike;
    impl Unlike {
        fn new() -> Unlike {
            ALIVE.set(ALIVE.get() + 1);
            Unlike
        }
    }
    impl Drop for Unlike {
        fn drop(&mut self) {
            ALIVE.set(ALIVE.get() - 1);
        }
    }
    impl Clone for Unlike {
        fn clone(&self) -> Unlike {
            Unlike::new()
        }
    }
    impl Hash for Unlike {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u64(7);
        }
    }
    impl PartialEq for Unlike {
        fn eq(&self, _: &Unlike) -> bool {
            false
        }
    }
    impl Eq for Unlike {}
    type Unlikes = Map<Unlike, (), By>;
    let mut map = Unlikes::default();
    for len in 1..200 {
        assert_eq!(map.insert(Unlike::new(), ()), None);
        assert_eq!((map.len(), map.iter().count(), ALIVE.get()), (len, len, len as isize));
    }
    assert_eq!(map.extract_if(|_, _| true).take(50).count(), 50);
    assert_eq!(ALIVE.get(), 149);
    type End = (&'static str, fn(Unlikes));
    let ends: [End; 7] = [
        ("drop", drop),
        ("into_iter", |map| assert_eq!(map.into_iter().take(9).count(), 9)),
        ("into_keys", |map| assert_eq!(map.into_keys().take(9).count(), 9)),
        ("drain", |mut map| assert_eq!(map.drain().count(), 149)),
        ("a drain that is cut short", |mut map| assert_eq!(map.drain().take(9).count(), 9)),
        ("clear", |mut map| {
            map.clear();
            assert_eq!(ALIVE.get(), 149);
        }),
        ("retain", |mut map| {
            map.retain(|_, ()| false);
            assert_eq!(ALIVE.get(), 149);
        }),
    ];
    for (name, end) in ends {
        let copy = map.clone();
        assert_eq!((copy.len(), ALIVE.get()), (149, 2 * 149));
        end(copy);
        assert_eq!(ALIVE.get(), 149, "{name}");
    }
    drop(map);
    assert_eq!(ALIVE.get(), 0);
}

/// What is asked for need not be of the key's type, and then there is more than one of it.
#[test]
fn a_key_without_a_size_is_compared_with_what_is_asked_for() {
    #[derive(PartialEq, Eq, Debug)]
    struct Name;
    impl Borrow<str> for Name {
        fn borrow(&self) -> &str {
            "name"
        }
    }
    impl Hash for Name {
        fn hash<H: Hasher>(&self, state: &mut H) {
            "name".hash(state);
        }
    }
    let mut map: Map<Name, u8, By> = Map::with_hasher(ZERO);
    map.insert(Name, 1);
    assert_eq!(map.get("nobody"), None);
    assert_eq!(map.remove("nobody"), None);
    assert_eq!(map.get("name"), Some(&1));
    assert_eq!(map.remove_entry("name"), Some((Name, 1)));
}

#[test]
fn impossible_capacities_change_nothing() {
    fn refused<K: Hash + Eq + Clone + Debug, V: Clone + PartialEq + Debug>(
        key: impl Fn(u64) -> K,
        value: V,
    ) {
        let mut map: Map<K, V, By> = Map::default();
        for n in 0..107 {
            map.insert(key(n), value.clone());
        }
        let state = map.growth_state();
        for additional in [usize::MAX, usize::MAX - 107, usize::MAX / 2, isize::MAX as usize] {
            let error = map.try_reserve(additional).expect_err("more than there can be");
            assert!(!error.to_string().is_empty());
            assert!(catch_unwind(AssertUnwindSafe(|| map.reserve(additional))).is_err());
            assert!(
                catch_unwind(|| Map::<K, V, By>::with_capacity_and_hasher(additional, MIX))
                    .is_err()
            );
        }
        assert_eq!(map.growth_state(), state, "a refused reservation changes nothing");
        assert_eq!(map.len(), 107);
        map.check().unwrap();
    }
    refused(|n| n, 0_u64);
    refused(|n| n, Block::<4096>::new(1));
    refused(Aligned, Aligned(1));
    refused(|n| n.to_string(), ());
}

#[test]
fn a_map_is_a_handle_not_a_table() {
    let words = size_of::<Map<u64, u64, ()>>() / size_of::<usize>();
    assert!(words <= 24, "moving a map moves {words} words");
    assert_eq!(size_of::<Map<u64, u64, ()>>(), size_of::<Map<Block<4096>, Block<4096>, ()>>());
}
