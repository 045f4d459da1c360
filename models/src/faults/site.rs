//! Where faults are planted: the patches that are meant, and a scratch folder that no other run uses.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::copy::is_workspace;
use super::mutants::{self, Mutants};
use super::patch::{Fault, read_all};
use std::fs::File;
use std::io;
use std::path::PathBuf;

/// Which faults, and where to plant them.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// A folder of patches.
    #[arg(long, value_name = "DIRECTORY", default_value = "corpus/faults")]
    pub dir: PathBuf,
    /// Only faults whose names contain one of these.
    #[arg(long, value_name = "SLUG", value_delimiter = ',', num_args = 1..)]
    pub only: Vec<String>,
    /// Of these, every N-th only, the K-th first (K counts from 0, as with cargo-mutants).
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub shard: Option<(usize, usize)>,
    /// The workspace to break.
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    pub workspace: PathBuf,
    /// Where copies, build products and results are kept.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/faults")]
    pub scratch: PathBuf,
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    numbers.filter(|(k, n)| k < n).ok_or_else(|| "not K/N with K below N".to_string())
}

/// Faults, and a scratch folder that is ours for as long as this lives.
#[derive(Debug)]
pub struct Site {
    /// The faults, at least one.
    pub faults: Vec<Fault>,
    /// The scratch folder, from the root.
    pub scratch: PathBuf,
    /// Two runs would build over each other.
    _lock: File,
}

impl Place {
    /// Reads the patches of the folder, or of a list of mutants in place of it, and takes possession of the scratch folder: what
    /// is mistyped is said before anything is made.
    ///
    /// # Errors
    /// When there is nothing to break, when another run is at work there, when something cannot be read or made, and when no
    /// patch is meant.
    pub fn open(&self, mutants: Option<Mutants<'_>>) -> Result<Site, String> {
        if !is_workspace(&self.workspace) {
            let folder = self.workspace.display();
            return Err(format!(
                "{folder}: not a workspace with map-core and models; --workspace names it"
            ));
        }
        let patches = self.scratch.join("mutants");
        let (mut faults, from) = match mutants {
            Some(mutants) => (mutants::read(mutants, &patches, &self.only)?, mutants.list),
            None => (read_all(&self.dir, &self.only)?, self.dir.as_path()),
        };
        if faults.is_empty() {
            return Err(format!("{}: no patch is in it", from.display()));
        }
        if let Some((first, shards)) = self.shard {
            faults = faults.into_iter().skip(first).step_by(shards).collect();
            if faults.is_empty() {
                return Err(format!("no patch is in shard {first}/{shards}"));
            }
        }
        let said = |error: io::Error| format!("{}: {error}", self.scratch.display());
        std::fs::create_dir_all(&self.scratch).map_err(said)?;
        let scratch = self.scratch.canonicalize().map_err(said)?;
        let lock = File::create(scratch.join("lock")).map_err(said)?;
        if lock.try_lock().is_err() {
            return Err(format!("{}: another run is at work there", scratch.display()));
        }
        if mutants.is_some() {
            mutants::write(&faults, &patches).map_err(said)?;
        }
        Ok(Site { faults, scratch, _lock: lock })
    }
}
