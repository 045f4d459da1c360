//! Mutants as faults: what `cargo mutants --list --json --diff` lists, each written down as a patch.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::patch::{Fault, meant};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Files of `map-core` that both maps are built on.
const SHARED: [&str; 2] = ["growth.rs", "tophash.rs"];
/// Files of the concurrent map alone.
const CONCURRENT: [&str; 2] = ["src/concurrent", "src/platform"];

/// What is read of a mutant in the list.
#[derive(Debug, Deserialize)]
struct Mutant {
    name: String,
    file: String,
    diff: String,
}

/// A list of mutants, and a text that says which of them change nothing: a line for each, with its file and
/// `` `old line` → `new line` ``, whatever else it says.
#[derive(Clone, Copy, Debug)]
pub struct Mutants<'a> {
    /// The list.
    pub list: &'a Path,
    /// The text.
    pub equivalent: &'a str,
}

/// Every mutant of a list, but for the equivalent ones, by name, as a patch that [`write()`] puts into `folder`. With `only`: those
/// whose names contain one of these.
///
/// # Errors
/// When the list cannot be read, and when no name contains one of `only`; the text names it.
pub fn read(
    Mutants { list, equivalent }: Mutants<'_>,
    folder: &Path,
    only: &[String],
) -> Result<Vec<Fault>, String> {
    let said = |error: io::Error| format!("{}: {error}", list.display());
    let text = std::fs::read(list).map_err(said)?;
    let mutants: Vec<Mutant> = serde_json::from_slice(&text).map_err(|error| said(error.into()))?;
    let (mut faults, mut taken) = (Vec::new(), BTreeMap::new());
    for mutant in mutants.iter().filter(|mutant| !mutant.is_in(equivalent)) {
        let slug = mutant.slug();
        let nth = taken.entry(slug.clone()).and_modify(|nth| *nth += 1).or_insert(1);
        let name = if *nth == 1 { slug } else { format!("{slug}-{nth}") };
        faults.push(Fault::parse(&folder.join(name + ".patch"), mutant.patch()).map_err(said)?);
    }
    meant(faults, only).map_err(|said| format!("{}: {said}", list.display()))
}

/// Writes mutants down as patches, in place of all that is in their folder.
///
/// # Errors
/// When a file cannot be removed or written.
pub fn write(mutants: &[Fault], folder: &Path) -> io::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    mutants.iter().try_for_each(|fault| std::fs::write(&fault.path, &fault.text))
}

impl Mutant {
    /// The words of its name; operators are none, so several may have the same.
    fn slug(&self) -> String {
        let name = self.name.strip_prefix("map-core/src/").unwrap_or(&self.name);
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// Is it among these? By what it changes, not where: lines move.
    fn is_in(&self, equivalent: &str) -> bool {
        let mut lines = self.diff.lines().skip(2);
        let mut changed = |sign| {
            let line = lines.find_map(|line| line.strip_prefix(sign))?;
            Some(line.replace("/* ~ changed by cargo-mutants ~ */", "").trim().to_string())
        };
        let (Some(old), Some(new)) = (changed('-'), changed('+')) else { return false };
        let change = format!("`{}` → `{}`", words(&old), words(&new));
        equivalent.lines().any(|line| line.contains(&self.file) && line.contains(&change))
    }

    /// The patch with its header. The diff of the list has the mutant's name where `git apply` wants a file.
    fn patch(&self) -> String {
        let Mutant { name, file, diff } = self;
        let is_of = |files: &[&str]| files.iter().any(|part| file.contains(part));
        let kind = match () {
            () if is_of(&CONCURRENT) => "Kind: concurrent\n",
            () if is_of(&SHARED) => "",
            () => "Kind: sequential\n",
        };
        let hunks = diff.splitn(3, '\n').nth(2).unwrap_or_default();
        format!("Breaks: {name}\nIdea: a mutant\n{kind}\n--- a/{file}\n+++ b/{file}\n{hunks}\n")
    }
}

/// With one blank between words.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
