//! What a thread knows of its pins: whether it is ending, and what panicked while they ended.
//!
//! `seize` numbers threads, and a thread-local's destructor gives the number of one that ends to the next that asks. A pin
//! may be alive still, in a thread-local that was there before: then two threads write to what is the number's, each as if
//! it was alone. So after [`End`] a pin is asked for its number before it ends or retires.
//!
//! # Invariants
//! - **late**: a pin whose number the thread has given up is read under, and nothing else. It stays: what was retired since is kept.
//! - **whole**: whatever panics in a reclamation, the others take place. The first panic goes on when the pin has ended.
//! # Checked by
//! `tests/concurrent_threads_end.rs`; `tests/concurrent_closures.rs`.

use alloc::boxed::Box;
use seize::Guard;
use std::any::Any;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread_local;

/// What a panic says. Not dropped: a thread-local with a destructor is not there in those of others.
type Payload = ManuallyDrop<Box<dyn Any + Send>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No pin has ended so far.
    New,
    Running,
    /// Destructors of thread-locals run.
    Ending,
    /// The number is given up. `seize` may have given out another one since, or the same.
    Ended,
}

struct Thread {
    stage: Cell<Stage>,
    /// Inside of a reclamation.
    reclaims: Cell<bool>,
    has_panicked: Cell<bool>,
    panic: Cell<Option<Payload>>,
}

/// Destructors run in the opposite order of the thread-locals' first uses, so this one's before that of seize's number.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        THREAD.with(|thread| thread.stage.set(Stage::Ending));
    }
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            stage: Cell::new(Stage::New),
            reclaims: Cell::new(false),
            has_panicked: Cell::new(false),
            panic: Cell::new(None),
        }
    };
    static END: End = const { End };
}

/// Before a pin ends or retires.
///
/// # Panics
/// If the thread has given up its number: **late**.
#[inline(always)]
#[track_caller]
pub(super) fn refuse_late(pin: &seize::LocalGuard<'_>) {
    // Not told where the pin is, so that it need not be anywhere in memory.
    #[cold]
    #[track_caller]
    fn look(collector: &seize::Collector, number: usize) {
        let stage = THREAD.with(|thread| thread.stage.get());
        // Panics where the thread has no number any more.
        let now = || collector.enter().thread_id();
        let is_late = stage == Stage::Ended
            || !catch_unwind(AssertUnwindSafe(now)).is_ok_and(|now| now == number);
        if stage == Stage::New && !is_late {
            THREAD.with(|thread| thread.stage.set(Stage::Running));
            END.with(|_| ());
        }
        if is_late {
            THREAD.with(|thread| thread.stage.set(Stage::Ended));
            panic!(
                "a pin was kept in a thread-local that is older than the thread's first pin: it outlives what it needs of the thread"
            );
        }
    }
    if THREAD.with(|thread| thread.stage.get()) != Stage::Running {
        look(pin.collector(), pin.thread_id());
    }
}

/// Reclaims something; a panic goes on later: **whole**.
pub(super) fn put_off_panic(reclaim: impl FnOnce()) {
    let outer = THREAD.with(|thread| thread.reclaims.replace(true));
    let reclaimed = catch_unwind(AssertUnwindSafe(reclaim));
    THREAD.with(|thread| {
        thread.reclaims.set(outer);
        let Err(panic) = reclaimed else { return };
        // Of several, the first: who knows what the drop of another does.
        let panic = ManuallyDrop::new(panic);
        if !thread.has_panicked.replace(true) {
            thread.panic.set(Some(panic));
        }
    });
}

/// After what may have reclaimed anything.
///
/// # Panics
/// As what was reclaimed, unless this is a part of another reclamation, which must come to its end. Where the thread is
/// unwinding already, a second panic would end the process: that one goes on alone.
#[inline(always)]
pub(super) fn go_on_panicking() {
    #[cold]
    fn go_on(thread: &Thread) {
        if thread.reclaims.get() {
            return;
        }
        thread.has_panicked.set(false);
        let panic = thread.panic.take();
        if let Some(panic) = panic.filter(|_| !std::thread::panicking()) {
            resume_unwind(ManuallyDrop::into_inner(panic));
        }
    }
    THREAD.with(|thread| {
        if thread.has_panicked.get() {
            go_on(thread);
        }
    });
}
