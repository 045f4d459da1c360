//! Which places threads meet at, learned from what they did.
//!
//! Most operations of a map are on memory that no other thread ever touches, and which of two such operations goes first
//! changes nothing. A place is **shared** once two threads have used it, in any executions, and one of them wrote it.
//! Places have the same names in every execution (`engines::shuttle::pending`), so what one execution shows the next ones
//! know.
//!
//! # Checked by
//! `tests/schedulers.rs`.

use crate::engines::shuttle::pending::{Location, Pending};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The threads that used a place, as bits.
#[derive(Clone, Copy, Debug, Default)]
struct Users {
    all: u32,
    writers: u32,
}

impl Users {
    fn share(self) -> bool {
        self.writers != 0 && self.all.count_ones() > 1
    }
}

/// What is known of places.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    users: HashMap<Location, Users, FixedState>,
    /// The places known to be shared, in the order in which that was learned.
    known: Vec<Location>,
}

impl Shared {
    /// A task does this.
    pub fn note(&mut self, task: usize, done: &Pending) {
        if done.location == Location::NONE {
            return;
        }
        let users = self.users.entry(done.location).or_default();
        let knew = users.share();
        users.all |= 1 << task;
        users.writers |= u32::from(done.access.writes()) << task;
        if users.share() && !knew {
            self.known.push(done.location);
        }
    }

    /// Have threads been seen to meet there?
    pub fn is_shared(&self, place: Location) -> bool {
        self.users.get(&place).is_some_and(|users| users.share())
    }

    /// Every place where threads meet, as far as is known.
    pub fn places(&self) -> &[Location] {
        &self.known
    }
}
