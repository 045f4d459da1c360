//! A detector's process: how it ends, and what is made of what it said.

use models::faults::copy::{Copy, is_of_the_map};
use models::faults::detector::How;
use models::faults::ran::{Ran, does_not_compile};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A shell waits for what it has started, as cargo for a test.
fn end(patience: Duration, stop: &AtomicBool) -> Result<Ran, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new("sh");
    command.args(["-c", "(while :; do echo alive; sleep 0.02; done) & wait"]);
    let ran = Ran::of(&mut command, scratch.path(), patience, stop);
    let said = || scratch.path().join("log").metadata().expect("there is a log").len();
    let before = said();
    std::thread::sleep(Duration::from_millis(300));
    assert!(before > 0 && said() == before, "it goes on");
    ran
}

#[test]
fn what_hangs_ends_with_all_that_it_has_started() {
    let ran = end(Duration::from_millis(300), &AtomicBool::new(false)).unwrap();
    assert_eq!(ran.status, None);
}

/// What a test detector makes of an exit code and of what cargo said.
fn tested(code: i32, said: &str) -> Result<Option<String>, String> {
    let status = Some(ExitStatus::from_raw(code << 8));
    Ran { status, seconds: 0.1, said: said.to_string() }.found(&How::Test("-p map-core"))
}

#[test]
fn a_kill_of_a_test_is_a_test_that_failed() {
    assert_eq!(tested(0, "---- what a test prints stdout ----"), Ok(None));
    for (said, found) in [
        ("failures:\n\n---- grows stdout ----\n\nthread 'grows' panicked", "test: grows"),
        (
            "---- src/lib.rs - b (line 5) stdout ----\nerror[E0308]: mismatched types\nCouldn't compile the test.",
            "test: src/lib.rs - b (line 5)",
        ),
        (
            "error: test failed, to rerun pass `--test t`\n\nCaused by:\n  process didn't exit successfully: \
             `/deps/t-8b --quiet` (signal: 6, SIGABRT: process abort signal)",
            "test: signal 6, SIGABRT: process abort signal",
        ),
        (
            "running 3 tests\n..error: test failed, to rerun pass `--test t`\n\nCaused by:\n  process didn't exit successfully: \
             `/deps/t-8b --quiet` (signal: 6, SIGABRT: process abort signal)",
            "test: signal 6, SIGABRT: process abort signal",
        ),
    ] {
        assert_eq!(tested(101, said).as_ref().map(Option::as_deref), Ok(Some(found)));
    }
}

#[test]
fn a_cargo_that_cannot_test_has_found_nothing() {
    for (code, said) in [
        (101, "error: no test target named `concurrent_stress`"),
        (101, "error: failed to write `/deps/t.d`: No space left on device (os error 28)"),
        (
            101,
            "error: could not compile `map-core` (lib test)\n\nCaused by:\n  process didn't exit successfully: \
             `rustc --test` (signal: 9, SIGKILL: kill)",
        ),
        (
            101,
            "error: doctest failed, to rerun pass `--doc`\n\nCaused by:\n  process didn't exit successfully: \
             `rustdoc --test` (signal: 9, SIGKILL: kill)",
        ),
        (3, "error: test failed, to rerun pass `--test t`\n\nCaused by:\n  (exit status: 3)"),
        (3, "---- grows stdout ----"),
    ] {
        let error = tested(code, said).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
    let killed = Some(ExitStatus::from_raw(9));
    let ran = Ran { status: killed, seconds: 0.1, said: String::new() };
    assert!(ran.found(&How::Test("")).is_err(), "it is cargo that was killed");
}

#[test]
fn a_test_that_does_not_compile_has_found_something() {
    let failed = "error: could not compile `map-core` (test \"t\") due to 1 previous error";
    let error = "error[E0277]: the trait bound `N: Clone` is not satisfied";
    let found = does_not_compile(format!("{error}\n --> map-core/tests/t.rs:1:1\n{failed}"));
    assert_eq!(found, Ok(format!("test: does not compile: {error}")));
    let full = "error: failed to write `t.d`: No space left on device (os error 28)";
    assert!(does_not_compile(format!("{full}\n{failed}")).is_err());
}

#[test]
fn what_is_interrupted_ends_with_all_that_it_has_started() {
    let stop = AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
        });
        end(Duration::from_secs(100), &stop)
    });
    assert_eq!(ran.err().as_deref(), Some("interrupted"));
}

#[test]
fn a_build_fails_for_the_map_if_the_compiler_objects_to_it() {
    let failed = "error: could not compile `map-core` (lib) due to 1 previous error";
    for (of_the_map, said) in [
        (true, "error[E0308]: mismatched types\n --> map-core/src/lib.rs:3:5"),
        (true, "error: this arithmetic operation will overflow"),
        (false, ""),
        (
            false,
            "Caused by:\n  process didn't exit successfully: `rustc` (signal: 9, SIGKILL: kill)",
        ),
        (false, "error[E0308]: mismatched types\n`rustc` (signal: 9, SIGKILL: kill)"),
        (false, "error: failed to write `lib.rmeta`: No space left on device (os error 28)"),
    ] {
        assert_eq!(is_of_the_map(&format!("{said}\n{failed}")), of_the_map, "{said}");
    }
    let elsewhere = |place: &str| {
        let said = format!("error[E0080]: it would overflow\n  --> {place}/src/lib.rs:3:5");
        is_of_the_map(&format!("{said}\nerror: could not compile `models` (lib)"))
    };
    assert!(elsewhere("map-core") && !elsewhere("models"));
}

#[test]
fn what_is_run_where_it_was_built_is_of_one_copy() {
    let copy = |number| Copy::new(Path::new("workspace"), Path::new("scratch"), number);
    let products = |copy: &Copy| {
        let cargo = copy.cargo();
        let folder = cargo.get_envs().find(|(name, _)| *name == "CARGO_TARGET_DIR");
        folder.and_then(|(_, value)| value.map(PathBuf::from)).expect("it is set")
    };
    let (first, second) = (copy(0), copy(1));
    assert_ne!(products(&first), products(&second));
    assert!(![&first.target, &second.target].contains(&&products(&first)));
}
