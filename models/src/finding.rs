//! A finding: what an oracle objected to, where in which case, and how it is kept.
//!
//! A finding is on disk before anything else is done with it, under a name that no other has.
//!
//! # Not here
//! Making it smaller: see `triage`.
//! # Checked by
//! `tests/oracles.rs`, `tests/command_line.rs`.

use crate::case::{Case, Expectation};
use crate::files;
use crate::op::Op;
use crate::oracles::Objection;
use crate::subject::Growth;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The oracle's objection.
    pub objection: Objection,
    /// The op it objected to: its index in its thread, counted from 0. The number of ops if it was the end of the run.
    pub at: usize,
    /// What that op was doing (for an op made of others: the one of those). `None`: it was none, and the objection says what.
    pub op: Option<Op>,
    /// How far the map had grown, if it grows by steps.
    pub growth: Option<Growth>,
}

impl Finding {
    /// Is it the same failure: same oracle, same rule?
    pub fn is_like(&self, other: &Finding) -> bool {
        self.objection.oracle == other.objection.oracle
            && self.objection.rule == other.objection.rule
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Objection { oracle, rule, detail, also } = &self.objection;
        match self.op {
            Some(op) => write!(f, "{oracle}: op {} {op} {detail}", self.at)?,
            None => write!(f, "{oracle}: {detail}")?,
        }
        if let Some(also) = also {
            write!(f, "; also, {}", also.detail)?;
        }
        if let Some(growth) = self.growth {
            write!(f, "   [{growth}]")?;
        }
        write!(f, "\nrule: {rule}")
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = self.buckets_log2;
        match self.old_buckets {
            Some(old) => write!(f, "growing 2^{}→2^{new}, mark {}/{old}", old.ilog2(), self.mark),
            None => write!(f, "not growing, 2^{new} buckets"),
        }
    }
}

/// Writes the case into `directory` with the finding as its story; returns the file, whose name is
/// `<oracle>-<hash of the case>.case`, with a number if that is taken by another.
///
/// The file is complete or not there, and replaces no other.
///
/// # Errors
/// When the directory cannot be made or written.
pub fn keep(directory: &Path, case: &Case, finding: &Finding, how: &str) -> io::Result<PathBuf> {
    keep_as(directory, case, finding.objection.oracle, &format!("{finding}\n{how}"))
}

/// [`keep`], of a finding in words.
///
/// # Errors
/// When the directory cannot be made or written.
pub fn keep_as(directory: &Path, case: &Case, oracle: &str, story: &str) -> io::Result<PathBuf> {
    let mut kept = case.clone();
    kept.expect = Expectation::Pass;
    kept.story = story.lines().map(str::to_string).collect();
    let text = kept.to_string();
    let name = format!("{oracle}-{:08x}", fnv(text.as_bytes()) as u32);
    for attempt in 0.. {
        let suffix = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let path = directory.join(format!("{name}{suffix}.case"));
        let is_this = || std::fs::read(&path).is_ok_and(|there| there == text.as_bytes());
        if files::create(&path, text.as_bytes())? || is_this() {
            return Ok(path);
        }
    }
    unreachable!("some number is free")
}

/// FNV-1a, 64 bits.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(FNV_OFFSET, |hash, &byte| fnv_step(hash, byte))
}

/// Where FNV-1a begins.
pub const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// One byte of FNV-1a.
pub fn fnv_step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}
