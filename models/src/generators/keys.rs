//! Which keys a case uses: few and hot, in a row, in one bucket, or anything.
//!
//! # Not here
//! How they hash: see `hashers`.
//! # Checked by
//! `tests/generators.rs`.

use super::hashers::Hasher;
use fastrand::Rng;

/// Keys to draw from, each as often as it stands in the table.
#[derive(Clone, Debug)]
pub struct Keys {
    table: [u16; 256],
}

/// How keys are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A few keys three times out of four, else any of 256.
    HotCold,
    /// So many keys from 0 on.
    Few(u16),
    /// Keys of one bucket in a table of 2^n.
    OneBucket(u32),
    /// Any key at all.
    Any,
}

impl Style {
    /// One at random.
    pub fn draw(rng: &mut Rng) -> Style {
        match rng.u8(0..8) {
            0 | 1 => Style::HotCold,
            2 => Style::Few(8 << rng.u16(0..3)),
            3 => Style::Few(rng.u16(8..64)),
            4 | 5 => Style::Few(rng.u16(64..1024)),
            6 => Style::OneBucket(rng.u32(1..6)),
            _ => Style::Any,
        }
    }
}

impl Keys {
    /// A table of keys in this style.
    pub fn new(rng: &mut Rng, style: Style, hasher: Hasher) -> Keys {
        let mut table = [0; 256];
        match style {
            Style::HotCold => {
                let hot = [(); 12].map(|()| rng.u16(0..256));
                for key in &mut table {
                    *key = if rng.u8(0..4) > 0 {
                        hot[rng.usize(0..hot.len())]
                    } else {
                        rng.u16(0..256)
                    };
                }
            }
            Style::Few(count) => table.iter_mut().for_each(|key| *key = rng.u16(0..count.max(1))),
            Style::OneBucket(buckets_log2) => {
                let bucket = rng.u64(0..1 << buckets_log2);
                let mut keys = of_bucket(hasher, bucket, buckets_log2, rng.u16(0..512)).take(64);
                let mut last = 0;
                for key in &mut table[..64] {
                    last = keys.next().unwrap_or(last);
                    *key = last;
                }
                for at in 64..table.len() {
                    table[at] = table[at % 64];
                }
            }
            Style::Any => table.iter_mut().for_each(|key| *key = rng.u16(..)),
        }
        table.iter_mut().for_each(|key| *key %= hasher.keys_max());
        Keys { table }
    }

    /// A key.
    #[inline]
    pub fn pick(&self, rng: &mut Rng) -> u16 {
        self.table[rng.u8(..) as usize]
    }
}

/// The keys of one bucket in a table of 2^n among the next 64 × 2^n from a key on, wrapping around.
pub fn of_bucket(
    hasher: Hasher,
    bucket: u64,
    buckets_log2: u32,
    from: u16,
) -> impl Iterator<Item = u16> {
    let mask = (1 << buckets_log2) - 1;
    (0..64 << buckets_log2)
        .map(move |step| from.wrapping_add(step))
        .filter(move |&key| hasher.hash(key as u64) & mask == bucket)
}
