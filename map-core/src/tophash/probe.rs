//! Looking for a tophash in a bucket, and for the end of the chain.
//!
//! A search waits for memory, and how many searches a processor has begun meanwhile depends on how few
//! instructions they are. With SSE2 one comparison answers both questions.
//! # Checked by
//! The unit tests of `tophash`, both forms.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(crate) use sse2::Probe;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(crate) use words::Probe;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2 {
    use crate::tophash::{SLOTS, Word};
    use core::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_cvtsi32_si128, _mm_cvtsi64_si128, _mm_movemask_epi8,
        _mm_shufflelo_epi16, _mm_unpacklo_epi8, _mm_unpacklo_epi64,
    };
    use core::num::NonZero;

    /// A bit for each slot with the tophash, from slot 0 up; behind those a bit for each
    /// `EMPTY_REST`. As an iterator: the slots with the tophash.
    pub(crate) struct Probe(u32);

    impl Probe {
        #[inline(always)]
        pub(in crate::tophash) fn new(word: Word, tophash: u8) -> Self {
            // SAFETY: this module is there only if every processor that the build is for has SSE2.
            Self(unsafe { compare(word, tophash) })
        }

        /// True when a search need not look beyond this bucket.
        #[inline(always)]
        pub(crate) fn ends_chain(&self) -> bool {
            self.0 >> SLOTS != 0
        }
    }

    impl Iterator for Probe {
        type Item = usize;

        #[inline(always)]
        fn next(&mut self) -> Option<usize> {
            let slots = NonZero::new(self.0 as u8)?;
            self.0 &= self.0 - 1;
            Some(slots.trailing_zeros() as usize)
        }
    }

    #[target_feature(enable = "sse2")]
    #[inline]
    fn compare(word: Word, tophash: u8) -> u32 {
        let word = _mm_cvtsi64_si128(word.0.cast_signed());
        let twice = _mm_unpacklo_epi64(word, word);
        // Eight times the tophash, and above it eight times 0, which is EMPTY_REST.
        let tophash = _mm_cvtsi32_si128(i32::from(tophash));
        let wanted = _mm_shufflelo_epi16::<0>(_mm_unpacklo_epi8(tophash, tophash));
        _mm_movemask_epi8(_mm_cmpeq_epi8(twice, wanted)).cast_unsigned()
    }
}

/// For every other processor.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
pub(super) mod words {
    use crate::tophash::{LOW_BITS, Matches, Word, zero_bytes};

    /// As an iterator: the slots with the tophash.
    pub(crate) struct Probe {
        slots: Matches,
        word: Word,
    }

    impl Probe {
        #[inline(always)]
        pub(in crate::tophash) fn new(word: Word, tophash: u8) -> Self {
            Self { slots: zero_bytes(word.0 ^ (LOW_BITS * u64::from(tophash))), word }
        }

        /// True when a search need not look beyond this bucket.
        #[inline(always)]
        pub(crate) fn ends_chain(&self) -> bool {
            self.word.ends_chain()
        }
    }

    impl Iterator for Probe {
        type Item = usize;

        #[inline(always)]
        fn next(&mut self) -> Option<usize> {
            self.slots.next()
        }
    }
}
