//! Cursors: iteration that does not borrow the map, and survives a growth.
//!
//! A cursor visits the buckets of the table it was opened on, from a start bucket round to it
//! again, and the slots of each bucket from an offset round. By the time it comes to a bucket, the
//! map may have moved on:
//!
//! ```text
//!  the bucket is…                                        the cursor yields…
//!  a home                                                its full slots
//!  fed by an old bucket that is not evacuated            that old bucket's entries that will move here
//!  evacuated                                             what became of each entry: see `trail`
//! ```
//!
//! Whichever it is, every entry yielded while bucket *b* is visited has a hash that belongs to *b*
//! in the cursor's own table. As each bucket is visited once, an entry that is there throughout is
//! yielded exactly once.
//!
//! # Source
//! Go's `mapiternext`, without its two defects. Go decides at each slot whether to skip keys of the
//! sibling bucket, by asking the map; when a same-size growth has begun meanwhile, it answers no,
//! and siblings are yielded twice. Here that is decided when the bucket is entered (**filter**).
//! Go's `clear` hands overflow buckets out afresh while an iterator stands in one, which then goes
//! on in another chain. Here a cursor notices (**cleared**).
//!
//! # Invariants
//! - **filter**: a cursor in an old bucket of a growth to a larger table yields only keys of the
//!   bucket it visits, until it leaves that bucket.
//! - **cleared**: a cursor that stood in an overflow bucket when the map was cleared goes on with
//!   the next bucket.
//! - **own-map**: a cursor reads only the map that opened it.
//! # Not here
//! Where evacuated entries went: see `trail`. Iterators that borrow the map: see `iter`.
//! # Checked by
//! `map-core/tests/iteration.rs`; the iteration oracle; recordings of Go's iterator in `corpus/go`.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};

use crate::Map;
use crate::bucket::{Handle, Slot};
use crate::growth::GrowthKind;
use crate::tables::Tables;
use crate::tophash::{SLOTS, is_full};
use crate::trail::{Fate, Place, Trail};

/// An iteration over a [`Map`] that does not borrow it.
///
/// Made by [`Map::cursor`]; the map may be changed in any way between two calls of
/// [`next`](Self::next). An entry that is in the map throughout is yielded exactly once, with the
/// value it has then; one that is removed is not yielded after its removal; one that is added
/// meanwhile is yielded at most once. An entry removed and inserted again counts as added.
///
/// While a cursor is open, growth keeps a note per evacuated entry, and removed keys may be kept;
/// drop or finish cursors that are not needed.
///
/// ```
/// let mut map: map_core::Map<_, _> = (0..100).map(|n| (n, n)).collect();
/// let mut cursor = map.cursor();
/// while let Some((&key, _)) = cursor.next(&map) {
///     map.insert(key + 1000, 0); // grows the map under the cursor
///     if key >= 2000 {
///         break;
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Cursor {
    /// Shared with the map's trail. `None` when the iteration has ended.
    token: Option<Arc<()>>,
    generation: u64,
    buckets_log2: u32,
    start: usize,
    offset: usize,
    /// The next bucket to enter.
    next: usize,
    wrapped: bool,
    standing: Option<Standing>,
}

/// The chain a cursor is in.
#[derive(Clone, Copy, Debug)]
struct Standing {
    generation: u64,
    bucket: usize,
    /// The number of buckets of the chain that are done.
    depth: usize,
    /// The number of slots of the bucket at `depth` that are done.
    slots: usize,
    /// The bucket to which yielded keys must belong (**filter**).
    filter: Option<usize>,
    /// How often the map had been cleared when the cursor was last here.
    clears: u64,
}

impl<K, V> Tables<K, V> {
    /// Opens a cursor at a start bucket and a slot offset.
    pub(crate) fn open_cursor(&mut self, start: usize, offset: usize) -> Cursor {
        self.prune_trail();
        let token = (self.len > 0).then(|| {
            self.cursor_on_table = true;
            self.cursor_on_old_table = true;
            let trail = self.trail.get_or_insert_with(|| Box::new(Trail::new()));
            trail.open(self.generation)
        });
        let start = start & self.table.mask();
        Cursor {
            token,
            generation: self.generation,
            buckets_log2: self.table.buckets_log2(),
            start,
            offset: offset % SLOTS,
            next: start,
            wrapped: false,
            standing: None,
        }
    }

    /// The full slot at a place, if it is one.
    pub(crate) fn full_slot(&self, place: Place) -> Option<Slot<K, V>> {
        let head = self.live_head(place.generation, place.bucket)?;
        let bucket = head.chain().nth(place.position / SLOTS)?;
        let slot = Slot { bucket, index: place.position % SLOTS };
        is_full(slot.tophash()).then_some(slot)
    }
}

impl Cursor {
    /// True when there is nothing left to yield: [`next`](Self::next) has returned `None`, or the
    /// map was empty at first.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.token.is_none()
    }

    /// The next entry.
    ///
    /// O(1) on average where nothing was evacuated since it was opened, else O(log moves), moves being what growths have
    /// noted for cursors. A call that crosses empty buckets looks at each; one in a chain goes along it from its head, so a
    /// chain takes the square of its length in all. Each call goes through the tables on which cursors were opened, from that
    /// of the oldest open one on.
    ///
    /// # Panics
    /// If `map` is not the map that opened the cursor. (A map that was moved is still that map. Its
    /// clone is another, and so is what a leaked [`Drain`](crate::hash_map::Drain) leaves, and what
    /// [`clone_from`](Clone::clone_from) makes of it.) If the
    /// `Hash` or `Eq` of a key does; then the cursor may have passed over one entry, and goes on behind it.
    pub fn next<'m, K, V, S>(&mut self, map: &'m Map<K, V, S>) -> Option<(&'m K, &'m V)>
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        let token = self.token.as_ref()?;
        let tables = map.tables();
        // **own-map**
        assert!(
            tables.trail.as_ref().is_some_and(|trail| trail.knows(self.generation, token)),
            "a cursor reads only the map that opened it"
        );
        let slot = loop {
            if let Some(slot) = self.next_here(map) {
                break slot;
            }
            if self.wrapped && self.next == self.start {
                self.token = None;
                return None;
            }
            self.standing = Some(self.enter(tables));
            self.next += 1;
            if self.next >> self.buckets_log2 != 0 {
                self.next = 0;
                self.wrapped = true;
            }
        };
        // SAFETY: **filled**: `next_here` yields full slots. **borrowed**: for `'m`.
        let (key, value) = unsafe { slot.entry() };
        Some((key, value))
    }

    /// Where to look for the entries of the next bucket.
    fn enter<K, V>(&self, tables: &Tables<K, V>) -> Standing {
        let standing = Standing {
            generation: self.generation,
            bucket: self.next,
            depth: 0,
            slots: 0,
            filter: None,
            clears: tables.clears,
        };
        // Of two tables of equal size each bucket has the same keys, so an older cursor may look
        // here too.
        if let Some(growing) = &tables.growing
            && tables.table.buckets_log2() == self.buckets_log2
            && growing.unevacuated(self.next, tables.mark).is_some()
        {
            return Standing {
                generation: tables.generation - 1,
                bucket: self.next & growing.old.mask(),
                filter: (growing.kind != GrowthKind::SameSize).then_some(self.next),
                ..standing
            };
        }
        standing
    }

    /// The next slot of the chain the cursor stands in.
    fn next_here<K, V, S>(&mut self, map: &Map<K, V, S>) -> Option<Slot<K, V>>
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        let tables = map.tables();
        let standing = self.standing.as_mut()?;
        if standing.clears != tables.clears {
            standing.clears = tables.clears;
            if standing.depth > 0 {
                // **cleared**
                self.standing = None;
                return None;
            }
        }
        let belongs = |key: &K, filter: Option<usize>| {
            let mask = (1 << self.buckets_log2) - 1;
            filter.is_none_or(|bucket| map.hash(key) as usize & mask == bucket)
        };
        while let Some(source) = Source::of(tables, standing) {
            while standing.slots < SLOTS {
                let index = (standing.slots + self.offset) % SLOTS;
                standing.slots += 1;
                if let Some(slot) = source.slot(map, standing, index)
                    // SAFETY: **filled**: sources yield full slots. **borrowed**: by the caller.
                    && belongs(unsafe { &slot.entry().0 }, standing.filter)
                {
                    return Some(slot);
                }
            }
            standing.depth += 1;
            standing.slots = 0;
        }
        self.standing = None;
        None
    }
}

/// What holds the entries of the bucket at `depth` of the chain a cursor stands in.
enum Source<'m, K, V> {
    /// The bucket itself.
    Bucket(Handle<K, V>),
    /// The trail: the chain is evacuated.
    Trail(&'m Trail<K>),
}

impl<'m, K, V> Source<'m, K, V> {
    /// `None` beyond the end of the chain.
    fn of(tables: &'m Tables<K, V>, standing: &Standing) -> Option<Self> {
        if let Some(head) = tables.live_head(standing.generation, standing.bucket) {
            return head.chain().nth(standing.depth).map(Self::Bucket);
        }
        let trail = tables.trail.as_ref()?;
        let positions = trail.positions(standing.generation, standing.bucket);
        (standing.depth * SLOTS < positions && !trail.is_wiped(standing.generation))
            .then_some(Self::Trail(trail))
    }

    /// The full slot where the entry of a slot is now.
    fn slot<S>(&self, map: &Map<K, V, S>, standing: &Standing, index: usize) -> Option<Slot<K, V>>
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        match self {
            Self::Bucket(bucket) => {
                let slot = Slot { bucket: *bucket, index };
                is_full(slot.tophash()).then_some(slot)
            }
            Self::Trail(trail) => {
                let Standing { generation, bucket, depth, .. } = *standing;
                let place = Place::new(generation, bucket, depth, index);
                match trail.fate(&place)? {
                    Fate::At(place) => map.tables().full_slot(place),
                    Fate::Removed(key) => map.find(key),
                }
            }
        }
    }
}
