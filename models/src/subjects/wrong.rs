//! A map that is wrong on purpose, to try out what is done with findings: `map_core::Map`, but
//!
//! - while it grows, `remove` forgets to remove; - inserting k60001 ends the process; - inserting k60002 never ends; - k60003
//!   comes with another value in every other run, by the clock; - inserting k60004 takes a quarter of a second; - while it
//!   grows, `insert` does what the environment variable `WRONG_INSERT` says: `abort`, `exit N`, `overflow` (the stack), `hang`,
//!   `talk`, `mutter` (without ending the line) or `garble` (what is not UTF-8).
//!
//! # Checked by
//! `tests/triage.rs`, `tests/crashes.rs`.

use crate::elements::{Key, Value};
use crate::generators::hashers::ModelState;
use crate::op::Order;
use crate::picture::Picture;
use crate::subject::{Capabilities, Growth, NoCursor, SequentialSubject};
use map_core::Map;
use std::io::Write;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

const DEADLY: u64 = 60_001;
const ENDLESS: u64 = 60_002;
const FICKLE: u64 = 60_003;
const SLOW: u64 = 60_004;

/// What an insert does while the map grows, if that is said.
static INSERT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("WRONG_INSERT").ok());

fn do_wrong(deed: &str) {
    if let Some(number) = deed.strip_prefix("exit ") {
        std::process::exit(number.parse().expect("an exit code"));
    }
    match deed {
        "abort" => std::process::abort(),
        "overflow" => drop(deeper(1)),
        "hang" => sleep_for_ever(),
        "mutter" => print!("."),
        // Whether anybody hears it or not.
        "garble" => drop(std::io::stdout().write_all(b"gro\xdf\n")),
        _ => println!("inserted while growing"),
    }
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Too deep.
fn deeper(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { deeper(depth + 1) + frame[0] }
}

/// The map.
pub struct Wrong<K, V>(Map<K, V, ModelState>);

type Right<K, V> = Map<K, V, ModelState>;

impl<K: Key, V: Value> SequentialSubject<K, V> for Wrong<K, V> {
    type Cursor = NoCursor;
    const CAPABILITIES: Capabilities =
        Capabilities::GO_GROWTH.and(Capabilities::CHECK).and(Capabilities::CAPACITY);

    fn create(state: ModelState, capacity: usize) -> Self {
        Wrong(Map::with_capacity_and_hasher(capacity, state))
    }
    fn get<R>(&self, key: &K, see: impl FnOnce(&V) -> R) -> Option<R> {
        self.0.get(key).map(see)
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(deed) = &*INSERT
            && self.0.growth_state().growing.is_some()
        {
            do_wrong(deed);
        }
        match key.number() {
            DEADLY => std::process::abort(),
            ENDLESS => sleep_for_ever(),
            SLOW => {
                std::thread::sleep(Duration::from_millis(250));
                self.0.insert(key, value)
            }
            FICKLE => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let odd = now.is_ok_and(|now| now.as_nanos() / 1_000 % 2 == 1);
                self.0.insert(key, V::make(value.number() + u64::from(odd)))
            }
            _ => self.0.insert(key, value),
        }
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        if self.0.growth_state().growing.is_some() { None } else { self.0.remove(key) }
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.0.iter().for_each(|(key, value)| visit(key, value));
    }
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }
    fn try_reserve(&mut self, additional: usize) -> bool {
        self.0.try_reserve(additional).is_ok()
    }
    fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
    fn growth(&self) -> Growth {
        <Right<K, V> as SequentialSubject<K, V>>::growth(&self.0)
    }
    fn evacuate(&mut self, buckets: usize) -> usize {
        self.0.evacuate(buckets)
    }
    fn set_order(&mut self, order: Order) {
        <Right<K, V> as SequentialSubject<K, V>>::set_order(&mut self.0, order);
    }
    fn check(&self) -> Result<(), (String, String)> {
        <Right<K, V> as SequentialSubject<K, V>>::check(&self.0)
    }
    fn picture(&self) -> Option<Picture> {
        <Right<K, V> as SequentialSubject<K, V>>::picture(&self.0)
    }
}
