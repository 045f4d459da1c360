//! `indexmap::IndexMap`: an entirely different layout behind the same words.

use super::std::ALL_OF_STD;
use crate::elements::{Key, Value};
use crate::generators::hashers::ModelState;
use crate::oracles::sizes;
use crate::subject::{Capabilities, EntryAnswer, EntryPath, Mutably, NoCursor, SequentialSubject};
use indexmap::{IndexMap, map};

impl<K: Key, V: Value> SequentialSubject<K, V> for IndexMap<K, V, ModelState> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities = ALL_OF_STD.without(Capabilities::DISJOINT);

    std_required!();
    std_optional!();
    std_shrink_to!();
    std_into_parts!();
    std_drain!(..);
    std_extract!(..);
    std_entry!(map, swap_remove, swap_remove_entry, |entry, value| Some(
        entry.insert_entry(value).get().number()
    ));

    fn remove(&mut self, key: &K) -> Option<V> {
        self.swap_remove(key)
    }
    fn remove_entry(&mut self, key: &K) -> Option<(K, V)> {
        self.swap_remove_entry(key)
    }
}
