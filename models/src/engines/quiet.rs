//! Panics in a model are values: nothing is printed, the message is kept.
//!
//! shuttle installs a panic hook that prints, at its first use and for good. So it is used once here, for nothing, and
//! a hook is put before it that keeps quiet while a model runs on this thread.
//!
//! # Checked by
//! `tests/shuttle_platform.rs`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static MODELLING: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a model. A panic that comes out of it is returned, with what it said and where.
///
/// # Errors
/// The payload and the message.
pub fn quietly<T>(model: impl FnOnce() -> T) -> Result<T, (Box<dyn Any + Send>, String)> {
    replace_hook();
    let was = MODELLING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(model));
    MODELLING.set(was);
    result.map_err(|payload| (payload, message()))
}

/// What the last panic on this thread said.
pub fn message() -> String {
    MESSAGE.take()
}

fn replace_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let scheduler = shuttle::scheduler::DfsScheduler::new(Some(1), false);
        let mut config = shuttle::Config::new();
        config.failure_persistence = shuttle::FailurePersistence::None;
        shuttle::Runner::new(scheduler, config).run(|| {});
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !MODELLING.get() {
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
    });
}
