//! Files that are complete or not there, whenever the process ends. Errors name them.
//!
//! # Checked by
//! `tests/killed.rs`, `tests/command_line.rs`.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes a file, in the place of one of its name.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match beside(path, bytes)?.persist(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(named(path, &error.error)),
    }
}

/// Writes a file, unless there is one of its name; was it written?
///
/// # Errors
/// When the folder cannot be made or written.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match beside(path, bytes)?.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(named(path, &error.error)),
    }
}

/// Could these files be written? Asked before the work of hours of which they are to tell.
///
/// # Errors
/// What is in the way of the first that could not.
pub fn ready<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> io::Result<()> {
    paths.into_iter().try_for_each(|path| match path.is_dir() {
        true => Err(named(path, &io::ErrorKind::IsADirectory.into())),
        false => beside(path, &[]).map(drop),
    })
}

/// About as much as a finding takes.
const ROOM: usize = 4096;

/// Could files be written into this folder, which need not be there yet? Asked before the work of hours, too; leaves nothing.
///
/// # Errors
/// What is in the way.
pub fn takes(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    let write = || {
        let file = hidden(there)?;
        // A disk that is full still takes names.
        file.as_file().write_all(&[0; ROOM])?;
        file.as_file().sync_all()
    };
    write().map_err(|error| named(folder, &error))
}

/// An error that says which file it is of.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The bytes on disk, under a name that hides.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let file = hidden(folder)?;
        // Not by way of `file`, whose errors say its name, which nobody has asked for.
        file.as_file().write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error| named(path, &error))
}

/// An empty file under such a name. It will be kept, so the umask says who may read it; of tempfile's own, only its owner may.
fn hidden(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".writing-").make_in(folder, |path| File::create_new(path))
}
