//! A string of bytes as the schedule.
//!
//! ```text
//!   byte = what << 5 | after        after so many decisions (0 to 31) since the last byte:
//!   what    0        the next drained segment is used again (and a longer pause)
//!           1 2 3    the 1st, 2nd, 3rd other thread that can goes on
//!           4        the thread stops for ever
//!           5        the next evacuation that can be given up is
//!           6        the next insertion starts a growth
//!           7        the next load or store that may be of an older value is
//! ```
//! In between, and when the bytes are used up, all is ordinary: a thread goes on until it ends or waits. So every string
//! is a schedule, short ones have few switches, and to change, drop or insert a byte changes the schedule a little:
//! what a fuzzer wants.
//!
//! # Checked by
//! `tests/schedulers.rs`.

use super::Both;
use crate::engines::shuttle::pending::{Choice, Chooser};
use fastrand::Rng;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::rc::Rc;

/// The most bytes of a string that is drawn.
const DRAWN_MAX: usize = 24;

const RECYCLE: u8 = 0;
const STOP: u8 = 4;
const ABANDON: u8 = 5;
const GROW: u8 = 6;
const STALE: u8 = 7;

/// How far the string has been read.
#[derive(Debug, Default)]
struct Tape {
    bytes: Vec<u8>,
    /// Strings are drawn, one for each execution.
    rng: Option<Rng>,
    at: usize,
    /// Decisions since the last byte.
    since: u8,
    /// What is to happen when it is asked for, by its number.
    armed: [bool; 8],
    ran: bool,
}

impl Tape {
    fn rewind(&mut self) -> bool {
        if let Some(rng) = &mut self.rng {
            let length = rng.usize(..=DRAWN_MAX);
            self.bytes.clear();
            self.bytes.extend((0..length).map(|_| rng.u8(..)));
        } else if self.ran {
            return false;
        }
        (self.at, self.since, self.armed, self.ran) = (0, 0, [false; 8], true);
        true
    }

    /// Makes a decision: which other thread goes on, if one does.
    fn decide(&mut self) -> Option<usize> {
        let mut to = None;
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.since < byte & 0x1f {
                self.since += 1;
                break;
            }
            (self.at, self.since) = (self.at + 1, 0);
            match byte >> 5 {
                nth @ 1..=3 => {
                    to = Some(nth as usize - 1);
                    break;
                }
                what => self.armed[what as usize] = true,
            }
        }
        to
    }
}

struct Switches(Rc<RefCell<Tape>>);

impl Scheduler for Switches {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.0.borrow_mut().rewind().then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _: bool,
    ) -> Option<TaskId> {
        if let [only] = runnable {
            return Some(only.id());
        }
        let here = runnable.iter().position(|task| Some(task.id()) == current).unwrap_or(0);
        let at = match self.0.borrow_mut().decide() {
            Some(nth) => (here + 1 + nth % (runnable.len() - 1)) % runnable.len(),
            None => here,
        };
        Some(runnable[at].id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

struct Choices(Rc<RefCell<Tape>>);

impl Chooser for Choices {
    fn choose(&mut self, _: usize, choice: Choice) -> usize {
        let what = match choice {
            Choice::Stall => STOP,
            Choice::Abandon(..) => ABANDON,
            Choice::GrowEarly(_) => GROW,
            Choice::Read { .. } | Choice::Write { .. } | Choice::Defer => STALE,
            Choice::Recycle => RECYCLE,
        };
        usize::from(std::mem::take(&mut self.0.borrow_mut().armed[what as usize]))
    }
}

fn policy(tape: Tape) -> Both {
    let tape = Rc::new(RefCell::new(tape));
    (Box::new(Switches(Rc::clone(&tape))), Box::new(Choices(tape)))
}

/// The policy that runs one execution by these bytes.
pub fn once(bytes: &[u8]) -> Both {
    policy(Tape { bytes: bytes.to_vec(), ..Tape::default() })
}

/// The policy that draws bytes for each execution.
pub fn drawn(seed: u64) -> Both {
    policy(Tape { rng: Some(Rng::with_seed(seed)), ..Tape::default() })
}
