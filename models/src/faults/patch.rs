//! A planted fault: a unified diff under a header that says what it breaks.
//!
//! ```text
//!   Breaks: what is wrong, and how it shows.
//!   Idea: where the mistake comes from.
//!   Kind: sequential | concurrent
//!   Seen by: the oracles and engines that should object
//!   Scenario: the races that it needs, if it needs some      (may be left out)
//!   Test: where map-core's own tests show it, if no hunter does: a file of map-core/tests, `lib` or `doc`    (likewise)
//!
//!   diff --git a/map-core/src/… …
//! ```
//! A patch without a header is a fault, too: it is of both kinds.

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
    /// Which of map-core's tests show it.
    pub test: Option<String>,
    /// The whole text: results belong to it, not to the name.
    pub text: String,
}

impl Fault {
    /// Reads a patch.
    ///
    /// # Errors
    /// When it cannot be read, or its header says what is not known.
    pub fn read(path: &Path) -> io::Result<Fault> {
        Fault::parse(path, std::fs::read_to_string(path)?)
    }

    /// The fault of a patch with this text, which is in this file or will be.
    ///
    /// # Errors
    /// When its header says what is not known.
    pub fn parse(path: &Path, text: String) -> io::Result<Fault> {
        let header = text
            .lines()
            .take_while(|line| !line.starts_with("diff --git") && !line.starts_with("--- "));
        let mut fault = Fault {
            slug: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.to_path_buf(),
            breaks: String::new(),
            kind: None,
            scenarios: Vec::new(),
            test: None,
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
                Some(("Test", name)) => fault.test = Some(name.to_string()),
                _ => {}
            }
        }
        fault.text = text;
        Ok(fault)
    }

    /// Is it of this kind? One that does not say is of each; every one is of `None`.
    pub fn is(&self, kind: Option<Kind>) -> bool {
        self.kind.is_none() || kind.is_none() || self.kind == kind
    }
}

/// Every patch of a folder, by name. With `only`: those whose names contain one of these.
///
/// # Errors
/// When the folder or a patch cannot be read, and when no name contains one of `only`; the text names it.
pub fn read_all(folder: &Path, only: &[String]) -> Result<Vec<Fault>, String> {
    let said = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| said(folder, error))? {
        let path = entry.map_err(|error| said(folder, error))?.path();
        if path.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        faults.push(Fault::read(&path).map_err(|error| said(&path, error))?);
    }
    meant(faults, only).map_err(|said| format!("{}: {said}", folder.display()))
}

/// Those that are meant, by name.
///
/// # Errors
/// The first part that no name contains, in words: a list with a slip in it would be shorter than it looks.
pub(super) fn meant(mut faults: Vec<Fault>, only: &[String]) -> Result<Vec<Fault>, String> {
    let is_named = |part: &&String| faults.iter().any(|fault| fault.slug.contains(*part));
    if let Some(stranger) = only.iter().find(|part| !is_named(part)) {
        return Err(format!("no patch is called {stranger}"));
    }
    let is_meant = |slug: &str| only.iter().any(|part| slug.contains(part.as_str()));
    faults.retain(|fault| only.is_empty() || is_meant(&fault.slug));
    faults.sort_by(|one, other| one.slug.cmp(&other.slug));
    Ok(faults)
}
