//! The kill matrix judged: what `cargo models faults` says of a folder of patches, and what it makes of what it saw.
//!
//! The patches here break a workspace of a few lines, whose `models` is a stand-in that finds what it is told to: the
//! real one is built by `ci/faults.sh`.

#[path = "faults/ran.rs"]
mod ran;

use models::case::Case;
use models::drivers::summary::Summary;
use models::faults::copy::{Broken, Copy, PROFILE};
use models::faults::detector::{self, Attempt};
use models::faults::matrix::{Cell, Fate, Gain, Matrix, Tally, median};
use models::faults::mutants::{self, Mutants};
use models::faults::names::{self, Named};
use models::faults::patch::{Fault, Kind, read_all};
use models::faults::results::{Row, Store};
use models::faults::{page, table};
use models::finding::Finding;
use models::op::Op;
use models::oracles::Objection;
use models::triage::Sighting;
use models::triage::minimise::Size;
use models::triage::store::{Occurrence, Record};
use models::triage::verdict::Verdict;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The command lines that the stand-in was given, since the workspace is there.
fn asked(workspace: &Path) -> Vec<String> {
    let asked = fs::read_to_string(workspace.join("target/faults/copy-0/asked"));
    asked.expect("it was asked").lines().map(str::to_string).collect()
}

/// A workspace with a map that is right while it says 1, and a detector that says so.
fn workspace() -> TempDir {
    let here = tempfile::tempdir().expect("a place for files");
    let write = |file: &str, text: &str| {
        let path = here.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    let package = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
    };
    let profile = format!("[profile.{PROFILE}]\ninherits = \"dev\"\n");
    write(
        "Cargo.toml",
        &format!("[workspace]\nresolver = \"3\"\nmembers = [\"map-core\", \"models\"]\n{profile}"),
    );
    write("map-core/Cargo.toml", &package("map-core", ""));
    write("map-core/src/lib.rs", "/// The map.\npub fn map() -> u32 {\n    1\n}\n");
    let depends = "[dependencies]\nmap-core = { path = \"../map-core\" }\n";
    write("models/Cargo.toml", &package("models", depends));
    write(
        "models/src/main.rs",
        r#"fn main() {
            let line: Vec<String> = std::env::args().collect();
            let copy = std::env::current_exe().expect("it runs").with_file_name("asked");
            let asked = std::fs::read_to_string(&copy).unwrap_or_default();
            std::fs::write(&copy, asked + &line[3..].join(" ") + "\n").expect("written");
            let json = line.iter().position(|word| word == "--json").expect("it is asked for");
            let found = map_core::map() != 1;
            if found {
                println!("one is wrong");
            }
            let name = if found { "\"reference: one\"" } else { "null" };
            let text = format!("{{\"executions\":7,\"steps\":70,\"seconds\":0.5,\"found\":{name}}}");
            std::fs::write(&line[json + 1], text).expect("written");
            std::process::exit(i32::from(found));
        }
        "#,
    );
    let patch = |slug: &str, from: &str, to: &str| {
        let kind = if slug.starts_with("concurrent") { "concurrent" } else { "sequential" };
        write(
            &format!("faults/{slug}.patch"),
            &format!(
                "Breaks: one.\nIdea: none.\nKind: {kind}\nSeen by: reference\n\n\
                 diff --git a/map-core/src/lib.rs b/map-core/src/lib.rs\n--- a/map-core/src/lib.rs\n+++ b/map-core/src/lib.rs\n\
                 @@ -1,4 +1,4 @@\n /// The map.\n pub fn map() -> u32 {{\n-    {from}\n+    {to}\n }}\n"
            ),
        );
    };
    patch("killed", "1", "2");
    patch("survives", "1", "2 - 1");
    patch("does-not-apply", "3", "2");
    patch("does-not-build", "1", "two");
    patch("concurrent", "1", "2");
    here
}

fn command(workspace: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    command.args(["faults", "--dir", "faults", "--budget", "1"]).args(more);
    if !more.contains(&"--detectors") {
        command.args(["--detectors", "ops"]);
    }
    command.current_dir(workspace);
    command
}

fn faults(workspace: &Path, more: &[&str]) -> (i32, String, String) {
    let output = command(workspace, more).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    (code, text(output.stdout), text(output.stderr))
}

#[test]
fn a_folder_of_patches_is_judged_and_the_run_goes_on_where_it_was() {
    let here = workspace();
    let (code, out, err) = faults(here.path(), &["--only", "killed"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("1 detectors find nothing"), "{out}");
    assert!(out.contains("killed: killed by 1 of 1: ops 0.5"), "{out}");

    let results = here.path().join("target/faults/results");
    let known = fs::read_to_string(results.join("killed.json")).expect("it is kept");
    fs::write(results.join("killed.json"), known.replace("reference: one", "reference: known"))
        .expect("written");
    let (code, out, _) = faults(
        here.path(),
        // Two at once: each must be judged by its own program.
        &["--jobs", "2", "--json", "all.json", "--html", "all.html"],
    );
    assert_eq!(code, 2, "{out}");
    assert!(out.starts_with("does-not-apply: ERROR: does not apply: "), "{out}");
    assert!(
        out.contains("does-not-build: ERROR: does not build: ") && out.contains("two"),
        "{out}"
    );
    assert!(out.contains("survives: SURVIVED 1 detectors"), "{out}");
    assert!(
        out.contains(
            "2 faults, 1 killed\n1 survived: survives\n1 not asked: concurrent\n2 neither apply nor build: "
        ),
        "{out}"
    );
    let all = fs::read_to_string(here.path().join("all.json")).expect("it is written");
    assert!(all.contains("reference: known"), "what is known is not sought again: {all}");
    let page = fs::read_to_string(here.path().join("all.html")).expect("it is written");
    assert!(page.contains("reference: known (1 of 1 seeds, 7 executions)"), "{page}");

    let (code, out, _) = faults(here.path(), &["--only", "survives"]);
    assert_eq!(code, 1, "{out}");
    let source = fs::read_to_string(here.path().join("map-core/src/lib.rs")).expect("it is there");
    assert!(source.contains("    1\n"), "only the copy is broken");

    // Nobody was asked about the third: neither found nor missed.
    let (code, out, _) = faults(here.path(), &["--only", "killed", "concurrent"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("concurrent: not asked\n"), "{out}");
    assert!(
        out.contains("1 faults, 1 killed\n1 not asked: concurrent\nops: 1 of 1, 0 not"),
        "{out}"
    );
    let (code, out, _) = faults(here.path(), &["--only", "concurrent"]);
    assert_eq!(code, 2, "a run that asked nothing proves nothing: {out}");
    assert!(out.contains("0 faults, 0 killed\n1 not asked: concurrent\n"), "{out}");
}

#[test]
fn what_does_not_apply_is_said_before_anything_is_built() {
    let here = workspace();
    let patches = here.path().join("faults");
    fs::copy(patches.join("does-not-apply.patch"), patches.join("neither-does-this.patch"))
        .expect("copied");
    let (code, out, _) = faults(here.path(), &["--only", "does-not-apply,neither"]);
    assert_eq!(code, 2, "{out}");
    for slug in ["does-not-apply", "neither-does-this"] {
        assert!(out.contains(&format!("{slug}: ERROR: does not apply: error: ")), "{out}");
    }
    let said = "2 neither apply nor build: does-not-apply, neither-does-this\n";
    assert!(out.contains(said), "{out}");
    let scratch = here.path().join("target/faults");
    assert!(!scratch.join("target").exists(), "nothing was built");
    assert!(scratch.join("results/does-not-apply.json").exists(), "it is kept as any other");
}

#[test]
fn names_says_of_every_patch_that_is_bad_and_goes_on_with_the_others() {
    let here = workspace();
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    command.args(["names", "--dir", "faults", "--failures", "1", "--only", "does-not,killed"]);
    let output = command.current_dir(here.path()).output().expect("the program runs");
    let [out, err] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.starts_with("does-not-apply: does not apply: error: "), "{err}");
    assert!(err.contains("\ndoes-not-build: does not build: error"), "{err}");
    assert!(out.contains("[2/2] killed: 0 failures\n") && out.contains("| killed |"), "{out}");
}

#[test]
fn a_run_that_knows_nothing_exits_with_2() {
    let here = workspace();
    let matrix = here.path().join("MATRIX.md");
    fs::write(&matrix, "of before").expect("written");
    let known = ["--known", "--only", "killed,survives", "--markdown", "MATRIX.md"];
    let (code, out, err) = faults(here.path(), &known);
    assert_eq!(code, 2, "{out}");
    assert_eq!(fs::read(&matrix).expect("read"), b"of before", "nothing is no matrix");
    let said = "\n2 not known: killed, survives\n0 faults, 0 killed";
    assert!(out.contains(said), "{out}");
    assert_eq!(err, "no detector has looked for any of these faults\n");
    for more in 1..=5 {
        let copied = format!("faults/killed-{more}.patch");
        fs::copy(here.path().join("faults/killed.patch"), here.path().join(copied))
            .expect("copied");
    }
    let (_, out, _) = faults(here.path(), &["--known", "--only", "killed,survives"]);
    let said = "\n7 not known: killed, killed-1, killed-2, killed-3, killed-4 and 2 more\n";
    assert!(out.contains(said), "{out}");
}

#[test]
fn a_folder_that_is_no_workspace_is_named_and_nothing_is_made() {
    let here = workspace();
    fs::create_dir(here.path().join("empty")).expect("made");
    let elsewhere = here.path().join("empty");
    let patches = here.path().join("faults");
    let patches = patches.to_str().expect("UTF-8");
    for verb in ["faults", "names"] {
        for (folder, named) in [(elsewhere.as_path(), "."), (here.path(), "empty")] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
            command.args([verb, "--dir", patches, "--workspace", named]).current_dir(folder);
            let output = command.output().expect("the program runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{verb}: {said}");
            let expected = format!(
                "{named}: not a workspace with map-core and models; --workspace names it\n"
            );
            assert_eq!(said, expected, "{verb}");
        }
    }
    assert!(!here.path().join("target").exists(), "nothing is made");
    assert_eq!(fs::read_dir(elsewhere).expect("it is there").count(), 0, "nothing is made");
}

#[test]
fn what_is_mistyped_is_said_and_nothing_is_made() {
    let here = workspace();
    for (line, said) in [
        ("faults --dir mistyped", "mistyped: No such file"),
        ("names --dir mistyped", "mistyped: No such file"),
        ("faults --mutants mistyped.json", "mistyped.json: No such file"),
        ("faults --dir faults --only mistyped", "faults: no patch is called mistyped\n"),
        ("faults --dir faults --only killed,mistyped", "faults: no patch is called mistyped\n"),
        ("names --dir faults --only killed,mistyped", "faults: no patch is called mistyped\n"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
        command.args(line.split(' ')).current_dir(here.path());
        let output = command.output().expect("the program runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.starts_with(said), "{line}: {told}");
        assert!(!here.path().join("target").exists(), "{line}");
    }
}

#[test]
fn a_file_that_cannot_be_copied_is_named() {
    let here = workspace();
    let scratch = tempfile::tempdir().expect("a place for files");
    let copy = Copy::new(here.path(), scratch.path(), 0);
    let taken = copy.root.join("map-core/src/lib.rs");
    fs::create_dir_all(&taken).expect("made");
    let error = copy.restore().expect_err("a folder is in the way").to_string();
    assert_eq!(error, format!("{}: Is a directory (os error 21)", taken.display()));
}

#[test]
fn the_map_as_it_is_can_be_looked_at_for_long() {
    let here = workspace();
    let look =
        || faults(here.path(), &["--unpatched", "3", "--seed", "7", "--detectors", "ops,pos"]);
    let (code, out, err) = look();
    assert_eq!((code, err.as_str()), (0, "ops, for 3 s\npos, for 3 s\n"), "{out}");
    assert!(out.starts_with("seed 7\n"), "{out}");
    // Half a second each; what is left in the end is worth no go.
    assert!(out.contains("│ ops      ┆ 5    ┆ 35         ┆ 2.5     ┆ nothing       │"), "{out}");
    assert!(out.ends_with("the map without a fault: 2 detectors find nothing\n"), "{out}");
    let asked = asked(here.path());
    assert_eq!(asked.len(), 10, "{asked:?}");
    for (go, line) in asked[5..].iter().enumerate() {
        let (seed, time) = (7 + go, 3.0 - go as f64 / 2.0);
        assert!(line.starts_with(&format!("run --scheduler pos --seed {seed} ")), "{line}");
        assert!(line.contains(&format!(" --time {time} ")), "{line}");
    }

    let source = here.path().join("map-core/src/lib.rs");
    let wrong = fs::read_to_string(&source).expect("it is there").replace("    1\n", "    2\n");
    fs::write(&source, wrong).expect("written");
    let (code, out, _) = look();
    assert_eq!(code, 1, "{out}");
    assert!(
        out.ends_with("THE MAP WITHOUT A FAULT: ops: reference: one; pos: reference: one\n"),
        "{out}"
    );
    // What it said is kept, and so is how to have it found again.
    let log = here.path().join("target/faults/findings/(unpatched)/pos-7.log");
    let log = log.canonicalize().expect("it is kept");
    assert_eq!(fs::read_to_string(&log).expect("text"), "one is wrong\n");
    let again = "look again: cargo models faults --unpatched 3 --seed 7 --detectors pos\n";
    let said = format!("pos, seed 7: reference: one\nwhat it said: '{}'\n{again}", log.display());
    assert!(out.contains(&said), "{out}");
    // Who has no time for a go has not looked.
    let (code, out, err) = faults(here.path(), &["--unpatched", "0.5", "--detectors", "pos"]);
    assert!(code == 2 && !out.contains("nothing"), "{out}");
    assert_eq!(err, "pos: has not looked: a go takes 1s at least\n");
}

/// What libFuzzer found in the copy would be lost with that.
#[test]
fn a_crash_file_of_the_map_as_it_is_is_kept() {
    let here = workspace();
    let cargo = here.path().join("cargo");
    let real = std::env::var("CARGO").unwrap_or("cargo".into());
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" != fuzz ]; then exec '{real}' \"$@\"; fi\n[ \"$2\" = build ] && exit 0\n\
         for word; do case $word in -artifact_prefix=*) echo 123 > \"${{word#*=}}crash-0123\";; esac; done\n\
         echo 'rule: one'; exit 77\n"
    );
    fs::write(&cargo, script).expect("written");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("it may be run");
    let hour = ["--unpatched", "1", "--seed", "7", "--detectors", "fuzz-concurrent-ops"];
    let output = command(here.path(), &hour).env("CARGO", &cargo).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(1) && said.contains("seed 7: rule: one\n"), "{said}");
    let findings = here.path().join("target/faults/findings/(unpatched)");
    let log = fs::read_to_string(findings.join("fuzz-concurrent-ops-7.log"));
    assert_eq!(log.expect("it is kept"), "rule: one\n");
    // Of all that is there, triage takes what can be one, for the map that it is about.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_models"));
    let output = replay.arg("triage").arg(&findings).current_dir(here.path()).output();
    let output = output.expect("it runs");
    let [said, errors] = [output.stdout, output.stderr].map(String::from_utf8);
    assert_eq!(errors.as_deref(), Ok(""));
    let said = said.expect("UTF-8");
    assert!(
        said.contains("/concurrent_ops/crash-0123: gone ") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn an_hour_in_pieces_goes_on_where_it_was() {
    let here = workspace();
    let hunt = |seconds, detectors| {
        let hour = ["--unpatched", seconds, "--detectors", detectors, "--ledger", "notes/ledger"];
        faults(here.path(), &hour)
    };
    let (code, out, err) = hunt("1", "pos,dfs");
    assert_eq!((code, err.as_str()), (0, "pos, for 1 s\ndfs, for 1 s\n"), "{out}");
    assert_eq!(asked(here.path()).len(), 2, "of half a second each: what is left is worth none");
    let (code, out, err) = hunt("3", "ops,pos,dfs");
    assert_eq!(code, 0, "{out}");
    assert_eq!(err, "ops, for 3 s\npos, for 2.5 s\ndfs, for 2.5 s\n");
    assert!(out.contains("│ pos      ┆ 5    ┆ 35         ┆ 2.5     ┆ nothing       │"), "{out}");
    let (_, _, err) = hunt("3", "ops,pos,dfs");
    assert_eq!(err, "", "{out}");
    // Two goes of `dfs`, of which the second came to its end before its time: a third would be the same.
    let (_, _, err) = hunt("60", "dfs");
    assert_eq!(err, "", "{out}");

    let file = here.path().join("notes/ledger");
    let lines = fs::read_to_string(&file).expect("it is there");
    assert_eq!(lines.lines().count(), 12, "{lines}");
    let source = here.path().join("map-core/src/lib.rs");
    let wrong = fs::read_to_string(&source).expect("it is there").replace("    1\n", "    2\n");
    fs::write(&source, wrong).expect("written");
    let (code, out, err) = hunt("3", "pos");
    assert_eq!(
        (code, err.as_str()),
        (1, "pos, for 3 s\n"),
        "another map, of which nothing is known"
    );
    let (code, again, err) = hunt("3", "pos");
    assert_eq!((code, err.as_str()), (1, ""), "it is known to be wrong");
    assert_eq!(
        out.split_once('\n').map(|(_, rest)| rest),
        again.split_once('\n').map(|(_, rest)| rest)
    );

    fs::write(&file, lines + "one more\n").expect("written");
    let (code, _, err) = hunt("3", "pos");
    assert_eq!(code, 2);
    assert!(err.starts_with("notes/ledger: line 13: expected"), "{err}");
}

#[test]
fn only_the_time_ends_an_hour_and_each_is_another() {
    let here = workspace();
    let hunt = || faults(here.path(), &["--unpatched", "3", "--detectors", "dfs,loom,threads"]);
    let (code, first, _) = hunt();
    assert_eq!(code, 0, "{first}");
    let lines = asked(here.path());
    assert_eq!(lines.len(), 7, "to search through all once more is no other search: {lines:?}");
    let seed = first.lines().next().expect("a line");
    assert!(lines[0].starts_with(&format!("run --engine dfs --{seed} --json")), "{lines:?}");
    assert!(lines[1].starts_with(&format!("run --engine loom --{seed} --json")), "{lines:?}");
    // Real threads drop the set-up of the catalogue's scenarios.
    assert!(lines[2].starts_with("run --generated --engine threads --seed"), "{lines:?}");

    let (code, second, _) = hunt();
    assert_eq!(code, 0, "{second}");
    assert_ne!(second.lines().next(), Some(seed), "it begins elsewhere");
    assert_eq!(asked(here.path()).len(), 14, "what is known is no answer");
    let (code, out, _) = faults(here.path(), &["--only", "concurrent", "--detectors", "dfs"]);
    assert_eq!(code, 0, "{out}");
    let lines = asked(here.path());
    let bounded = |line: &String| line.contains("--preemptions 1 --executions 3000 --seed 1 ");
    assert!(lines.len() == 16 && lines[14..].iter().all(bounded), "{lines:?}");
}

#[test]
fn shares_of_the_faults_are_judged_apart_and_known_together() {
    let here = workspace();
    let shard = |shard, scratch| {
        let (code, out, _) = faults(here.path(), &["--shard", shard, "--scratch", scratch]);
        (code, out)
    };
    let (code, out) = shard("3/5", "target/one");
    assert!(code == 0 && out.contains("[1/1] killed: killed by 1 of 1"), "{out}");
    let (code, out) = shard("4/5", "target/two");
    assert!(code == 1 && out.contains("[1/1] survives: SURVIVED 1 detectors"), "{out}");
    let together = here.path().join("target/faults/results");
    fs::create_dir_all(&together).expect("made");
    for result in fs::read_dir(here.path().join("target/one/results")).expect("results") {
        let result = result.expect("a file");
        fs::copy(result.path(), together.join(result.file_name())).expect("copied");
    }
    let other = here.path().join("target/two/results/survives.json");
    fs::copy(other, together.join("survives.json")).expect("copied");
    let (code, out, _) = faults(here.path(), &["--known", "--only", "killed,survives"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("killed: killed by 1 of 1") && out.contains("survives: SURVIVED"),
        "{out}"
    );

    let (code, _, err) = faults(here.path(), &["--shard", "5/6"]);
    assert_eq!((code, err.as_str()), (2, "no patch is in shard 5/6\n"));
    for wrong in ["2/2", "1", "0/0", "one/2"] {
        let (code, _, err) = faults(here.path(), &["--shard", wrong]);
        assert!(code == 2 && err.contains("not K/N with K below N"), "{wrong}: {err}");
    }
}

#[test]
fn a_test_that_draws_is_run_again_within_the_hour() {
    let here = workspace();
    fs::create_dir(here.path().join("models/tests")).expect("made");
    let test = r#"#[test]
        fn drawn() {
            let seed = std::env::var("PROPTEST_RNG_SEED").expect("it is given");
            let asked = std::fs::read_to_string("asked").unwrap_or_default();
            std::fs::write("asked", asked + &seed + " ").expect("written");
            std::thread::sleep(std::time::Duration::from_millis(700));
        }
        "#;
    fs::write(here.path().join("models/tests/properties.rs"), test).expect("written");
    let hour = ["--unpatched", "2", "--seed", "7", "--detectors", "proptest"];
    let (code, out, err) = faults(here.path(), &hour);
    assert_eq!(code, 0, "{out}{err}");
    let asked = here.path().join("target/faults/copy-0/models/asked");
    assert_eq!(fs::read_to_string(asked).expect("it was asked"), "7 8 ");
}

#[test]
fn who_cannot_look_keeps_nobody_else_from_it() {
    let here = workspace();
    // The workspace has no such test.
    let hour = ["--unpatched", "1", "--detectors", "check", "--last", "ops"];
    let (code, out, err) = faults(here.path(), &hour);
    assert_eq!(code, 2, "{out}");
    assert!(err.contains("check: ") && err.contains("check_beside_writes"), "{err}");
    assert!(out.ends_with("the map without a fault: 1 detectors find nothing\n"), "{out}");

    let (code, out, _) = faults(here.path(), &hour[..4]);
    assert_eq!((code, out.contains("nothing")), (2, false), "{out}");
}

#[test]
fn a_kill_is_of_the_hunter_that_made_it() {
    let here = workspace();
    let (code, out, _) = faults(here.path(), &["--only", "killed"]);
    assert_eq!(code, 0, "{out}");
    let hunter = here.path().join("models/src/main.rs");
    let blind =
        fs::read_to_string(&hunter).expect("it is there").replace("map() != 1", "map() == 3");
    fs::write(hunter, blind).expect("written");
    let (code, out, _) = faults(here.path(), &["--only", "killed"]);
    assert!(code == 1 && out.contains("killed: SURVIVED 1 detectors"), "{out}");
}

#[test]
fn results_belong_to_recordings_and_a_compiler() {
    let here = workspace();
    let copy = Copy::new(here.path(), &here.path().join("scratch"), 0);
    let hash = || copy.hash().expect("every file reads");
    let without = hash();
    assert_eq!(hash(), without);
    let recording = here.path().join("corpus/go/traces/one.trace");
    fs::create_dir_all(recording.parent().expect("a folder")).expect("made");
    fs::write(&recording, "a recording").expect("written");
    assert_ne!(hash(), without, "a recording more");
    copy.restore().expect("it is copied");
    let copied = copy.root.join("corpus/go/traces/one.trace");
    assert_eq!(copy.recordings().expect("they are listed"), [copied]);

    // The same compiler under another version.
    let rustc = here.path().join("rustc");
    let script =
        "#!/bin/sh\nif [ \"$1\" = -vV ]; then echo \"build: $BUILD\"; fi\nexec rustc \"$@\"\n";
    fs::write(&rustc, script).expect("written");
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).expect("it may be run");
    let judged = |build: &str| {
        let mut command = command(here.path(), &["--only", "survives"]);
        let output = command.env("RUSTC", &rustc).env("BUILD", build).output().expect("it runs");
        let kept = here.path().join("target/faults/results/survives.json");
        let kept = fs::read(kept).expect("it is kept");
        let row: Row = serde_json::from_slice(&kept).expect("a row");
        (output.status.code(), row.of)
    };
    let (first, second) = (judged("1"), judged("2"));
    assert_eq!((first.0, second.0), (Some(1), Some(1)));
    assert_ne!(first.1, second.1, "another compiler");
}

#[test]
fn ctrl_c_in_a_build_is_no_result() {
    use std::os::unix::process::CommandExt;
    let here = workspace();
    let slow = "Breaks: one.\n\n--- /dev/null\n+++ b/map-core/build.rs\n@@ -0,0 +1,4 @@\n+fn main() {\n\
                +    std::fs::write(\"../building\", \"\").expect(\"written\");\n\
                +    std::thread::sleep(std::time::Duration::from_secs(60));\n+}\n";
    fs::write(here.path().join("faults/slow.patch"), slow).expect("written");
    fs::write(here.path().join("matrix.md"), "as it was").expect("written");
    let mut command = command(here.path(), &["--only", "killed,slow", "--markdown", "matrix.md"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // As at a terminal: cargo hears of it as well.
    let run = command.process_group(0).spawn().expect("the program runs");
    let began = Instant::now();
    while !here.path().join("target/faults/copy-0/building").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "it is built");
        std::thread::sleep(Duration::from_millis(20));
    }
    let group = format!("-{}", run.id());
    Command::new("kill").args(["-INT", "--", &group]).status().expect("it is sent");
    let ended = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("killed: killed by 1") && !said.contains("slow"), "{said}");
    let kept = |file: &str| fs::read_to_string(here.path().join(file)).ok();
    assert_eq!(kept("matrix.md").as_deref(), Some("as it was"));
    assert!(kept("target/faults/results/killed.json").is_some(), "what was done is known");
    assert_eq!(kept("target/faults/results/slow.json"), None, "what was not is not");
}

#[test]
fn two_runs_do_not_share_a_scratch_folder() {
    let here = workspace();
    let scratch = here.path().join("target/faults");
    fs::create_dir_all(&scratch).expect("made");
    let lock = fs::File::create(scratch.join("lock")).expect("made");
    lock.try_lock().expect("nobody has it");
    for verb in ["faults", "names"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
        command.args([verb, "--dir", "faults", "--only", "survives"]).current_dir(here.path());
        let output = command.output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{verb}: {said}");
        assert!(said.ends_with("another run is at work there\n"), "{verb}: {said}");
    }
}

#[test]
fn bad_usage_exits_with_2_and_says_what_there_is() {
    let here = workspace();
    let (code, _, err) = faults(here.path(), &["--only", "nothing-of-the-kind"]);
    assert_eq!((code, err.as_str()), (2, "faults: no patch is called nothing-of-the-kind\n"));
    let (code, _, err) = faults(here.path(), &["--detectors", "oracle"]);
    assert!(code == 2 && err.starts_with("no detector is called oracle; there are ops, "), "{err}");
}

#[test]
fn a_copy_is_the_workspace_again_before_each_patch() {
    let here = workspace();
    let scratch = tempfile::tempdir().expect("a place for files");
    let copy = Copy::new(here.path(), scratch.path(), 0);
    let patch = |slug: &str| here.path().join(format!("faults/{slug}.patch"));
    copy.restore().expect("it is copied");
    copy.apply(&patch("killed")).expect("it applies");
    assert!(matches!(copy.apply(&patch("survives")), Err(Broken::Apply(_))));
    fs::write(copy.root.join("map-core/src/more.rs"), "").expect("written");
    copy.restore().expect("it is copied");
    assert!(!copy.root.join("map-core/src/more.rs").exists());
    copy.apply(&patch("survives")).expect("it applies to what was there first");
}

#[test]
#[cfg(unix)]
fn a_script_is_still_one_in_a_copy() {
    let here = workspace();
    let scratch = tempfile::tempdir().expect("a place for files");
    let copy = Copy::new(here.path(), scratch.path(), 0);
    let script = here.path().join("fuzz/rustc.sh");
    fs::create_dir_all(script.parent().expect("a folder")).expect("made");
    fs::write(&script, "#!/bin/sh\n").expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may be run");
    copy.restore().expect("it is copied");
    let copied = fs::metadata(copy.root.join("fuzz/rustc.sh")).expect("it is there");
    assert_eq!(copied.permissions().mode() & 0o111, 0o111, "cargo runs it");
}

/// A go: executions, seconds, and whether it found the fault.
type Go = (u64, f64, bool);

#[test]
fn the_last_detectors_look_for_what_no_other_has_found() {
    let here = workspace();
    let (code, out, _) =
        faults(here.path(), &["--only", "killed", "survives", "--last", "ops-panics"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("killed: killed by 1 of 1: ops 0.5"), "{out}");
    assert!(out.contains("survives: SURVIVED 2 detectors"), "{out}");
}

/// A row with what detectors came to.
fn row(slug: &str, goes: &[(&str, &[Go])]) -> Row {
    let attempt = |&(executions, seconds, found): &Go| Attempt {
        seed: 1,
        budget: Duration::from_secs(3),
        focused: false,
        summary: Summary {
            executions,
            seconds,
            found: found.then(|| "race: rule".to_string()),
            ..Summary::default()
        },
    };
    let attempts =
        goes.iter().map(|(name, goes)| (name.to_string(), goes.iter().map(attempt).collect()));
    Row { slug: slug.into(), concurrent: true, attempts: attempts.collect(), ..Row::default() }
}

#[test]
fn a_matrix_knows_medians_survivors_and_who_was_alone() {
    let matrix = Matrix::new(
        vec![
            row(
                "a",
                &[
                    ("random", &[(10, 1.0, true), (90, 9.0, false), (30, 3.0, true)]),
                    ("pos", &[(5, 0.5, true)]),
                ],
            ),
            row(
                "b",
                &[
                    ("random", &[(90, 9.0, false); 2]),
                    ("pos", &[(90, 9.0, false), (40, 4.0, true)]),
                ],
            ),
            row("c", &[("random", &[(90, 9.0, false); 2]), ("pos", &[(90, 9.0, false); 2])]),
            row("d", &[]),
        ],
        &detector::all(),
    );
    assert_eq!(matrix.detectors, ["random", "pos"], "columns that were asked, in order");
    let Cell::Killed(kill) = &matrix.rows[0].1[0] else { panic!("random found a") };
    assert_eq!((kill.executions, kill.seconds), (Some(30), Some(3.0)), "a miss counts as for ever");
    let Cell::Killed(kill) = &matrix.rows[1].1[1] else { panic!("pos found b once") };
    assert_eq!((kill.kills, kill.goes, kill.executions), (1, 2, None), "half is not a median");
    assert_eq!(matrix.slugs(Fate::Survived), ["c"]);
    assert_eq!(matrix.slugs(Fate::Unasked), ["d"]);
    let missed = Tally {
        detector: "random",
        killed: 1,
        missed: 2,
        executions: None,
        seconds: None,
        alone: vec![],
    };
    let found = Tally { detector: "pos", killed: 2, missed: 1, alone: vec!["b"], ..missed.clone() };
    assert_eq!(matrix.by_detector(), [missed, found], "what was not found takes for ever");
    let first = Matrix::new(vec![matrix.rows[0].0.clone()], &detector::all());
    let tally = &first.by_detector()[1];
    assert_eq!((tally.executions, tally.seconds), (Some(5), Some(0.5)));
    let gain = matrix.gain(&["pos".to_string()], &["random".to_string()]);
    let Gain { scheduler, times, faults, missed } = &gain[0];
    assert_eq!((scheduler.as_str(), *faults, *missed), ("pos", 1, 0));
    assert!((times - 6.0).abs() < 1e-9, "30 against 5, on the fault that has both: {gain:?}");
    assert_eq!((gain[1].faults, gain[1].missed), (2, 1), "random found b not: {gain:?}");
    let (text, markdown) = (table::terminal(&matrix), table::markdown(&matrix));
    assert!(
        text.contains(
            "3 faults, 2 killed\n1 survived: c\n1 not asked: d\nrandom: 1 of 3, 2 not found"
        ) && text.contains("alone: b"),
        "{text}"
    );
    for (what, row) in [
        ("seconds to the first kill", ["a", "3.0", "0.5"]),
        ("executions to the first kill", ["a", "30", "5"]),
        ("times fewer executions", ["pos", "6.00", "1"]),
    ] {
        let table = text.split(what).nth(1).unwrap_or_default();
        let mut lines = table.lines().map(|line| line.replace(['│', '┆'], " "));
        let is_row = |line: String| line.split_whitespace().take(3).eq(row);
        assert!(lines.any(is_row), "{what}: {row:?} is not in\n{text}");
    }
    assert!(!text.contains("│ d "), "what nobody looked for has no row: {text}");
    assert!(markdown.contains("| b | · | 1/2 | race: rule |"), "{markdown}");
    let mut mixed = matrix.rows[0].0.clone();
    let goes = mixed.attempts.get_mut("random").expect("it has goes");
    (goes[0].budget, goes[1].seed, goes[2].focused) = (Duration::from_millis(500), 7, true);
    for (matrix, given) in [
        (&matrix, "--budget 3 --seeds 1"),
        (&Matrix::new(vec![mixed], &detector::all()), "--budget 0.5 or 3 --seeds 7 --focus"),
    ] {
        let head = format!("\n\nWritten by `cargo models faults {given}`; do not edit.\n");
        assert!(table::markdown(matrix).contains(&head), "{given}");
    }
    let page = page::html(&matrix).expect("the template is right");
    assert!(page.contains("<tr class=\"survived\"><th title=\"\">c</th>"), "{page}");
}

#[test]
fn medians_are_in_the_middle() {
    assert_eq!(median(vec![]), None);
    assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), Some(3.0));
}

#[test]
fn what_the_map_does_without_a_fault_is_no_kill() {
    let unpatched = row("(unpatched)", &[("random", &[(1, 0.1, true)])]);
    let both = row("a", &[("random", &[(5, 0.5, true)]), ("pos", &[(5, 0.5, true)])]);
    let left = both.clone().without(&unpatched);
    assert_eq!(left.attempts["random"][0].summary.found, None);
    assert!(left.attempts["pos"][0].summary.found.is_some(), "another detector's is its own");
}

#[test]
fn results_belong_to_a_patch_and_a_map() {
    let here = workspace();
    let fault = Fault::read(&here.path().join("faults/killed.patch")).expect("it reads");
    let store = Store(here.path().join("results"));
    let mut done = Row::new(Some(&fault), 1);
    done.attempts = row("", &[("ops", &[(1, 0.1, true)])]).attempts;
    store.save(&done).expect("it is written");
    assert_eq!(store.load(Row::new(Some(&fault), 1), false), done);
    let other = Row::new(Some(&fault), 2);
    assert_eq!(store.load(other.clone(), false), other, "the map has changed");
    done.broken = Some("does not build".into());
    store.save(&done).expect("it is written");
    let fresh = Row::new(Some(&fault), 1);
    assert_eq!(store.load(fresh.clone(), false), fresh, "a patch may be mended");
    assert_eq!(store.load(fresh, true), done, "a mutant never is");
}

#[test]
fn a_miss_counts_for_the_time_it_had() {
    let ops = &detector::select(&["ops".to_string()]).expect("it is there")[0];
    let seconds = Duration::from_secs;
    let go = |seed, budget, found: bool| {
        let found = found.then(|| "reference: one".to_string());
        let summary = Summary { found, ..Summary::default() };
        Attempt { seed, budget: seconds(budget), focused: false, summary }
    };
    let mut row = Row::default();
    row.add(ops, go(1, 1, false));
    row.add(ops, go(2, 1, false));
    assert_eq!(row.next(ops, 9, seconds(1), false), None, "two misses are enough");
    assert_eq!(row.next(ops, 9, seconds(60), false), Some(1), "a second is no minute");
    row.add(ops, go(1, 60, true));
    assert_eq!(row.next(ops, 2, seconds(60), false), Some(2));
    row.add(ops, go(2, 60, false));
    assert_eq!(row.next(ops, 2, seconds(60), false), None);
    assert_eq!(row.next(ops, 2, seconds(90), false), Some(2), "what is found is found");
    assert_eq!(row.attempts["ops"].len(), 2, "one go a seed");
}

#[test]
fn what_was_told_where_to_look_does_not_answer_for_one_that_is_not() {
    let pos = &detector::select(&["pos".to_string()]).expect("it is there")[0];
    let second = Duration::from_secs(1);
    for found in [true, false] {
        let mut told = row("a", &[("pos", &[(1, 1.0, found)])]);
        let go = &mut told.attempts.get_mut("pos").expect("it has one")[0];
        (go.budget, go.focused) = (second, true);
        assert_eq!(told.next(pos, 1, second, true), None, "{found}");
        assert_eq!(told.next(pos, 1, second, false), Some(1), "{found}");
        assert_eq!(told.is_found_by(pos, true), found);
        assert!(!told.is_found_by(pos, false), "{found}");
        told.attempts.get_mut("pos").expect("it has one")[0].focused = false;
        assert_eq!(told.next(pos, 1, second, true), None, "some are never told: {found}");
    }
}

#[test]
fn only_what_can_be_told_where_to_look_counts_as_told() {
    let here = workspace();
    let patch = here.path().join("faults/concurrent.patch");
    let text = fs::read_to_string(&patch).expect("it is there");
    fs::write(&patch, text.replace("Idea: ", "Scenario: a-race\nIdea: ")).expect("written");
    let line = ["--only", "concurrent", "--focus", "--detectors", "pos,ops-concurrent"];
    let (code, out, _) = faults(here.path(), &line);
    assert_eq!(code, 0, "{out}");
    let results = here.path().join("target/faults/results/concurrent.json");
    let known = fs::read(results).expect("it is kept");
    let row: Row = serde_json::from_slice(&known).expect("a row");
    let focused = |name: &str| row.attempts[name][0].focused;
    assert!(focused("pos") && !focused("ops-concurrent"), "{row:?}");
}

#[test]
fn with_focus_of_the_maps_tests_those_are_run_that_a_fault_names() {
    let here = workspace();
    let write = |file: &str, text: &str| {
        fs::write(here.path().join("map-core").join(file), text).expect("written");
    };
    fs::create_dir(here.path().join("map-core/tests")).expect("made");
    let package = "[package]\nname = \"map-core\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    write("Cargo.toml", &format!("{package}[features]\nserde = []\n"));
    write("tests/one.rs", "#[test]\nfn is_one() {\n    assert_eq!(map_core::map(), 1);\n}\n");
    write("tests/a_slow_one.rs", "#[test]\nfn is_slow() {\n    panic!()\n}\n");
    let patch = here.path().join("faults/killed.patch");
    let text = fs::read_to_string(&patch).expect("it is there");
    let named = |test: &str| {
        let text = text.replace("\n\ndiff", &format!("\nTest: {test}\n\ndiff"));
        fs::write(&patch, text).expect("written");
    };
    let found = |more: &[&str]| {
        let line = ["--only", "killed", "--detectors", "map-tests", "--fresh"];
        let (_, out, err) = faults(here.path(), &[&line[..], more].concat());
        let known = fs::read(here.path().join("target/faults/results/killed.json"));
        let row: Row = serde_json::from_slice(&known.expect("it is kept")).expect("a row");
        let [go] = &row.attempts["map-tests"][..] else { panic!("one go: {row:?} {out}{err}") };
        (go.summary.found.clone(), go.focused)
    };
    named("one");
    assert_eq!(found(&["--focus"]), (Some("test: is_one".into()), true));
    assert_eq!(found(&[]), (Some("test: is_slow".into()), false));
    fs::remove_dir_all(here.path().join("target/faults/results")).expect("removed");
    let line = ["--only", "killed", "--detectors", "ops,map-tests", "--first", "--focus"];
    let (_, out, err) = faults(here.path(), &line);
    assert!(out.contains("killed by 1 of 1: map-tests"), "{out}{err}");
    for unaware in ["doc", "lib"] {
        named(unaware);
        assert_eq!(found(&["--focus"]), (None, true));
    }
}

#[test]
fn mutants_are_faults_of_the_map_that_they_are_in() {
    let here = tempfile::tempdir().expect("a place for files");
    let list = here.path().join("list.json");
    let mutant = |file: &str| {
        let hunk = "@@ -1 +1 @@\\n-a\\n+b\\n";
        format!(
            "{{\"name\":\"map-core/src/{file}:7:1: replace < with ==\",\"file\":\"map-core/src/{file}\",\
             \"diff\":\"--- map-core/src/{file}\\n+++ replace < with ==\\n{hunk}\"}}"
        )
    };
    let files = ["tables.rs", "tables.rs", "concurrent/write.rs", "growth.rs"];
    fs::write(&list, format!("[{}]", files.map(mutant).join(","))).expect("written");
    let read = |equivalent| {
        let mutants = Mutants { list: &list, equivalent };
        let patches = here.path().join("patches");
        let faults = mutants::read(mutants, &patches, &[]).expect("they read");
        mutants::write(&faults, &patches).expect("they are written");
        faults
    };
    let other =
        "- map-core/src/tables.rs: `b` → `a`: no.\n- map-core/src/growth.rs: `c` → `b`: no.";
    assert_eq!(read(other).len(), 4);
    assert_eq!(read("- map-core/src/tables.rs: `a` → `b`: the same.").len(), 2);
    let faults = read("");
    let kinds: Vec<_> = faults.iter().map(|fault| (fault.slug.as_str(), fault.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("concurrent-write-rs-7-1-replace-with", Some(Kind::Concurrent)),
            ("growth-rs-7-1-replace-with", None),
            ("tables-rs-7-1-replace-with", Some(Kind::Sequential)),
            ("tables-rs-7-1-replace-with-2", Some(Kind::Sequential)),
        ]
    );
    let file = here.path().join("map-core/src/growth.rs");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, "a\n").expect("written");
    let copy = Copy::new(here.path(), &here.path().join("scratch"), 0);
    copy.restore().expect("copied");
    copy.apply(&faults[1].path).expect("a mutant is a patch that applies");
}

#[test]
fn a_build_that_fails_without_the_mutants_doing_is_not_held_against_it() {
    let here = workspace();
    let mutant = |name: &str, hunk: &str| {
        format!(
            "{{\"name\":\"{name}\",\"file\":\"map-core/src/lib.rs\",\
             \"diff\":\"--- map-core/src/lib.rs\\n+++ {name}\\n@@ -1,4 +1,4 @@\\n /// The map.\\n{hunk}\\n }}\"}}"
        )
    };
    let senseless = mutant("a-senseless", " pub fn map() -> u32 {\\n-    1\\n+    two");
    // The map builds, and what is built with it does not.
    let elsewhere = mutant("b-elsewhere", "-pub fn map() -> u32 {\\n+fn map() -> u32 {\\n     1");
    fs::write(here.path().join("list.json"), format!("[{senseless},{elsewhere}]"))
        .expect("written");
    let mut line = Command::new(env!("CARGO_BIN_EXE_models"));
    line.args(["faults", "--mutants", "list.json", "--detectors", "ops", "--budget", "1"]);
    let output = line.current_dir(here.path()).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let expected = "b-elsewhere: the build fails, and not for the mutant: ";
    assert!(said.starts_with(expected) && said.contains("error[E0603]"), "{said}");
    let results = here.path().join("target/faults/results");
    let known = fs::read_to_string(results.join("a-senseless.json")).expect("it is kept");
    assert!(known.contains("does not build"), "{known}");
    assert!(!results.join("b-elsewhere.json").exists(), "nothing is known of it");
}

/// What triage made of a failure of one op.
fn record(op: Op) -> Record {
    let case = Case::sequential(vec![op]);
    let objection =
        Objection::new("reference", "r", "returned None, the spec says Some(v1)".into());
    let finding = Finding { objection, at: 0, op: Some(op), growth: None };
    let occurrence = Occurrence {
        file: String::new(),
        digest: String::new(),
        found: String::new(),
        found_by: None,
        verdict: Verdict::STABLE,
        raw: Size { ops: 512, ..Size::default() },
        minimal: Size::of(&case),
        seconds: 0.5,
        tried: 9,
    };
    Record::new("map".into(), &case, Sighting::new(&finding, &[]), occurrence)
}

#[test]
fn names_are_counted_by_fault_and_faults_by_name() {
    let named = |slug: &str, ops: &[Op]| {
        let records: Vec<Record> = ops.iter().map(|&op| record(op)).collect();
        Named { slug: slug.into(), concurrent: false, raw: records.len(), records }
    };
    let (get, remove) = (Op::Get(1), Op::Remove(1));
    let apart = [named("a", &[get, get]), named("b", &[remove])];
    assert!(names::is_one_to_one(&apart));
    let lost = Named { raw: 3, ..apart[0].clone() };
    assert!(!names::is_one_to_one(&[lost]), "one of three failures has no name");
    let text = names::markdown(&apart);
    let line = "| a | 2 | 512 → 1 |  | 0 → 1 |  | 0.5 | 1 | 2× `reference: lost-entry · get×";
    assert!(text.contains(line) && text.contains("Signatures a fault: 1.00"), "{text}");
    let split = [named("a", &[get, remove]), named("b", &[remove])];
    assert!(!names::is_one_to_one(&split) && !names::is_one_to_one(&split[..1]));
    let text = names::markdown(&split);
    assert!(
        text.contains("a has several signatures") && text.contains("is shared by a, b."),
        "{text}"
    );
    assert!(!names::is_one_to_one(&[named("a", &[])]), "what was not named has no name");
}

/// The patches that the suite is judged by.
fn kept() -> Vec<Fault> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../corpus/faults");
    read_all(&folder, &[]).expect("every patch reads")
}

#[test]
fn every_kept_fault_says_what_it_breaks_and_where_it_comes_from() {
    let faults = kept();
    let known: BTreeSet<&str> =
        models::catalogue::all().iter().map(|scenario| scenario.name).collect();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../map-core/tests");
    for Fault { slug, text, kind, scenarios, test, .. } in &faults {
        let fields: Vec<&str> =
            text.lines().map_while(|line| line.split(": ").next()).take(4).collect();
        assert_eq!(fields, ["Breaks", "Idea", "Kind", "Seen by"], "{slug}");
        assert!(kind.is_some() && text.contains("\ndiff --git a/map-core/"), "{slug}");
        let unknown = scenarios.iter().find(|name| !known.contains(name.as_str()));
        assert_eq!(unknown, None, "{slug} names a scenario that is not in the catalogue");
        let is_there = |name: &str| {
            let files = [format!("{name}.rs"), format!("{name}/main.rs")];
            ["lib", "doc"].contains(&name) || files.iter().any(|file| tests.join(file).is_file())
        };
        assert!(test.as_deref().is_none_or(is_there), "{slug} names no file of map-core's tests");
    }
    let of = |kind| faults.iter().filter(|fault| fault.kind == Some(kind)).count();
    assert!(of(Kind::Sequential) >= 50 && of(Kind::Concurrent) >= 50);
}

#[test]
fn every_kept_fault_applies() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let scratch = tempfile::tempdir().expect("a place for files");
    let copy = Copy::new(&workspace, scratch.path(), 0);
    for fault in kept() {
        copy.restore().expect("it is copied");
        assert_eq!(copy.apply(&fault.path), Ok(()), "{}", fault.slug);
    }
}
