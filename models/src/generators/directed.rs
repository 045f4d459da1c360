//! Sequences aimed at one defect each: what random ops alone would not reach in millions of steps.
//!
//! # Checked by
//! `tests/generators.rs`; the faults of the same names under `corpus/faults`.

use super::hashers::Hasher;
use super::keys::of_bucket;
use crate::op::{CURSORS, Op, Order, Site};
use fastrand::Rng;

/// How many absent keys a threshold is filled with at most, as log2 of the old table.
const OLD_LOG2_MAX: u32 = 4;
/// A table so large that a map of wide elements gets the memory of the next one piece by piece.
const OLD_LOG2_LARGE: u32 = 6;

/// Cursors stand in old chains of a doubling; the doubling ends; a same-size growth starts, or another doubling; the
/// cursors go on.
///
/// Go's runtime decides afresh at every entry whether an old chain's keys are to be filtered by half, by asking the map
/// what kind of growth is under way; a cursor still inside the old chain of the doubling then yields the sibling
/// bucket's keys, and later again.
pub fn cursor_across_two_growths(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let old_log2 = rng.u32(2..=OLD_LOG2_MAX);
    let base = if rng.bool() { 0 } else { rng.u16(0..1024) };
    into_a_doubling(ops, old_log2, base);
    let new_log2 = old_log2 + 1;
    for c in 0..CURSORS as u8 {
        ops.push(Op::CursorOpen(c, rng.u16(0..1 << new_log2), rng.u8(0..8)));
        ops.push(Op::CursorStep(c, rng.u8(0..5)));
    }
    ops.push(Op::Evacuate(255));
    if rng.u8(0..4) == 0 {
        ops.push(Op::FillToThreshold(1, base));
    } else {
        let filler = base.wrapping_add(2048);
        into_a_same_size_growth(ops, rng, hasher, new_log2, filler);
    }
    for _ in 0..rng.u8(0..4) {
        ops.push(Op::Evacuate(rng.u8(0..4)));
        ops.push(Op::CursorStep(rng.u8(0..CURSORS as u8), rng.u8(1..8)));
    }
    exhaust_cursors(ops);
}

/// A cursor stands in an overflow bucket; the map is cleared; new overflow buckets are needed; the cursor goes on.
///
/// Go's runtime hands the overflow buckets of a cleared map out again, so a cursor that stands in one goes on in
/// another chain.
pub fn clear_under_a_cursor(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let buckets_log2 = rng.u32(0..4);
    into_a_table(ops, buckets_log2);
    let chain = |ops: &mut Vec<Op>, rng: &mut Rng| {
        let bucket = rng.u16(0..1 << buckets_log2);
        let count = if buckets_log2 == 0 { 8 } else { rng.usize(9..=12) };
        let from = rng.u16(0..512);
        for k in of_bucket(hasher, bucket as u64, buckets_log2, from).take(count) {
            ops.push(Op::Insert(k, rng.u8(..) as u16));
        }
        bucket
    };
    let bucket = chain(ops, rng);
    let c = rng.u8(0..CURSORS as u8);
    ops.push(Op::CursorOpen(c, bucket, rng.u8(0..8)));
    ops.push(Op::CursorStep(c, rng.u8(0..12)));
    ops.push(Op::Clear);
    for _ in 0..rng.u8(1..4) {
        chain(ops, rng);
        ops.push(Op::CursorStep(c, rng.u8(0..4)));
    }
    ops.push(Op::CursorStep(c, 255));
}

/// An older cursor is closed while younger ones stand in buckets of the old table that were evacuated under them.
///
/// What only the older one needed is thrown away then; what the younger ones need must not be.
pub fn older_cursor_closed(ops: &mut Vec<Op>, rng: &mut Rng) {
    let old_log2 = rng.u32(2..=OLD_LOG2_MAX);
    let base = if rng.bool() { 0 } else { rng.u16(0..1024) };
    into_a_doubling(ops, old_log2 - 1, base);
    ops.push(Op::CursorOpen(0, rng.u16(..), rng.u8(0..8)));
    ops.push(Op::Evacuate(255));
    ops.push(Op::FillToThreshold(1, base));
    for c in 1..CURSORS as u8 {
        ops.push(Op::CursorOpen(c, rng.u16(..), rng.u8(0..8)));
        ops.push(Op::CursorStep(c, rng.u8(1..5)));
    }
    ops.push(Op::Evacuate(255));
    ops.push(Op::CursorClose(0));
    ops.push(Op::Remove(base.wrapping_add(rng.u16(0..8))));
    for c in 1..CURSORS as u8 {
        ops.push(Op::CursorStep(c, 255));
    }
}

/// Removed keys stay with the map for an open cursor; it is closed; the next removal, what empties the map, gives its
/// table up or makes it grow throws them away, and the `Drop` of one of them panics. In half of the cases a younger
/// cursor, two growths on, still needs what is known of the last.
pub fn kept_keys_thrown_away(ops: &mut Vec<Op>, rng: &mut Rng) {
    let base = rng.u16(0..1024);
    into_a_doubling(ops, rng.u32(1..=OLD_LOG2_MAX), base);
    let [older, younger] = [0, rng.u8(1..CURSORS as u8)];
    ops.push(Op::CursorOpen(older, 0, 0));
    ops.push(Op::Evacuate(255));
    let removed = rng.u16(1..6);
    ops.extend((0..removed).map(|k| Op::Remove(base.wrapping_add(k))));
    if rng.bool() {
        ops.extend([Op::FillToThreshold(1, base), Op::Evacuate(255)]);
        ops.push(Op::FillToThreshold(1, base));
        ops.push(Op::CursorOpen(younger, rng.u16(..), rng.u8(0..8)));
        ops.push(Op::CursorStep(younger, rng.u8(1..5)));
        ops.push(Op::Evacuate(255));
    }
    let is_emptied = rng.u8(0..4) == 0;
    if is_emptied {
        ops.push(Op::Retain(0, 0));
    }
    ops.push(Op::CursorClose(older));
    ops.push(Op::PanicAt(Site::Drop, rng.u8(0..6)));
    ops.push(match rng.u8(0..8) {
        _ if is_emptied => Op::ShrinkToFit,
        0 => Op::Clear,
        1 => Op::DrainDrop(rng.u8(0..4)),
        2 => Op::IntoIterDrop(rng.u8(0..4)),
        3 => Op::Reserve(rng.u16(16..512)),
        4 => Op::FillToThreshold(1, base),
        _ => Op::Remove(base.wrapping_add(removed)),
    });
    if is_emptied {
        ops.extend((0..rng.u16(1..9)).map(|k| Op::Insert(base.wrapping_add(k), k)));
    }
    ops.push(Op::CursorStep(younger, 255));
}

/// A map about the threshold, and an op on all of it in which a call of user code panics somewhere on the way.
pub fn panic_on_the_way(ops: &mut Vec<Op>, rng: &mut Rng) {
    ops.push(Op::FillToThreshold(rng.i8(-2..=2), rng.u16(0..1024)));
    let (site, op) = match rng.u8(0..8) {
        0 => (Site::Clone, Op::Clone),
        1 => (Site::Drop, Op::CloneSwap),
        2 => (Site::Clone, Op::CloneSwap),
        3 => (Site::Closure, Op::Retain(rng.u8(0..4), 0)),
        4 => (Site::Drop, Op::Clear),
        5 => (Site::Hash, Op::Reserve(rng.u16(16..512))),
        6 => (Site::Hash, Op::ShrinkToFit),
        _ => (Site::Hash, Op::Evacuate(rng.u8(1..8))),
    };
    let early = rng.bool();
    ops.push(Op::PanicAt(site, rng.u8(0..if early { 8 } else { 64 })));
    ops.push(op);
    // What it has left is a growth like any other, and so is a clone's.
    if rng.bool() {
        if rng.bool() {
            ops.push(Op::CloneSwap);
        }
        ops.push(Op::CursorOpen(0, rng.u16(..), rng.u8(0..8)));
        ops.push(Op::CursorStep(0, rng.u8(0..8)));
        ops.push(Op::Evacuate(rng.u8(0..8)));
        ops.push(Op::CursorStep(0, 255));
    }
}

/// In the middle of a growth in Go's order, old buckets ahead of the mark are evacuated; an op meets them, in half of the
/// cases after the order has changed to that of the mark, which evacuates none there.
pub fn evacuated_ahead_of_the_mark(ops: &mut Vec<Op>, rng: &mut Rng) {
    let base = rng.u16(0..1024);
    ops.push(Op::SetOrder(Order::Go));
    let old_log2 = often_small(rng, 2);
    into_a_doubling(ops, old_log2, base);
    let keys = 4 << old_log2;
    ops.extend((0..rng.u8(1..4)).map(|_| Op::Remove(base.wrapping_add(rng.u16(0..keys)))));
    if rng.bool() {
        ops.push(Op::SetOrder(Order::InOrder));
    }
    let k = base.wrapping_add(rng.u16(0..keys));
    ops.push(match rng.u8(0..8) {
        0 => Op::Get(k),
        1 => Op::Insert(k, 1),
        2 => Op::Remove(k),
        3 => Op::Iter,
        4 => Op::Clone,
        5 => Op::CloneSwap,
        6 => [Op::Clear, Op::DrainDrop(rng.u8(0..4))][usize::from(rng.bool())],
        _ => Op::Reserve(rng.u16(0..256)),
    });
}

/// A table that is nearly full begins to grow to the same size, and is filled past its limit meanwhile: no doubling
/// starts before that growth is over. In half of the cases it gets the last overflow bucket with the last entry that it
/// holds, so that both growths are due at once: it doubles.
pub fn past_the_limit(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let buckets_log2 = rng.u32(3..=4);
    let (buckets, from) = (1 << buckets_log2, rng.u16(0..512));
    into_a_table(ops, buckets_log2);
    // Six of the thirteen halves in each bucket, and nearly as many more as the limit allows; each has had an overflow bucket.
    let seven = if rng.bool() { buckets / 8 } else { 0 };
    for bucket in 0..buckets {
        let stay = if bucket < seven { 7 } else { 6 };
        let keys: Vec<u16> = of_bucket(hasher, bucket, buckets_log2, from).take(9).collect();
        ops.extend(keys.iter().map(|&k| Op::Insert(k, k)));
        if bucket + buckets / 6 < buckets {
            ops.extend(keys.iter().skip(stay).map(|&k| Op::Remove(k)));
        }
    }
    ops.push(Op::FillToThreshold(rng.i8(1..=3), from.wrapping_add(4096)));
}

/// Cursors stand in a map that is emptied, somewhere in its growth, and leaves its table; another takes its place, and the
/// cursors go on.
pub fn emptied_under_a_cursor(ops: &mut Vec<Op>, rng: &mut Rng) {
    let base = rng.u16(0..1024);
    let old_log2 = often_small(rng, 0);
    into_a_doubling(ops, old_log2, base);
    open_cursors(ops, rng);
    if rng.bool() {
        ops.push(Op::Evacuate(rng.u8(0..16)));
    }
    ops.push([Op::Clear, Op::Drain, Op::Retain(0, 0)][rng.usize(0..3)]);
    if rng.bool() {
        ops.push(Op::ShrinkToFit);
    }
    for _ in 0..rng.u8(1..5) {
        ops.push(Op::FillToThreshold(1, base));
        ops.push(Op::CursorStep(rng.u8(0..CURSORS as u8), rng.u8(0..5)));
    }
    exhaust_cursors(ops);
}

/// Cursors stand in a map that grows; entries of one bucket are removed and inserted after they were moved, again and
/// again, so that they take each other's slots; in half of the cases the map grows once more; the cursors go on.
pub fn slots_taken_under_a_cursor(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let old_log2 = rng.u32(1..=OLD_LOG2_MAX);
    let base = rng.u16(0..1024);
    into_a_doubling(ops, old_log2, base);
    open_cursors(ops, rng);
    ops.push(Op::Evacuate(255));
    let new_log2 = old_log2 + 1;
    let bucket = rng.u64(0..1 << new_log2);
    let keys: Vec<u16> = of_bucket(hasher, bucket, new_log2, base).take(rng.usize(2..5)).collect();
    for _ in 0..rng.u8(4..16) {
        let Some(&k) = rng.choice(&keys) else { break };
        ops.push(if rng.bool() { Op::Remove(k) } else { Op::Insert(k, 1) });
    }
    if rng.bool() {
        ops.extend([Op::FillToThreshold(1, base), Op::Evacuate(255)]);
    }
    exhaust_cursors(ops);
}

/// Chains about as long as a bucket or two, in pairs that a smaller table joins; the map shrinks to it.
pub fn chains_joined_by_a_shrink(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let buckets_log2 = rng.u32(4..=6);
    let half = 1 << (buckets_log2 - 1);
    into_a_table(ops, buckets_log2);
    let from = rng.u16(0..512);
    // Not more of them than the smaller table can hold.
    for bucket in 0..half / 4 {
        for bucket in [bucket, bucket + half] {
            let length = [1, 7, 8, 9, 16][rng.usize(0..5)];
            let keys = of_bucket(hasher, bucket, buckets_log2, from).take(length);
            ops.extend(keys.map(|k| Op::Insert(k, k)));
        }
    }
    ops.push(if rng.bool() { Op::ShrinkToFit } else { Op::ShrinkTo(13 << buckets_log2 >> 2) });
}

/// A table grows to the same size, and so does what that makes, and once more: writes alone end each growth.
pub fn packed_again(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let buckets_log2 = rng.u32(1..=3);
    let from = rng.u16(0..512);
    into_a_table(ops, buckets_log2);
    for _ in 0..3 {
        into_a_same_size_growth(ops, rng, hasher, buckets_log2, from);
        ops.extend((0..1 << buckets_log2).map(|_| Op::Remove(from)));
    }
}

/// A long chain loses most of its entries and keeps its overflow buckets; the map is to grow, and one allocation after the
/// other is refused.
pub fn refused_after_thinning(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let buckets_log2 = rng.u32(2..=3);
    let bucket = rng.u64(0..1 << buckets_log2);
    let keys = of_bucket(hasher, bucket, buckets_log2, rng.u16(0..512)).take(rng.usize(17..=26));
    let keys = Vec::from_iter(keys);
    into_a_table(ops, buckets_log2);
    ops.extend(keys.iter().map(|&k| Op::Insert(k, k)));
    ops.extend(keys.iter().skip(rng.usize(0..9)).map(|&k| Op::Remove(k)));
    ops.extend((0..24).map(|at| Op::TryReserveRefused(600, at)));
}

/// Cursors stand in a map that shrinks to a smaller table than theirs, in the midst of a growth or not; that table grows, to
/// the same size or twice; they go on.
pub fn shrunk_under_a_cursor(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let (old_log2, base) = (rng.u32(2..=OLD_LOG2_MAX), rng.u16(0..1024));
    into_a_doubling(ops, old_log2, base);
    if rng.bool() {
        ops.push(Op::Evacuate(255));
    }
    open_cursors(ops, rng);
    let limit = |buckets_log2: u32| 13 << buckets_log2 >> 1;
    let smaller_log2 = old_log2 - rng.u32(0..2);
    let left = limit(smaller_log2) / if rng.bool() { 3 } else { 1 };
    ops.extend((left..=limit(old_log2)).map(|k| Op::Remove(base.wrapping_add(k))));
    ops.push(Op::ShrinkTo(limit(smaller_log2)));
    match rng.u8(0..3) {
        0 => ops.push(Op::FillToThreshold(1, base)),
        1 => into_a_same_size_growth(ops, rng, hasher, smaller_log2, base.wrapping_add(2048)),
        _ => {}
    }
    exhaust_cursors(ops);
}

/// A long chain loses some of what is in one of its buckets, or all, and keeps that; a cursor comes to it when it is evacuated,
/// or others go through it, or add to it as a growth begins.
pub fn hollow_chain(ops: &mut Vec<Op>, rng: &mut Rng, hasher: Hasher) {
    let (buckets_log2, from) = (rng.u32(2..=3), rng.u16(0..512));
    let bucket = rng.u64(0..1 << buckets_log2);
    let mut keys = of_bucket(hasher, bucket, buckets_log2, from);
    let chain = Vec::from_iter(keys.by_ref().take(rng.usize(9..=25)));
    into_a_table(ops, buckets_log2);
    // A hasher may send no key to a bucket.
    let Some(&last) = chain.last() else { return };
    ops.extend(chain.iter().map(|&k| Op::Insert(k, k)));
    let hollow = if rng.bool() { 0 } else { rng.usize(0..chain.len().div_ceil(8)) * 8 };
    let holes = if rng.bool() { 8 } else { rng.usize(1..8) };
    ops.extend(chain.iter().skip(hollow).take(holes).map(|&k| Op::Remove(k)));
    if rng.u8(0..3) == 0 {
        ops.push(Op::CursorOpen(0, rng.u16(..), rng.u8(0..8)));
        ops.extend([Op::FillToThreshold(1, from.wrapping_add(4096)), Op::Evacuate(255)]);
        ops.push(Op::CursorStep(0, 255));
        return;
    }
    if hollow > 0 && rng.bool() {
        ops.push(Op::Remove(chain[hollow - 1]));
    }
    if rng.bool() {
        let next = keys.next().unwrap_or(last);
        ops.extend([Op::FillToThreshold(0, from.wrapping_add(4096)), Op::Insert(next, 1)]);
        ops.push(Op::Get(next));
    }
    ops.extend([Op::Get(last), Op::Iter]);
    ops.push(match rng.u8(0..8) {
        0 => Op::CloneSwap,
        1 => Op::Retain(1, 0),
        2 => Op::Drain,
        3 => Op::Remove(last),
        4 => Op::Insert(last, 1),
        _ => Op::Clear,
    });
}

/// The size of an old table, as log2: small in three of four cases, and then no less than this.
fn often_small(rng: &mut Rng, least: u32) -> u32 {
    if rng.u8(0..4) == 0 { OLD_LOG2_LARGE } else { rng.u32(least..=OLD_LOG2_MAX) }
}

/// Every cursor stands somewhere.
fn open_cursors(ops: &mut Vec<Op>, rng: &mut Rng) {
    for c in 0..CURSORS as u8 {
        ops.push(Op::CursorOpen(c, rng.u16(..), rng.u8(0..8)));
        ops.push(Op::CursorStep(c, rng.u8(0..5)));
    }
}

/// Every cursor goes on to its end.
fn exhaust_cursors(ops: &mut Vec<Op>) {
    ops.extend((0..CURSORS as u8).map(|c| Op::CursorStep(c, 255)));
}

/// A new map of 2^n buckets.
fn into_a_table(ops: &mut Vec<Op>, buckets_log2: u32) {
    ops.push(Op::IntoIter);
    ops.push(Op::Reserve(if buckets_log2 == 0 { 1 } else { 13 << buckets_log2 >> 1 }));
}

/// A new map that has just begun to double from 2^n buckets.
fn into_a_doubling(ops: &mut Vec<Op>, old_log2: u32, base: u16) {
    ops.push(Op::IntoIter);
    // The first fill makes the one bucket, the next starts its doubling, and each one more the doubling after.
    for step in 0..old_log2 + 2 {
        if step > 0 {
            ops.push(Op::Evacuate(255));
        }
        ops.push(Op::FillToThreshold(1, base));
    }
}

/// Adds an overflow bucket to every chain of 2^n and takes its entries away again, then inserts a new key.
fn into_a_same_size_growth(
    ops: &mut Vec<Op>,
    rng: &mut Rng,
    hasher: Hasher,
    buckets_log2: u32,
    from: u16,
) {
    for bucket in 0..1u64 << buckets_log2 {
        let keys: Vec<u16> = of_bucket(hasher, bucket, buckets_log2, from).take(9).collect();
        ops.extend(keys.iter().map(|&k| Op::Insert(k, k)));
        ops.extend(keys.iter().map(|&k| Op::Remove(k)));
    }
    ops.push(Op::Insert(from.wrapping_add(4096).wrapping_add(rng.u16(0..64)), 1));
}
