//! Keys and values that know whether they were dropped: once is right, twice or a use afterwards is not.
//!
//! The ledger is per thread, and tests run on threads of their own.

use super::fuse::{Call, burn};
use std::cell::RefCell;
use std::hash::{Hash, Hasher};

/// Equal and hashed by `id`; each instance has its line in the ledger.
pub struct Tracked {
    pub id: u64,
    serial: usize,
    /// Lets Miri see what the ledger can't. Elsewhere it would crash before the ledger can tell.
    #[cfg(miri)]
    block: Box<u8>,
}

#[derive(Default)]
struct Lines {
    alive: Vec<bool>,
    alive_count: usize,
    faults: Vec<String>,
}

thread_local! {
    static LINES: RefCell<Lines> = RefCell::default();
}

pub struct Ledger;

impl Ledger {
    /// A new page: whatever was alive before is no longer counted.
    pub fn reset() {
        LINES.with_borrow_mut(|lines| *lines = Lines::default());
    }

    pub fn alive() -> usize {
        LINES.with_borrow(|lines| lines.alive_count)
    }

    /// Nothing was dropped twice, nothing used after its drop.
    #[track_caller]
    pub fn assert_sound(context: &str) {
        LINES
            .with_borrow(|lines| assert!(lines.faults.is_empty(), "{context}: {:?}", lines.faults));
    }

    /// As [`Ledger::assert_sound`], and exactly `count` are alive.
    #[track_caller]
    pub fn assert_alive(count: usize, context: &str) {
        Ledger::assert_sound(context);
        assert_eq!(Ledger::alive(), count, "{context}: (left) are alive, (right) should be");
    }
}

impl Tracked {
    pub fn new(id: u64) -> Tracked {
        let serial = LINES.with_borrow_mut(|lines| {
            lines.alive.push(true);
            lines.alive_count += 1;
            lines.alive.len() - 1
        });
        Tracked {
            id,
            serial,
            #[cfg(miri)]
            block: Box::new(0),
        }
    }

    /// Notes a fault if this was dropped already.
    pub fn touch(&self) {
        LINES.with_borrow_mut(|lines| {
            if !lines.alive[self.serial] {
                lines.faults.push(format!("{} was used after its drop", self.id));
            }
        });
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        LINES.with_borrow_mut(|lines| {
            // A page may have been turned while this lived.
            let Some(alive) = lines.alive.get_mut(self.serial) else { return };
            if std::mem::replace(alive, false) {
                lines.alive_count -= 1;
            } else {
                lines.faults.push(format!("{} was dropped twice", self.id));
            }
        });
        burn(Call::Drop);
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Tracked {
        self.touch();
        burn(Call::Clone);
        Tracked::new(self.id)
    }
}

impl PartialEq for Tracked {
    fn eq(&self, other: &Tracked) -> bool {
        self.touch();
        other.touch();
        burn(Call::Eq);
        self.id == other.id
    }
}

impl Eq for Tracked {}

impl Hash for Tracked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.touch();
        burn(Call::Hash);
        state.write_u64(self.id);
    }
}

impl std::fmt::Debug for Tracked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.id)
    }
}
