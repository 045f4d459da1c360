//! `std::collections::HashMap`: a map that is known to be right, to hold the suite itself against.

use crate::elements::{Key, Value};
use crate::generators::hashers::ModelState;
use crate::oracles::sizes;
use crate::subject::{Capabilities, EntryAnswer, EntryPath, Mutably, NoCursor, SequentialSubject};
use std::collections::{HashMap, hash_map};

pub(super) const ALL_OF_STD: Capabilities = Capabilities::LOOKUPS
    .and(Capabilities::MUTATION)
    .and(Capabilities::DISJOINT)
    .and(Capabilities::ENTRY)
    .and(Capabilities::INSERT_ENTRY)
    .and(Capabilities::VIEWS)
    .and(Capabilities::INTO_PARTS)
    .and(Capabilities::RETAIN)
    .and(Capabilities::DRAIN)
    .and(Capabilities::EXTRACT)
    .and(Capabilities::CLONE)
    .and(Capabilities::EXTEND)
    .and(Capabilities::CAPACITY)
    .and(Capabilities::SHRINK_TO);

impl<K: Key, V: Value> SequentialSubject<K, V> for HashMap<K, V, ModelState> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities = ALL_OF_STD.and(Capabilities::BEARS_LIES);

    std_all!(hash_map, insert_entry);
}
