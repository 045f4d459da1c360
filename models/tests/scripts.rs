//! The scripts of `ci`, with a cargo that does as it is told: what they come to is what happened.
#![cfg(unix)]

use models::faults::detector;
use models::faults::patch::read_all;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs a script where cargo exits with 0, or does as it is told for a command line: a pattern of the shell, and what to run. A
/// crash was found before.
fn run(script: &str, cargo: &[(&str, &str)]) -> (i32, String) {
    let here = tempfile::tempdir().expect("a place for files");
    let crashes = here.path().join("fuzz/artifacts/ops");
    fs::create_dir_all(&crashes).expect("made");
    fs::write(crashes.join("crash-1"), "").expect("written");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci");
    let program = |file: &str, text: &str| {
        let path = here.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("it may be run");
    };
    for name in [script, "install-cargo-fuzz.sh"] {
        let text = fs::read_to_string(scripts.join(name)).expect("it is there");
        program(&format!("ci/{name}"), &text);
    }
    let told: String =
        cargo.iter().map(|(line, action)| format!("{line}) {action} ;;\n")).collect();
    program("bin/cargo", &format!("#!/bin/sh\ncase \"$*\" in\n{told}esac\n"));
    program("bin/cargo-fuzz", "#!/bin/sh\n");
    let path = std::env::var("PATH").expect("there is one");
    let path = format!("{}:{path}", here.path().join("bin").display());
    let script = here.path().join("ci").join(script);
    let output = Command::new(script).env("PATH", path).output().expect("it runs");
    let code = output.status.code().expect("an exit code");
    (code, String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn fuzz_targets_that_cannot_be_listed_are_no_success() {
    for script in ["smoke.sh", "minimise-corpus.sh"] {
        assert_eq!(run(script, &[]).0, 0, "{script}");
        assert_eq!(run(script, &[("'fuzz list'", "exit 7")]).0, 7, "{script}");
    }
}

#[test]
fn a_hunter_that_cannot_hunt_is_no_finding() {
    let (code, out) = run("hunt.sh", &[]);
    assert!(code == 0 && out.matches(": nothing found\n").count() == 6, "{out}");
    let (build, crash) = (("'fuzz build'*", "exit 1"), ("'fuzz run'*", "exit 1"));
    let (found, failed) = (("'models run'*", "exit 1"), ("'models ops'*", "exit 101"));
    for (cargo, expected, said) in [
        (&[crash][..], 1, "cargo fuzz run ops: FOUND SOMETHING\n"),
        (&[found], 1, "schedulers: FOUND SOMETHING\n"),
        (&[build], 2, "cargo fuzz run ops: COULD NOT HUNT (exit 2)\n"),
        (&[failed], 2, "operation engine: COULD NOT HUNT (exit 101)\n"),
        (&[found, failed], 1, "schedulers: FOUND SOMETHING\n"),
    ] {
        let (code, out) = run("hunt.sh", cargo);
        assert!(code == expected && out.contains(said), "{code}: {out}");
    }
    assert_eq!(run("schedules.sh", &[found]).0, 1);
    assert_eq!(run("schedules.sh", &[("'models run'*", "exit 101")]).0, 101);
}

#[test]
fn what_is_found_again_is_triaged_and_what_was_slow_is_not() {
    let again = "cd fuzz/artifacts/ops; echo > crash-1; echo > slow-unit-1; exit 1";
    let slow = "echo > fuzz/artifacts/ops/slow-unit-1";
    // Who leaves a crash behind and then breaks off has found something.
    let broken = ("'fuzz run'*", "cd fuzz/artifacts/ops; echo > crash-1; exit 101");
    assert_eq!(run("hunt.sh", &[broken, ("'models triage'*", "exit 1")]).0, 1);
    assert_eq!(run("hunt.sh", &[broken, ("'models triage'*", "exit 0")]).0, 2);
    for (fuzz, triaged) in [
        (again, Some("triaged: models triage fuzz/artifacts/ops/crash-1\n")),
        ("exit 1", Some("triaged: models triage\n")),
        (slow, None),
    ] {
        let triage = ("'models triage'*", "echo \"triaged: $*\"");
        let (code, out) = run("hunt.sh", &[("'fuzz run'*", fuzz), triage]);
        assert_eq!(code == 1, triaged.is_some(), "{out}");
        assert!(triaged.map_or(!out.contains("triaged"), |said| out.contains(said)), "{out}");
    }
}

#[test]
fn a_script_that_is_asked_for_nothing_says_so() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci");
    for (script, argument) in [("schedules.sh", "9"), ("mutants.sh", "--since")] {
        let output = Command::new(scripts.join(script)).arg(argument).output().expect("it runs");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{script}");
    }
}

#[test]
fn every_detector_has_its_hour_a_week() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows/ci.yml");
    let text = fs::read_to_string(file).expect("it is there");
    let (_, list) = text.split_once("        detector:\n").expect("a list of detectors");
    let named: Vec<&str> =
        list.lines().map_while(|line| line.trim_start().strip_prefix("- ")).collect();
    let all = detector::all();
    let all: Vec<&str> = all.iter().map(|detector| detector.name.as_str()).collect();
    assert_eq!(named, all);
}

/// One that has no place any more leaves out nothing, or what it was not about.
#[test]
fn every_mutant_that_is_left_out_has_its_line_still() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| fs::read_to_string(root.join(file)).expect("it is there");
    let words = |text: &str| text.split_whitespace().collect::<Vec<&str>>().join(" ");
    let text = read("corpus/mutants.md");
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    assert!(lines.len() > 20, "{lines:?}");
    for line in lines {
        let (file, rest) = line.split_once(": `").expect("a file, then the line");
        let (old, _) = rest.split_once("` → `").expect("the old line, then the new one");
        assert!(words(&read(file)).contains(old), "{file} has no more: {old}");
    }
}

#[test]
fn every_fault_that_a_script_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |script: &str| {
        fs::read_to_string(root.join("ci").join(script)).expect("the script is there")
    };
    let (subset, all) = (read("faults.sh"), read("triage.sh"));
    let (_, subset) = subset.split_once("--only \\\n").expect("a list of a few");
    let lists = all.lines().filter_map(|line| {
        line.strip_prefix("sequential=").or_else(|| line.strip_prefix("concurrent="))
    });
    let lists: Vec<&str> = subset.lines().take(1).chain(lists).collect();
    assert_eq!(lists.len(), 3);
    for list in lists {
        let slugs: Vec<String> =
            list.trim().trim_end_matches(" ;;").split(',').map(str::to_string).collect();
        let found = read_all(&root.join("corpus/faults"), &slugs).expect("each is there");
        assert!(found.len() >= slugs.len() && slugs.len() > 5, "{list}");
    }
}
