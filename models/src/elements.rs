//! Key and value types to fill a map with: plain numbers, wide and large ones, and ones that keep count of themselves.
//!
//! A [`Counted`] is entered in its thread's [`Ledger`] when it is made and struck out when it is dropped; being
//! dropped or touched after that is noted as a fault, which `oracles::drops` reads. The ledger is also where an
//! injected panic is armed: the `n`-th call of a site from then on panics with [`Injected`].
//!
//! # Invariants
//! - **quiet**: nothing here panics on its own; a fault is noted, not raised.
//! - **watched**: what a map does with an entry is `#[inline]`, so that a fuzz target compiles it with the map, instrumented.
//! - **one run**: a `Counted` left over from an earlier run (leaked after a panic) no longer touches the ledger.
//! # Not here
//! Judging: see `oracles::drops` and `oracles::panics`.
//! # Checked by
//! `tests/oracles.rs`.

use crate::generators::hashers::mix;
use crate::memory;
use crate::op::Site;
use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};

/// A key type.
pub trait Key: Eq + Hash + Clone {
    /// Is it entered in the [`Ledger`]?
    const COUNTED: bool = false;
    /// The key with this number, made by op `stamp`.
    fn make(number: u16, stamp: u32) -> Self;
    /// Its number.
    fn number(&self) -> u64;
    /// The op that made it, if the type remembers: two equal keys can be told apart by it.
    #[inline]
    fn stamp(&self) -> Option<u32> {
        None
    }
}

/// A value type.
pub trait Value: Clone + Default + PartialEq {
    /// Is it entered in the [`Ledger`]?
    const COUNTED: bool = false;
    /// The value with this number. The default value has number 0.
    fn make(number: u64) -> Self;
    /// Its number.
    fn number(&self) -> u64;
    /// Changes its number.
    fn set(&mut self, number: u64);
    /// Adds to its number, wrapping.
    #[inline]
    fn add(&mut self, number: u64) {
        self.set(self.number().wrapping_add(number));
    }
}

impl Key for u64 {
    #[inline]
    fn make(number: u16, _stamp: u32) -> Self {
        number as u64
    }
    #[inline]
    fn number(&self) -> u64 {
        *self
    }
}

impl Value for u64 {
    #[inline]
    fn make(number: u64) -> Self {
        number
    }
    #[inline]
    fn number(&self) -> u64 {
        *self
    }
    #[inline]
    fn set(&mut self, number: u64) {
        *self = number;
    }
}

/// A key of 24 bytes; only the middle word counts for `Eq` and `Hash`.
#[derive(Clone, Copy, Debug)]
pub struct WideKey([u64; 3]);

impl PartialEq for WideKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0[1] == other.0[1]
    }
}
impl Eq for WideKey {}
impl Hash for WideKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[1]);
    }
}
impl Key for WideKey {
    #[inline]
    fn make(number: u16, stamp: u32) -> Self {
        WideKey([stamp as u64, number as u64, !(stamp as u64)])
    }
    #[inline]
    fn number(&self) -> u64 {
        // A torn copy is no key that any op uses.
        if self.0[0] == !self.0[2] { self.0[1] } else { u64::MAX }
    }
    #[inline]
    fn stamp(&self) -> Option<u32> {
        Some(self.0[0] as u32)
    }
}

/// A value of 192 bytes, aligned to 64.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct WideValue([u64; 24]);

impl Value for WideValue {
    #[inline]
    fn make(number: u64) -> Self {
        WideValue([number; 24])
    }
    #[inline]
    fn number(&self) -> u64 {
        let is_whole = self.0.iter().all(|&word| word == self.0[0]);
        let is_aligned = (&raw const *self).addr().is_multiple_of(64);
        if is_whole && is_aligned { self.0[0] } else { u64::MAX }
    }
    #[inline]
    fn set(&mut self, number: u64) {
        self.0 = [number; 24];
    }
}

/// A value of 2 KiB: four buckets of such make a segment, so that small tables have several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargeValue([u64; 256]);

impl Default for LargeValue {
    #[inline]
    fn default() -> Self {
        LargeValue::make(0)
    }
}

impl Value for LargeValue {
    #[inline]
    fn make(number: u64) -> Self {
        LargeValue([number; 256])
    }
    #[inline]
    fn number(&self) -> u64 {
        // A torn copy is no value that any op uses.
        let is_whole = self.0.iter().step_by(15).all(|&word| word == self.0[0]);
        if is_whole { self.0[0] } else { u64::MAX }
    }
    #[inline]
    fn set(&mut self, number: u64) {
        self.0 = [number; 256];
    }
}

/// A key or value that is entered in the [`Ledger`].
#[derive(Debug)]
pub struct Counted {
    number: u64,
    stamp: u32,
    role: Role,
    run: u32,
    serial: u32,
    /// [`ALIVE`] from birth to drop; overwritten then, so that a touch of what was dropped shows.
    mark: u32,
}

const ALIVE: u32 = 0xa11f_e000;

/// What a [`Counted`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Key,
    Value,
}

/// The payload of an injected panic.
#[derive(Clone, Copy, Debug)]
pub struct Injected(pub Site);

/// A thread's account of the [`Counted`]s of the current run.
#[derive(Debug, Default)]
pub struct Ledger {
    run: Cell<u32>,
    /// By serial number: not dropped yet?
    alive: RefCell<Vec<bool>>,
    live: [Cell<usize>; 2],
    fault: Cell<Option<&'static str>>,
    armed: Cell<Option<(Site, u32)>>,
    watching: Cell<bool>,
    /// What the next lie about equality is drawn from; 0: there are none.
    lies: Cell<u64>,
}

thread_local! {
    static LEDGER: Ledger = Ledger::default();
}

impl Ledger {
    /// Begins a run with an empty ledger.
    pub fn begin() {
        LEDGER.with(|ledger| {
            ledger.run.set(ledger.run.get().wrapping_add(1));
            ledger.alive.borrow_mut().clear();
            ledger.live.iter().for_each(|live| live.set(0));
            ledger.fault.set(None);
            ledger.armed.set(None);
            ledger.watching.set(false);
            ledger.lies.set(0);
        });
    }

    /// From now on, until another run begins, one comparison of keys in eight comes out wrong.
    pub fn lie(seed: u16) {
        LEDGER.with(|ledger| ledger.lies.set(mix(u64::from(seed)) | 1));
    }

    /// Does this comparison of keys come out wrong?
    #[inline]
    fn is_lie() -> bool {
        LEDGER.with(|ledger| {
            let lies = ledger.lies.get();
            if lies != 0 {
                ledger.lies.set(mix(lies) | 1);
            }
            lies >> 61 == 7
        })
    }

    /// How many keys and how many values are alive.
    pub fn live() -> (usize, usize) {
        LEDGER.with(|ledger| (ledger.live[0].get(), ledger.live[1].get()))
    }

    /// The first fault noted since the run began.
    pub fn fault() -> Option<&'static str> {
        LEDGER.with(|ledger| ledger.fault.get())
    }

    /// Arms a panic at the `n`-th call of `site` that happens while [`watch`](Self::watch)ing.
    pub fn arm(site: Site, n: u32) {
        LEDGER.with(|ledger| ledger.armed.set(Some((site, n))));
    }

    /// The armed panic, if it has not gone off.
    pub fn armed() -> Option<Site> {
        LEDGER.with(|ledger| ledger.armed.get().map(|(site, _)| site))
    }

    /// Lets calls count towards an armed panic, or not (while an oracle looks).
    pub fn watch(yes: bool) {
        LEDGER.with(|ledger| ledger.watching.set(yes));
    }

    /// A call of `site`.
    #[inline]
    pub fn call(site: Site) {
        LEDGER.with(|ledger| {
            if let Some((armed, left)) = ledger.armed.get()
                && armed == site
                && ledger.watching.get()
                && !std::thread::panicking()
            {
                ledger.armed.set(left.checked_sub(1).map(|left| (site, left)));
                if left == 0 {
                    std::panic::panic_any(Injected(site));
                }
            }
        });
    }

    fn enter(role: Role) -> (u32, u32) {
        LEDGER.with(|ledger| {
            let mut alive = ledger.alive.borrow_mut();
            memory::apart(|| alive.push(true));
            let live = &ledger.live[role as usize];
            live.set(live.get() + 1);
            (ledger.run.get(), alive.len() as u32 - 1)
        })
    }

    fn note(fault: &'static str) {
        LEDGER.with(|ledger| ledger.fault.set(ledger.fault.get().or(Some(fault))));
    }

    fn strike(counted: &Counted) {
        LEDGER.with(|ledger| {
            // Memory that was never written, or is freed: whose run it says that it is of means nothing.
            if counted.mark != ALIVE {
                return Ledger::note("dropped, but not alive");
            }
            if counted.run != ledger.run.get() {
                return;
            }
            match ledger.alive.borrow_mut().get_mut(counted.serial as usize) {
                Some(alive @ true) => {
                    *alive = false;
                    let live = &ledger.live[counted.role as usize];
                    live.set(live.get() - 1);
                }
                Some(false) => Ledger::note("dropped twice"),
                None => Ledger::note("dropped, but never made"),
            }
        });
    }
}

impl Counted {
    #[inline]
    fn new(number: u64, stamp: u32, role: Role) -> Self {
        let (run, serial) = Ledger::enter(role);
        Counted { number, stamp, role, run, serial, mark: ALIVE }
    }

    /// Notes a fault if it was dropped before.
    #[inline]
    fn touch(&self) {
        if self.mark != ALIVE {
            Ledger::note("touched after its drop");
        }
    }
}

impl Drop for Counted {
    #[inline]
    fn drop(&mut self) {
        Ledger::strike(self);
        // SAFETY: it is this value's own field. Volatile, because to the compiler nobody can look
        // at it any more.
        unsafe { (&raw mut self.mark).write_volatile(!ALIVE) };
        Ledger::call(Site::Drop);
    }
}

impl Clone for Counted {
    #[inline]
    fn clone(&self) -> Self {
        self.touch();
        Ledger::call(Site::Clone);
        Counted::new(self.number, self.stamp, self.role)
    }
}

impl PartialEq for Counted {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.touch();
        other.touch();
        Ledger::call(Site::Eq);
        (self.number == other.number) != (self.role == Role::Key && Ledger::is_lie())
    }
}
impl Eq for Counted {}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.touch();
        Ledger::call(Site::Hash);
        state.write_u64(self.number);
    }
}

/// A counted key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountedKey(Counted);

/// A counted value.
#[derive(Clone, Debug, PartialEq)]
pub struct CountedValue(Counted);

impl Key for CountedKey {
    const COUNTED: bool = true;

    #[inline]
    fn make(number: u16, stamp: u32) -> Self {
        CountedKey(Counted::new(number as u64, stamp, Role::Key))
    }
    #[inline]
    fn number(&self) -> u64 {
        self.0.touch();
        self.0.number
    }
    #[inline]
    fn stamp(&self) -> Option<u32> {
        Some(self.0.stamp)
    }
}

impl Default for CountedValue {
    #[inline]
    fn default() -> Self {
        CountedValue::make(0)
    }
}

impl Value for CountedValue {
    const COUNTED: bool = true;

    #[inline]
    fn make(number: u64) -> Self {
        CountedValue(Counted::new(number, 0, Role::Value))
    }
    #[inline]
    fn number(&self) -> u64 {
        self.0.touch();
        self.0.number
    }
    #[inline]
    fn set(&mut self, number: u64) {
        self.0.touch();
        self.0.number = number;
    }
}
