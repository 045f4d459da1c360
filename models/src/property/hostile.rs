//! Ops on hostile elements: a panic is armed, or equal keys have different hashes.

use super::Run;
use crate::elements::{Key, Ledger, Value};
use crate::op::{Op, Site};
use crate::oracles::panics::{self, Cause};
use crate::oracles::work::Bound;
use crate::oracles::{Verdict, drops, reference, well_formed};
use crate::spec::Spec;
use crate::subject::SequentialSubject;

/// With a fickle hasher, everything is looked at once in so many ops.
const BEAR_LOOKS: u32 = 16;

impl<S: SequentialSubject<K, V>, K: Key, V: Value, M: Spec> Run<S, K, V, M> {
    /// One op while a panic is armed.
    #[inline(never)]
    pub(super) fn step_armed(&mut self, op: Op) -> Verdict {
        if Self::is_composite(op) || matches!(op, Op::PanicAt(..)) {
            return self.step_rare(op);
        }
        Ledger::watch(true);
        let result = panics::caught(|| self.apply(op));
        Ledger::watch(false);
        self.armed = Ledger::armed().is_some();
        let site = match result {
            Ok(Ok(Some(bound))) => return self.after(bound),
            Ok(verdict) => return verdict.map(|_| ()),
            Err(Cause::Own(message)) => return panics::unasked(&message),
            Err(Cause::Injected(site)) => site,
        };
        self.report.panics += 1;
        let empties = matches!(
            op,
            Op::Clear | Op::Drain | Op::DrainDrop(_) | Op::IntoIter | Op::IntoIterDrop(_)
        );
        let drops_all = empties && Self::DROPS_ALL;
        self.allowance.leaks |= site == Site::Drop && !drops_all;
        // What a cursor had yielded when the panic came through it is not known.
        if let Op::CursorStep(c, _) = op {
            self.cursors[c as usize] = None;
        }
        well_formed::structure(self.map.check_at_rest())?;
        // **spec last**: the spec is as it was before the op.
        let before = std::mem::take(&mut self.spec);
        let mut after = before.clone();
        after.apply(op, self.now);
        let mut seen = self.collect();
        seen.sort_unstable_by_key(|entry| entry.key);
        self.spec = panics::settled(&before, &after, &seen)?;
        self.scratch = seen;
        if site == Site::Drop && drops_all {
            panics::emptied(self.spec.len())?;
        }
        self.keep_keys(before.len().saturating_sub(self.spec.len()));
        self.growth = self.map.growth();
        self.account()?;
        self.after(Bound::Whole)
    }

    /// Where equal keys have different hashes nobody promises an answer. What is left: the map neither panics nor hangs,
    /// drops everything once and not early, and holds as many entries as it says.
    #[inline(never)]
    pub(super) fn bear(&mut self, verdict: Verdict) -> Verdict {
        if let Err(objection) = verdict
            && (objection.oracle == drops::NAME
                || [panics::UNASKED, reference::LENT].contains(&objection.rule.as_str()))
        {
            return Err(objection);
        }
        if self.had_cursors {
            self.allowance.kept_keys = usize::MAX;
        }
        // The objection may have come before this.
        if Self::GROWS {
            self.growth = self.map.growth();
        }
        // Whatever it says: it looks everywhere.
        if self.now.is_multiple_of(BEAR_LOOKS) {
            drop(self.map.check_at_rest());
            let mut entries = 0;
            self.map.for_each(|_, _| entries += 1);
            reference::walked(self.map.len(), entries)?;
        }
        self.account()
    }

    #[inline(never)]
    pub(super) fn step_fickle(&mut self, op: Op) -> Verdict {
        let verdict = self.step_rare(op);
        self.bear(verdict)?;
        if !Self::is_composite(op) {
            self.told(self.now as usize - 1);
        }
        Ok(())
    }
}
