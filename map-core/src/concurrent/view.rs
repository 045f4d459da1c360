//! A picture of the tables, chain by chain, for oracles and reports.
//!
//! Taken without a lock, so while others write it is a picture of several moments; in a model, where
//! nobody else runs meanwhile, of one.
//!
//! # Not here
//! Whether what it shows is right: see `check`.
//! # Checked by
//! `tests/concurrent_api.rs`.

use super::bucket::{Bucket, EVACUATED, LOCKED, protect, tophash_at};
use super::core::Core;
use crate::growth::GrowthKind;
use crate::platform::{Atomic, Guard, Platform};
use crate::tophash::SLOTS;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Acquire;

/// One table of a [`ConcurrentMap`](crate::ConcurrentMap).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConcurrentTable<T> {
    /// Its number, counted from 0.
    pub generation: u64,
    /// How it came out of the one before; `None` for the first.
    pub kind: Option<GrowthKind>,
    /// Old buckets below were claimed, as in [`ConcurrentGrowth`](super::ConcurrentGrowth). 0 without
    /// a successor.
    pub claimed: usize,
    /// Its buckets.
    pub buckets: Vec<ConcurrentBucket<T>>,
}

/// One chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConcurrentBucket<T> {
    /// Where it is in its life.
    pub state: BucketState,
    /// Its buckets, slot by slot; of an unborn or drained one, what there is of the first.
    pub chain: Vec<[ConcurrentSlot<T>; SLOTS]>,
}

/// Where a bucket is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BucketState {
    /// Its feeding bucket is not evacuated.
    Unborn,
    /// It holds the truth for its hashes.
    Live,
    /// It does, and a writer or an evacuator has it.
    Locked,
    /// Its entries are in the successor.
    Evacuated,
    /// They are, and its segment was given back.
    Drained,
}

/// One slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConcurrentSlot<T> {
    /// Its tophash: see [`tophash`](crate::tophash).
    pub tophash: u8,
    /// An entry is in it.
    pub is_full: bool,
    /// What the entry shows, where it can be looked at: in a live or locked chain.
    pub entry: Option<T>,
}

impl<K, V, P: Platform> Core<K, V, P> {
    /// Every table, oldest first.
    pub(crate) fn view<'g, T>(
        &'g self,
        pin: &'g impl Guard,
        mut show: impl FnMut(&K, &V) -> T,
    ) -> Vec<ConcurrentTable<T>> {
        let mut table = self.root(pin);
        let mut tables: Vec<ConcurrentTable<T>> = Vec::new();
        loop {
            // By what was shown of the table before: of a bucket that was unborn there, the segment may
            // be missing because it was not needed yet.
            let is_born = |index: usize| {
                tables.last().is_none_or(|older| {
                    let feeder = &older.buckets[index & (older.buckets.len() - 1)];
                    matches!(feeder.state, BucketState::Evacuated | BucketState::Drained)
                })
            };
            let buckets = (0..table.buckets())
                .map(|index| match table.bucket(index) {
                    Some(bucket) => view_bucket(bucket, is_born(index), &mut show),
                    // What is born has its segment, until that is drained.
                    None if is_born(index) => empty(BucketState::Drained),
                    None => empty(BucketState::Unborn),
                })
                .collect();
            let successor = table.successor();
            tables.push(ConcurrentTable {
                generation: table.shape().generation,
                kind: table.shape().kind,
                claimed: successor.map_or(0, |_| table.claimed().min(table.buckets())),
                buckets,
            });
            let Some(successor) = successor else { return tables };
            table = successor;
        }
    }
}

fn empty<T>(state: BucketState) -> ConcurrentBucket<T> {
    ConcurrentBucket { state, chain: Vec::new() }
}

fn view_bucket<K, V, P: Platform, T>(
    head: &Bucket<K, V, P>,
    is_born: bool,
    show: &mut impl FnMut(&K, &V) -> T,
) -> ConcurrentBucket<T> {
    // Acquire (unlock), Acquire (publish-evacuated), Acquire (publish-tophashes) below: as in a search,
    // so that a chain that nobody writes is shown as it is.
    let state = match head.state.load(protect::<P>()) {
        _ if !is_born => BucketState::Unborn,
        state if state & EVACUATED != 0 => BucketState::Evacuated,
        state if state & LOCKED != 0 => BucketState::Locked,
        _ => BucketState::Live,
    };
    let is_owner = matches!(state, BucketState::Live | BucketState::Locked);
    let mut view = |bucket: &Bucket<K, V, P>| {
        let word = bucket.tophashes.load(Acquire);
        core::array::from_fn(|slot| {
            let entry = bucket.entry(slot);
            let shown = (is_owner && !entry.is_null()).then(|| {
                P::touched(entry.cast_const());
                // SAFETY: **one-owner**: in a slot of a chain that was not evacuated after our pin.
                let parts = unsafe { (*entry).parts() };
                show(&parts.key, &parts.value)
            });
            let is_full = !entry.is_null();
            ConcurrentSlot { tophash: tophash_at(word, slot), is_full, entry: shown }
        })
    };
    // The overflow buckets of an unborn chain may be freed by its evacuator; those of an evacuated
    // one stay under our pin.
    let chain = match state {
        BucketState::Unborn => alloc::vec![view(head)],
        _ => head.chain().map(&mut view).collect(),
    };
    ConcurrentBucket { state, chain }
}

#[cfg(test)]
mod tests {
    use super::BucketState::{Evacuated, Live, Locked, Unborn};
    use super::*;
    use crate::concurrent::stages::{chain, growing};
    use core::sync::atomic::Ordering::Relaxed;

    fn states<T>(table: &ConcurrentTable<T>) -> Vec<BucketState> {
        table.buckets.iter().map(|bucket| bucket.state).collect()
    }

    fn shown<T: Copy>(bucket: &ConcurrentBucket<T>) -> Vec<T> {
        bucket.chain.iter().flatten().filter_map(|slot| slot.entry).collect()
    }

    #[test]
    fn a_growth_is_seen_bucket_by_bucket() {
        let map = growing();
        let pin = map.core.pin();
        let third = map.core.root(&pin).bucket(3).expect("its segment is there");
        let state = third.state.load(Relaxed);
        third.state.store(state | LOCKED, Relaxed);
        let tables = map.view(|&key, _| key);
        third.state.store(state, Relaxed);
        let [old, new] = &tables[..] else { panic!("{tables:?}") };
        assert_eq!((old.kind, old.claimed), (None, 2));
        assert_eq!((new.kind, new.claimed), (Some(GrowthKind::Doubled), 0));
        assert_eq!(new.generation, old.generation + 1);
        assert_eq!(states(old), [Evacuated, Evacuated, Live, Locked, Live, Live, Live, Live]);
        let live = [0, 1, 8, 9];
        let expected = |index| if live.contains(&index) { Live } else { Unborn };
        assert_eq!(states(new), (0..16).map(expected).collect::<Vec<_>>());
        assert_eq!(shown(&old.buckets[3]), [3, 11, 19, 27, 35, 43, 51]);
        assert_eq!(shown(&new.buckets[8]), [8, 24, 40]);
        let evacuated = &old.buckets[0];
        assert!(evacuated.chain[0][0].is_full && shown(evacuated).is_empty());
        let full: usize =
            tables.iter().flat_map(|table| &table.buckets).map(|b| shown(b).len()).sum();
        assert_eq!(full, 53);
    }

    #[test]
    fn a_chain_is_seen_to_its_end() {
        let map = chain();
        let tables = map.view(|&key, _| key);
        let bucket = &tables[0].buckets[1];
        assert_eq!((tables.len(), bucket.chain.len()), (1, 2));
        assert_eq!(shown(bucket), (0..12).map(|n| 8 * n + 1).collect::<Vec<_>>());
        assert_eq!(bucket.chain[1][4], ConcurrentSlot { tophash: 0, is_full: false, entry: None });
    }
}
