//! The shuttle platform seen red: each thing that it can object to, on a few lines that do just that.

use map_core::platform::{
    Atomic, Cell, Collector, Guard, Mutex, Object, Place, Platform, Point, Reclaim,
};
use models::case::Case;
use models::catalogue;
use models::elements::Ledger;
use models::engines::dfs::{self, Explore};
use models::engines::judge::Judge;
use models::engines::shuttle::pending::{self, Access, Choice, Chooser, Ordinary};
use models::engines::shuttle::{Lines, Model, Policy, litmus, run};
use models::engines::{Limits, Report};
use models::finding::Finding;
use models::generators::scenarios;
use models::quiet::quietly;
use models::schedulers::Named;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::process::Command;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

type Word = <Model as Platform>::AtomicUsize;
type Pointer<T> = <Model as Platform>::AtomicPtr<T>;
type Plain = <Model as Platform>::Cell<u64>;
type Pins = <Model as Platform>::Collector;
/// Some bucket.
const PLACE: Place = Place { generation: 0, bucket: 0 };

/// A cell, what says that it is filled, and what makes two threads wait.
struct Shared {
    cell: Plain,
    flag: Word,
}

fn shared() -> Shared {
    Shared { cell: Plain::new(0), flag: Word::new(0) }
}

fn explore<S: Send + Sync + 'static>(make: fn() -> S, lines: &[Lines<S, u64>]) -> Report {
    litmus(dfs::policy(Explore { preemptions: Some(2), ..Explore::default() }), make, lines, None)
}

#[track_caller]
fn found(report: &Report, oracle: &str) -> Finding {
    let found = report.found.as_ref().unwrap_or_else(|| panic!("{oracle} must object"));
    assert_eq!(found.finding.objection.oracle, oracle, "{}", found.finding);
    found.finding.clone()
}

fn fill(shared: &Shared) -> u64 {
    // SAFETY: the model's cell reports a race before it happens.
    shared.cell.with_mut(|cell| unsafe { *cell = 7 });
    0
}

fn look(shared: &Shared) -> u64 {
    // SAFETY: as in `fill`.
    shared.cell.with(|cell| unsafe { *cell })
}

#[test]
fn an_unordered_read_and_write_race_and_both_are_named() {
    let report = explore(
        shared,
        &[
            |shared| {
                fill(shared);
                shared.flag.store(1, Relaxed);
                0
            },
            |shared| if shared.flag.load(Acquire) == 1 { look(shared) } else { 0 },
        ],
    );
    let detail = found(&report, "race").objection.detail;
    let who = detail.starts_with("thread-1 read at") && detail.contains("what thread-0 wrote at");
    assert!(who, "{detail}");
    assert_eq!(detail.matches("shuttle_platform.rs:").count(), 2, "{detail}");
}

#[test]
fn a_released_write_and_an_acquired_read_do_not_race() {
    let report = explore(
        shared,
        &[
            |shared| {
                fill(shared);
                shared.flag.store(1, Release);
                0
            },
            |shared| if shared.flag.load(Acquire) == 1 { look(shared) } else { 0 },
        ],
    );
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    assert!(report.outcomes.contains("[0, 7]"));
}

/// A box that one thread takes away, with what is in it, while another may still look.
#[test]
fn what_is_given_back_races_with_who_has_looked() {
    let report = explore(
        || Pointer::<Plain>::new(Box::into_raw(Box::new(Plain::new(3)))),
        &[
            |link: &Pointer<Plain>| {
                let taken = link.swap(std::ptr::null_mut(), Acquire);
                // SAFETY: of `Box::into_raw` above, and no other thread's from here on: it has looked before, or will not.
                drop(unsafe { Box::from_raw(taken) });
                0
            },
            |link| match link.load(Acquire) {
                gone if gone.is_null() => 0,
                there => {
                    // SAFETY: read in the same step as the link.
                    let cell = unsafe { &*there };
                    // SAFETY: as above.
                    cell.with(|value| unsafe { *value })
                }
            },
        ],
    );
    let detail = found(&report, "race").objection.detail;
    assert!(detail.starts_with("thread-0 gave back what thread-1 read at"), "{detail}");
}

#[test]
fn an_atomic_is_not_used_before_its_making_is_seen() {
    let report = explore(
        || Pointer::<Word>::new(std::ptr::null_mut()),
        &[
            |link: &Pointer<Word>| {
                link.store(Box::into_raw(Box::new(Word::new(3))), Relaxed);
                0
            },
            |link| match link.load(Acquire) {
                made if made.is_null() => 0,
                // SAFETY: never freed.
                made => unsafe { (*made).load(Relaxed) as u64 },
            },
        ],
    );
    assert!(found(&report, "race").objection.detail.contains("used an atomic"));
}

/// A lock, and a word that is its holder's.
struct Held {
    lock: Word,
    word: Word,
}

/// Adds one under the lock, if that is free.
fn add(held: &Held, lock: Ordering, unlock: Ordering) -> u64 {
    if held.lock.compare_exchange(0, 1, lock, Relaxed).is_err() {
        return 0;
    }
    let word = held.word.load_owned() + 1;
    held.word.store(word, Relaxed);
    held.lock.store(0, unlock);
    word as u64
}

#[test]
fn owned_memory_is_handed_over_by_the_lock() {
    let both = |add: Lines<Held, u64>| {
        explore(|| Held { lock: Word::new(0), word: Word::new(0) }, &[add, add])
    };
    let report = both(|held| add(held, Acquire, Release));
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    assert!(report.outcomes.contains("[1, 2]"), "{:?}", report.outcomes);
    for report in
        [both(|held| add(held, Relaxed, Release)), both(|held| add(held, Acquire, Relaxed))]
    {
        let detail = found(&report, "race").objection.detail;
        assert!(detail.contains("loaded at") && detail.contains("had stored"), "{detail}");
    }
}

#[test]
fn owned_memory_is_stored_to_after_its_owner_has_done() {
    let then = |tell: Lines<Held, u64>| {
        let told: Lines<Held, u64> = |held| {
            if held.lock.load(Acquire) == 1 {
                held.word.store(1, Relaxed);
            }
            0
        };
        explore(|| Held { lock: Word::new(0), word: Word::new(0) }, &[tell, told])
    };
    let report = then(|held| {
        let word = held.word.load_owned();
        held.lock.store(1, Release);
        word as u64
    });
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    let report = then(|held| {
        let word = held.word.load_owned();
        held.lock.store(1, Relaxed);
        word as u64
    });
    let detail = found(&report, "race").objection.detail;
    assert!(detail.contains("stored at") && detail.contains("had loaded"), "{detail}");
}

#[test]
fn a_compare_exchange_stores_to_owned_memory_if_it_succeeds() {
    let exchange = |owner: Lines<Held, u64>, other: Lines<Held, u64>| {
        explore(|| Held { lock: Word::new(0), word: Word::new(0) }, &[owner, other])
    };
    fn seen(held: &Held, current: usize) -> u64 {
        let answer = held.word.compare_exchange(current, 9, Acquire, Relaxed);
        answer.unwrap_or_else(|seen| seen) as u64
    }
    let owner: Lines<Held, u64> = |held| held.word.load_owned() as u64;
    let report = exchange(owner, |held| seen(held, 7));
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    let detail = found(&exchange(owner, |held| seen(held, 0)), "race").objection.detail;
    assert!(detail.contains("stored at") && detail.contains("had loaded"), "{detail}");
    // One that acquires what the owner released comes after it.
    let owner: Lines<Held, u64> = |held| {
        let word = held.word.load_owned();
        held.word.store(1, Release);
        word as u64
    };
    let report = exchange(owner, |held| seen(held, 1));
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
}

#[test]
fn a_mutex_orders_what_is_done_under_it() {
    let report = explore(
        || <Model as Platform>::Mutex::<u64>::new(0),
        &[
            |mutex: &<Model as Platform>::Mutex<u64>| {
                mutex.with(|value| std::mem::replace(value, 1))
            },
            |mutex| mutex.with(|value| std::mem::replace(value, 2)),
        ],
    );
    assert!(report.found.is_none(), "{:?}", report.found);
    assert_eq!(report.outcomes.len(), 2);
}

/// Something to retire.
struct Boxed;

impl Reclaim for Boxed {
    unsafe fn reclaim(object: *mut Self) {
        Model::freed(object.cast_const());
        // SAFETY: made by `linked` from a box.
        drop(unsafe { Box::from_raw(object) });
    }
}

/// A collector, a link to a box, and whether that is retired.
struct Linked {
    link: Pointer<Boxed>,
    pins: Pins,
    retired: Word,
}

fn linked() -> Linked {
    let boxed = Box::into_raw(Box::new(Boxed));
    Model::allocated(boxed.cast_const(), Object::Entry);
    Linked { link: Pointer::new(boxed), pins: Pins::new(), retired: Word::new(0) }
}

fn reader(linked: &Linked) -> u64 {
    let _pin = linked.pins.pin();
    let boxed = linked.link.load(Acquire);
    if !boxed.is_null() {
        linked.link.load(Relaxed);
        Model::touched(boxed.cast_const());
    }
    0
}

#[test]
fn what_is_retired_after_unlinking_is_safe() {
    let report = explore(
        linked,
        &[
            |linked| {
                let pin = linked.pins.pin();
                let boxed = linked.link.swap(std::ptr::null_mut(), Acquire);
                // SAFETY: unlinked above, once.
                unsafe { pin.retire(boxed) };
                0
            },
            reader,
        ],
    );
    assert!(report.found.is_none(), "{:?}", report.found);
}

#[test]
fn what_is_retired_before_unlinking_is_touched_too_late() {
    let report = explore(
        linked,
        &[
            |linked| {
                let pin = linked.pins.pin();
                let boxed = linked.link.load(Acquire);
                // SAFETY: none, that is what the model must say.
                unsafe { pin.retire(boxed) };
                linked.link.store(std::ptr::null_mut(), Release);
                0
            },
            reader,
        ],
    );
    let finding = found(&report, "reclamation");
    assert!(finding.objection.detail.contains("retired by thread-0"), "{finding}");
}

/// An object is unlinked, retired, and that is told, with no order; whoever hears of it pins and looks for the object.
fn met_after_its_retiring(stale: bool) -> Report {
    let lines: [Lines<Linked, u64>; 2] = [
        |linked| {
            let pin = linked.pins.pin();
            let boxed = linked.link.swap(std::ptr::null_mut(), Acquire);
            // SAFETY: unlinked above, once.
            unsafe { pin.retire(boxed) };
            linked.retired.store(1, Relaxed);
            0
        },
        |linked| {
            if linked.retired.load(Relaxed) == 0 {
                return 0;
            }
            let _pin = linked.pins.pin();
            let boxed = linked.link.load(Acquire);
            Model::touched(boxed.cast_const());
            if boxed.is_null() { 1 } else { 2 }
        },
    ];
    litmus(dfs::policy(Explore { stale, ..Explore::default() }), linked, &lines, None)
}

#[test]
fn a_later_pin_may_miss_an_unlinking_only_if_the_retiring_is_deferred() {
    for (stale, outcomes) in [(false, "[0, 0] [0, 1]"), (true, "[0, 0] [0, 1] [0, 2]")] {
        let report = met_after_its_retiring(stale);
        assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
        let met: Vec<&str> = report.outcomes.iter().map(String::as_str).collect();
        assert_eq!(met.join(" "), outcomes);
    }
}

/// Something that may be used again: what its reclaiming does to it, and where it says so.
struct Used {
    cell: Plain,
    reclaimed: *const Word,
}

impl Reclaim for Used {
    const IS_KEPT: bool = true;

    unsafe fn reclaim(object: *mut Self) {
        // SAFETY: made by `used` from a box that nobody frees: one who has no pin is to be found, not to crash.
        let used = unsafe { &*object };
        // SAFETY: as in `fill`.
        used.cell.with_mut(|cell| unsafe { *cell = 7 });
        Model::freed(object.cast_const());
        // SAFETY: of `used`, which outlives its collector's threads.
        unsafe { &*used.reclaimed }.store(1, Relaxed);
    }
}

struct Uses {
    pins: Pins,
    link: Pointer<Used>,
    reclaimed: Box<Word>,
}

fn used() -> Uses {
    let reclaimed = Box::new(Word::new(0));
    let used =
        Box::into_raw(Box::new(Used { cell: Plain::new(0), reclaimed: &raw const *reclaimed }));
    Model::allocated(used.cast_const(), Object::Segment);
    Uses { pins: Pins::new(), link: Pointer::new(used), reclaimed }
}

/// Whatever can be used again is.
struct Recycles;

impl Chooser for Recycles {
    fn choose(&mut self, _: usize, choice: Choice) -> usize {
        usize::from(choice == Choice::Recycle)
    }
}

/// A thread retires what another reads, under a pin or without one, and looks at whether it is reclaimed.
fn recycled(reader: Lines<Uses, u64>) -> Report {
    let retire: Lines<Uses, u64> = |uses| {
        let pin = uses.pins.pin();
        let used = uses.link.swap(std::ptr::null_mut(), Acquire);
        // SAFETY: unlinked above, once.
        unsafe { pin.retire(used) };
        drop(pin);
        uses.reclaimed.load(Relaxed) as u64
    };
    let policy = Policy { chooser: Box::new(Recycles), ..dfs::policy(Explore::default()) };
    litmus(policy, used, &[retire, reader], None)
}

fn read(uses: &Uses) -> u64 {
    let used = uses.link.load(Acquire);
    // SAFETY: it is never freed.
    unsafe { used.as_ref() }.map_or(9, |used| used.cell.with(|cell| unsafe { *cell }))
}

#[test]
fn what_is_used_again_is_so_once_the_last_pin_ends_and_after_what_was_done_under_all() {
    let report = recycled(|uses| {
        let _pin = uses.pins.pin();
        read(uses)
    });
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    let outcomes: Vec<&str> = report.outcomes.iter().map(String::as_str).collect();
    assert_eq!(outcomes, ["[0, 0]", "[0, 9]", "[1, 0]", "[1, 9]"]);
}

#[test]
fn what_is_used_again_races_with_who_has_no_pin() {
    found(&recycled(read), "race");
}

#[test]
fn what_is_touched_without_a_pin_is_reclaimed() {
    let report = explore(
        linked,
        &[
            |linked| {
                let pin = linked.pins.pin();
                let boxed = linked.link.swap(std::ptr::null_mut(), Acquire);
                // SAFETY: unlinked above, once.
                unsafe { pin.retire(boxed) };
                0
            },
            |linked| {
                let boxed = linked.link.load(Acquire);
                linked.link.load(Relaxed);
                Model::touched(boxed.cast_const());
                0
            },
        ],
    );
    found(&report, "reclamation");
}

#[test]
fn what_is_retired_twice_is_found() {
    let report = explore(
        linked,
        &[|linked| {
            let pin = linked.pins.pin();
            let boxed = linked.link.swap(std::ptr::null_mut(), Acquire);
            // SAFETY: unlinked above, once.
            unsafe { pin.retire(boxed) };
            // SAFETY: none, that is what the model must say.
            unsafe { pin.retire(boxed) };
            0
        }],
    );
    assert!(found(&report, "reclamation").objection.detail.contains("again; first by thread-0"));
}

#[test]
fn what_is_retired_under_a_lock_is_found() {
    fn retire_after(points: &[Point], linked: &Linked) -> u64 {
        let pin = linked.pins.pin();
        let boxed = linked.link.swap(std::ptr::null_mut(), Acquire);
        points.iter().for_each(|&point| Model::point(point, PLACE));
        // SAFETY: unlinked above, once. If a lock is held, that is what the model must say.
        unsafe { pin.retire(boxed) };
        0
    }
    let report = explore(linked, &[|linked| retire_after(&[Point::Locked], linked)]);
    let finding = found(&report, "reclamation");
    assert_eq!(finding.objection.rule, "nothing is retired under a bucket's lock");
    let unlocked = |linked: &Linked| retire_after(&[Point::Locked, Point::AboutToUnlock], linked);
    let report = explore(linked, &[unlocked]);
    assert!(report.found.is_none(), "{:?}", report.found);
}

/// Something that frees its word as often as this when it goes.
struct Freed(u32, Box<Word>);

impl Drop for Freed {
    fn drop(&mut self) {
        (0..self.0).for_each(|_| Model::freed(&raw const *self.1));
    }
}

/// The map goes when all threads have ended: what the model objects to then ends no task, and is no panic of the map's.
#[test]
fn what_is_freed_twice_when_all_is_over_is_found() {
    fn once_for_all(times: u32) -> Freed {
        let word = Box::new(Word::new(0));
        Model::allocated(&raw const *word, Object::Entry);
        Freed(times, word)
    }
    let report = explore(|| once_for_all(2), &[|_| 0]);
    let finding = found(&report, "reclamation");
    assert_eq!(
        finding.objection.rule,
        "an object is freed once, and after it was retired by way of the collector"
    );
    assert!(finding.objection.detail.contains("freed Entry"), "{finding}");
    assert!(finding.objection.detail.contains("again"), "{finding}");
    let report = explore(|| once_for_all(1), &[|_| 0]);
    assert!(report.found.is_none(), "{:?}", report.found);
}

#[test]
fn what_is_not_freed_is_a_leak() {
    let report = explore(linked, &[|_| 0]);
    assert!(found(&report, "reclamation").objection.detail.contains("leaked 1 objects"));
}

/// What an execution leaves that is objected to may crash when it is dropped, or be objected to for that instead.
#[test]
fn a_map_is_not_dropped_that_is_objected_to() {
    let case =
        "case 1\nelements counted\nthread given\n insert k1 v1\nend\nthread reader\n get k1\nend\n";
    let case = Case::parse(case).expect("a case");
    let allowed = catalogue::scenario("").allows("reader", vec![None]).allowed;
    let judge = Judge::new(&case, allowed);
    let policy = dfs::policy(Explore::default());
    let report = run(&case, judge, policy, &Limits::default());
    found(&report, "outcome");
    assert_eq!(Ledger::live(), (1, 1));
}

#[test]
fn threads_that_wait_for_each_other_are_deadlocked() {
    let wait: Lines<Shared, u64> = |shared| {
        while shared.flag.load(Acquire) == 0 {
            Model::wait(0);
        }
        0
    };
    let report = explore(shared, &[wait, wait]);
    assert!(found(&report, "deadlock").objection.detail.contains("thread-1"));
}

#[test]
fn a_thread_that_waits_goes_on_after_the_store() {
    let wait: Lines<Shared, u64> = |shared| {
        while shared.flag.load(Acquire) == 0 {
            Model::wait(0);
        }
        look(shared)
    };
    let report = explore(
        shared,
        &[wait, |shared| {
            fill(shared);
            shared.flag.store(1, Release);
            0
        }],
    );
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
}

/// Stalls who is about to unlock.
struct StallsAtUnlock;

impl Chooser for StallsAtUnlock {
    fn choose(&mut self, task: usize, choice: Choice) -> usize {
        let at = pending::of(TaskId::from(task)).and_then(|pending| pending.point);
        let is_there = at.is_some_and(|(point, _)| point == Point::AboutToUnlock);
        usize::from(choice == Choice::Stall && is_there)
    }
}

#[test]
fn who_is_about_to_unlock_stops_only_who_wants_that_bucket() {
    fn wait(shared: &Shared, bucket: usize) -> u64 {
        while shared.flag.load(Acquire) == 0 {
            Model::point(Point::WaitForLock, Place { bucket, ..PLACE });
            Model::wait(0);
        }
        0
    }
    let beside = |waits: Lines<Shared, u64>| {
        let unlocks: Lines<Shared, u64> = |shared| {
            shared.flag.load(Relaxed);
            Model::point(Point::Locked, PLACE);
            Model::point(Point::AboutToUnlock, PLACE);
            shared.flag.store(1, Release);
            0
        };
        let policy =
            Policy { chooser: Box::new(StallsAtUnlock), ..dfs::policy(Explore::default()) };
        litmus(policy, shared, &[unlocks, waits], None)
    };
    let report = beside(|shared| wait(shared, PLACE.bucket));
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    let finding = found(&beside(|shared| wait(shared, PLACE.bucket + 1)), "stall");
    assert_eq!(finding.objection.rule, "a stalled thread stops only who wants its bucket");
}

#[test]
fn a_loop_without_end_is_a_livelock() {
    let report = explore(
        shared,
        &[|shared| {
            while shared.flag.load(Acquire) == 0 {}
            0
        }],
    );
    found(&report, "livelock");
}

/// Who comes after the store goes on for longer than an execution may depart from the ordinary, and nobody is asked who
/// of the others is next.
#[test]
fn a_search_that_leaves_choices_out_has_not_exhausted_them() {
    let searched = |long: Lines<Shared, u64>| {
        let tell: Lines<Shared, u64> = |shared| shared.flag.swap(1, Relaxed) as u64;
        let policy = dfs::policy(Explore { preemptions: Some(0), ..Explore::default() });
        litmus(policy, shared, &[long, tell, tell], None)
    };
    let report = searched(|shared| shared.flag.load(Relaxed) as u64);
    assert!(report.found.is_none() && report.exhausted, "{:?}", report.found);
    let report = searched(|shared| {
        let told = shared.flag.load(Relaxed);
        let again = (0..told * 3_000).map(|_| shared.flag.load(Relaxed));
        again.chain([told]).max().unwrap_or_default() as u64
    });
    assert!(report.found.is_none() && !report.exhausted, "{:?}", report.found);
}

#[test]
fn a_panic_is_a_finding() {
    // Not even shuttle's hook, which comes after this, is to print anything.
    drop(quietly(|| ()));
    let report = explore(shared, &[|_| panic!("on purpose")]);
    assert!(found(&report, "panics").objection.detail.contains("on purpose"));
}

#[test]
fn a_panic_is_not_printed() {
    let mut again = Command::new(std::env::current_exe().expect("this is one"));
    let run = again.args(["--exact", "a_panic_is_a_finding", "--nocapture"]).output();
    let run = run.expect("it runs");
    let said = String::from_utf8([run.stdout, run.stderr].concat()).expect("UTF-8");
    assert!(said.contains("1 passed"), "{said}");
    assert!(!said.contains("Task failed") && !said.contains("on purpose"), "{said}");
}

/// Looks at what is pending, each time it is asked.
struct Looker(usize);

impl Scheduler for Looker {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.0 += 1;
        (self.0 < 3).then(|| Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        for task in runnable.iter().filter(|_| runnable.len() > 1) {
            let next = pending::of(task.id()).expect("published-first");
            assert!(next.access != Access::Begin && next.location.maker() == 0, "{next:?}");
        }
        Some(runnable[0].id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

#[test]
fn what_is_pending_is_published_before_the_scheduler_is_asked() {
    let policy =
        Policy { scheduler: Box::new(Looker(0)), chooser: Box::new(Ordinary), stale: false };
    let store: Lines<Shared, u64> = |shared| {
        shared.flag.store(1, Relaxed);
        shared.flag.load(Relaxed) as u64
    };
    let report = litmus(policy, shared, &[store, store], None);
    assert!(report.found.is_none() && report.executions == 2, "{:?}", report.found);
}

#[test]
fn runs_repeat() {
    let scenario = catalogue::named("two_evacuators_share_the_buckets").expect("it is there");
    let steps = || {
        let judge = Judge::new(&scenario.case, scenario.allowed.clone());
        run(&scenario.case, judge, Named::Random.policy(5, true), &Limits::executions(50)).steps
    };
    assert_eq!(steps(), steps());
}

#[test]
fn generated_cases_find_nothing_and_print_and_parse() {
    for seed in 0..60 {
        let case = scenarios::draw(seed);
        assert_eq!(Case::parse(&case.to_string()).as_ref(), Ok(&case));
        assert!((2..=4).contains(&case.running().len()));
        let stale = seed % 2 == 0;
        let judge = Judge::new(&case, catalogue::Allowed::default());
        let report = run(&case, judge, Named::Random.policy(seed, stale), &Limits::executions(20));
        assert!(report.found.is_none(), "{:?}\n{case}", report.found);
    }
}
