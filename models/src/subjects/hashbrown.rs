//! `hashbrown::HashMap`.

use super::std::ALL_OF_STD;
use crate::elements::{Key, Value};
use crate::generators::hashers::ModelState;
use crate::oracles::sizes;
use crate::subject::{Capabilities, EntryAnswer, EntryPath, Mutably, NoCursor, SequentialSubject};
use hashbrown::{HashMap, hash_map};

impl<K: Key, V: Value> SequentialSubject<K, V> for HashMap<K, V, ModelState> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities = ALL_OF_STD.and(Capabilities::BEARS_LIES);

    std_all!(hash_map, insert);
}
