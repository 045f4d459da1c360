//! A task of an execution: what it knows, what it is about to do, and how far it is in its op.
//!
//! # Not here
//! Which task runs, and what all of them share: see `world`.
//! # Checked by
//! `tests/shuttle_platform.rs`.

use super::clock::{Clock, Stamp};
use super::memory::Knowledge;
use super::pending::{Access, Pending};
use crate::op::{Kind, Op};
use map_core::platform::{Place, Point};
use std::fmt;
use std::panic::Location as Site;

/// What a task is about to do in the words of the map's code: of a mutex, a scheduler knows the atomic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doing {
    pub(super) access: Access,
    /// Where, unless nobody has written it down: a pin ends by itself.
    pub(super) site: Option<&'static Site<'static>>,
}

impl Doing {
    /// This, where the caller is called.
    #[track_caller]
    pub(super) fn here(access: Access) -> Doing {
        Doing { access, site: Some(Site::caller()) }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its {}", self.access.name())?;
        self.site.map_or(Ok(()), |site| write!(f, " at {}", super::world::site(site)))
    }
}

/// What is to be told once.
pub(super) struct Call(pub(super) Box<dyn FnOnce()>);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

/// A task.
#[derive(Debug, Default)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) knowledge: Knowledge,
    pub(super) pending: Option<Pending>,
    /// The same in words.
    pub(super) doing: Option<Doing>,
    /// The op it is in.
    pub(super) op: Option<Op>,
    /// Tells that the op is called: with its first step, as until then it might as well not be.
    pub(super) call: Option<Call>,
    pub(super) finished: bool,
    /// It waits for a store of another task.
    pub(super) waiting: bool,
    /// It has looked after a wait without being shown what others have done.
    pub(super) missed: bool,
    /// Others' stores when it was last shown them.
    pub(super) stores_seen: u64,
    pub(super) stores_made: u64,
    /// How often it reached each moment in this op.
    pub(super) reached: Vec<(Point, u32)>,
    /// The bucket whose lock it holds, as far as the moments say.
    pub(super) locked: Option<Place>,
    /// Locations it has made.
    pub(super) made: u32,
}

impl Task {
    /// Is the op one of those that promise never to wait?
    pub(super) fn is_reading(&self) -> bool {
        let reads = [Kind::Get, Kind::ContainsKey, Kind::GetKeyValue, Kind::Iter];
        self.op.is_some_and(|op| reads.contains(&op.kind()))
    }

    /// The bucket whose lock it holds before its pending operation, which may be the unlocking.
    pub(super) fn holds(&self) -> Option<Place> {
        self.locked.or_else(|| match self.pending?.point? {
            (Point::AboutToUnlock, place) if self.pending?.steps == 0 => Some(place),
            _ => None,
        })
    }

    /// Where it is, for messages.
    pub(super) fn whereabouts(&self) -> String {
        match self.pending.and_then(|pending| pending.point) {
            Some((point, place)) => format!(" past {point} ({place})"),
            None => String::new(),
        }
    }

    /// What it has not done yet, for a trace.
    pub(super) fn before(&self) -> String {
        let doing = self.doing.filter(|_| !self.finished);
        doing.map_or(String::new(), |doing| format!("before {doing}"))
    }

    /// It has taken a step of its op, or the op ends without any.
    pub(super) fn called(&mut self) {
        if let Some(Call(tell)) = self.call.take() {
            tell();
        }
    }

    /// It begins an op, its `at`-th, or ends one.
    pub(super) fn enter(&mut self, at: usize, op: Option<Op>) {
        self.op = op;
        if op.is_some() {
            self.reached.clear();
            self.locked = None;
            self.pending = Some(Pending { op: at, ..Pending::BEGIN });
        }
    }

    /// It has reached a named moment.
    pub(super) fn reach(&mut self, point: Point, place: Place) {
        let occurrence = match self.reached.iter_mut().find(|(known, _)| *known == point) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.reached.push((point, 0));
                0
            }
        };
        match point {
            Point::Locked | Point::AboutToCopyBucket => self.locked = Some(place),
            Point::AboutToUnlock | Point::PublishedEvacuated => self.locked = None,
            _ => {}
        }
        if let Some(pending) = &mut self.pending {
            *pending = Pending { point: Some((point, place)), occurrence, steps: 0, ..*pending };
        }
    }
}

/// From an op's call to its return, in terms of happens-before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) thread: usize,
    pub(super) op: usize,
    /// What the thread knew at the call.
    pub(super) called: Clock,
    /// When it returned.
    pub(super) returned: Option<Stamp>,
}
