//! `map_core::Map`: the map this suite was made for.

use super::std::ALL_OF_STD;
use crate::elements::{Key, Value};
use crate::generators::hashers::ModelState;
use crate::op::Order;
use crate::oracles::sizes;
use crate::picture::Picture;
use crate::subject::{Capabilities, EntryAnswer, EntryPath, Growth, Mutably, SequentialSubject};
use map_core::{Cursor, EvacuationOrder, Health, Map, hash_map};

impl<K: Key, V: Value> SequentialSubject<K, V> for Map<K, V, ModelState> {
    type Cursor = Cursor;
    const CAPABILITIES: Capabilities = ALL_OF_STD
        .and(Capabilities::CURSOR)
        .and(Capabilities::GO_GROWTH)
        .and(Capabilities::CHECK)
        .and(Capabilities::BEARS_LIES)
        .and(Capabilities::DROPS_REGARDLESS);

    std_all!(hash_map, insert_entry);

    fn open_cursor(&mut self, start: Option<(usize, usize)>) -> Cursor {
        match start {
            Some((bucket, offset)) => self.cursor_at(bucket, offset),
            None => self.cursor(),
        }
    }
    fn step_cursor<'m>(&'m self, cursor: &mut Cursor) -> Option<(&'m K, &'m V)> {
        cursor.next(self)
    }
    fn is_finished(cursor: &Cursor) -> Option<bool> {
        Some(cursor.is_finished())
    }
    #[inline]
    fn growth(&self) -> Growth {
        let state = self.growth_state();
        Growth {
            started: state.growths_started,
            evacuated: state.evacuated_buckets,
            buckets_log2: state.buckets_log2,
            old_buckets: state.growing.map(|_| state.old_buckets),
            mark: state.mark,
            nested: false,
            overflow: state.overflow_buckets,
            len: self.len(),
            order: Some(match self.evacuation_order() {
                EvacuationOrder::Go => Order::Go,
                EvacuationOrder::InOrder => Order::InOrder,
            }),
        }
    }
    fn evacuate(&mut self, buckets: usize) -> usize {
        Self::evacuate(self, buckets)
    }
    fn set_order(&mut self, order: Order) {
        self.set_evacuation_order(match order {
            Order::Go => EvacuationOrder::Go,
            Order::InOrder => EvacuationOrder::InOrder,
        });
    }
    fn check(&self) -> Result<(), (String, String)> {
        Self::check(self).map_err(|violation| (violation.claim.to_string(), violation.detail))
    }
    fn picture(&self) -> Option<Picture> {
        Some(Picture::of_map(&self.view(), |key, value| (key.number(), value.number())))
    }
    fn health(&self) -> Option<Health> {
        Some(Map::health(self))
    }
}
