//! `cargo models go-trace FILE…`: recordings of Go's map, held against `map_core::Map`.

use super::Exit;
use crate::command::{command, quoted};
use crate::go_trace::{Trace, replay};
use crate::oracles::panics::{Cause, caught};
use std::path::{Path, PathBuf};

/// Which recordings.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Recordings, as `corpus/README.md` describes them.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// Replays every file.
pub fn drive(options: &Options) -> Exit {
    options.files.iter().map(|path| one(path)).max().unwrap_or(Exit::Bad)
}

fn one(path: &Path) -> Exit {
    let name = path.display();
    let trace = match std::fs::read_to_string(path) {
        Ok(text) => Trace::read(&text).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let trace = match trace {
        Ok(trace) => trace,
        Err(error) => {
            eprintln!("{name}: {error}");
            return Exit::Bad;
        }
    };
    match caught(|| replay(&trace)) {
        Ok(Ok(steps)) => {
            println!("{name}: {steps} steps agree");
            Exit::Clean
        }
        Ok(Err(difference)) => {
            println!("{name}: {difference}\nreplay: {} go-trace {}", command(), quoted(path));
            Exit::Found
        }
        Err(Cause::Own(message)) => {
            println!("{name}: panics: the map panicked: {message}");
            Exit::Found
        }
        Err(Cause::Injected(site)) => unreachable!("nobody armed a panic of {}", site.name()),
    }
}
