//! A chain: looking for a key in it, and emptying one of its slots.
//!
//! # Invariants
//! - **rest**: see `tophash`; besides, the last slot of a chain that is not `EMPTY_REST` is full.
//! # Not here
//! Which chain a key belongs to: see `tables`. Walking over all chains: see `raw_iter`.
//! # Checked by
//! `invariants::check`; the reference oracle of the operation fuzzers; `map-core/tests/growth.rs`
//! (tombstones).

use crate::bucket::{Handle, Slot};
use crate::tophash::{EMPTY_ONE, EMPTY_REST, Probe, SLOTS};

/// Where in its home a new key would go.
pub(crate) enum Vacancy<K, V> {
    /// The first empty slot of the chain.
    Slot(Slot<K, V>),
    /// The chain is full; this is its last bucket.
    Full(Handle<K, V>),
}

/// Looks for a key in a chain.
#[inline]
pub(crate) fn search<K, V>(
    head: Handle<K, V>,
    tophash: u8,
    mut is_key: impl FnMut(&K) -> bool,
) -> Option<Slot<K, V>> {
    let mut bucket = head;
    loop {
        let mut probe = bucket.word().probe(tophash);
        if let Some(index) = search_bucket(bucket, &mut probe, &mut is_key) {
            return Some(Slot { bucket, index });
        }
        if probe.ends_chain() {
            return None;
        }
        bucket = bucket.overflow()?;
    }
}

/// Looks for a key in the slots of one bucket that have its tophash.
#[inline]
fn search_bucket<K, V>(
    bucket: Handle<K, V>,
    probe: &mut Probe,
    is_key: &mut impl FnMut(&K) -> bool,
) -> Option<usize> {
    probe.find(|&index| {
        // SAFETY: **filled**: a probe is exact, and the tophash is that of a hash. **borrowed**:
        // by the caller.
        let (key, _) = unsafe { Slot { bucket, index }.entry() };
        is_key(key)
    })
}

/// Looks for a key in a chain, noting the first empty slot on the way.
#[inline]
pub(crate) fn search_or_vacancy<K, V>(
    head: Handle<K, V>,
    tophash: u8,
    mut is_key: impl FnMut(&K) -> bool,
) -> Result<Slot<K, V>, Vacancy<K, V>> {
    let mut vacant = None;
    let mut bucket = head;
    loop {
        let word = bucket.word();
        let mut probe = word.probe(tophash);
        if let Some(index) = search_bucket(bucket, &mut probe, &mut is_key) {
            return Ok(Slot { bucket, index });
        }
        if vacant.is_none() {
            vacant = word.empty().first().map(|index| Slot { bucket, index });
        }
        let next = if probe.ends_chain() { None } else { bucket.overflow() };
        match next {
            Some(next) => bucket = next,
            None => return Err(vacant.map_or(Vacancy::Full(bucket), Vacancy::Slot)),
        }
    }
}

/// The first empty slot of a chain.
pub(crate) fn vacancy<K, V>(head: Handle<K, V>) -> Vacancy<K, V> {
    let mut tail = head;
    for bucket in head.chain() {
        if let Some(index) = bucket.word().empty().first() {
            return Vacancy::Slot(Slot { bucket, index });
        }
        tail = bucket;
    }
    Vacancy::Full(tail)
}

/// Marks a full slot empty, and a run of empty slots that reaches the end of the chain as the rest.
#[inline]
pub(crate) fn erase<K, V>(head: Handle<K, V>, slot: Slot<K, V>) {
    let Slot { bucket, index } = slot;
    bucket.set_tophash(index, EMPTY_ONE);
    let next = if index + 1 < SLOTS {
        bucket.tophash(index + 1)
    } else {
        bucket.overflow().map_or(EMPTY_REST, |next| next.tophash(0))
    };
    if next == EMPTY_REST {
        sweep(head, slot);
    }
}

/// Turns the run of `EMPTY_ONE` slots that ends at `last` into `EMPTY_REST`. Goes over the chain twice at most.
fn sweep<K, V>(head: Handle<K, V>, last: Slot<K, V>) {
    if !sweep_bucket(last.bucket, last.index) || last.bucket == head {
        return;
    }
    let before = || head.chain().take_while(|bucket| *bucket != last.bucket);
    // Behind the last bucket with an entry, all that is before `last` is in the run.
    let has_entry = |bucket: &Handle<K, V>| bucket.word().full().first().is_some();
    let from = before().filter(has_entry).last().unwrap_or(head);
    for bucket in before().skip_while(|bucket| *bucket != from) {
        sweep_bucket(bucket, SLOTS - 1);
    }
}

/// The part of the run that ends at a slot and is in its bucket; is that all of the bucket up to there?
fn sweep_bucket<K, V>(bucket: Handle<K, V>, last: usize) -> bool {
    let run = (0..=last).rev().take_while(|index| bucket.tophash(*index) == EMPTY_ONE);
    run.for_each(|index| bucket.set_tophash(index, EMPTY_REST));
    bucket.tophash(0) == EMPTY_REST
}
