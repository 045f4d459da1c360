//! Ops that are made of others, each done and judged for itself.

use super::Run;
use crate::elements::{Key, Value};
use crate::op::Op;
use crate::oracles::Verdict;
use crate::spec::{Spec, extension};
use crate::subject::{Capabilities, SequentialSubject};

/// The most entries a `fill-to-threshold` inserts.
pub const FILL_MAX: usize = 512;

impl<S: SequentialSubject<K, V>, K: Key, V: Value, M: Spec> Run<S, K, V, M> {
    /// Is the op made of others, each judged?
    pub(super) fn is_composite(op: Op) -> bool {
        match op {
            Op::FillToThreshold(..) | Op::EvacuateTo(_) => true,
            Op::Extend(..) => !S::CAPABILITIES.has(Capabilities::EXTEND),
            _ => false,
        }
    }

    /// `fill-to-threshold`: plain inserts, each judged.
    pub(super) fn fill(&mut self, distance: i8, k: u16) -> Verdict {
        let Some(capacity) = self.capacity() else { return Ok(()) };
        let keys_max = self.state.hasher().keys_max() as usize;
        let target = capacity.saturating_add_signed(distance as isize).min(keys_max);
        let mut key = k;
        for _ in 0..target.saturating_sub(self.spec.len()).min(FILL_MAX) {
            let Some(absent) = self.spec.absent_from(key) else { break };
            self.part = Some(Op::Insert(absent, absent));
            self.step(Op::Insert(absent, absent))?;
            key = absent.wrapping_add(1);
        }
        self.part = None;
        Ok(())
    }

    /// `extend` where the map has none: plain inserts, each judged.
    pub(super) fn inserts(&mut self, k: u16, n: u8) -> Verdict {
        for key in extension(k, n) {
            self.part = Some(Op::Insert(key, key));
            self.step(Op::Insert(key, key))?;
        }
        self.part = None;
        Ok(())
    }

    /// `evacuate-to`: one old bucket at a time, each judged.
    pub(super) fn evacuate_to(&mut self, mark: usize) -> Verdict {
        if !S::CAPABILITIES.has(Capabilities::GO_GROWTH) {
            return Ok(());
        }
        let old_buckets = self.map.growth().old_buckets.unwrap_or(0);
        for _ in 0..old_buckets {
            let growth = self.map.growth();
            if growth.old_buckets.is_none() || growth.mark >= mark {
                break;
            }
            self.part = Some(Op::Evacuate(1));
            self.step(Op::Evacuate(1))?;
        }
        self.part = None;
        Ok(())
    }
}
