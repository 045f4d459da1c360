//! A pin that is kept in a thread-local, when the thread ends.
//!
//! # Properties
//! - **late**: one that outlives what it needs of its thread is read under, and refuses whatever else is done with it: by then
//!   another thread may have taken that over.
//! - **in time**: every other is as good in a destructor as it is before.

use map_core::concurrent::Pinned;
use map_core::platform::Std;
use map_core::{ConcurrentMap, RandomState};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

static MAP: LazyLock<ConcurrentMap<u64, u64>> = LazyLock::new(ConcurrentMap::new);

type Pin = Pinned<'static, u64, u64, RandomState, Std>;

/// A pin, and what is done with it in the destructor of the thread-local that it is kept in.
struct Kept(Pin, Box<dyn FnOnce(Pin)>);

#[derive(Default)]
struct Keeper(RefCell<Option<Kept>>);

impl Drop for Keeper {
    fn drop(&mut self) {
        let Kept(pin, act) = self.0.take().expect("a pin is kept");
        act(pin);
    }
}

/// Does something with a pin at the end of its thread; the thread-local that keeps it is there before the pin, or after it.
fn at_the_end(is_older: bool, act: impl FnOnce(Pin) + Send + 'static) {
    thread_local!(static KEEPER: Keeper = Keeper::default());
    let thread = std::thread::spawn(move || {
        if is_older {
            KEEPER.with(|_| ());
        }
        let kept = Kept(MAP.pin(), Box::new(act));
        KEEPER.with(|keeper| *keeper.0.borrow_mut() = Some(kept));
    });
    thread.join().unwrap();
}

/// Whether it panics as it should.
fn is_refused(act: impl FnOnce()) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(act)) else { return false };
    panic
        .downcast_ref()
        .is_some_and(|text: &&str| text.contains("it outlives what it needs of the thread"))
}

/// Sends what comes of it; a panic in a destructor of a thread-local would end the process.
fn tells<T: Send + 'static>(
    to: Sender<Option<T>>,
    act: impl FnOnce(Pin) -> T + Send + 'static,
) -> impl FnOnce(Pin) + Send + 'static {
    move |pin| to.send(catch_unwind(AssertUnwindSafe(|| act(pin))).ok()).unwrap()
}

#[test]
fn a_pin_that_outlives_its_thread_is_read_under_and_no_more() {
    MAP.pin().insert(1, 1);
    let (to, told) = channel();
    at_the_end(
        true,
        tells(to, |pin| {
            let read = pin.get(&1).copied();
            let refused = [
                is_refused(|| _ = pin.insert(1, 1)),
                is_refused(|| pin.flush()),
                is_refused(|| drop(pin)),
            ];
            (read, refused)
        }),
    );
    assert_eq!(told.recv().unwrap(), Some((Some(1), [true; 3])));
}

#[test]
fn a_pin_that_is_older_than_who_keeps_it_is_as_good_as_any() {
    let (to, told) = channel();
    at_the_end(
        false,
        tells(to, |pin| {
            pin.insert(2, 2);
            pin.insert(2, 3);
            pin.flush();
            let read = pin.get(&2).copied();
            drop(pin);
            let pin = MAP.pin();
            (read, pin.remove(&2).copied())
        }),
    );
    assert_eq!(told.recv().unwrap(), Some((Some(3), Some(3))));
}

/// What is retired through a late pin, or reclaimed as it ends, would be written where another thread writes.
#[test]
fn another_thread_that_comes_then_is_alone_with_its_pins() {
    MAP.pin().insert(4, 0);
    let rounds: u64 = if cfg!(miri) { 1 } else { 10 };
    for round in 0..rounds {
        let (ended, others_turn) = channel();
        let (done, others_done) = channel::<()>();
        let other = std::thread::spawn(move || {
            others_turn.recv().unwrap();
            let pin = MAP.pin();
            (0..1_500).for_each(|_| _ = pin.insert(3, round));
            drop(pin);
            drop(done);
        });
        at_the_end(true, move |pin| {
            ended.send(()).unwrap();
            assert!((0..20).all(|_| is_refused(|| _ = pin.insert(4, round))));
            others_done.recv().unwrap_err();
            assert!(is_refused(|| drop(pin)));
        });
        other.join().unwrap();
    }
}
