//! What was allocated, retired and freed, by whom; and who may still touch it.
//!
//! ```text
//!   Live ──retire──► Retired { holders: the pins that exist now } ──last of them ends──► dead ──► Freed
//!        │                                                                            └─recycled─► Spare ──► Freed
//!        └─deferred─► Retired { holders: every pin } ──────────────the execution ends───────────► Freed
//! ```
//! An object is dead the moment the rules allow it to be reclaimed, and nobody may touch it from then on; nor may, from
//! the retiring on, a thread without one of its holders: such a thread has found an unlinked object. The memory itself
//! is given back when the execution ends, so that a mistake is a finding and not a crash.
//!
//! # Not here
//! The collector that moves them along: see `reclaim`.
//! # Checked by
//! `tests/shuttle_platform.rs`.

use crate::op::Op;
use map_core::platform::{Object, Place};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Who did something: a task, in an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doer {
    pub(super) task: usize,
    pub(super) op: Option<Op>,
}

/// Puts a doer in words.
pub(super) type Names<'a> = &'a dyn Fn(Doer) -> String;

/// Of one pin, in one execution.
pub(super) type PinNumber = u32;

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Live,
    /// Waits for its holders.
    Retired {
        holders: Holders,
        by: Doer,
    },
    /// Kept for use again.
    Spare,
    Freed,
}

/// The pins that may hold a retired object.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holders {
    These(Vec<PinNumber>),
    /// It is in a batch whose grace period has not begun.
    Every,
}

impl Holders {
    fn has(&self, pin: PinNumber) -> bool {
        match self {
            Holders::These(pins) => pins.contains(&pin),
            Holders::Every => true,
        }
    }
}

#[derive(Clone, Debug)]
struct Known {
    kind: Object,
    made_by: Doer,
    state: State,
}

/// Addresses are as good as hashes once the low bits are moved away.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("addresses only");
    }
    fn write_usize(&mut self, address: usize) {
        self.0 = (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(20);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Every object of an execution, by address.
#[derive(Debug, Default)]
pub(super) struct Objects {
    known: HashMap<usize, Known, BuildHasherDefault<AddressHasher>>,
    pins: PinNumber,
    /// Pins that have not ended, with their tasks.
    pinned: Vec<(PinNumber, usize)>,
}

/// A rule broken: which, and how.
pub(super) type Broken = (&'static str, String);

/// This oracle's name.
pub const RECLAMATION: &str = "reclamation";

pub(super) const TOUCH: &str = "nobody touches what it may no longer reach";
pub(super) const RETIRE: &str = "an object is retired once";
pub(super) const UNDER_LOCK: &str = "nothing is retired under a bucket's lock";
/// One that was never retired may be freed at any time, whoever is pinned: only the map knows whether others could reach it.
/// If they could, [`TOUCH`] is broken once they do.
pub(super) const FREE: &str =
    "an object is freed once, and after it was retired by way of the collector";
pub(super) const LEAK: &str = "what was allocated is freed";

impl Objects {
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.pinned.clear();
        self.pins = 0;
    }

    pub(super) fn allocated(&mut self, address: usize, kind: Object, made_by: Doer) {
        self.known.insert(address, Known { kind, made_by, state: State::Live });
    }

    /// A task begins a pin.
    pub(super) fn pin(&mut self, task: usize) -> PinNumber {
        self.pins += 1;
        self.pinned.push((self.pins, task));
        self.pins
    }

    /// A pin ends.
    pub(super) fn unpin(&mut self, pin: PinNumber) {
        self.pinned.retain(|&(number, _)| number != pin);
    }

    /// An object is retired by one who holds the lock of this bucket, or of none; everyone pinned now may hold the object,
    /// and if its grace period is deferred, everyone who pins later.
    ///
    /// Retiring may reclaim what others have retired, which runs user code.
    pub(super) fn retire(
        &mut self,
        address: usize,
        by: Doer,
        locked: Option<Place>,
        deferred: bool,
        names: Names<'_>,
    ) -> Result<(), Broken> {
        if let Some(place) = locked {
            let kind = self.known.get(&address).map(|known| known.kind);
            let what = kind.map_or("an object".to_string(), |kind| format!("{kind}"));
            return Err((UNDER_LOCK, format!("retired {what} while it holds {place}")));
        }
        let holders = match deferred {
            false => Holders::These(self.pinned.iter().map(|&(number, _)| number).collect()),
            true => Holders::Every,
        };
        let Some(known) = self.known.get_mut(&address) else { return Ok(()) };
        match &known.state {
            State::Live => known.state = State::Retired { holders, by },
            State::Retired { by: first, .. } => {
                let Known { kind, made_by, .. } = known;
                let (made_by, first) = (names(*made_by), names(*first));
                let detail = format!("retired {kind} (made by {made_by}) again; first by {first}");
                return Err((RETIRE, detail));
            }
            State::Spare | State::Freed => {
                return Err((RETIRE, format!("retired {} after it was freed", known.kind)));
            }
        }
        Ok(())
    }

    /// A task is about to use an object.
    pub(super) fn touch(
        &self,
        address: usize,
        task: usize,
        names: Names<'_>,
    ) -> Result<(), Broken> {
        let Some(Known { kind, made_by, state }) = self.known.get(&address) else { return Ok(()) };
        match state {
            State::Live => Ok(()),
            State::Retired { holders, by } => {
                let mine =
                    |&(number, owner): &(PinNumber, usize)| owner == task && holders.has(number);
                if self.pinned.iter().any(mine) {
                    return Ok(());
                }
                let late = match self.is_held(address) {
                    true => "it was unlinked before this thread pinned",
                    false => "all pins from before have ended: it is reclaimed",
                };
                let (made_by, by) = (names(*made_by), names(*by));
                Err((TOUCH, format!("touched {kind} (made by {made_by}) retired by {by}: {late}")))
            }
            State::Spare | State::Freed => {
                let made_by = names(*made_by);
                Err((TOUCH, format!("touched {kind} (made by {made_by}) after it was freed")))
            }
        }
    }

    /// Something is reclaimed to be kept.
    pub(super) fn kept(&mut self, address: usize) {
        if let Some(known) = self.known.get_mut(&address) {
            known.state = State::Spare;
        }
    }

    /// May a thread hold a retired object by this pin?
    pub(super) fn is_held_by(&self, address: usize, pin: PinNumber) -> bool {
        let state = self.known.get(&address).map(|known| &known.state);
        matches!(state, Some(State::Retired { holders, .. }) if holders.has(pin))
    }

    /// May a thread hold a retired object still?
    pub(super) fn is_held(&self, address: usize) -> bool {
        self.pinned.iter().any(|&(pin, _)| self.is_held_by(address, pin))
    }

    /// Memory is about to be given back; `collected`: by the collector.
    pub(super) fn freed(
        &mut self,
        address: usize,
        collected: bool,
        names: Names<'_>,
    ) -> Result<(), Broken> {
        let Some(known) = self.known.get_mut(&address) else { return Ok(()) };
        let Known { kind, made_by, state } = known;
        match state {
            State::Live | State::Spare => {}
            State::Retired { .. } if collected => {}
            State::Retired { by, .. } => {
                let (made_by, by) = (names(*made_by), names(*by));
                let detail = format!("freed {kind} (made by {made_by}), which {by} had retired");
                return Err((FREE, detail));
            }
            State::Freed => {
                return Err((FREE, format!("freed {kind} (made by {}) again", names(*made_by))));
            }
        }
        *state = State::Freed;
        Ok(())
    }

    /// Something that was not freed when all is over.
    pub(super) fn leak(&self, names: Names<'_>) -> Option<Broken> {
        let left = || self.known.values().filter(|known| known.state != State::Freed);
        let first = left().min_by_key(|known| (known.made_by.task, known.kind))?;
        let state = match &first.state {
            State::Retired { by, .. } => format!(", retired by {}", names(*by)),
            _ => String::new(),
        };
        let (count, kind, made_by) = (left().count(), first.kind, names(first.made_by));
        Some((LEAK, format!("leaked {count} objects, one of them {kind} made by {made_by}{state}")))
    }
}
