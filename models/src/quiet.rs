//! Panics as values: nothing is printed, the message is kept.
//!
//! The panic hook is replaced once, on first use: for a thread inside [`quietly`] it notes the message (libFuzzer's, which
//! aborts, is not asked); elsewhere the former hook is called. shuttle puts one that prints before ours, at its first use
//! and for good: [`after_shuttle`] puts ours before that.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`, `tests/oracles.rs`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body`. A panic that comes out of it is returned, with what it said and where.
///
/// # Errors
/// The payload and the message.
pub fn quietly<T>(body: impl FnOnce() -> T) -> Result<T, (Box<dyn Any + Send>, String)> {
    static ONCE: Once = Once::new();
    ONCE.call_once(replace_hook);
    let was = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    QUIET.set(was);
    result.map_err(|payload| (payload, message()))
}

/// What the last panic on this thread said.
pub fn message() -> String {
    MESSAGE.take()
}

/// Uses shuttle for nothing, so that its hook is there, and replaces that.
pub fn after_shuttle() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let scheduler = shuttle::scheduler::DfsScheduler::new(Some(1), false);
        let mut config = shuttle::Config::new();
        config.failure_persistence = shuttle::FailurePersistence::None;
        shuttle::Runner::new(scheduler, config).run(|| {});
        replace_hook();
    });
}

fn replace_hook() {
    let former = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !QUIET.get() {
            return former(info);
        }
        let said = info.payload_as_str().unwrap_or("a panic without words");
        let place = info.location().map_or(String::new(), |place| {
            let file = place.file();
            let file = file.rfind("map-core/").map_or(file, |at| &file[at..]);
            format!(" at {file}:{}", place.line())
        });
        MESSAGE.set(format!("\"{said}\"{place}"));
    }));
}
