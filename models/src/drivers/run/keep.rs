//! A finding, written down and told.

use super::{Options, Run};
use crate::case::Case;
use crate::engines::Report;
use crate::engines::threads::Failure;
use crate::finding;

/// The command that finds it again.
pub(super) fn found_by(options: &Options, name: &str, seed: u64) -> String {
    let Options { engine, scheduler, policy, generated, preemptions, jobs, .. } = options;
    let what = if *generated { "--generated" } else { name };
    let mut command =
        format!("found by: cargo models run {what} --engine {} --seed {seed}", engine.name());
    if engine.has_policy() {
        command += &format!(" --scheduler {}", scheduler.name());
    }
    if engine.is_exhaustive() {
        command += &format!(" --preemptions {preemptions}");
    }
    if let Some(policy) = policy {
        command += &format!(" --policy {}", policy.display());
    }
    // Jobs that share a scenario each have draws of their own.
    if *jobs > 1 {
        command += &format!(" --jobs {jobs}");
    }
    command
}

impl Run {
    /// Writes a finding down and says so; false if it could not be written.
    pub(super) fn keep(&self, name: &str, case: &Case, how: &str, report: &Report) -> bool {
        let Some(found) = &report.found else { return true };
        let case = Case { schedule: found.schedule.clone(), ..case.clone() };
        let mut story = format!("scenario {name}, {how}\n");
        for link in &found.chain {
            story += &format!("chain: {link}\n");
        }
        story += &found_by(&self.options, name, self.seed);
        let kept = finding::keep(&self.options.findings, &case, &found.finding, &story);
        println!("{name}:\n{}\n{story}", found.finding);
        match kept {
            Ok(path) => {
                println!("replay: cargo models replay {}", path.display());
                true
            }
            Err(error) => {
                let place = self.options.findings.display();
                eprintln!("cannot write to {place}: {error}; the case follows\n{case}");
                false
            }
        }
    }

    /// The same for what real threads did: their history.
    pub(super) fn keep_history(&self, name: &str, failure: &Failure) -> bool {
        println!("{name}:\n{failure}");
        match failure.keep(&self.options.findings) {
            Ok(path) => {
                println!("judge it again: cargo models replay {}", path.display());
                true
            }
            Err(error) => {
                let place = self.options.findings.display();
                eprintln!(
                    "cannot write to {place}: {error}; the history follows\n{}",
                    failure.history
                );
                false
            }
        }
    }
}
