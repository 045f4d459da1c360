//! Real threads on a map that grows all the time: every answer on record, each key's record
//! linearizable, every key and value dropped exactly once.
//!
//! A round: a fresh tiny map, 2 to 8 threads, a few dozen keys of which some collide, a mix of
//! operations drawn for the round; growth is forced by starting at one bucket and by filler keys
//! that come and go. The thread's calls and returns are stamped by one clock. Afterwards each key's
//! history is searched for an order (Wing and Gong, with memo).
//!
//! `MAP_STRESS_SECONDS` makes it longer (`ci/stress.sh`), `MAP_STRESS_SEED` starts it elsewhere. A
//! failure names the seed of its round.
//!
//! # Checked by
//! `a_lost_write_is_illegal` and the other exams of the checker below; the protocol was broken by
//! hand, see the commit messages.

use map_core::ConcurrentMap;
use map_core::concurrent::Operation;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What one call did to one key: what it found, and what it left. `0` is absent.
#[derive(Clone, Copy, Debug)]
struct Event {
    what: What,
    call: u64,
    returned: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Found this, left it.
    Read(u64),
    /// Found this, left that.
    Swap(u64, u64),
    /// One bucket's part of a `clear`: found anything, left nothing.
    Clear,
}

impl What {
    fn apply(self, value: u64) -> Option<u64> {
        match self {
            What::Read(found) => (found == value).then_some(value),
            What::Swap(found, left) => (found == value).then_some(left),
            What::Clear => Some(0),
        }
    }
}

/// Whether some order of the events explains them all, starting from absent: at each step any event
/// may come next that was called before every remaining one returned.
fn linearizable(events: &[Event]) -> bool {
    assert!(events.len() <= 128, "a mask has 128 bits");
    let mut seen = HashSet::new();
    let mut open = vec![(0u128, 0u64)];
    let all = u128::MAX >> (128 - events.len().max(1)) as u32;
    while let Some((done, value)) = open.pop() {
        if events.is_empty() || done == all {
            return true;
        }
        let left = || (0..events.len()).filter(|&event| done & (1 << event) == 0);
        let first_return = left().map(|event| events[event].returned).min().unwrap();
        for event in left().filter(|&event| events[event].call <= first_return) {
            if let Some(value) = events[event].what.apply(value) {
                let next = (done | 1 << event, value);
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
    }
    false
}

/// SplitMix64.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Keeps `bits` of a good hash and repeats the tophash: few distinct buckets, few distinct
/// tophashes.
#[derive(Clone)]
struct Colliding(u32);

struct CollidingHasher(u64, u32);

impl BuildHasher for Colliding {
    type Hasher = CollidingHasher;
    fn build_hasher(&self) -> CollidingHasher {
        CollidingHasher(0, self.0)
    }
}

impl Hasher for CollidingHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys hash as one u64")
    }
    fn write_u64(&mut self, key: u64) {
        let group = key.wrapping_sub(FILLER) / GROUP;
        // A group of fillers is one chain until the table has 16 buckets: chains that fill up and
        // thin out in turn are what a same-size growth is for.
        self.0 = if key < FILLER { Random(key).next() } else { group | Random(key).next() << 4 };
    }
    fn finish(&self) -> u64 {
        let low = if self.1 >= 64 { self.0 } else { self.0 & ((1 << self.1) - 1) };
        low & !(0xff << 56) | (self.0 % 3) << 56
    }
}

/// How many keys and values are alive.
static ALIVE: AtomicI64 = AtomicI64::new(0);

/// A number that is counted, and boxed so that AddressSanitizer sees a late touch.
#[derive(PartialEq, Eq)]
struct Counted(Box<u64>);

impl Counted {
    fn new(number: u64) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Counted(Box::new(number))
    }
    fn get(&self) -> u64 {
        *self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
        assert_ne!(*self.0, DEAD, "drops: a key or value was dropped twice");
        *self.0 = DEAD;
    }
}

impl std::hash::Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.get());
    }
}

impl std::borrow::Borrow<u64> for Counted {
    fn borrow(&self) -> &u64 {
        &self.0
    }
}

const DEAD: u64 = u64::MAX;
/// Keys from here on are fillers, which have no history.
const FILLER: u64 = 1 << 32;
/// Fillers per group.
const GROUP: u64 = 20;

type Map = ConcurrentMap<Counted, Counted, Colliding>;

/// One thread's part of a round.
struct Worker<'a> {
    map: &'a Map,
    clock: &'a AtomicU64,
    thread: usize,
    random: Random,
    keys: u64,
    weights: [u64; 8],
    events: Vec<(u64, Event)>,
}

impl Worker<'_> {
    fn run(&mut self, ops: u64) {
        for op in 0..ops {
            let key = self.random.below(self.keys);
            let value = 1 + (self.thread as u64 * 1_000_000 + op) * 2;
            self.one(key, value);
        }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn one(&mut self, key: u64, value: u64) {
        let mut draw = self.random.below(self.weights.iter().sum());
        let which = self.weights.iter().position(|&weight| match draw.checked_sub(weight) {
            Some(rest) => {
                draw = rest;
                false
            }
            None => true,
        });
        let get = |found: Option<&Counted>| found.map_or(0, Counted::get);
        let call = self.tick();
        let pin = self.map.pin();
        let what = match which.expect("weights add up") {
            0 => What::Read(get(pin.get(&key))),
            1 => What::Swap(get(pin.insert(Counted::new(key), Counted::new(value))), value),
            2 => What::Swap(get(pin.remove(&key)), 0),
            3 => {
                let found =
                    get(Some(pin.get_or_insert_with(Counted::new(key), || Counted::new(value))));
                if found == value { What::Swap(0, value) } else { What::Read(found) }
            }
            4 => {
                let mut seen = 0;
                let updated = pin.update(Counted::new(key), |found| {
                    seen = found.get();
                    Counted::new(value)
                });
                if updated.is_some() { What::Swap(seen, value) } else { What::Read(0) }
            }
            5 => {
                let mut seen = 0;
                let _ = pin.compute(Counted::new(key), |entry| {
                    seen = get(entry.map(|(_, value)| value));
                    if seen == 0 {
                        Operation::Insert(Counted::new(value))
                    } else {
                        Operation::<_, ()>::Remove
                    }
                });
                What::Swap(seen, if seen == 0 { value } else { 0 })
            }
            6 => return self.filler(&pin),
            _ => return self.whole_map(&pin),
        };
        drop(pin);
        let event = Event { what, call, returned: self.tick() };
        self.events.push((key, event));
    }

    /// Fills the map to make it grow, or thins it out.
    fn filler(
        &mut self,
        pin: &map_core::concurrent::Pinned<
            '_,
            Counted,
            Counted,
            Colliding,
            map_core::platform::Std,
        >,
    ) {
        let first = FILLER + self.random.below(16) * GROUP;
        let insert = self.random.below(2) == 0;
        for key in first..first + GROUP {
            if insert {
                pin.insert(Counted::new(key), Counted::new(key));
            } else {
                pin.remove(&key);
            }
        }
    }

    fn whole_map(
        &mut self,
        pin: &map_core::concurrent::Pinned<
            '_,
            Counted,
            Counted,
            Colliding,
            map_core::platform::Std,
        >,
    ) {
        match self.random.below(8) {
            0 => pin.reserve(self.random.below(64) as usize),
            1 => pin.retain(|key, _| key.get() < FILLER),
            2 => self.map.check().expect("structure"),
            3 => {
                let call = self.tick();
                pin.clear();
                let returned = self.tick();
                for key in 0..self.keys {
                    self.events.push((key, Event { what: What::Clear, call, returned }));
                }
            }
            _ => {
                let call = self.tick();
                let mut yielded = HashMap::new();
                for (key, value) in pin {
                    let twice = yielded.insert(key.get(), value.get());
                    assert_eq!(twice, None, "iteration: a key was yielded twice");
                }
                let returned = self.tick();
                // Each key on its own was read at some moment.
                for key in 0..self.keys {
                    let what = What::Read(yielded.get(&key).copied().unwrap_or(0));
                    self.events.push((key, Event { what, call, returned }));
                }
            }
        }
    }
}

fn round(seed: u64) -> [u64; 3] {
    let mut random = Random(seed);
    let threads = 2 + random.below(7) as usize;
    let keys = 1 + random.below(40);
    let ops = (keys * 70 / threads as u64).clamp(8, 400);
    let bits = [0, 1, 2, 4, 64, 64][random.below(6) as usize];
    let mut weights: [u64; 8] = std::array::from_fn(|_| random.below(8));
    weights[1] += 1;
    weights[6] = 1 + random.below(6);
    weights[7] = u64::from(random.below(4) == 0);
    let mut map = Map::with_hasher(Colliding(bits));
    let clock = AtomicU64::new(0);
    let start = Barrier::new(threads);
    let mut histories: HashMap<u64, Vec<Event>> = HashMap::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (map, clock, start, seed) = (&map, &clock, &start, random.next());
                scope.spawn(move || {
                    let mut worker = Worker {
                        map,
                        clock,
                        thread,
                        random: Random(seed),
                        keys,
                        weights,
                        events: Vec::new(),
                    };
                    start.wait();
                    worker.run(ops);
                    worker.events
                })
            })
            .collect();
        for worker in workers {
            for (key, event) in worker.join().expect("a worker panicked") {
                histories.entry(key).or_default().push(event);
            }
        }
    });
    map.check_at_rest().expect("structure");
    let end = clock.load(Ordering::SeqCst);
    let mut events = 0;
    for key in 0..keys {
        let mut history = histories.remove(&key).unwrap_or_default();
        let found = map.pin().get(&key).map_or(0, Counted::get);
        history.push(Event { what: What::Read(found), call: end, returned: end + 1 });
        history.sort_by_key(|event| event.call);
        if history.len() > 128 {
            continue;
        }
        events += history.len() as u64;
        assert!(
            linearizable(&history),
            "linearizability: no order explains key {key}: {history:#?}"
        );
    }
    let health = map.health();
    [events, health.doublings as u64, health.same_size_growths as u64]
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn histories_are_linearizable_and_drops_exact() {
    let miri = cfg!(miri);
    let seconds = setting("MAP_STRESS_SECONDS", 12);
    let seed = setting("MAP_STRESS_SEED", 1);
    let start = Instant::now();
    let (mut rounds, mut totals) = (0, [0u64; 3]);
    while if miri { rounds < 2 } else { start.elapsed() < Duration::from_secs(seconds) } {
        let seed = seed.wrapping_add(rounds);
        let counts = std::panic::catch_unwind(|| round(seed)).unwrap_or_else(|_| {
            panic!("a round failed; again: MAP_STRESS_SEED={seed} cargo test -p map-core --release --test concurrent_stress")
        });
        for (total, count) in totals.iter_mut().zip(counts) {
            *total += count;
        }
        assert_eq!(
            ALIVE.load(Ordering::SeqCst),
            0,
            "drops: keys and values leaked in the round of seed {seed}"
        );
        rounds += 1;
    }
    let [events, doublings, same_size] = totals;
    println!(
        "{rounds} rounds, {events} events, {doublings} doublings, {same_size} same-size growths in {:?}",
        start.elapsed()
    );
    assert!(miri || (doublings > rounds && same_size > 0), "growth was not forced");
}

fn history(events: &[(What, u64, u64)]) -> Vec<Event> {
    events.iter().map(|&(what, call, returned)| Event { what, call, returned }).collect()
}

#[test]
fn overlapping_calls_may_take_effect_in_any_order() {
    assert!(linearizable(&history(&[
        (What::Swap(0, 5), 0, 9),
        (What::Read(0), 1, 2),
        (What::Read(5), 3, 4),
        (What::Swap(5, 0), 5, 6),
        (What::Read(0), 7, 8)
    ])));
    assert!(linearizable(&history(&[
        (What::Swap(0, 5), 0, 1),
        (What::Clear, 2, 9),
        (What::Read(5), 3, 4),
        (What::Read(0), 5, 6)
    ])));
    assert!(linearizable(&history(&[])));
}

#[test]
fn a_lost_write_is_illegal() {
    assert!(!linearizable(&history(&[(What::Swap(0, 5), 0, 1), (What::Read(0), 2, 3)])));
}

#[test]
fn a_value_that_comes_back_is_illegal() {
    assert!(!linearizable(&history(&[
        (What::Swap(0, 5), 0, 1),
        (What::Swap(5, 0), 2, 3),
        (What::Read(5), 4, 5)
    ])));
    assert!(!linearizable(&history(&[
        (What::Swap(0, 5), 0, 9),
        (What::Read(5), 1, 2),
        (What::Read(0), 3, 4)
    ])));
}

#[test]
fn two_winners_are_illegal() {
    assert!(!linearizable(&history(&[
        (What::Swap(0, 5), 0, 1),
        (What::Swap(5, 0), 2, 6),
        (What::Swap(5, 0), 3, 5)
    ])));
}
