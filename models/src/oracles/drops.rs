//! Drops: every key and value is dropped exactly once, and none while the map still holds it.
//!
//! Reads the ledger of `elements`. Values are the map's from insert to removal, so the number alive
//! is the number of entries; keys or values may be of a type that does not count. A map may keep
//! the keys that `remove`, `clear` or a dropped `drain` took out, for its open cursors, until those
//! that could meet them are gone or at their end, and then until the next `remove` or `clear`; so of
//! keys there may be a few more. After a panic in a `Drop`, what was being dropped along with it may leak, as in std: then only "twice" and "early" are
//! judged, unless the map says that it drops all the rest (`Capabilities::DROPS_REGARDLESS`).
//!
//! When a run is over, all memory that it took is free again, the map's own included, and each block was freed with the
//! layout that it was allocated with.

use super::{Objection, Verdict};
use crate::elements::Ledger;
use crate::memory::{self, Misfreed};

/// This oracle's name.
pub const NAME: &str = "drops";

/// The rule about memory that no key or value is.
pub const MEMORY: &str = "no memory leaks";

/// What may be alive besides the entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowance {
    /// Keys that may be kept for cursors.
    pub kept_keys: usize,
    /// A `Drop` has panicked: anything may have leaked.
    pub leaks: bool,
}

/// Judges the ledger while the map holds so many keys and values that count. Call it when none else is alive.
pub fn account(held: [usize; 2], allowance: Allowance) -> Verdict {
    if let Some(fault) = Ledger::fault() {
        let detail = format!("a key or value was {fault}");
        return Objection::raise(NAME, "each key and value is dropped exactly once", detail);
    }
    let (keys, values) = Ledger::live();
    let [held_keys, held_values] = held;
    let len = held_keys.max(held_values);
    if keys < held_keys || values < held_values {
        return Objection::raise(
            NAME,
            "no key or value is dropped early",
            format!("left {keys} keys and {values} values alive, the map holds {len} entries"),
        );
    }
    if !allowance.leaks
        && (values > held_values || keys > held_keys.saturating_add(allowance.kept_keys))
    {
        return Objection::raise(
            NAME,
            "no key or value leaks",
            format!(
                "left {keys} keys and {values} values alive, the map holds {len} entries and may keep {} keys for cursors",
                allowance.kept_keys
            ),
        );
    }
    Ok(())
}

/// Judges how many bytes are still allocated of all that a run took, when it is over.
pub fn memory(bytes: isize) -> Verdict {
    if bytes == 0 {
        return Ok(());
    }
    let detail = format!("left {bytes} bytes allocated when the map was gone");
    Objection::raise(NAME, MEMORY, detail)
}

/// Judges whether what this thread freed was freed as it was allocated.
pub fn layouts() -> Verdict {
    let Some(Misfreed { allocated, freed }) = memory::misfreed() else { return Ok(()) };
    let detail = format!(
        "freed as {} bytes aligned to {} what was allocated as {} bytes aligned to {}",
        freed.size(),
        freed.align(),
        allocated.size(),
        allocated.align()
    );
    Objection::raise(NAME, "memory is freed as it was allocated", detail)
}
