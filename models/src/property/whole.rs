//! Ops on the whole map: every entry that comes out is compared with the spec.

use super::Run;
use crate::elements::{Injected, Key, Value};
use crate::generators::hashers::{Hasher, ModelState};
use crate::memory;
use crate::op::{Op, chosen, stays};
use crate::oracles::panics::{self, Cause, caught};
use crate::oracles::reference::Seen;
use crate::oracles::sizes::{self, Vague};
use crate::oracles::work::{self, Bound};
use crate::oracles::{Objection, Verdict, iteration, reference, well_formed};
use crate::spec::{Spec, extension};
use crate::subject::{Capabilities, Mutably, SequentialSubject};
use std::panic::resume_unwind;

/// Entries of a map that a clone takes the place of, unless that is to be in a growth; then at most so many.
const OTHERS: u16 = 3;
const OTHERS_MAX: usize = 256;

impl<S: SequentialSubject<K, V>, K: Key, V: Value, M: Spec> Run<S, K, V, M> {
    /// Does `op`, which concerns the whole map; `None` if the map lacks the capability.
    pub(super) fn whole(&mut self, op: Op) -> Result<Option<Bound>, Box<Objection>> {
        let (needs, bound) = match op {
            Op::Iter | Op::IntoIterDrop(_) => (Capabilities::NONE, Bound::Whole),
            Op::Clear => (Capabilities::NONE, Bound::Emptying),
            Op::IterMut(_) | Op::ValuesMut(_) => (Capabilities::MUTATION, Bound::Read),
            Op::KeysValues => (Capabilities::VIEWS, Bound::Read),
            Op::IntoIter => (Capabilities::VIEWS, Bound::Whole),
            Op::IntoKeysValues => (Capabilities::CLONE.and(Capabilities::INTO_PARTS), Bound::Read),
            Op::Retain(..) | Op::RetainValues(..) => (Capabilities::RETAIN, Bound::Whole),
            Op::Drain | Op::DrainDrop(_) => (Capabilities::DRAIN, Bound::Emptying),
            Op::ExtractIf(..) | Op::ExtractIfDrop(..) => (Capabilities::EXTRACT, Bound::Whole),
            Op::Clone => (Capabilities::CLONE, Bound::Read),
            Op::CloneSwap => (Capabilities::CLONE, Bound::Whole),
            Op::Extend(..) => (Capabilities::EXTEND, Bound::Whole),
            Op::Reserve(_) if S::CAPABILITIES.has(Capabilities::RESERVE) => {
                (Capabilities::RESERVE, Bound::Whole)
            }
            Op::Reserve(_)
            | Op::TryReserve(_)
            | Op::TryReserveTooMuch
            | Op::TryReserveRefused(..)
            | Op::ShrinkToFit => (Capabilities::CAPACITY, Bound::Whole),
            Op::ShrinkTo(_) => (Capabilities::CAPACITY.and(Capabilities::SHRINK_TO), Bound::Whole),
            Op::Evacuate(n) => (Capabilities::GO_GROWTH, Bound::Evacuate(n as usize)),
            Op::SetOrder(_) => (Capabilities::GO_GROWTH, Bound::Read),
            other => unreachable!("`{other}` is not done as one op on the whole map"),
        };
        if !S::CAPABILITIES.has(needs) {
            return Ok(None);
        }
        match op {
            Op::Iter => self.views()?,
            Op::IterMut(v) => self.mutate(op, Mutably::Iter, v)?,
            Op::ValuesMut(v) => self.mutate(op, Mutably::Values, v)?,
            Op::KeysValues => self.keys_values()?,
            Op::IntoIter => self.consume(usize::MAX)?,
            Op::IntoIterDrop(n) if S::CAPABILITIES.has(Capabilities::VIEWS) => {
                self.consume(n as usize)?
            }
            Op::IntoIterDrop(_) => self.replace(),
            Op::IntoKeysValues => self.parts()?,
            Op::Retain(..) | Op::RetainValues(..) => self.retain(op)?,
            Op::Drain => self.drain(usize::MAX)?,
            Op::DrainDrop(n) => self.drain(n as usize)?,
            Op::ExtractIf(m, r) => self.extract(m, r, usize::MAX)?,
            Op::ExtractIfDrop(m, r, n) => self.extract(m, r, n as usize)?,
            Op::Clone => self.duplicate(false)?,
            Op::CloneSwap => self.duplicate(true)?,
            Op::Extend(k, n) => {
                let now = self.now;
                let inner = extension(k, n).map(|k| (K::make(k, now), V::make(k as u64)));
                self.map.extend(Vague { inner, is_vague: now.is_multiple_of(2) });
                self.spec.apply(op, now);
            }
            Op::Clear => {
                let had = self.spec.len();
                self.map.clear();
                self.spec.clear();
                self.removed(had);
            }
            Op::Evacuate(n) => self.evacuate(n as usize)?,
            Op::SetOrder(order) => {
                self.order = order;
                self.map.set_order(order);
                self.growth.order = Some(order);
            }
            _ => self.change_capacity(op)?,
        }
        // A map that took the place of the old one may count its growths from its own beginning.
        match op {
            Op::IntoIter | Op::IntoIterDrop(_) => self.adopt(),
            // Its order is its original's.
            Op::CloneSwap if Self::GROWS => self.growth = self.map.growth(),
            _ => {}
        }
        sizes::kept()?;
        Ok(Some(bound))
    }

    fn values(&self) -> Vec<u64> {
        let mut values = Vec::with_capacity(self.spec.len());
        self.spec.for_each(|_, entry| values.push(entry.value));
        values
    }

    fn keys(&self) -> Vec<u64> {
        let mut keys = Vec::with_capacity(self.spec.len());
        self.spec.for_each(|key, _| keys.push(key as u64));
        keys
    }

    fn mutate(&mut self, op: Op, how: Mutably, v: u16) -> Verdict {
        let mut seen = Vec::new();
        let mut values = Vec::new();
        self.map.each_mut(how, |key, value| {
            match key {
                Some(key) => seen.push(Self::saw(key, value)),
                None => values.push(value.number()),
            }
            value.add(v as u64);
        });
        match how {
            Mutably::Iter => reference::contents("iter_mut", &mut seen, &self.spec, true)?,
            Mutably::Values => reference::numbers("values_mut", &mut values, &mut self.values())?,
        }
        self.spec.apply(op, self.now);
        Ok(())
    }

    fn keys_values(&mut self) -> Verdict {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        self.map.keys_values(|key| keys.push(key.number()), |value| values.push(value.number()));
        reference::numbers("keys", &mut keys, &mut self.keys())?;
        reference::numbers("values", &mut values, &mut self.values())
    }

    /// Puts a new map in the old one's place and returns the old one, without its cursors.
    fn take(&mut self) -> S {
        self.close_cursors();
        std::mem::replace(&mut self.map, S::create(self.state.clone(), 0))
    }

    fn replace(&mut self) {
        drop(self.take());
        self.spec.clear();
    }

    fn consume(&mut self, take: usize) -> Verdict {
        let mut seen = Vec::new();
        let old = self.take();
        old.into_each(take, |key, value| {
            Self::closure();
            seen.push(Self::saw(&key, &value));
        });
        let whole = self.came("into_iter", &mut seen, take);
        self.spec.clear();
        whole
    }

    fn parts(&mut self) -> Verdict {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        self.map.duplicate().into_each_key(|key| keys.push(key.number()));
        self.map.duplicate().into_each_value(|value| values.push(value.number()));
        reference::numbers("into_keys", &mut keys, &mut self.keys())?;
        reference::numbers("into_values", &mut values, &mut self.values())
    }

    fn retain(&mut self, op: Op) -> Verdict {
        let mut seen = Vec::new();
        self.map.retain(|key, value| {
            Self::closure();
            seen.push(Self::saw(key, value));
            let stays = stays(op, key.number(), value.number());
            if stays && matches!(op, Op::Retain(..)) {
                value.add(1);
            }
            stays
        });
        reference::contents("retain", &mut seen, &self.spec, true)?;
        self.spec.apply(op, self.now);
        Ok(())
    }

    fn drain(&mut self, take: usize) -> Verdict {
        // The rest goes as with `clear`.
        self.keep_keys(self.spec.len().saturating_sub(take));
        let mut seen = Vec::new();
        self.map.drain(take, |key, value| {
            Self::closure();
            seen.push(Self::saw(&key, &value));
        });
        self.came("drain", &mut seen, take)?;
        self.spec.clear();
        Ok(())
    }

    /// A clone, which did not open the cursors, lets none of them step. It has a cursor of its own.
    fn cursors_are_strange(&mut self, map: &mut S) -> Verdict {
        if self.armed || !S::CAPABILITIES.has(Capabilities::CURSOR) {
            return Ok(());
        }
        let _own = map.open_cursor(None);
        for (c, cursor) in self.cursors.iter_mut().enumerate() {
            let Some((cursor, _)) = cursor else { continue };
            if S::is_finished(cursor) != Some(false) {
                continue;
            }
            let step = || map.step_cursor(cursor).map(|(key, _)| key.number());
            if !panics::refuses(step) {
                let detail = format!("let cursor c{c} step on a map that did not open it");
                return Objection::raise(
                    iteration::NAME,
                    "a cursor reads only the map that opened it",
                    detail,
                );
            }
        }
        Ok(())
    }

    fn extract(&mut self, m: u8, r: u8, take: usize) -> Verdict {
        let mut seen = Vec::new();
        let choose = |key: &K, _: &mut V| {
            Self::closure();
            chosen(key.number(), m, r)
        };
        self.map.extract_if(take, choose, |key, value| seen.push(Self::saw(&key, &value)));
        reference::contents("extract_if", &mut seen, &self.spec, false)?;
        let mut expected = 0;
        self.spec.for_each(|key, _| expected += chosen(key as u64, m, r) as usize);
        self.how_many("extract_if", seen.len(), expected.min(take))?;
        for entry in seen {
            if !chosen(entry.key, m, r) {
                let detail = format!("extract_if gave k{}, which was not chosen", entry.key);
                return Objection::raise(
                    reference::NAME,
                    "only what was chosen is extracted",
                    detail,
                );
            }
            self.spec.remove(entry.key as u16);
        }
        Ok(())
    }

    /// `take` entries (or all) came out of the map.
    fn came(&self, view: &str, seen: &mut [Seen], take: usize) -> Verdict {
        reference::contents(view, seen, &self.spec, take >= self.spec.len())?;
        self.how_many(view, seen.len(), self.spec.len().min(take))
    }

    fn how_many(&self, view: &str, seen: usize, expected: usize) -> Verdict {
        if seen == expected {
            return Ok(());
        }
        let detail = format!("{view} gave {seen} entries, expected {expected}");
        Objection::raise(reference::NAME, "an iterator yields until there is no more", detail)
    }

    /// How many entries the map has that a clone is to take the place of: every other time as many as make it grow to the
    /// size of this one.
    fn others(&self) -> u16 {
        let smaller = self.growth.buckets_log2.checked_sub(1);
        let growing = smaller.map(|log2| work::entries_max(log2) + 1);
        match growing.filter(|&others| others <= OTHERS_MAX && self.now.is_multiple_of(2)) {
            Some(others) if S::CAPABILITIES.has(Capabilities::GO_GROWTH) => others as u16,
            _ => OTHERS,
        }
    }

    /// A clone, by `clone_from` over another map if it is to take the place of this one.
    fn duplicate(&mut self, swap: bool) -> Verdict {
        let mut clone = match swap {
            true => {
                let hasher = match self.state.hasher() {
                    Hasher::Mix => Hasher::Identity,
                    _ => Hasher::Mix,
                };
                let state = ModelState::new(S::CAPABILITIES.bearing(hasher));
                let mut other = S::create(state, 0);
                for k in 0..self.others() {
                    other.insert(K::make(k, self.now), V::make(1));
                }
                if let Err(cause) = caught(|| self.map.duplicate_into(&mut other)) {
                    // Whatever it is by now, it is that wholly.
                    well_formed::structure(other.check_at_rest())?;
                    return match cause {
                        Cause::Own(said) => panics::unasked(&said),
                        Cause::Injected(site) => resume_unwind(Box::new(Injected(site))),
                    };
                }
                other
            }
            false => self.map.duplicate(),
        };
        if !self.is_equal(&clone) {
            let detail = "made a clone that is not == the map".to_string();
            return Objection::raise(reference::NAME, "a clone is equal", detail);
        }
        reference::length(clone.len(), self.spec.len())?;
        if S::CAPABILITIES.has(Capabilities::GO_GROWTH) {
            work::cloned(&self.map.growth(), &clone.growth())?;
        }
        self.is_held_by("the clone", &mut clone)?;
        if swap {
            self.close_cursors();
            drop(std::mem::replace(&mut self.map, clone));
            return Ok(());
        }
        self.cursors_are_strange(&mut clone)?;
        self.other_than(clone)?;
        self.collected()
    }

    fn is_equal(&self, other: &S) -> bool {
        other.equals(&self.map) && self.map.equals(other)
    }

    /// Another map is well formed and has the same entries.
    fn is_held_by(&self, view: &str, other: &mut S) -> Verdict {
        well_formed::structure(other.check_at_rest())?;
        let mut seen = Vec::new();
        other.for_each(|key, value| seen.push(Self::saw(key, value)));
        reference::contents(view, &mut seen, &self.spec, true)
    }

    /// Changed by an entry, a clone is another map.
    fn other_than(&self, mut clone: S) -> Verdict {
        let Some(k) = self.spec.absent_from(self.now as u16) else { return Ok(()) };
        let wrongly = |what: &str| {
            let detail = format!("compared wrongly with a clone with {what}");
            Objection::raise(reference::NAME, "maps are == if their entries are", detail)
        };
        let is_other = |clone: &S| !clone.equals(&self.map) && !self.map.equals(clone);
        clone.insert(K::make(k, self.now), V::make(1));
        if !is_other(&clone) {
            return wrongly("an entry more");
        }
        clone.remove(&K::make(k, self.now));
        if !self.is_equal(&clone) {
            return wrongly("an entry inserted and removed");
        }
        let mut first = None;
        self.spec.for_each(|k, entry| first = first.or(Some((k, entry.value))));
        let Some((k, value)) = first else { return Ok(()) };
        clone.insert(K::make(k, self.now), V::make(value.wrapping_add(1)));
        if is_other(&clone) { Ok(()) } else { wrongly("another value") }
    }

    /// A map made of a clone's entries has them.
    fn collected(&self) -> Verdict {
        if !S::CAPABILITIES.has(Capabilities::EXTEND.and(Capabilities::VIEWS)) {
            return Ok(());
        }
        let mut entries = Vec::new();
        self.map.duplicate().into_each(usize::MAX, |key, value| entries.push((key, value)));
        let is_vague = self.now.is_multiple_of(2);
        let entries = Vague { inner: entries.into_iter(), is_vague };
        self.is_held_by("a map collected from it", &mut S::collected(entries))
    }

    /// All that the map shows of itself: its entries, its tables, its figures.
    fn views(&mut self) -> Verdict {
        self.contents("iter")?;
        let Some(picture) = self.map.picture() else { return Ok(()) };
        well_formed::pictured(&picture)?;
        let slots = picture.slots().filter_map(|slot| slot.entry);
        let mut seen: Vec<_> = slots.map(|(key, value)| Seen { key, value, stamp: None }).collect();
        reference::contents("the view", &mut seen, &self.spec, true)?;
        match self.map.health() {
            Some(health) => well_formed::figures(&picture, &health),
            None => Ok(()),
        }
    }

    fn evacuate(&mut self, n: usize) -> Verdict {
        let before = self.map.growth();
        let said = self.map.evacuate(n);
        let after = self.map.growth();
        let did = after.evacuated.wrapping_sub(before.evacuated) as usize;
        let owed = before.old_buckets.map_or(0, |old| n.min(old));
        if said != did || owed > 0 && did == 0 {
            let detail = format!("said it evacuated {said} old buckets, it was {did}");
            return Objection::raise(
                work::NAME,
                "evacuate says how many old buckets it emptied",
                detail,
            );
        }
        Ok(())
    }

    /// Did the map reserve, and was it refused the allocation that is to be? What a map notes for cursors it need not do
    /// without, and a panic takes memory too: then nothing is refused.
    fn try_reserve(&mut self, n: usize, refused: Option<u8>) -> (bool, bool) {
        match refused {
            Some(at) if !self.had_cursors && !self.armed => {
                memory::refusing(at.into(), || self.map.try_reserve(n))
            }
            _ => (self.map.try_reserve(n), false),
        }
    }

    fn change_capacity(&mut self, op: Op) -> Verdict {
        let before = self.capacity().unwrap_or(0);
        let (len, mut least) = (self.spec.len(), before);
        match op {
            Op::Reserve(n) => {
                self.map.reserve(n as usize);
                least = least.max(len + n as usize);
            }
            Op::TryReserve(n) | Op::TryReserveRefused(n, _) => {
                let at = if let Op::TryReserveRefused(_, at) = op { Some(at) } else { None };
                let started = self.map.growth().started;
                let (done, refused) = self.try_reserve(n as usize, at);
                if !done && !refused {
                    let detail = format!("could not reserve {n} entries");
                    return Objection::raise(
                        reference::NAME,
                        "try_reserve of little succeeds",
                        detail,
                    );
                }
                if done {
                    least = least.max(len + n as usize);
                } else if self.map.growth().started > started {
                    let detail = "a growth began that the reservation was to pay for".to_string();
                    return Objection::raise(
                        work::NAME,
                        "a refused try_reserve begins no growth",
                        detail,
                    );
                }
                if at.is_some() {
                    well_formed::structure(self.map.check_at_rest())?;
                    self.contents("a full iteration")?;
                }
            }
            Op::TryReserveTooMuch => {
                let too_much = [usize::MAX / 2, usize::MAX, usize::MAX - len, usize::MAX / 16];
                if let Some(n) = too_much.into_iter().find(|n| self.map.try_reserve(*n)) {
                    let detail = format!("reserved {n} entries");
                    return Objection::raise(
                        reference::NAME,
                        "try_reserve of too much fails",
                        detail,
                    );
                }
            }
            Op::ShrinkTo(n) => {
                self.map.shrink_to(n as usize);
                least = len.max((n as usize).min(before));
            }
            Op::ShrinkToFit => {
                self.map.shrink_to_fit();
                least = len;
            }
            other => unreachable!("`{other}` does not change the capacity"),
        }
        if S::CAPABILITIES.has(Capabilities::GO_GROWTH)
            && matches!(op, Op::ShrinkTo(_) | Op::ShrinkToFit)
            && let Some(old) = self.map.growth().old_buckets
        {
            let detail = format!("left the {old} buckets of an old table");
            return Objection::raise(work::NAME, "shrinking ends a growth under way", detail);
        }
        let Some(after) = self.capacity().filter(|&after| after < least) else { return Ok(()) };
        let detail = format!(
            "took the capacity from {before} to {after}, with {len} entries; at least {least} was due"
        );
        Objection::raise(reference::NAME, "capacity is what was asked for", detail)
    }
}
