//! A planted fault: a unified diff under a header that says what it breaks.
//!
//! ```text
//!   Breaks: what is wrong, and how it shows.
//!   Idea: where the mistake comes from.
//!   Kind: sequential | concurrent
//!   Seen by: the oracles and engines that should object
//!   Scenario: the races that it needs, if it needs some      (may be left out)
//!
//!   diff --git a/map-core/src/… …
//! ```
//! A patch without a header is a fault, too: it is of both kinds.
//!
//! The mutants that `cargo mutants --list --json --diff` lists are faults as well.

use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// Which of the maps is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Map`.
    Sequential,
    /// `ConcurrentMap`, when threads meet.
    Concurrent,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name without `.patch`.
    pub slug: String,
    /// The file.
    pub path: PathBuf,
    /// What it breaks.
    pub breaks: String,
    /// Its kind, if it says one.
    pub kind: Option<Kind>,
    /// The scenarios whose race it needs.
    pub scenarios: Vec<String>,
    /// The whole text: results belong to it, not to the name.
    pub text: String,
}

impl Fault {
    /// Reads a patch.
    ///
    /// # Errors
    /// When it cannot be read, or its header says what is not known.
    pub fn read(path: &Path) -> io::Result<Fault> {
        let text = std::fs::read_to_string(path)?;
        let header = text
            .lines()
            .take_while(|line| !line.starts_with("diff --git") && !line.starts_with("--- "));
        let mut fault = Fault {
            slug: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.to_path_buf(),
            breaks: String::new(),
            kind: None,
            scenarios: Vec::new(),
            text: String::new(),
        };
        for line in header {
            match line.split_once(": ") {
                Some(("Breaks", breaks)) => fault.breaks = breaks.to_string(),
                Some(("Kind", "sequential")) => fault.kind = Some(Kind::Sequential),
                Some(("Kind", "concurrent")) => fault.kind = Some(Kind::Concurrent),
                Some(("Kind", kind)) => {
                    let said = format!("kind {kind}: expected sequential or concurrent");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, said));
                }
                Some(("Scenario", names)) => {
                    fault.scenarios = names.split(", ").map(str::to_string).collect();
                }
                _ => {}
            }
        }
        fault.text = text;
        Ok(fault)
    }

    /// Is it of this kind? One that does not say is of each.
    pub fn is(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|own| own == kind)
    }
}

/// Every patch of a folder, by name. With `only`: those whose names contain one of these.
///
/// # Errors
/// When the folder or a patch cannot be read; the text names it.
pub fn read_all(folder: &Path, only: &[String]) -> Result<Vec<Fault>, String> {
    let said = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| said(folder, error))? {
        let path = entry.map_err(|error| said(folder, error))?.path();
        if path.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        let fault = Fault::read(&path).map_err(|error| said(&path, error))?;
        if only.is_empty() || only.iter().any(|part| fault.slug.contains(part.as_str())) {
            faults.push(fault);
        }
    }
    faults.sort_by(|one, other| one.slug.cmp(&other.slug));
    Ok(faults)
}

/// What is read of a mutant in the list of `cargo mutants`.
#[derive(Debug, Deserialize)]
struct Mutant {
    name: String,
    diff: String,
}

/// Every mutant of a list, written to `folder` as a patch. With `only`: as [`read_all`].
///
/// # Errors
/// When the list cannot be read or a patch not be written; the text names it.
pub fn read_mutants(list: &Path, folder: &Path, only: &[String]) -> Result<Vec<Fault>, String> {
    let said = |error: io::Error| format!("{}: {error}", list.display());
    let text = std::fs::read(list).map_err(said)?;
    let mutants: Vec<Mutant> = serde_json::from_slice(&text).map_err(|error| said(error.into()))?;
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(said)?;
    }
    std::fs::create_dir_all(folder).map_err(said)?;
    for Mutant { name, diff } in &mutants {
        let kind = match name.contains("/concurrent") {
            true => "Kind: concurrent\n",
            false if SHARED.iter().any(|file| name.contains(file)) => "",
            false => "Kind: sequential\n",
        };
        let text = format!("Breaks: {name}\nIdea: a mutant\n{kind}\n{diff}\n");
        let words =
            name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let slug = words.collect::<Vec<_>>().join("-");
        std::fs::write(folder.join(format!("{slug}.patch")), text).map_err(said)?;
    }
    read_all(folder, only)
}

/// Files of `map-core` that both maps are built on.
const SHARED: [&str; 3] = ["growth.rs", "tophash.rs", "platform.rs"];
