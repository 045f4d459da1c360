//! A shared map: stripes with entries in no order, under one lock. It can have a race in its growth.

use map_core::platform::{Mutex, Platform};
use models::concurrent_subject::ConcurrentSubject;
use models::generators::hashers::ModelState;
use models::oracles::whole_map::Contracts;
use models::subject::Capabilities;
use std::hash::BuildHasher;

/// Keys and values in no order.
type Stripe = Vec<(u64, u64)>;

/// A stripe with more than [`ROOM`] entries makes the map grow: all that is in it moves to twice as many stripes. If it is
/// `HASTY`, it lets go of the lock between reading the old stripes and putting the new ones in their place.
pub struct Striped<P: Platform, const HASTY: bool> {
    state: ModelState,
    stripes: P::Mutex<Vec<Stripe>>,
}

const ROOM: usize = 2;

impl<P: Platform, const HASTY: bool> Striped<P, HASTY> {
    fn place(&self, key: u64, stripes: usize) -> usize {
        self.state.hash_one(key) as usize % stripes
    }

    /// Does something to the key's stripe.
    fn at<R>(&self, key: u64, body: impl FnOnce(&mut Stripe) -> R) -> R {
        self.stripes.with(|stripes| {
            let place = self.place(key, stripes.len());
            body(&mut stripes[place])
        })
    }

    fn grow(&self) {
        let spread = |old: &[Stripe]| {
            let mut new = vec![Stripe::new(); 2 * old.len()];
            for &(key, value) in old.iter().flatten() {
                new[self.place(key, 2 * old.len())].push((key, value));
            }
            new
        };
        if HASTY {
            let new = self.stripes.with(|stripes| spread(stripes));
            self.stripes.with(|stripes| *stripes = new);
        } else {
            self.stripes.with(|stripes| *stripes = spread(stripes));
        }
    }
}

impl<P: Platform, const HASTY: bool> ConcurrentSubject for Striped<P, HASTY>
where
    Self: Send + Sync,
{
    /// Where many keys have one hash, one stripe after the other is full, and the stripes double each time.
    const CAPABILITIES: Capabilities =
        Capabilities::LEN.and(Capabilities::ITERATION).and(Capabilities::NEEDS_SPREAD);
    const CONTRACTS: Contracts = Contracts::STRICT;

    fn create(state: ModelState, _capacity: usize) -> Self {
        Striped { state, stripes: Mutex::new(vec![Stripe::new(); 2]) }
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.at(key, |stripe| stripe.iter().find(|entry| entry.0 == key).map(|&(_, value)| value))
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        let (old, full) =
            self.at(key, |stripe| match stripe.iter_mut().find(|entry| entry.0 == key) {
                Some(entry) => (Some(std::mem::replace(&mut entry.1, value)), false),
                None => {
                    stripe.push((key, value));
                    (None, stripe.len() == ROOM + 1)
                }
            });
        if full {
            self.grow();
        }
        old
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.at(key, |stripe| {
            let at = stripe.iter().position(|entry| entry.0 == key)?;
            Some(stripe.swap_remove(at).1)
        })
    }
    fn len(&self) -> usize {
        self.stripes.with(|stripes| stripes.iter().map(Vec::len).sum())
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        let all = self.stripes.with(|stripes| stripes.concat());
        all.into_iter().for_each(|(key, value)| visit(key, value));
    }
}
