//! A copy of the workspace, to break and to build.
//!
//! It stays where it is from one fault to the next, and from one run to the next, so that cargo finds its last build:
//! only files whose text differs are written, and only the two crates of the workspace are built again. Copies share a
//! folder of build products, so dependencies are built once for all.

use super::patch::Fault;
use crate::files::named;
use crate::finding::fnv;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// What of a workspace is copied.
const PARTS: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo",
    "map-core",
    "models",
    "fuzz",
    RECORDINGS,
    "corpus/seeds",
];
/// The recordings of Go's map, which a detector compares with.
const RECORDINGS: &str = "corpus/go/traces";
/// Without these there is nothing to break, or nothing to build.
const NEEDED: [&str; 3] = ["Cargo.toml", "map-core/src/lib.rs", "models/Cargo.toml"];
/// What of them is not.
const LEFT_OUT: [&str; 4] = ["fuzz/target", "fuzz/corpus", "fuzz/artifacts", "fuzz/coverage"];
/// The profile that faults are built with.
pub const PROFILE: &str = "faults";

/// A copy of a workspace.
#[derive(Clone, Debug)]
pub struct Copy {
    workspace: PathBuf,
    /// Where the copy is.
    pub root: PathBuf,
    /// Where the program is built: the copies share it, and the dependencies in it.
    pub target: PathBuf,
}

/// Why there is no program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The copy cannot be made.
    Copy(String),
    /// The patch does not apply; what `git apply` said.
    Apply(String),
    /// What came of it does not build; what `cargo` said.
    Build(String),
}

/// One build at a time: copies share the folder of products, and to cargo they are one and the same workspace.
static BUILDING: Mutex<()> = Mutex::new(());

/// Is a build that failed the map's doing, by what cargo said? A machine that was out of memory or room fails as well.
/// A constant of a generic function is computed where that is used, in another package.
pub fn is_of_the_map(said: &str) -> bool {
    let objects = |line: &str| {
        let is_cargos = line.starts_with("error: could not compile");
        line.starts_with("error[E") || line.starts_with("error: ") && !is_cargos
    };
    let places = said.lines().skip(1).map(|line| line.trim_start().starts_with("--> map-core/"));
    let is_at_it = said.lines().zip(places).any(|(line, is_in_it)| is_in_it && objects(line));
    let is_its_package = said.contains("could not compile `map-core`");
    (is_at_it || is_its_package && said.lines().any(objects))
        && !["signal: ", "os error"].iter().any(|end| said.contains(end))
}

/// Is this folder a workspace that can be copied, broken and built?
pub fn is_workspace(folder: &Path) -> bool {
    NEEDED.iter().all(|file| folder.join(file).is_file())
}

impl Copy {
    /// The `number`-th copy of a workspace, under `scratch`.
    pub fn new(workspace: &Path, scratch: &Path, number: usize) -> Copy {
        Copy {
            workspace: workspace.to_path_buf(),
            root: scratch.join(format!("copy-{number}")),
            target: scratch.join("target"),
        }
    }

    /// Makes the copy like the workspace, applies a patch if there is one, and builds the program; returns where it is, and what the
    /// compiler warned of.
    ///
    /// # Errors
    /// When the patch does not apply or build, or the copy cannot be written.
    pub fn make(&self, patch: Option<&Path>) -> Result<(PathBuf, Vec<String>), Broken> {
        // From the first write on: cargo compares the times of our files with that of the last build, whichever copy's.
        let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        self.restore().map_err(|error| Broken::Copy(error.to_string()))?;
        patch.map_or(Ok(()), |patch| self.apply(patch))?;
        let root = self.root.join("map-core/src/lib.rs");
        let touched = std::fs::File::options().append(true).open(&root);
        touched
            .and_then(|file| file.set_modified(SystemTime::now()))
            .map_err(|error| Broken::Copy(named(&root, &error).to_string()))?;
        self.build()
    }

    /// A hash of every file that is copied, and of the compiler: what is patched, what looks at it, and what builds both.
    ///
    /// # Errors
    /// When a file cannot be read, or there is no compiler.
    pub fn hash(&self) -> io::Result<u64> {
        let of_the_compiler = fnv(&self.compiler()?);
        Ok(of_the_compiler ^ self.hash_of(&parts(&self.workspace)?)?)
    }

    /// A hash of the map alone: what is hunted in.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn hash_of_the_map(&self) -> io::Result<u64> {
        let mut all = parts(&self.workspace)?;
        all.retain(|file| file.starts_with("map-core/src"));
        self.hash_of(&all)
    }

    fn hash_of(&self, files: &BTreeSet<PathBuf>) -> io::Result<u64> {
        let mut all = Vec::new();
        for file in files {
            let path = self.workspace.join(file);
            let text = std::fs::read(&path).map_err(|error| named(&path, &error))?;
            all.extend(
                [fnv(file.as_os_str().as_encoded_bytes()), fnv(&text)].map(u64::to_le_bytes),
            );
        }
        Ok(fnv(all.as_flattened()))
    }

    /// What the workspace's compiler says that it is.
    fn compiler(&self) -> io::Result<Vec<u8>> {
        let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut rustc = Command::new(&program);
        rustc.arg("-vV").current_dir(&self.workspace).stdin(Stdio::null());
        let output = rustc.output().map_err(|error| named(Path::new(&program), &error))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// The recordings of Go's map in the copy.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn recordings(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = BTreeSet::new();
        files(&self.root, Path::new(RECORDINGS), &mut found)?;
        Ok(found.into_iter().map(|file| self.root.join(file)).collect())
    }

    /// Makes the copy like the workspace, whatever it was.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn restore(&self) -> io::Result<()> {
        let wanted = parts(&self.workspace)?;
        for extra in parts(&self.root)?.difference(&wanted) {
            let path = self.root.join(extra);
            std::fs::remove_file(&path).map_err(|error| named(&path, &error))?;
        }
        for file in &wanted {
            let (from, to) = (self.workspace.join(file), self.root.join(file));
            let text = std::fs::read(&from).map_err(|error| named(&from, &error))?;
            if std::fs::read(&to).is_ok_and(|there| there == text) {
                continue;
            }
            let write = || {
                std::fs::create_dir_all(to.parent().unwrap_or(&self.root))?;
                std::fs::write(&to, text)?;
                // A script stays one that can be run.
                std::fs::set_permissions(&to, std::fs::metadata(&from)?.permissions())
            };
            write().map_err(|error| named(&to, &error))?;
        }
        Ok(())
    }

    /// Applies a patch.
    ///
    /// # Errors
    /// What `git apply` says, when it does not apply.
    pub fn apply(&self, patch: &Path) -> Result<(), Broken> {
        self.git_apply(patch, &[]).map_err(Broken::Apply)
    }

    /// Takes out those that do not apply to the workspace, with what `git apply` says of them.
    ///
    /// # Errors
    /// When the copy cannot be made.
    pub fn refused(&self, faults: &mut Vec<Fault>) -> io::Result<Vec<(Fault, String)>> {
        self.restore()?;
        let mut refused = Vec::new();
        for fault in std::mem::take(faults) {
            match self.git_apply(&fault.path, &["--check"]) {
                Ok(()) => faults.push(fault),
                Err(said) => refused.push((fault, said)),
            }
        }
        Ok(refused)
    }

    fn git_apply(&self, patch: &Path, more: &[&str]) -> Result<(), String> {
        let patch = patch.canonicalize().unwrap_or_else(|_| patch.to_path_buf());
        let mut git = Command::new("git");
        // The copy may lie in a repository, which is none of its business.
        git.args(["apply", "--whitespace=nowarn"]).args(more).arg(patch).current_dir(&self.root);
        git.env("GIT_CEILING_DIRECTORIES", self.root.parent().unwrap_or(&self.root));
        run(&mut git).map(drop)
    }

    /// Builds the program and puts it where the next build does not overwrite it.
    fn build(&self) -> Result<(PathBuf, Vec<String>), Broken> {
        let mut cargo = self.cargo_into(&self.target);
        cargo.args([
            "build",
            "--quiet",
            "--profile",
            PROFILE,
            "--package",
            "models",
            "--bin",
            "models",
        ]);
        let said = run(&mut cargo).map_err(Broken::Build)?;
        let warnings = said.lines().filter(|line| line.starts_with("warning: "));
        let warnings = warnings.map(str::to_string).collect();
        let program = self.root.join("models-under-test");
        let built = self.target.join(PROFILE).join("models");
        // A new file, not the old one filled anew: a process that hangs may still run that.
        let replace = || match std::fs::remove_file(&program) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => std::fs::copy(&built, &program),
        };
        replace().map_err(|error| Broken::Copy(format!("{}: {error}", program.display())))?;
        Ok((program, warnings))
    }

    /// cargo, in the copy, with products of its own: what is run where it was built, while other copies build.
    pub fn cargo(&self) -> Command {
        self.cargo_into(&self.root.join("target"))
    }

    fn cargo_into(&self, target: &Path) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", target);
        cargo.env("CARGO_INCREMENTAL", "1");
        cargo
    }
}

/// Runs a command; what it says on stderr, or all that it says if it fails.
pub(super) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let program = Path::new(command.get_program());
    let output = output.map_err(|error| named(program, &error).to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_string();
    let said = text(&output.stderr);
    if output.status.success() { Ok(said) } else { Err(said + &text(&output.stdout)) }
}

/// The files of a workspace that are copied, as paths from its root.
fn parts(root: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    PARTS.iter().try_for_each(|part| files(root, Path::new(part), &mut found))?;
    Ok(found)
}

/// The files below a part of a workspace.
fn files(root: &Path, part: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let path = root.join(part);
    if path.is_file() {
        found.insert(part.to_path_buf());
    } else if path.is_dir() {
        let unread = |error: io::Error| named(&path, &error);
        for entry in std::fs::read_dir(&path).map_err(unread)? {
            let part = part.join(entry.map_err(unread)?.file_name());
            if !LEFT_OUT.map(Path::new).contains(&part.as_path()) {
                files(root, &part, found)?;
            }
        }
    }
    Ok(())
}
