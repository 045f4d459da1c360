//! Triage from the command line: replayed, made small, named, counted, kept; and what cannot be is said in a line.
//!
//! The map is one that is wrong on purpose: see `subjects::wrong`.

#[path = "triage/again.rs"]
mod again;

use models::case::Case;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn models(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    let run = command.args(arguments).current_dir(folder).env("CASE_SECONDS", "1").output();
    let Output { status, stdout, stderr } = run.expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a place for files")
}

/// Ops around what goes wrong: a `remove` while the map grows.
fn noisy(extra: &str) -> String {
    let mut text =
        "case 1\n# found by: a test --subject wrong\nhasher mix\ncapacity 30\n\nthread main\n"
            .to_string();
    for key in 0..40 {
        text.push_str(&format!("  insert k{} v{key}\n  get k{key}\n", 7 * key + 100));
    }
    text.push_str(&format!(
        "  fill-to-threshold +1 k500\n  get k9\n  remove k107\n{extra}  len\n  clear\nend\n"
    ));
    text
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), text).expect("it is written");
}

const NAME: &str = "lost-entry · remove×evacuate · doubling";

#[test]
fn a_folder_may_have_histories_in_it() {
    let here = folder();
    std::fs::create_dir(here.path().join("findings")).expect("made");
    let history = include_str!("../../corpus/histories/illegal/both-removes-win.txt");
    write(here.path(), "findings/linearizability-1.txt", history);
    write(here.path(), "findings/a.case", noisy(""));
    let (code, out, err) = models(&["triage"], here.path());
    assert!(code == 1 && out.contains(NAME) && err.is_empty(), "{out}{err}");
    let (code, _, err) = models(&["triage", "findings/linearizability-1.txt"], here.path());
    assert!(code == 2 && err.contains("a history is judged by"), "{err}");
}

#[test]
fn a_finding_is_replayed_made_small_named_and_kept() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    let (code, out, err) = models(&["triage", "a.case"], here.path());
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.starts_with("a.case: stable (fails 5 of 5 runs)\n"), "{out}");
    assert!(out.contains(NAME) && out.contains("85 ops, 81 keys → "), "{out}");
    let kept = std::fs::read_dir(here.path().join("findings/triage")).expect("it is there");
    let mut kept: Vec<String> = kept
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .filter(|name| !name.starts_with('.'))
        .collect();
    kept.sort();
    assert_eq!(kept.len(), 4, "case, page, record, index: {kept:?}");
    let smallest = kept.iter().find(|name| name.ends_with(".case")).expect("a case");
    let text =
        std::fs::read_to_string(here.path().join("findings/triage").join(smallest)).expect("text");
    let case = Case::parse(&text).expect("a case");
    assert!(case.ops().len() <= 3, "{case}");
    assert!(
        case.story[0] == NAME && text.contains("# found by: a test --subject wrong")
            || text.contains("# found: "),
        "{text}"
    );
    // It fails as the story says.
    let replay =
        case.story.iter().find_map(|line| line.strip_prefix("replay: cargo models ")).expect("how");
    let (code, out, _) = models(&replay.split(' ').collect::<Vec<_>>(), here.path());
    assert!(code == 1 && out.contains("returned None, the spec says Some"), "{out}");
}

#[test]
fn the_same_failure_is_counted_and_two_are_two() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    write(here.path(), "b.case", noisy("  insert k3 v3\n").replace("hasher mix", "hasher low3"));
    write(here.path(), "c.case", noisy("").replace("remove k107", "insert k60001 v0"));
    let (code, out, _) = models(&["triage", "."], here.path());
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("the same was found 2 times"), "{out}");
    assert!(out.contains("process-was-ended-by-sigabrt"), "{out}");
    // Once more: it is the same files, so nothing is counted twice.
    let (_, again, _) = models(&["triage", "."], here.path());
    assert!(again.contains("the same was found 2 times") && !again.contains("3 times"), "{again}");
    let (code, list, _) = models(&["findings", "--json"], here.path());
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let counts: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["oracle"].as_str(), one["count"].as_u64(), one["fixed"].as_bool()))
        .collect();
    assert_eq!(code, 1);
    assert!(counts.contains(&(Some("reference"), Some(2), Some(false))), "{counts:?}");
    assert!(counts.contains(&(Some("crash"), Some(1), Some(false))), "{counts:?}");
}

#[test]
fn a_case_that_kills_or_hangs_its_process_is_made_small_too() {
    let here = folder();
    write(here.path(), "crash.case", noisy("").replace("remove k107", "insert k60001 v0"));
    let (code, out, err) = models(&["triage", "crash.case"], here.path());
    assert!(code == 1 && out.contains("→ 1 op, 1 key"), "{out}{err}");
    let hang = "case 1\nthread main\n insert k1 v1\n insert k60002 v0\nend\n";
    write(here.path(), "hang.case", hang);
    let line = ["triage", "hang.case", "--subject", "wrong", "--runs", "1", "--limit", "6"];
    let (code, out, err) = models(&line, here.path());
    assert!(code == 1 && out.contains("run-has-not-come-to-end"), "{out}{err}");
    assert!(out.contains("→ 1 op, 1 key"), "{out}");
}

#[test]
fn flaky_and_gone_are_told_from_stable() {
    let here = folder();
    let fickle = "case 1\n# --subject wrong\nthread main\n insert k60003 v1\n get k60003\nend\n";
    write(here.path(), "flaky.case", fickle);
    let (code, out, _) = models(&["triage", "flaky.case", "--runs", "30"], here.path());
    assert!(code == 1 && out.contains("flaky.case: flaky (fails "), "{out}");
    write(here.path(), "gone.case", noisy("").replace("--subject wrong", ""));
    let (code, out, _) = models(&["triage", "gone.case"], here.path());
    assert_eq!((code, out.as_str()), (0, "gone.case: gone (passes 5 of 5 runs)\n"));
}

#[test]
fn ctrl_c_between_files_is_no_success() {
    use std::io::{BufRead, BufReader, Read};
    let here = folder();
    for name in ["gone.case", "other.case"] {
        write(here.path(), name, noisy("").replace("--subject wrong", ""));
    }
    let hang = "case 1\n# --subject wrong\nthread main\n insert k1 v1\n insert k60002 v0\nend\n";
    write(here.path(), "hang.case", hang);
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    command.args(["triage", "--runs", "1", "gone.case", "hang.case", "other.case"]);
    command.current_dir(here.path()).env("CASE_SECONDS", "1").stdout(Stdio::piped());
    let mut run = command.spawn().expect("the program runs");
    let (mut out, mut said) = (BufReader::new(run.stdout.take().expect("piped")), String::new());
    out.read_line(&mut said).expect("a line");
    Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("it is sent");
    out.read_to_string(&mut said).expect("the rest");
    assert_eq!(run.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(!said.contains("other.case"), "{said}");
}

#[test]
fn what_is_no_finding_gets_a_line_and_the_rest_is_still_handled() {
    let here = folder();
    let good = noisy("");
    write(here.path(), "z.case", &good);
    write(here.path(), "broken.case", "case 1\nthread main\n  gett k1\nend\n");
    write(here.path(), "truncated.case", &good[..good.len() - 20]);
    write(here.path(), "older.case", good.replace("case 1", "case 0"));
    write(here.path(), "empty.case", "");
    write(here.path(), "binary.case", [0xff, 0xfe, 0x00]);
    write(here.path(), "picture.png", [0x89, b'P', b'N', b'G']);
    write(here.path(), "history.txt", "history 1\n");
    let (code, out, err) = models(&["triage", ".", "nowhere.case", "history.txt"], here.path());
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("z.case: stable"), "{out}");
    let expected = [
        ("binary.case", "a case is text in UTF-8"),
        ("broken.case", "line 3: expected an op"),
        ("empty.case", "expected `case 1`"),
        ("history.txt", "cargo models replay"),
        ("nowhere.case", "No such file"),
        ("older.case", "expected version 1, the only one this program reads, found version 0"),
        ("picture.png", "found a file called .png"),
        ("truncated.case", "expected "),
    ];
    let mut lines: Vec<&str> = err.lines().collect();
    lines.sort_unstable_by_key(|line| line.trim_start_matches("./"));
    assert_eq!(lines.len(), expected.len(), "{err}");
    for (line, (file, why)) in lines.iter().zip(expected) {
        let line = line.trim_start_matches("./");
        assert!(line.starts_with(&format!("{file}: ")) && line.contains(why), "{line}");
    }
}

/// One op may take a second here, and a case as long as it likes.
#[test]
fn a_case_that_is_long_is_no_hang() {
    let here = folder();
    let ops = " insert k60004 v1\n".repeat(10);
    write(here.path(), "slow.case", format!("case 1\nthread main\n{ops}end\n"));
    let (code, out, err) = models(&["replay", "--subject", "wrong", "slow.case"], here.path());
    assert!(code == 0 && out.contains("slow.case on wrong: passes (10 ops"), "{out}{err}");
}

#[test]
fn libfuzzer_artifacts_are_cases_and_their_folder_names_the_map() {
    let here = folder();
    let place = here.path().join("fuzz/artifacts/concurrent_ops");
    std::fs::create_dir_all(&place).expect("made");
    std::fs::write(place.join("crash-0123"), [1, 2, 3, 4, 5, 6, 7, 8, 9]).expect("written");
    std::fs::write(place.join("crash-da39a3ee5e6b4b0d3255bfef95601890afd80709"), [])
        .expect("written");
    let (code, out, err) = models(&["triage"], here.path());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out.matches("gone (passes 5 of 5 runs)").count(), 2, "{out}");
}

#[test]
fn regressions_get_the_next_number_and_replace_nothing() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    let into = here.path().join("kept");
    std::fs::create_dir_all(&into).expect("made");
    std::fs::write(into.join("0041-other.case"), "something").expect("written");
    let line = ["triage", "a.case", "--regression", "--to", "kept"];
    let (_, out, err) = models(&line, here.path());
    let expected = "kept/0042-lost-entry-remove-evacuate.case";
    assert!(out.contains(&format!("regression: {expected}\n")), "{out}{err}");
    let text = std::fs::read_to_string(here.path().join(expected)).expect("text");
    let case = Case::parse(&text).expect("a case");
    for said in [
        NAME,
        "seen: reference: op ",
        "rule: every answer is the spec's",
        "found: ",
        "replay: cargo models replay --subject wrong kept/0042-",
    ] {
        assert!(case.story.iter().any(|line| line.starts_with(said)), "{said}:\n{text}");
    }
    // The same bug once more is the same regression.
    let (_, out, _) = models(&line, here.path());
    assert!(out.contains(expected), "{out}");
    assert_eq!(std::fs::read_dir(&into).expect("readable").count(), 2);
    // Of another map that fails alike it is another.
    let other = text.replace("--subject wrong", "--subject other");
    write(here.path(), expected, other);
    let (_, out, _) = models(&line, here.path());
    let second = expected.replace("42", "43");
    assert!(out.contains(&format!("regression: {second}\n")), "{out}");
    assert!(here.path().join(second).exists(), "what it says that it wrote");
    assert_eq!(std::fs::read_to_string(into.join("0041-other.case")).expect("text"), "something");
}

#[test]
fn findings_are_listed_and_what_passes_is_fixed() {
    let here = folder();
    let (code, out, _) = models(&["findings"], here.path());
    assert!(code == 0 && out.starts_with("nothing was triaged yet"), "{out}");
    write(here.path(), "a-file", "");
    let (code, out, err) = models(&["findings", "--findings", "a-file"], here.path());
    assert!(code == 2 && out.is_empty() && err.lines().count() == 1, "{out}{err}");
    assert!(err.starts_with("a-file/triage: Not a directory"), "{err}");
    write(here.path(), "a.case", noisy(""));
    models(&["triage", "a.case"], here.path());
    let (code, out, _) = models(&["findings"], here.path());
    assert!(code == 1 && out.contains("lost-entry") && out.contains("open"), "{out}");
    assert!(out.contains(" wrong "), "which map it is: {out}");
    // As if the map had been mended: the same case on the right one.
    let (path, mut record) = record(here.path());
    record["subject"] = "map".into();
    let text = record.to_string();
    std::fs::write(&path, &text).expect("written");
    let (code, out, _) = models(&["findings"], here.path());
    assert!(code == 0 && out.contains("fixed"), "{out}");
    let (code, _, err) = models(&["findings", "--findings", "elsewhere"], here.path());
    assert_eq!((code, err.as_str()), (2, "elsewhere: no such folder\n"));
    // A record that is none gets a line, and the others are listed.
    std::fs::write(path.with_file_name("half.json"), &text[..100]).expect("written");
    let (code, out, err) = models(&["findings"], here.path());
    assert!(code == 2 && out.contains("fixed") && err.lines().count() == 1, "{out}{err}");
}

/// The file and the value of the only record.
fn record(folder: &Path) -> (PathBuf, Value) {
    let kept = std::fs::read_dir(folder.join("findings/triage")).expect("readable");
    let mut paths = kept.map(|entry| entry.expect("readable").path());
    let path = paths.find(|path| path.extension().is_some_and(|ext| ext == "json"));
    let path = path.expect("a record");
    let text = std::fs::read_to_string(&path).expect("text");
    (path, serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn what_passes_now_and_then_is_not_fixed() {
    let here = folder();
    let fickle = "case 1\n# --subject wrong\nthread main\n insert k60003 v1\n get k60003\nend\n";
    write(here.path(), "flaky.case", fickle);
    models(&["triage", "flaky.case", "--runs", "30"], here.path());
    let (path, mut record) = record(here.path());
    // It fails every second time; this is for patience.
    record["occurrences"][0]["verdict"] = serde_json::json!({ "failed": 1, "runs": 10 });
    std::fs::write(path, record.to_string()).expect("written");
    for _ in 0..6 {
        let (code, out, _) = models(&["findings"], here.path());
        assert!(code == 1 && out.contains("open"), "{out}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_left_as_it_is() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    models(&["triage", "a.case"], here.path());
    let (path, mut record) = record(here.path());
    record["version"] = 2.into();
    let newer = record.to_string();
    for text in [newer.as_str(), &newer[..100]] {
        std::fs::write(&path, text).expect("written");
        let (code, out, err) = models(&["triage", "a.case"], here.path());
        assert!(code == 2 && err.lines().count() == 1, "{out}{err}");
        assert!(err.contains(".json: "), "{err}");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), text);
    }
}

#[test]
fn a_line_of_json_for_each_file() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    write(here.path(), "b.case", noisy("").replace("--subject wrong", ""));
    let (code, out, _) = models(&["triage", "--json", "a.case", "b.case"], here.path());
    let lines: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((code, lines.len()), (1, 2), "{out}");
    assert_eq!(lines[0]["name"], NAME);
    assert_eq!(lines[0]["signature"]["pair"], serde_json::json!(["remove", "evacuate"]));
    assert_eq!(lines[1]["verdict"], "gone (passes 5 of 5 runs)");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_panic() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    let program = env!("CARGO_BIN_EXE_models");
    for line in ["replay --show a.case", "list", "triage --show a.case"] {
        // `true` reads nothing: the first line that is printed finds the pipe closed, sooner or later.
        let script = format!("(sleep 0.2; {program} {line}; echo $? > code) | true");
        let run = Command::new("sh")
            .args(["-c", &script])
            .current_dir(here.path())
            .output()
            .expect("sh runs");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let code = std::fs::read_to_string(here.path().join("code")).expect("it ended");
        assert!(said.is_empty() && code.trim() == "141", "{line}: {code} {said}");
    }
}
