//! What is objected to in an execution, and who did it, in words.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::objects::{Broken, Doer, Names, Objects, RECLAMATION};
use super::task::Task;
use super::world::{Phase, World};
use crate::finding::Finding;
use crate::oracles::Objection;

impl World {
    /// The current task, in its op.
    pub(super) fn doer(&mut self) -> Doer {
        let task = self.current;
        Doer { task, op: self.me().op }
    }

    /// A task, in its op.
    pub(super) fn doer_of(&self, task: usize) -> Doer {
        Doer { task, op: self.tasks[task].op }
    }

    /// Puts a doer in words.
    pub(super) fn name(&self, Doer { task, op }: Doer) -> String {
        let name = &self.tasks[task].name;
        op.map_or_else(|| name.clone(), |op| format!("{name}'s `{op}`"))
    }

    /// Asks the register of objects something, and objects to what it finds broken.
    pub(super) fn register(
        &mut self,
        ask: impl FnOnce(&mut Objects, Doer, Names<'_>) -> Result<(), Broken>,
    ) -> bool {
        if matches!(self.phase, Phase::Idle | Phase::Over) {
            return true;
        }
        let doer = self.doer();
        let mut objects = std::mem::take(&mut self.objects);
        let answer = ask(&mut objects, doer, &|doer| self.name(doer));
        self.objects = objects;
        match answer {
            Ok(()) => true,
            Err((rule, detail)) => {
                self.object(RECLAMATION, rule, detail);
                false
            }
        }
    }

    /// Objects to what the current task did, in words that its name goes before.
    pub(super) fn object(&mut self, oracle: &'static str, rule: &str, did: String) {
        self.object_to(self.current, oracle, rule, did);
    }

    /// The same, of another task's doing.
    pub(super) fn object_to(&mut self, task: usize, oracle: &'static str, rule: &str, did: String) {
        if self.phase == Phase::Over || self.phase == Phase::Idle {
            return;
        }
        let doer = &self.tasks[task];
        // A finding names the op first.
        let by = if doer.op.is_some() { "by " } else { "" };
        let detail = format!("{by}{}{} {did}", doer.name, doer.whereabouts());
        self.over(task, Objection::new(oracle, rule, detail));
    }

    /// The execution ends with an objection, while this task was at something; nothing happens if it has ended.
    pub(super) fn over(&mut self, task: usize, objection: Objection) {
        if self.phase == Phase::Over || self.phase == Phase::Idle {
            return;
        }
        self.phase = Phase::Over;
        let Task { op, pending, .. } = &self.tasks[task];
        self.finding = Some(Finding {
            objection,
            at: pending.map_or(0, |pending| pending.op),
            op: *op,
            growth: None,
        });
    }
}
