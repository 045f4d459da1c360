//! What an op is judged by, and how often: see [`Checks`].
//!
//! # Checked by
//! `tests/oracles.rs`.

use super::{Checks, Run};
use crate::elements::{Key, Value};
use crate::memory;
use crate::oracles::drops::Allowance;
use crate::oracles::reference;
use crate::oracles::work::{self, Bound};
use crate::oracles::{Objection, Verdict, drops, iteration, panics, well_formed};
use crate::spec::Spec;
use crate::subject::{Capabilities, Growth, SequentialSubject};
use crate::trace::{self, Event};

/// At boundaries, a run looks at this many entries for free, and at one more for so many ops done.
const LOOK_FREE: u64 = 128;
const OPS_PER_LOOK: u64 = 4;
/// Elements that are not about speed are looked at so much more, and also once in so many ops of a growth: some of what is
/// wrong in the middle of one is gone when it ends.
const LOOKS_MORE: u64 = 8;
const OPS_PER_LOOK_IN_GROWTH: u64 = 8;

impl<S: SequentialSubject<K, V>, K: Key, V: Value, M: Spec> Run<S, K, V, M> {
    /// Keys and values are as small and plain as they come: runs are many, rather than thorough.
    const PLAIN: bool = !Self::COUNTED && size_of::<(K, V)>() <= 2 * size_of::<u64>();

    /// What is judged after every op.
    #[inline]
    pub(super) fn after(&mut self, bound: Bound) -> Verdict {
        self.report.ops += 1;
        reference::length(self.map.len(), self.spec.len())?;
        let mut at_boundary = false;
        if Self::GROWS && bound != Bound::Read {
            let before = self.growth;
            // Written where it is kept: what is copied right after it was written makes a processor wait.
            self.growth = self.map.growth();
            let growth = &self.growth;
            Self::worked(&before, growth, bound)?;
            if growth.started != before.started || growth.old_buckets != before.old_buckets {
                at_boundary = true;
                work::ordered(&before, growth)?;
                let started = growth.started.wrapping_sub(before.started);
                self.report.growths += started;
                // It asks whether what was kept for cursors is still to be kept.
                if Self::COUNTED && started > 0 && !self.is_walked() {
                    self.allowance.kept_keys = 0;
                }
            }
            at_boundary |= !Self::PLAIN
                && growth.old_buckets.is_some()
                && self.report.ops.is_multiple_of(OPS_PER_LOOK_IN_GROWTH);
        }
        // A look at all of it hashes keys, and how a fickle hasher lies depends on how often it was asked: that must
        // be the same however closely a run is looked at. What may be said of such a map is said in `bear`.
        if self.fickle {
            return Ok(());
        }
        if self.checks == Checks::Every
            || at_boundary && self.checks == Checks::Boundaries && self.affords()
        {
            return self.looked_at();
        }
        if at_boundary { self.roomy() } else { Ok(()) }
    }

    /// Judges everything, and tells a trace of the op and what it left.
    #[inline(never)]
    fn looked_at(&mut self) -> Verdict {
        self.thorough()?;
        self.told(self.now as usize - 1);
        self.pictured();
        Ok(())
    }

    /// Shows a trace what the map is like.
    pub(super) fn pictured(&self) {
        if trace::is_on() {
            memory::apart(|| self.map.picture().into_iter().for_each(trace::note_state));
        }
    }

    /// Tells a trace that this op was done, or the part of it that the run is at.
    pub(super) fn told(&self, at: usize) {
        if trace::is_on() {
            let done = || Event::Done { at, part: self.part.map(|part| part.to_string()) };
            memory::apart(|| trace::note(done));
        }
    }

    /// Judges the capacity. O(1).
    fn roomy(&self) -> Verdict {
        match S::CAPABILITIES.has(Capabilities::CAPACITY) {
            true => reference::capacity(self.map.capacity(), self.spec.len()),
            false => Ok(()),
        }
    }

    /// Judges growth work, of a map that promises some.
    #[inline]
    fn worked(before: &Growth, after: &Growth, bound: Bound) -> Verdict {
        if Self::SHARES {
            work::shared(before, after, bound)
        } else if S::CAPABILITIES.has(Capabilities::GO_GROWTH) {
            work::bounded(before, after, bound)
        } else {
            Ok(())
        }
    }

    /// Has the run done enough for another look at everything? Keeps the cost of looking in
    /// proportion to that of the ops.
    fn affords(&mut self) -> bool {
        let cost = self.spec.len() as u64 + 1;
        let more = if Self::PLAIN { 1 } else { LOOKS_MORE };
        let allowed = more * (LOOK_FREE + self.report.ops / OPS_PER_LOOK);
        let affordable = self.looked + cost <= allowed;
        self.looked += if affordable { cost } else { 0 };
        affordable
    }

    /// Structure, contents and drops. O(n).
    #[inline(never)]
    pub(super) fn thorough(&mut self) -> Verdict {
        if Self::GROWS {
            // `after` skips this for reads, which are most ops: a read that did growth work is found here.
            Self::worked(&self.growth, &self.map.growth(), Bound::Read)?;
        }
        if let Err(structure) = well_formed::structure(self.map.check_at_rest()) {
            // Whatever it does to an iteration.
            let contents = panics::caught(|| self.contents("a full iteration"));
            return Err(structure.and(contents.unwrap_or(Ok(()))));
        }
        self.contents("a full iteration")?;
        reference::emptiness(self.map.is_empty(), self.spec.len())?;
        self.roomy()?;
        self.account()
    }

    /// A full iteration is compared with the spec.
    pub(super) fn contents(&mut self, view: &str) -> Verdict {
        let mut seen = self.collect();
        let verdict = reference::contents(view, &mut seen, &self.spec, true);
        self.scratch = seen;
        verdict
    }

    /// **structure first**: an answer that differs, or growth work undone, may be the first that shows of a broken
    /// structure. If everything is to be looked at, that is what is objected to; a fickle hasher breaks it by itself.
    pub(super) fn beneath(&mut self, objection: Box<Objection>) -> Box<Objection> {
        let is_surface = [reference::NAME, work::NAME, iteration::NAME].contains(&objection.oracle);
        if self.checks < Checks::Every || !is_surface || self.fickle {
            return objection;
        }
        match panics::caught(|| well_formed::structure(self.map.check_at_rest())) {
            // The spec has done the op when its length or its work is judged, not always when an answer is.
            Ok(Err(structure))
                if objection.rule == reference::LENGTH || objection.oracle == work::NAME =>
            {
                let contents = panics::caught(|| self.contents("a full iteration"));
                structure.and(contents.unwrap_or(Ok(())))
            }
            Ok(Err(structure)) => structure.and(Err(objection)),
            _ => objection,
        }
    }

    pub(super) fn account(&self) -> Verdict {
        let deferred = S::CAPABILITIES.has(Capabilities::DEFERS_DROPS);
        let allowance = Allowance { leaks: self.allowance.leaks || deferred, ..self.allowance };
        let len = if self.fickle { self.map.len() } else { self.spec.len() };
        let held = [K::COUNTED, V::COUNTED].map(|counted| if counted { len } else { 0 });
        if Self::COUNTED { drops::account(held, allowance) } else { Ok(()) }
    }
}
