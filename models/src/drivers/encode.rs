//! `cargo models encode CASE… --into DIRECTORY`: cases as the bytes a fuzz target reads, to seed it.

use super::Exit;
use crate::files;
use crate::input::{self, threads};
use crate::triage::intake::load;
use std::path::{Path, PathBuf};

/// What to encode and where to put it.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Cases, as text.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where the bytes go, each under its case's name without `.case`. Replaces nothing.
    #[arg(long, value_name = "DIRECTORY")]
    pub into: PathBuf,
}

/// Encodes every file.
pub fn drive(options: &Options) -> Exit {
    let encode = |path: &PathBuf| match one(path, &options.into) {
        Ok(written) => {
            println!("{}", written.display());
            Exit::Clean
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            Exit::Bad
        }
    };
    options.files.iter().map(encode).max().unwrap_or(Exit::Bad)
}

fn one(path: &Path, into: &Path) -> Result<PathBuf, String> {
    let case = load(path)?;
    if !case.schedule.is_empty() {
        eprintln!("{}: its schedule is left out", path.display());
    }
    let bytes = match case.is_sequential() {
        true => input::encode(&case),
        false => threads::encode(&case, &[]).ok_or("the case is too large for bytes")?,
    };
    let name = path.file_stem().ok_or("it has no name")?;
    let target = into.join(name);
    match files::create(&target, &bytes) {
        Ok(true) => Ok(target),
        Ok(false) => Err(format!("{}: it is there already", target.display())),
        Err(error) => Err(error.to_string()),
    }
}
