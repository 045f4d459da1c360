//! Panics: no op panics unasked, and one that user code made panic leaves a map that lost nothing it should keep.
//!
//! After a panic in the middle of an op, every entry is as it was before the op or as it is after it, each on its
//! own; entries the op does not concern are untouched; a map that says so is empty after an op that empties it, whatever
//! panicked in a `Drop`. Structure and drops are judged by their own oracles.

use super::reference::Seen;
use super::{Objection, Verdict};
use crate::elements::Injected;
use crate::op::Site;
use crate::quiet::quietly;
use crate::spec::Spec;

/// This oracle's name.
pub const NAME: &str = "panics";

/// How a panic came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was injected here.
    Injected(Site),
    /// Nobody asked for it; what it said and where.
    Own(String),
}

/// Runs `body`; a panic in it is a value.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Cause> {
    quietly(body).map_err(|(payload, message)| match payload.downcast_ref::<Injected>() {
        Some(Injected(site)) => Cause::Injected(*site),
        None => Cause::Own(message),
    })
}

/// Does `body` panic of its own accord, as it should?
pub fn refuses<T>(body: impl FnOnce() -> T) -> bool {
    matches!(caught(body), Err(Cause::Own(_)))
}

/// How a panic begins that says that the map broke a promise to a closure.
pub const ASKED_AGAIN: &str = "asked again about an entry that it has answered about";

/// The same, of one who looks at a view of the map.
pub const LEADS_NOWHERE: &str = "the view leads nowhere";

/// The same, where a chain that is not live shows entries.
pub const SHOWS_UNTRUTH: &str = "the view shows what holds no truth";

/// The same, of one who looks at its health.
pub const BELOW_NOTHING: &str = "a count is below nothing";

/// The same, of either: more of something is claimed, or drained, than there is.
pub const ABOVE_ALL: &str = "a count is above all that there is";

/// The same, of one who checks the map while others write.
pub const BREACH_SEEN: &str = "a check beside others objects to the map";

/// The oracle and the rule that a panic of the shared map's own breaks: if the evacuation barrier raised it, a closure that
/// was asked too often, or who looked at a view or at its health, or checked it, that has a name of its own.
pub fn broken(message: &str) -> (&'static str, &'static str) {
    match message {
        _ if message.contains("evacuation barrier") => {
            (BARRIER, "no write lands ahead of its evacuation")
        }
        _ if message.contains(ASKED_AGAIN) => {
            ("closures", "a closure is asked once about each entry")
        }
        _ if message.contains(LEADS_NOWHERE) => {
            ("view", "what is evacuated has a table that it went to")
        }
        _ if message.contains(SHOWS_UNTRUTH) => ("view", "entries are shown where they live"),
        _ if message.contains(BELOW_NOTHING) => ("view", "no count is below nothing"),
        _ if message.contains(ABOVE_ALL) => ("view", "no count is above all that there is"),
        _ if message.contains(BREACH_SEEN) => {
            ("view", "a check passes over what others are at, and objects to nothing")
        }
        _ => (NAME, UNASKED),
    }
}

/// The name of the oracle that the map itself is, in the evacuation barrier.
pub const BARRIER: &str = "barrier";

/// The rule against panics of the map's own.
pub const UNASKED: &str = "no op panics on its own";

/// A panic that nobody asked for.
pub fn unasked(message: &str) -> Verdict {
    Objection::raise(NAME, UNASKED, format!("panicked: {message}"))
}

/// What the map may hold after a panic in an op that takes `before` to `after`: returns the spec of what it
/// does hold. `seen` is sorted by key.
pub fn settled<M: Spec>(before: &M, after: &M, seen: &[Seen]) -> Result<M, Box<Objection>> {
    let object = |detail| {
        Objection::raise(NAME, "a panic leaves every entry as before or after the op", detail)
    };
    let mut settled = M::default();
    for entry in seen {
        let Seen { key, value, stamp } = *entry;
        let Ok(number) = u16::try_from(key) else {
            return object(format!("left k{key}, which no op uses"));
        };
        let allowed = [before.get(number), after.get(number)]
            .into_iter()
            .flatten()
            .find(|held| held.value == value && stamp.is_none_or(|stamp| stamp == held.born));
        match allowed {
            Some(held) if settled.insert(number, held.value, held.born).is_none() => {}
            Some(_) => return object(format!("left k{key} twice")),
            None => {
                let show = |held: Option<crate::spec::Entry>| {
                    held.map_or("absent".to_string(), |held| {
                        format!("v{} (made by op {})", held.value, held.born - 1)
                    })
                };
                let made = stamp.map_or(String::new(), |stamp| {
                    format!(" (made by op {})", stamp.wrapping_sub(1))
                });
                return object(format!(
                    "left k{key} with v{value}{made}; before the op it was {}, after it {}",
                    show(before.get(number)),
                    show(after.get(number))
                ));
            }
        }
    }
    let mut lost = None;
    before.for_each(|key, _| {
        if lost.is_none() && after.get(key).is_some() && settled.get(key).is_none() {
            lost = Some(key);
        }
    });
    match lost {
        None => Ok(settled),
        Some(key) => {
            object(format!("lost k{key}, which was there before the op and stays after it"))
        }
    }
}

/// What is left after an op that empties the map, though a `Drop` panicked in it.
pub fn emptied(left: usize) -> Verdict {
    match left {
        0 => Ok(()),
        _ => Objection::raise(
            NAME,
            "a map is emptied whatever a Drop does",
            format!("left {left} entries of what was to be emptied"),
        ),
    }
}
