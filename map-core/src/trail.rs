//! The trail: what has become of the entries of evacuated buckets, kept while cursors are about.
//!
//! Go's iterator keeps the array it started on alive and finds in it the keys of evacuated buckets,
//! which it then looks up again. Here an evacuated key has *moved*, so nothing is left to look up;
//! instead, while a cursor is open, every evacuation notes where each entry went, and every removal
//! of a noted entry notes that:
//!
//! ```text
//!  (table 3, bucket 5, position 2) → moved to (table 4, bucket 21, position 0) → here     yield that slot
//!                                                                             → removed  look its key up again
//! ```
//!
//! A removed key may have been inserted again, and Go yields such an entry at the old place. To do
//! the same, `remove` and `clear` leave the key with the trail, which drops it when the cursors are
//! gone. Operations that give the key away leave nothing, and the entry counts as gone.
//!
//! A slot may have several occupants in turn, so what *arrived* at a place by evacuation and what
//! *departed* from it are noted apart: an entry is followed on from a place only while nobody
//! removed the one that arrived.
//!
//! # Invariants
//! - **followed**: from the place an entry departed from, its arrivals and departures lead to where
//!   it is.
//! - **present**: a place with a present arrival and no departure is a full slot of a home.
//! # Not here
//! The order in which a cursor visits places: see `cursor`.
//! # Checked by
//! `invariants::check` (**present**); the iteration oracle; recordings of Go's iterator in
//! `corpus/go`.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::tophash::SLOTS;
use crate::{TryReserveError, spares};

/// A slot of a table, past or present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The number of the table.
    pub(crate) generation: u64,
    pub(crate) bucket: usize,
    /// The slot's number in the chain: 8 × the depth of its bucket + its index there.
    pub(crate) position: usize,
}

impl Place {
    /// Slot `slot` of the bucket at `depth` of a chain.
    pub(crate) const fn new(generation: u64, bucket: usize, depth: usize, slot: usize) -> Self {
        Self { generation, bucket, position: depth * SLOTS + slot }
    }
}

/// An entry that came to a place by evacuation.
enum Arrival<K> {
    /// It is there, or was there when the place's bucket was evacuated in turn.
    Present,
    /// It was removed; the key, if the remover had no use for it.
    Removed(Option<K>),
}

/// What has become of an entry.
pub(crate) enum Fate<'t, K> {
    /// It is at this place.
    At(Place),
    /// It was removed. An entry with an equal key may have been inserted since.
    Removed(&'t K),
}

pub(crate) struct Trail<K> {
    departures: BTreeMap<Place, Place>,
    arrivals: BTreeMap<Place, Arrival<K>>,
    /// For each table on which cursors were opened, oldest first: a token that every such cursor
    /// shares.
    tokens: VecDeque<(u64, Arc<()>)>,
    /// Tables that were cleared while they were the old one: cursors find nothing in them.
    wiped: BTreeSet<u64>,
    /// Moves yet to be noted, from where to where.
    unsettled: Vec<(Place, Place)>,
}

impl<K> Trail<K> {
    pub(crate) const fn new() -> Self {
        Self {
            departures: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            tokens: VecDeque::new(),
            wiped: BTreeSet::new(),
            unsettled: Vec::new(),
        }
    }

    /// Registers a cursor opened on a table; while the token lives, the trail from that table on is
    /// kept.
    pub(crate) fn open(&mut self, generation: u64) -> Arc<()> {
        match self.tokens.back() {
            Some((newest, token)) if *newest == generation => token.clone(),
            _ => {
                let token = Arc::new(());
                self.tokens.push_back((generation, token.clone()));
                token
            }
        }
    }

    /// True when the token was given by this trail.
    pub(crate) fn knows(&self, generation: u64, token: &Arc<()>) -> bool {
        self.tokens.iter().any(|(opened, known)| *opened == generation && Arc::ptr_eq(known, token))
    }

    /// Forgets what no cursor needs; false when there are no cursors at all. O(1) when there is
    /// nothing to forget.
    pub(crate) fn prune(&mut self) -> bool {
        let mut pruned = false;
        while self.tokens.front().is_some_and(|(_, token)| Arc::strong_count(token) == 1) {
            self.tokens.pop_front();
            pruned = true;
        }
        let Some((oldest, _)) = self.tokens.front() else { return false };
        if pruned {
            // A cursor on a new table may still stand in a bucket of its old table.
            let generation = oldest.saturating_sub(1);
            self.wiped = self.wiped.split_off(&generation);
            let first = Place { generation, bucket: 0, position: 0 };
            self.departures = self.departures.split_off(&first);
            self.arrivals = self.arrivals.split_off(&first);
        }
        true
    }

    /// Makes room for so many calls of [`moved`](Self::moved) before the next
    /// [`settle`](Self::settle).
    pub(crate) fn reserve(&mut self, moves: usize) -> Result<(), TryReserveError> {
        spares::reserve(&mut self.unsettled, moves)
    }

    /// An entry is evacuated. Is noted by [`settle`](Self::settle): this can't fail, given room.
    pub(crate) fn moved(&mut self, from: Place, to: Place) {
        self.unsettled.push((from, to));
    }

    /// Notes what has moved. A tree says nothing when memory is refused: `handle_alloc_error` is
    /// called, and if that unwinds, what is not noted yet waits for the next call.
    pub(crate) fn settle(&mut self) {
        while let Some(&(from, to)) = self.unsettled.last() {
            self.departures.insert(from, to);
            self.arrivals.insert(to, Arrival::Present);
            self.unsettled.pop();
        }
    }

    /// The entry at a place is removed. If nothing arrived there, the key is dropped.
    pub(crate) fn removed(&mut self, place: Place, key: Option<K>) {
        if let Some(arrival @ Arrival::Present) = self.arrivals.get_mut(&place) {
            *arrival = Arrival::Removed(key);
        }
    }

    /// An old table is cleared.
    pub(crate) fn wiped(&mut self, generation: u64) {
        self.wiped.insert(generation);
    }

    pub(crate) fn is_wiped(&self, generation: u64) -> bool {
        self.wiped.contains(&generation)
    }

    /// The number of positions of an evacuated bucket that matter: one more than the last
    /// departure's.
    pub(crate) fn positions(&self, generation: u64, bucket: usize) -> usize {
        let place = |position| Place { generation, bucket, position };
        let mut departures = self.departures.range(place(0)..=place(usize::MAX));
        departures.next_back().map_or(0, |(last, _)| last.position + 1)
    }

    /// What has become of the entry that was at a place when its bucket was evacuated.
    pub(crate) fn fate(&self, place: &Place) -> Option<Fate<'_, K>> {
        let mut at = self.departures.get(place)?;
        loop {
            match self.arrivals.get(at)? {
                Arrival::Removed(key) => return key.as_ref().map(Fate::Removed),
                Arrival::Present => match self.departures.get(at) {
                    Some(next) => at = next,
                    None => return Some(Fate::At(*at)),
                },
            }
        }
    }

    /// The places at which an arrived entry should be.
    pub(crate) fn present(&self) -> impl Iterator<Item = Place> {
        let present = self.arrivals.iter().filter(|(place, arrival)| {
            matches!(arrival, Arrival::Present) && !self.departures.contains_key(place)
        });
        present.map(|(place, _)| *place)
    }
}
