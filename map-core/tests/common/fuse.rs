//! A fuse: the n-th call of some kind panics.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The user code a map calls, each able to panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Hash,
    Eq,
    Clone,
    Drop,
    Closure,
}

impl Call {
    pub const ALL: [Call; 5] = [Call::Hash, Call::Eq, Call::Clone, Call::Drop, Call::Closure];
}

struct Blown;

thread_local! {
    static ARMED: Cell<Option<(Call, usize)>> = const { Cell::new(None) };
}

/// Reports a call: panics if it is the one the fuse was armed for. Quiet while a panic is under way.
pub fn burn(call: Call) {
    let Some((armed, left)) = ARMED.get() else {
        return;
    };
    if armed != call || std::thread::panicking() {
        return;
    }
    ARMED.set((left > 0).then(|| (call, left.wrapping_sub(1))));
    if left == 0 {
        // Not `panic!`: the hook would print thousands of messages.
        resume_unwind(Box::new(Blown));
    }
}

pub struct Fuse;

impl Fuse {
    /// Runs `act` with call number `n` (from 0) of the given kind panicking. True if it came to that.
    pub fn blows(call: Call, n: usize, act: impl FnOnce()) -> bool {
        ARMED.set(Some((call, n)));
        let result = catch_unwind(AssertUnwindSafe(act));
        ARMED.set(None);
        match result {
            Ok(()) => false,
            Err(payload) => {
                let payload: Box<dyn Any + Send> = payload;
                if !payload.is::<Blown>() {
                    resume_unwind(payload);
                }
                true
            }
        }
    }
}
