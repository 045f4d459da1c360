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

    /// Where the current task is, for messages.
    pub(super) fn whereabouts(&self) -> String {
        self.tasks[self.current].whereabouts()
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
                let (name, place) = (&self.tasks[doer.task].name, self.whereabouts());
                let detail = format!("by {name}{place} {detail}");
                self.object(RECLAMATION, rule, detail);
                false
            }
        }
    }

    /// Notes an objection of the current task's doing and ends the execution; does nothing if it has ended.
    pub(super) fn object(&mut self, oracle: &'static str, rule: &str, detail: String) {
        self.object_to(self.current, oracle, rule, detail);
    }

    /// The same, of a task's doing.
    pub(super) fn object_to(
        &mut self,
        task: usize,
        oracle: &'static str,
        rule: &str,
        detail: String,
    ) {
        if self.phase == Phase::Over || self.phase == Phase::Idle {
            return;
        }
        self.phase = Phase::Over;
        let Task { op, pending, .. } = &self.tasks[task];
        self.finding = Some(Finding {
            objection: Objection::new(oracle, rule, detail),
            at: pending.map_or(0, |pending| pending.op),
            op: *op,
            growth: None,
        });
    }
}
