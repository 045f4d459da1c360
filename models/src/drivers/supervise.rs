//! Supervision: a hunter is a process of its own, so a map that crashes, or never comes back, costs a hunter and not the case.
//!
//! ```text
//!   supervisor ─── starts itself once more, `--hunter`, with the same options ──► hunter
//!       ▲                                                                          │ before each case: its number,
//!       ├──── board: words in a file without a name, the hunter's standard input ◄─┤ written in a microsecond; last of all, what it came to
//!       └──── lines: what it finds, its standard output ◄──────────────────────────┘
//! ```
//! The clock, patience and ctrl-C are the supervisor's; so are findings. What it needs of a hunter that is gone is on the board.
//!
//! # Invariants
//! - **no orphans**: a process that was started with `--child-of` ends within a moment of that one.
//! - **its own words**: what a hunter came to is what it said on the board. A map may exit with any number.
//! # Not here
//! Running one case where it can do no harm: see `triage::worker`.
//! # Checked by
//! `tests/crashes.rs`, `tests/killed.rs`.

use super::Exit;
use crate::triage::worker::{bare, next_line, start, this_program};
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::{self, Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long nobody looks.
pub const NAP: Duration = Duration::from_millis(50);
/// Lines that a hunter may be ahead of its supervisor.
const LINES_MAX: usize = 1024;
/// What a process exits with whose parent is gone: nobody sees it.
const ORPHANED: i32 = 4;

/// Ends this process soon after its parent has ended, however that did.
pub fn end_with(parent: u32) {
    thread::spawn(move || {
        while parent_id() == parent {
            thread::sleep(NAP);
        }
        process::exit(ORPHANED);
    });
}

/// Words that a hunter writes and its supervisor reads, whatever has become of the hunter. The first says what the hunter came to,
/// and is none of those that have a place.
#[derive(Debug)]
pub struct Board(File);

/// Where the words begin that have a place.
const PLACES: u64 = 8;

impl Board {
    /// One of the supervisor's.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new() -> io::Result<Board> {
        // In memory, where there is a file system for that: it needs no room on a disk.
        tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile()).map(Board)
    }

    /// The one that this hunter was given.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn given() -> io::Result<Board> {
        Ok(Board(io::stdin().as_fd().try_clone_to_owned()?.into()))
    }

    /// Writes one word.
    ///
    /// # Errors
    /// When that fails.
    pub fn put(&self, place: usize, word: u64) -> io::Result<()> {
        self.0.write_all_at(&word.to_le_bytes(), PLACES + 8 * place as u64)
    }

    /// Reads one word.
    ///
    /// # Errors
    /// When that fails, or it was not written yet.
    pub fn get(&self, place: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, PLACES + 8 * place as u64)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes it all.
    ///
    /// # Errors
    /// When that fails.
    pub fn write<const N: usize>(&self, words: [u64; N]) -> io::Result<()> {
        self.0.write_all_at(words.map(u64::to_le_bytes).as_flattened(), PLACES)
    }

    /// Reads it all.
    ///
    /// # Errors
    /// When that fails, or it was not written yet.
    pub fn read<const N: usize>(&self) -> io::Result<[u64; N]> {
        let mut bytes = [[0; 8]; N];
        self.0.read_exact_at(bytes.as_flattened_mut(), PLACES)?;
        Ok(bytes.map(u64::from_le_bytes))
    }

    fn end(&self, came: Option<Exit>) -> io::Result<()> {
        self.0.write_all_at(&[came.map_or(0, |exit| exit as u8 + 1)], 0)
    }

    fn came(&self) -> io::Result<Option<Exit>> {
        let mut byte = [0];
        self.0.read_exact_at(&mut byte, 0)?;
        let exits = [Exit::Clean, Exit::Found, Exit::Bad];
        Ok(exits.into_iter().find(|&exit| byte == [exit as u8 + 1]))
    }
}

/// What this hunter came to: its last act.
pub fn ends(exit: Exit) -> Exit {
    // If it cannot be said, the supervisor takes this for a crash.
    let _ = Board::given().and_then(|board| board.end(Some(exit)));
    exit
}

/// What a supervisor hears.
pub enum News {
    /// A line from the hunter.
    Line(String),
    /// Nothing for a while.
    Nap,
    /// It has come to its end, and to this.
    Ended(Exit),
    /// It has ended before that.
    Gone(ExitStatus),
}

/// A process that hunts. It does not outlive this value.
#[derive(Debug)]
pub struct Hunter {
    child: Child,
    lines: Receiver<String>,
    board: Board,
    napped: Instant,
}

impl Hunter {
    /// Starts this program once more, with the verb and options that it was started with, and a seed if that was drawn.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(verb: &str, drawn: Option<u64>, board: &Board) -> io::Result<Hunter> {
        let mut command = bare(this_program()?);
        command.args(["--child-of", &process::id().to_string(), verb, "--hunter"]);
        if let Some(seed) = drawn {
            command.args(["--seed", &seed.to_string()]);
        }
        command.args(env::args_os().skip(1).skip_while(|word| word != OsStr::new(verb)).skip(1));
        // A ctrl-C at the terminal is for the supervisor alone.
        command.stdin(board.0.try_clone()?).stdout(Stdio::piped()).process_group(0);
        board.end(None)?;
        let board = Board(board.0.try_clone()?);
        let mut child = start(&mut command)?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, lines) = sync_channel(LINES_MAX);
        thread::spawn(move || {
            let mut said = BufReader::new(output);
            while let Ok(Some(line)) = next_line(&mut said)
                && sender.send(line).is_ok()
            {}
        });
        Ok(Hunter { child, lines, board, napped: Instant::now() })
    }

    /// Ends it; what it had said that nobody has heard.
    pub fn end(mut self) -> Vec<String> {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.lines.iter().collect()
    }

    /// Waits for something to happen, and not for long.
    ///
    /// # Errors
    /// When the system does not say what became of the hunter.
    pub fn news(&mut self) -> io::Result<News> {
        let left = NAP.saturating_sub(self.napped.elapsed());
        // A hunter that talks without end does not keep its supervisor from looking up.
        let heard = if left.is_zero() {
            Err(RecvTimeoutError::Timeout)
        } else {
            self.lines.recv_timeout(left)
        };
        Ok(match heard {
            Ok(line) => News::Line(line),
            Err(RecvTimeoutError::Timeout) => {
                self.napped = Instant::now();
                News::Nap
            }
            Err(RecvTimeoutError::Disconnected) => match self.child.try_wait()? {
                Some(status) => self.board.came()?.map_or(News::Gone(status), News::Ended),
                // It has closed its output.
                None => {
                    thread::sleep(left);
                    News::Nap
                }
            },
        })
    }
}

impl Drop for Hunter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Patience with what works on one thing.
#[derive(Clone, Debug)]
pub struct Patience {
    naps: u128,
    left: u128,
    at: Option<u64>,
}

impl Patience {
    /// So much of it, counted in naps, not by the clock: a machine that stood still is not a hang.
    pub fn new(patience: Duration) -> Patience {
        let naps = patience.as_nanos().div_ceil(NAP.as_nanos()).max(1);
        Patience { naps, left: naps, at: None }
    }

    /// Another nap has passed, and it is at `number`; is the patience at its end?
    pub fn is_out(&mut self, number: u64) -> bool {
        self.left = if self.at == Some(number) { self.left.saturating_sub(1) } else { self.naps };
        self.at = Some(number);
        self.left == 0
    }
}
