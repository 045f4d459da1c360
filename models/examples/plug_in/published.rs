//! A shared map whose readers take no lock: a writer puts a changed copy of the table in its place, and retires the old one. It
//! can retire it too early.

use map_core::platform::{Atomic, Collector, Guard, Mutex, Object, Platform, Reclaim};
use models::concurrent_subject::ConcurrentSubject;
use models::generators::hashers::ModelState;
use models::oracles::whole_map::Contracts;
use models::subject::Capabilities;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// What a reader holds, and a writer replaces.
struct Table<P> {
    entries: BTreeMap<u64, u64>,
    platform: PhantomData<fn() -> P>,
}

impl<P: Platform> Table<P> {
    fn new(entries: BTreeMap<u64, u64>) -> *mut Self {
        let table = Box::into_raw(Box::new(Table { entries, platform: PhantomData }));
        P::allocated(table.cast_const(), Object::Other("a published table"));
        table
    }
}

impl<P: Platform> Reclaim for Table<P> {
    unsafe fn reclaim(table: *mut Self) {
        P::freed(table.cast_const());
        // SAFETY: made by `new`, and nobody else's any more: the caller's obligation.
        drop(unsafe { Box::from_raw(table) });
    }
}

/// If it is `HASTY`, a writer retires the old table while readers can still come by it.
pub struct Published<P: Platform, const HASTY: bool> {
    table: P::AtomicPtr<Table<P>>,
    writing: P::Mutex<()>,
    collector: P::Collector,
}

impl<P: Platform, const HASTY: bool> Published<P, HASTY> {
    fn read<R>(&self, body: impl FnOnce(&BTreeMap<u64, u64>) -> R) -> R {
        let _pin = self.collector.pin();
        // At least Acquire (publish): pairs with the Release in `write`.
        let table = self.table.load(P::Collector::PROTECT);
        P::touched(table.cast_const());
        // SAFETY: it was in its place under the pin, which keeps it.
        body(unsafe { &(*table).entries })
    }

    fn write<R>(&self, body: impl FnOnce(&mut BTreeMap<u64, u64>) -> R) -> R {
        let pin = self.collector.pin();
        // SAFETY: it is unlinked, or about to be, and by this thread alone, which has the lock.
        let retire = |old| unsafe { pin.retire(old) };
        let (result, old) = self.writing.with(|()| {
            let mut entries = self.read(BTreeMap::clone);
            let result = body(&mut entries);
            // Relaxed: the lock orders it after the store before.
            let old = self.table.load(Relaxed);
            if HASTY {
                retire(old);
            }
            // Release (publish): a reader that finds the table finds its entries.
            self.table.store(Table::new(entries), Release);
            (result, old)
        });
        if !HASTY {
            retire(old);
        }
        result
    }
}

impl<P: Platform, const HASTY: bool> Drop for Published<P, HASTY> {
    fn drop(&mut self) {
        // Relaxed: nobody else has the map any more. SAFETY: nor the table.
        unsafe { Table::reclaim(self.table.load(Relaxed)) };
    }
}

impl<P: Platform, const HASTY: bool> ConcurrentSubject for Published<P, HASTY>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::LEN.and(Capabilities::ITERATION);
    const CONTRACTS: Contracts = Contracts::STRICT;

    fn create(_: ModelState, _capacity: usize) -> Self {
        Published {
            table: Atomic::new(Table::new(BTreeMap::new())),
            writing: Mutex::new(()),
            collector: Collector::new(),
        }
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.read(|entries| entries.get(&key).copied())
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.write(|entries| entries.insert(key, value))
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.write(|entries| entries.remove(&key))
    }
    fn len(&self) -> usize {
        self.read(BTreeMap::len)
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        self.read(|entries| entries.iter().for_each(|(&key, &value)| visit(key, value)));
    }
}
