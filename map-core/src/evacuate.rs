//! Evacuation: emptying one old bucket into the new table, and advancing the mark.
//!
//! ```text
//!  old bucket j   │ a b · c d e · · │─►│ f · … │      doubling: by one more bit of the hash
//!                   │ │   │ │ │           │
//!  new bucket j     a ▼   c ▼ e …         f           packed from slot 0, tophashes copied
//!  new bucket j + n   b     d
//! ```
//!
//! Old bucket *j* of *n* feeds only the new buckets *j*, *j + n*, *j + 2n*, …, and nobody looks at
//! those before it is evacuated, so a new bucket's header is written just then. Emptying a bucket
//! has four steps, in this order: get memory, run user code (hash the keys), move and mark the old
//! slots, tell the trail. A refused allocation or a panic in the first two leaves the bucket as it
//! was; the third can't fail; the trail's memory can't be asked for ahead, so the last one can, and
//! comes when the bucket is done with.
//!
//! # Invariants
//! - **mark**: every old bucket below the evacuation mark is evacuated, and its segment is given
//!   back.
//! - **feeds**: an entry of old bucket *j* moves to a new bucket whose index agrees with *j* in the
//!   bits they share, also when `Hash` lies.
//! - **progress**: an evacuation at the mark raises the mark.
//! - **prepaid**: an explicit growth has all its memory when it begins, but for what the trail
//!   takes. (Chains that join in a smaller table may take more.)
//! # Not here
//! When a growth starts and how much work a write owes: see `growth`. Memory ahead of need: see
//! `spares`.
//! # Checked by
//! `invariants::check`; the work oracle of the operation fuzzers; `map-core/tests/growth.rs`,
//! `panics.rs` and `alloc_failure.rs` (**prepaid**).

use core::mem;

use crate::TryReserveError;
use crate::bucket::{Handle, Segment, Slot};
use crate::growth::{self, EvacuationOrder, GrowthKind};
use crate::spares::{self, Spares, try_box};
use crate::table::Table;
use crate::tables::Tables;
use crate::tophash::{EVACUATED_EMPTY, EVACUATED_HIGH, EVACUATED_LOW, SLOTS, Word};
use crate::trail::Place;

/// How many evacuated old buckets one advance of the mark skips at most.
const SKIP_MAX: usize = 1024;

/// A growth under way.
pub(crate) struct Growing<K, V> {
    pub(crate) old: Table<K, V>,
    pub(crate) kind: GrowthKind,
    /// Old buckets evacuated so far.
    pub(crate) evacuated: usize,
    /// A segment the old table has left, for the new one to take: of two tables, neither smaller
    /// than a segment, all segments have the same size, and a smaller new table takes none.
    spare_segment: Option<Segment<K, V>>,
    /// Overflow buckets for the new table. Empty between two evacuations, but in an explicit
    /// growth, where emptied overflow buckets join them: no fewer than were taken (**prepaid**).
    spares: Spares<K, V>,
}

impl<K, V> Growing<K, V> {
    /// The old bucket at `index & mask`, unless it is evacuated.
    #[inline]
    pub(crate) fn unevacuated(&self, index: usize, mark: usize) -> Option<Handle<K, V>> {
        unevacuated(&self.old, index, mark)
    }

    /// The same growth, with the same buckets evacuated and nothing in the others.
    pub(crate) fn empty_copy(&self, mark: usize) -> Self {
        let old = self.old.empty_copy();
        // Those before the mark are there as long as their segment is, and a view shows them.
        for index in Table::<K, V>::segment_start(mark)..old.buckets() {
            if self.unevacuated(index, mark).is_none() {
                // SAFETY: **touched**: from the mark's segment on, the segments of an old table are there.
                let from = unsafe { self.old.head(index) };
                // SAFETY: **touched**: and so are the copy's, with every header written.
                unsafe { old.head(index) }.set_tophashes(from.tophashes());
            }
        }
        Self {
            old,
            kind: self.kind,
            evacuated: self.evacuated,
            spare_segment: None,
            spares: Spares::NONE,
        }
    }
}

/// The bucket of an old table at `index & mask`, unless it is evacuated.
#[inline]
pub(crate) fn unevacuated<K, V>(
    old: &Table<K, V>,
    index: usize,
    mark: usize,
) -> Option<Handle<K, V>> {
    let index = index & old.mask();
    if index < mark {
        return None;
    }
    // SAFETY: **touched**: an old table was not being filled when its growth began, and by **mark**
    // only segments below the mark are given back.
    let head = unsafe { old.head(index) };
    (!head.word().is_evacuated()).then_some(head)
}

impl<K, V> Tables<K, V> {
    /// Starts the growth that inserting one more key makes due.
    pub(crate) fn start_due_growth(&mut self) {
        let buckets_log2 = self.table.buckets_log2();
        let Some(kind) = growth::due(self.len, self.overflow_buckets, buckets_log2) else {
            return;
        };
        let buckets_log2 = buckets_log2 + u32::from(kind == GrowthKind::Doubled);
        self.start_growth(kind, buckets_log2).unwrap_or_else(|error| error.handle());
    }

    /// Makes the table the old one. Moves nothing yet.
    pub(crate) fn start_growth(
        &mut self,
        kind: GrowthKind,
        buckets_log2: u32,
    ) -> Result<(), TryReserveError> {
        debug_assert!(self.growing.is_none(), "a growth starts during another");
        let (spares, table) = if kind == GrowthKind::Explicit {
            // **prepaid**
            (self.prepay()?, Table::fresh(buckets_log2)?)
        } else {
            (Spares::NONE, Table::untouched(buckets_log2)?)
        };
        let growing = Growing { old: self.table, kind, evacuated: 0, spare_segment: None, spares };
        let growing = try_box(growing).inspect_err(|_| {
            // SAFETY: it was made above and has not been handed to anybody.
            unsafe { table.free() }
        })?;
        self.table = table;
        self.growing = Some(growing);
        self.generation += 1;
        self.mark = 0;
        self.overflow_buckets = 0;
        self.cursor_on_old_table = mem::take(&mut self.cursor_on_table);
        *self.counts.of(kind) += 1;
        Ok(())
    }

    /// Gets what it takes to empty the longest chain, which will do for all others in turn.
    fn prepay(&mut self) -> Result<Spares<K, V>, TryReserveError> {
        let longest = self.homes().map(|home| home.head.chain().count()).max().unwrap_or(0);
        self.reserve_scratch(longest)?;
        let mut spares = Spares::NONE;
        spares.top_up(longest)?;
        Ok(spares)
    }

    /// Makes room to note the hash and the move of each entry of a chain of so many buckets.
    fn reserve_scratch(&mut self, buckets: usize) -> Result<(), TryReserveError> {
        self.hashes.clear();
        spares::reserve(&mut self.hashes, buckets * SLOTS)?;
        self.trail.as_mut().map_or(Ok(()), |trail| trail.reserve(buckets * SLOTS))
    }

    /// The growth work that one write owes: at most [`growth::WORK_PER_WRITE`] old buckets.
    #[inline]
    pub(crate) fn growth_work(&mut self, hash: u64, hash_of: &impl Fn(&K) -> u64) {
        if self.growing.is_some() {
            self.growth_work_now(hash, hash_of).unwrap_or_else(|error| error.handle());
        }
    }

    #[cold]
    #[inline(never)]
    fn growth_work_now(
        &mut self,
        hash: u64,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        for unit in 0..growth::WORK_PER_WRITE {
            let Some(growing) = &self.growing else { break };
            let index = match self.order {
                EvacuationOrder::Go if unit == 0 => hash as usize & growing.old.mask(),
                _ => self.mark,
            };
            self.evacuate(index, hash_of)?;
        }
        Ok(())
    }

    /// Evacuates up to `buckets` old buckets at the mark; returns how many were emptied.
    pub(crate) fn evacuate_at_mark(
        &mut self,
        buckets: usize,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Result<usize, TryReserveError> {
        let before = self.counts.evacuated_buckets;
        while self.growing.is_some() && self.counts.evacuated_buckets - before < buckets as u64 {
            self.evacuate(self.mark, hash_of)?;
        }
        Ok((self.counts.evacuated_buckets - before) as usize)
    }

    /// Moves everything to a table of 2^`buckets_log2` buckets, now.
    ///
    /// When memory is refused, the map is left as it was, or in the middle of the growth in which
    /// it was; when a hash panics, in the middle of a growth.
    ///
    /// A growth to fewer buckets is not to be left in the middle: iteration looks for what belongs to new bucket *b* in old
    /// bucket *b* alone. It runs no user code (kept keys are dropped before), so only memory refused while chains join can
    /// end it, and callers give that to `handle_alloc_error`, which does not come back on stable std.
    pub(crate) fn rebuild(
        &mut self,
        buckets_log2: u32,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        self.prune_trail();
        if !self.table.is_allocated() {
            self.table = Table::fresh(buckets_log2)?;
            return Ok(());
        }
        self.evacuate_at_mark(usize::MAX, hash_of)?;
        self.start_growth(GrowthKind::Explicit, buckets_log2)?;
        self.evacuate_at_mark(usize::MAX, hash_of).map(drop)
    }

    /// Sees to it that old bucket `index` is evacuated, and advances the mark if it stood there.
    fn evacuate(
        &mut self,
        index: usize,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        let growing = self.growing.as_ref().expect("an evacuation needs a growth");
        if let Some(head) = growing.unevacuated(index, self.mark) {
            self.empty_bucket(index, head, hash_of)?;
        }
        if index == self.mark {
            self.advance_mark();
        }
        Ok(())
    }

    /// Moves the entries of old bucket `index` to the new table.
    fn empty_bucket(
        &mut self,
        index: usize,
        head: Handle<K, V>,
        hash_of: &impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        self.get_memory(index, head)?;
        self.hash_entries(head, hash_of);
        self.move_entries(index, head);
        let growing = self.growing.as_mut().expect("an evacuation needs a growth");
        growing.spares.recycle(head);
        if growing.kind != GrowthKind::Explicit {
            growing.spares = Spares::NONE;
        }
        growing.evacuated += 1;
        self.counts.evacuated_buckets += 1;
        if let Some(trail) = &mut self.trail {
            trail.settle();
        }
        Ok(())
    }

    /// Gets all that emptying old bucket `index` takes, but for the trail's own memory.
    fn get_memory(&mut self, index: usize, head: Handle<K, V>) -> Result<(), TryReserveError> {
        let buckets = head.chain().count();
        self.reserve_scratch(buckets)?;
        let growing = self.growing.as_mut().expect("an evacuation needs a growth");
        let (old, new) = (growing.old, self.table);
        // Splitting a chain never takes more overflow buckets than it had; joining chains may take
        // one more.
        let joins = new.buckets() < old.buckets();
        growing.spares.top_up(buckets - 1 + usize::from(joins))?;
        if growing.kind == GrowthKind::Explicit {
            return Ok(());
        }
        for fed in (index..new.buckets()).step_by(old.buckets()) {
            // SAFETY: **directory**: see `spare_segment`.
            unsafe { new.ensure_segment(fed, &mut growing.spare_segment) }?;
        }
        for fed in (index..new.buckets()).step_by(old.buckets()) {
            new.touch(fed);
        }
        Ok(())
    }

    /// Hashes the keys of an old bucket, if their hashes tell where they go. Runs user code, so
    /// nothing has moved yet.
    fn hash_entries(&mut self, head: Handle<K, V>, hash_of: &impl Fn(&K) -> u64) {
        let growing = self.growing.as_ref().expect("an evacuation needs a growth");
        if self.table.buckets() <= growing.old.buckets() {
            return;
        }
        for bucket in head.chain() {
            for index in bucket.word().full() {
                // SAFETY: **filled**: `full` yields full slots. **borrowed**: exclusively.
                let (key, _) = unsafe { Slot { bucket, index }.entry() };
                self.hashes.push(hash_of(key));
            }
        }
    }

    /// Moves each entry and marks the slots it leaves. Can't fail or panic.
    fn move_entries(&mut self, index: usize, head: Handle<K, V>) {
        let growing = self.growing.as_mut().expect("an evacuation needs a growth");
        let (old, new) = (growing.old, self.table);
        let mut hashes = self.hashes.iter();
        // The bucket that was filled last, and where: of the target with this bucket's index, and of another.
        let mut ends = [None; 2];
        for (depth, bucket) in head.chain().enumerate() {
            let mut states = Word::new([EVACUATED_EMPTY; SLOTS]);
            for slot in bucket.word().full() {
                let spread = hashes.next().map_or(0, |&hash| hash as usize & !old.mask());
                let target = (index | spread) & new.mask();
                let is_high = target != index;
                states = states.with(slot, if is_high { EVACUATED_HIGH } else { EVACUATED_LOW });
                let from = match ends[usize::from(is_high)] {
                    Some((of, end)) if of == target => end,
                    // SAFETY: **touched**: by **feeds** it is one of the buckets that `get_memory` has
                    // touched, or the new table was made fresh.
                    _ => (0, unsafe { new.head(target) }),
                };
                let (to_depth, to) = append(from, &mut growing.spares);
                ends[usize::from(is_high)] = Some((target, (to_depth, to.bucket)));
                // SAFETY: **filled**: `full` yields full slots; buckets of two tables are distinct.
                unsafe { bucket.move_entry(slot, to.bucket, to.index) };
                self.overflow_buckets += usize::from(to_depth > 0 && to.index == 0);
                if let Some(trail) = &mut self.trail {
                    trail.moved(
                        Place::new(self.generation - 1, index, depth, slot),
                        Place::new(self.generation, target, to_depth, to.index),
                    );
                }
            }
            bucket.set_tophashes(states.tophashes());
        }
    }

    /// Raises the mark past the evacuated buckets, gives back the segments it leaves, and ends the
    /// growth at the end of the old table.
    fn advance_mark(&mut self) {
        let growing = self.growing.as_mut().expect("a mark advances in a growth");
        let old = growing.old;
        let first = Table::<K, V>::segment_of(self.mark);
        self.mark += 1;
        let stop = (self.mark + SKIP_MAX).min(old.buckets());
        while self.mark < stop && growing.unevacuated(self.mark, self.mark).is_none() {
            self.mark += 1;
        }
        if self.mark == old.buckets() {
            self.leave_growth();
            return;
        }
        for number in first..Table::<K, V>::segment_of(self.mark) {
            let Some(segment) = old.take_segment(number) else { continue };
            if growing.spare_segment.is_none() {
                growing.spare_segment = Some(segment);
            } else {
                // SAFETY: **mark**: every bucket in it is evacuated, and by `unevacuated` nobody
                // looks there again.
                unsafe { old.free_segment(segment) };
            }
        }
    }

    /// Ends a growth when all entries and overflow buckets are gone, with a table that is all there:
    /// the new one, or else the old one, so that nothing need be allocated.
    pub(crate) fn abandon_growth(&mut self) {
        if let Some(growing) = &mut self.growing
            && !self.table.is_complete()
        {
            // For each segment that it has given back, the new table has got one or two.
            growing.old.complete_from(&self.table);
            mem::swap(&mut growing.old, &mut self.table);
            // A table of its own: cursors opened on the one or the other find nothing there.
            self.generation += 1;
        }
        self.leave_growth();
    }

    /// Frees the old table, whose entries and overflow buckets are gone.
    pub(crate) fn leave_growth(&mut self) {
        let Some(growing) = self.growing.take() else { return };
        if let Some(segment) = growing.spare_segment {
            // SAFETY: it was taken out of the old table, and the new one has not taken it.
            unsafe { growing.old.free_segment(segment) };
        }
        // SAFETY: it was just taken out of the tables, and with it every way to its buckets.
        unsafe { growing.old.free() };
    }
}

/// The first empty slot of a chain from this bucket and depth on, and the depth of its bucket, with a spare
/// bucket linked if the chain is full.
#[inline]
fn append<K, V>(
    (mut depth, mut bucket): (usize, Handle<K, V>),
    spares: &mut Spares<K, V>,
) -> (usize, Slot<K, V>) {
    loop {
        if let Some(index) = bucket.word().empty().first() {
            return (depth, Slot { bucket, index });
        }
        depth += 1;
        bucket = bucket.overflow().unwrap_or_else(|| {
            let spare = spares.take();
            bucket.set_overflow(Some(spare));
            spare
        });
    }
}
