//! Well formed: every claim the map makes about its own structure holds.

use super::{Objection, Verdict};

/// This oracle's name.
pub const NAME: &str = "well-formed";

/// Passes on what the map's own `check` says; the rule is the claim it names.
pub fn structure(check: Result<(), (String, String)>) -> Verdict {
    match check {
        Ok(()) => Ok(()),
        Err((claim, detail)) => {
            let detail = format!("left a map that breaks \"{claim}\": {detail}");
            Objection::raise(NAME, &claim, detail)
        }
    }
}
