//! A trace: what a run did, step by step, with pictures of the map. Recorded on request only.
//!
//! Whoever runs a case notes what happens; where nobody asked for a trace that is one test of a flag. A run that takes its
//! process with it leaves what was told as it happened.
//!
//! # Not here
//! Showing one: see `triage`.
//! # Checked by
//! `tests/trace.rs`.

use crate::picture::Picture;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A thread called.
    Call {
        /// Which thread, counted from 0.
        thread: usize,
        /// The op.
        op: String,
    },
    /// Its op returned.
    Return {
        /// Which thread.
        thread: usize,
        /// The answer.
        answer: String,
    },
    /// It reached a named moment.
    Reach {
        /// Which thread.
        thread: usize,
        /// The moment.
        point: String,
        /// Where.
        place: String,
    },
    /// Something unusual was chosen for it: a forced switch, a stall, a stale read.
    Departure {
        /// Which thread.
        thread: usize,
        /// As a case says it.
        what: String,
        /// Before what the thread was, if it was left there: the operation, and where it is in the map's code.
        place: String,
    },
    /// A sequential case has begun an op, or what is behind the last.
    Begun {
        /// Which op, counted from 0.
        at: usize,
    },
    /// A sequential case has done an op, or a part of one; the last may have gone wrong.
    Done {
        /// Which op, counted from 0.
        at: usize,
        /// The part.
        part: Option<String>,
    },
    /// The map has changed.
    State(Picture),
}

/// A thread's looks at the map while it runs.
type Look = Box<dyn Fn() -> Option<Picture>>;
/// Who is told of events as they happen.
type Listener = Box<dyn FnMut(&Event)>;

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    static LOOK: RefCell<Option<Look>> = const { RefCell::new(None) };
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Pictures are large; a trace has so many at most.
const PICTURES_MAX: usize = 2_000;

/// Does `run` on this thread and records it. Of several executions, the last.
pub fn record<T>(run: impl FnOnce() -> T) -> (T, Vec<Event>) {
    ON.set(true);
    EVENTS.take();
    let result = run();
    ON.set(false);
    LOOK.take();
    (result, EVENTS.take())
}

/// Does `run` on this thread and tells `listener` of each event as it happens. For a run of one execution.
pub fn tell<T>(listener: impl FnMut(&Event) + 'static, run: impl FnOnce() -> T) -> T {
    LISTENER.set(Some(Box::new(listener)));
    let (result, _) = record(run);
    LISTENER.take();
    result
}

/// Is a trace recorded?
#[inline]
pub fn is_on() -> bool {
    ON.get()
}

/// An execution begins: forgets the one before. `look` takes pictures of its map.
pub fn begin(look: impl Fn() -> Option<Picture> + 'static) {
    if is_on() {
        EVENTS.take();
        LOOK.set(Some(Box::new(look)));
    }
}

/// The execution's map is about to go.
pub fn end() {
    LOOK.take();
}

/// Notes what happens.
#[inline]
pub fn note(event: impl FnOnce() -> Event) {
    if is_on() {
        push(event());
    }
}

fn push(event: Event) {
    LISTENER.with_borrow_mut(|listener| {
        if let Some(listener) = listener {
            listener(&event);
        }
    });
    EVENTS.with_borrow_mut(|events| events.push(event));
}

/// Looks at the map, and notes its state if that has changed.
pub fn look() {
    if is_on() {
        let picture = LOOK.with_borrow(|look| look.as_ref().and_then(|look| look()));
        picture.into_iter().for_each(note_state);
    }
}

/// Notes the state of the map if it has changed.
pub fn note_state(picture: Picture) {
    let is_news = EVENTS.with_borrow(|events| {
        let mut pictures = events.iter().filter_map(|event| match event {
            Event::State(picture) => Some(picture),
            _ => None,
        });
        let last = pictures.next_back();
        last != Some(&picture) && pictures.count() + 1 < PICTURES_MAX
    });
    if is_news {
        push(Event::State(picture));
    }
}
