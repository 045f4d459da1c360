//! A hash, split in two: its low bits choose the bucket, its top byte marks the slot.
//!
//! ```text
//!  hash   tttttttt ................ bbbbb        64 bits
//!         │                         └ bucket index: the low `buckets_log2` bits
//!         └ tophash: the top byte, +5 when below 5
//! ```
//!
//! The top byte of a full slot lets a search skip keys without looking at them. The five values
//! below [`MIN_TOPHASH`] are not hashes but the states of a slot that holds no entry:
//!
//! | state | in which table | meaning |
//! |---|---|---|
//! | [`EMPTY_REST`] | either | empty, and so is every later slot of the chain |
//! | [`EMPTY_ONE`] | either | empty; later slots may be full (a tombstone) |
//! | [`EVACUATED_LOW`] | old | the entry moved to the new bucket of the same index |
//! | [`EVACUATED_HIGH`] | old | the entry moved to a new bucket of a higher index |
//! | [`EVACUATED_EMPTY`] | old | the slot was empty when its bucket was evacuated |
//!
//! The eight tophashes of a bucket are searched at once, as one word. They are written as one, too: a
//! processor makes the next search wait that reads a word of which it has just written a byte.
//!
//! # Invariants
//! - **one-world**: the slots of a chain are either all in evacuated states or none is.
//! - **rest**: no slot after an `EMPTY_REST` slot of its chain is in another state.
//! # Not here
//! Where slots live: see `bucket`. Which table holds the truth: see `tables`.
//! # Checked by
//! The unit tests below; `invariants::check` (**one-world**, **rest**, **home**).

mod probe;

pub(crate) use probe::Probe;

/// Slots in a bucket.
pub const SLOTS: usize = 8;

/// Empty, and every later slot of the chain is empty too: a search stops here.
pub const EMPTY_REST: u8 = 0;
/// Empty, but a later slot of the chain may be full: a search goes on.
pub const EMPTY_ONE: u8 = 1;
/// Evacuated to the bucket of the same index in the new table.
pub const EVACUATED_LOW: u8 = 2;
/// Evacuated to a bucket of a higher index in the new table.
pub const EVACUATED_HIGH: u8 = 3;
/// Evacuated; it held nothing.
pub const EVACUATED_EMPTY: u8 = 4;
/// The smallest tophash of a full slot.
pub const MIN_TOPHASH: u8 = 5;

/// The tophash of a full slot whose key hashes to `hash`: the top byte, lifted above the states.
///
/// The values 5 to 9 are therefore twice as likely as the others.
#[inline]
pub const fn tophash(hash: u64) -> u8 {
    let top = (hash >> 56) as u8;
    if top < MIN_TOPHASH { top + MIN_TOPHASH } else { top }
}

/// True for [`EMPTY_REST`] and [`EMPTY_ONE`].
#[inline]
pub const fn is_empty(tophash: u8) -> bool {
    tophash <= EMPTY_ONE
}

/// True for the three evacuated states.
#[inline]
pub const fn is_evacuated(tophash: u8) -> bool {
    tophash >= EVACUATED_LOW && tophash <= EVACUATED_EMPTY
}

/// True when the slot holds an entry.
#[inline]
pub const fn is_full(tophash: u8) -> bool {
    tophash >= MIN_TOPHASH
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The eight tophashes of a bucket, slot 0 in the lowest byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    #[inline]
    pub(crate) const fn new(tophashes: [u8; SLOTS]) -> Self {
        Self(u64::from_le_bytes(tophashes))
    }

    #[inline]
    pub(crate) const fn tophashes(self) -> [u8; SLOTS] {
        self.0.to_le_bytes()
    }

    /// The word as a number, for an atomic; [`from_bits`](Self::from_bits) takes it back.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    #[cfg(feature = "std")]
    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The tophash of one slot.
    #[inline]
    pub(crate) const fn tophash(self, slot: usize) -> u8 {
        assert!(slot < SLOTS);
        (self.0 >> (8 * slot)) as u8
    }

    /// The same word with another tophash for one slot.
    #[inline]
    pub(crate) const fn with(self, slot: usize, tophash: u8) -> Self {
        assert!(slot < SLOTS);
        Self(self.0 & !(0xff << (8 * slot)) | (tophash as u64) << (8 * slot))
    }

    /// The slots whose tophash is exactly `tophash`, and whether this bucket ends its chain.
    #[inline(always)]
    pub(crate) fn probe(self, tophash: u8) -> Probe {
        Probe::new(self, tophash)
    }

    /// The slots in one of the two empty states.
    #[inline]
    pub(crate) const fn empty(self) -> Matches {
        zero_bytes(self.0 & !LOW_BITS)
    }

    /// The slots that hold an entry.
    #[inline]
    pub(crate) const fn full(self) -> Matches {
        // A byte of at least 5 carries into its high bit when 123 is added to its low seven bits,
        // or has it set already.
        const LIFT: u64 = LOW_BITS * (0x80 - MIN_TOPHASH as u64);
        Matches((((self.0 & !HIGH_BITS) + LIFT) | self.0) & HIGH_BITS)
    }

    /// True when a search need not look beyond this bucket.
    #[inline]
    pub(crate) const fn ends_chain(self) -> bool {
        // The borrow trick is inexact about *which* byte is zero, never about *whether* one is.
        self.0.wrapping_sub(LOW_BITS) & !self.0 & HIGH_BITS != 0
    }

    /// True when the bucket has been evacuated: by **one-world** the first slot tells.
    #[inline]
    pub(crate) const fn is_evacuated(self) -> bool {
        is_evacuated(self.0 as u8)
    }
}

/// The bytes of `x` that are zero, exactly: no borrow runs from byte to byte.
#[inline]
const fn zero_bytes(x: u64) -> Matches {
    let low_seven = (x & !HIGH_BITS) + !HIGH_BITS;
    Matches(!(low_seven | x) & HIGH_BITS)
}

/// A set of slots of one bucket, visited from slot 0 up.
#[derive(Clone, Copy)]
pub(crate) struct Matches(u64);

impl Matches {
    pub(crate) const NONE: Self = Self(0);

    /// How many slots are in the set.
    #[inline]
    pub(crate) const fn count(self) -> usize {
        // Adds up the high bits, one to a byte, in the top byte.
        ((self.0 >> 7).wrapping_mul(LOW_BITS) >> 56) as usize
    }

    #[inline]
    pub(crate) const fn first(self) -> Option<usize> {
        if self.0 == 0 { None } else { Some(self.0.trailing_zeros() as usize / 8 % SLOTS) }
    }
}

impl Iterator for Matches {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let slot = self.first()?;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn tophash_never_collides_with_a_state() {
        for top in 0..=255u64 {
            let tophash = tophash(top << 56);
            assert!(is_full(tophash), "top byte {top} became state {tophash}");
            assert_eq!(u64::from(tophash), if top < 5 { top + 5 } else { top });
        }
    }

    #[test]
    fn word_agrees_with_a_slot_by_slot_search() {
        // Every pair of byte values, at every pair of neighbouring slots, over three backgrounds.
        for background in [EMPTY_REST, EMPTY_ONE, 0xff] {
            for slot in 0..SLOTS - 1 {
                for low in (0..=255).step_by(if cfg!(miri) { 51 } else { 1 }) {
                    for high in [0, 1, 2, 4, 5, 6, 0x7f, 0x80, 0xff, low, low ^ 1] {
                        let mut bytes = [background; SLOTS];
                        bytes[slot] = low;
                        bytes[slot + 1] = high;
                        agrees(bytes, low);
                    }
                }
            }
        }
    }

    fn agrees(bytes: [u8; SLOTS], wanted: u8) {
        let word = Word::new(bytes);
        let slots = |holds: &dyn Fn(u8) -> bool| -> Vec<usize> {
            (0..SLOTS).filter(|&slot| holds(bytes[slot])).collect()
        };
        let found = (bytes.contains(&EMPTY_REST), slots(&|t| t == wanted));
        let probe = word.probe(wanted);
        assert_eq!((probe.ends_chain(), probe.collect()), found);
        let by_words = probe::words::Probe::new(word, wanted);
        assert_eq!((by_words.ends_chain(), by_words.collect()), found);
        assert_eq!(word.empty().collect::<Vec<_>>(), slots(&is_empty));
        assert_eq!(word.full().count(), slots(&is_full).len());
        assert_eq!(word.full().collect::<Vec<_>>(), slots(&is_full));
        assert_eq!(word.ends_chain(), bytes.contains(&EMPTY_REST));
        assert_eq!(word.is_evacuated(), is_evacuated(bytes[0]));
        for slot in 0..SLOTS {
            assert_eq!(word.tophash(slot), bytes[slot]);
            let mut changed = bytes;
            changed[slot] = wanted;
            assert_eq!(word.with(slot, wanted).tophashes(), changed);
        }
    }
}
