//! A read-only view of tables, buckets and slots, for oracles and pictures.
//!
//! It shows what a reader of the algorithm would draw: an untouched new bucket reads as empty, an
//! evacuated old bucket as the states its evacuation left, or as evacuated throughout when its
//! memory was given back.
//!
//! # Checked by
//! The digests of Go's recordings in `corpus/go`, which are computed from it.

use crate::Map;
use crate::bucket::{Handle, Slot};
use crate::growth::GrowthKind;
use crate::table::Table;
use crate::tables::Tables;
use crate::tophash::{EMPTY_REST, EVACUATED_EMPTY, SLOTS, is_full};
use core::marker::PhantomData;

/// The inside of a [`Map`]. Made by [`Map::view`].
pub struct View<'m, K, V> {
    tables: &'m Tables<K, V>,
}

/// One of a map's tables.
pub struct TableView<'m, K, V> {
    tables: &'m Tables<K, V>,
    table: Table<K, V>,
    is_old: bool,
}

/// One bucket of a chain.
pub struct BucketView<'m, K, V> {
    bucket: Result<Handle<K, V>, [u8; SLOTS]>,
    map: PhantomData<&'m (K, V)>,
}

impl<K, V, S> Map<K, V, S> {
    /// The inside of the map.
    #[must_use]
    pub fn view(&self) -> View<'_, K, V> {
        View { tables: self.tables() }
    }
}

impl<'m, K, V> View<'m, K, V> {
    /// The table, or the new table while the map grows.
    #[must_use]
    pub fn table(&self) -> TableView<'m, K, V> {
        TableView { tables: self.tables, table: self.tables.table, is_old: false }
    }

    /// The old table while the map grows.
    #[must_use]
    pub fn old_table(&self) -> Option<TableView<'m, K, V>> {
        let growing = self.tables.growing.as_ref()?;
        Some(TableView { tables: self.tables, table: growing.old, is_old: true })
    }

    /// The evacuation mark: every old bucket below it is evacuated. Keeps its last value when a
    /// growth ends.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.tables.mark
    }

    /// The growth under way.
    #[must_use]
    pub fn growing(&self) -> Option<GrowthKind> {
        self.tables.growing.as_ref().map(|growing| growing.kind)
    }
}

impl<'m, K, V> TableView<'m, K, V> {
    /// False before the first insert.
    #[must_use]
    pub fn is_allocated(&self) -> bool {
        self.table.is_allocated()
    }

    /// The number of buckets: 1 when none is allocated.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.table.buckets()
    }

    /// The binary logarithm of the number of buckets.
    #[must_use]
    pub fn buckets_log2(&self) -> u32 {
        self.table.buckets_log2()
    }

    /// True when this is the old table and the bucket is evacuated.
    #[must_use]
    pub fn is_evacuated(&self, index: usize) -> bool {
        self.is_old && self.live_head(index).is_none()
    }

    /// Which of the map's tables it is: each growth makes the next one. The new table of a growth is
    /// the table after it, and the old table of the next.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.tables.generation - u64::from(self.is_old)
    }

    fn live_head(&self, index: usize) -> Option<Handle<K, V>> {
        self.tables.live_head(self.generation(), index)
    }

    /// The head of a chain.
    ///
    /// # Panics
    /// If `index` is not below [`buckets`](Self::buckets).
    #[must_use]
    pub fn bucket(&self, index: usize) -> BucketView<'m, K, V> {
        assert!(index < self.buckets(), "bucket {index} of {}", self.buckets());
        let bucket = self.live_head(index).ok_or_else(|| {
            if !self.is_old {
                return [EMPTY_REST; SLOTS];
            }
            match self.table.segment(Table::<K, V>::segment_of(index)) {
                // SAFETY: **touched**: every bucket of an old table has a header as long as its
                // segment is there.
                Some(_) => unsafe { self.table.head(index) }.tophashes(),
                None => [EVACUATED_EMPTY; SLOTS],
            }
        });
        BucketView { bucket, map: PhantomData }
    }
}

impl<'m, K, V> BucketView<'m, K, V> {
    /// The tophashes of the eight slots: see [`tophash`](crate::tophash).
    #[must_use]
    pub fn tophashes(&self) -> [u8; SLOTS] {
        self.bucket.map_or_else(|states| states, Handle::tophashes)
    }

    /// The entry of a slot, if it is full.
    ///
    /// # Panics
    /// If `slot` is not below 8.
    #[must_use]
    pub fn slot(&self, slot: usize) -> Option<(&'m K, &'m V)> {
        let bucket = self.bucket.ok()?;
        if !is_full(bucket.tophash(slot)) {
            return None;
        }
        // SAFETY: **filled**: just seen. **borrowed**: for `'m`.
        let (key, value) = unsafe { Slot { bucket, index: slot }.entry() };
        Some((key, value))
    }

    /// The next bucket of the chain.
    #[must_use]
    pub fn overflow(&self) -> Option<Self> {
        let bucket = self.bucket.ok()?.overflow()?;
        Some(Self { bucket: Ok(bucket), map: PhantomData })
    }
}
