//! What is known already, and what fails again: a mended cause does not stand for another, and one run of a case not for all.

use super::{folder, models, noisy, record, write};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

/// As if a smaller case had been found of another cause, which was mended since.
fn with_a_mended_cause(folder: &std::path::Path) {
    let (path, mut record) = record(folder);
    record["case"] = "case 1\nthread main\n  remove k1\nend\n".into();
    std::fs::write(path, record.to_string()).expect("written");
}

#[test]
fn a_smaller_case_of_a_mended_cause_hides_no_failure() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    let line = ["triage", "a.case", "--regression", "--to", "kept"];
    models(&line[..2], here.path());
    with_a_mended_cause(here.path());
    assert_eq!(models(&["findings"], here.path()).0, 0, "that one is fixed");
    let (code, out, err) = models(&line, here.path());
    assert_eq!(code, 1, "{out}{err}");
    let (code, out, _) = models(&["findings"], here.path());
    assert!(code == 1 && out.contains("open"), "{out}");
    let kept = "kept/0001-lost-entry-remove-evacuate.case";
    let (code, out, err) = models(&["replay", kept], here.path());
    assert!(code == 1, "a regression fails as long as nothing is mended: {out}{err}");
}

#[test]
fn a_smaller_case_that_fails_is_kept() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    models(&["triage", "a.case"], here.path());
    let (_, before) = record(here.path());
    // Not minimised, it is another.
    write(here.path(), "b.case", noisy("  insert k3 v3\n"));
    let (_, out, _) = models(&["triage", "b.case", "--limit", "0"], here.path());
    let (_, after) = record(here.path());
    assert!(out.contains("the same was found 2 times"), "{out}");
    assert_eq!(after["case"], before["case"]);
}

#[test]
fn a_bug_has_one_regression_wherever_in_a_growth_it_shows() {
    let here = folder();
    write(here.path(), "a.case", noisy(""));
    let line = ["triage", "a.case", "--regression", "--to", "kept"];
    let kept = |number| format!("kept/000{number}-lost-entry-remove-evacuate.case");
    models(&line, here.path());
    let text = std::fs::read_to_string(here.path().join(kept(1))).expect("it is there");
    let other = text.replace("· doubling", "· same-size");
    assert_ne!(text, other);
    write(here.path(), &kept(1), other);
    let (_, out, _) = models(&line, here.path());
    assert!(out.contains(&format!("regression: {}\n", kept(1))), "{out}");
    // One that passes is of a cause that was mended.
    let (head, _) = text.split_once("thread main").expect("a case");
    write(here.path(), &kept(1), format!("{head}thread main\n  len\nend\n"));
    let (_, out, _) = models(&line, here.path());
    assert!(out.contains(&format!("regression: {}\n", kept(2))), "{out}");
}

#[test]
fn a_case_that_fails_in_several_ways_is_not_stable() {
    let here = folder();
    let ops = "insert k60003 v1\n get k60003\n insert k60001 v0";
    let case = format!("case 1\n# --subject wrong\nthread main\n {ops}\nend\n");
    write(here.path(), "both.case", case);
    let line = ["triage", "both.case", "--runs", "30", "--limit", "3"];
    let (code, out, err) = models(&line, here.path());
    assert!(code == 1 && out.starts_with("both.case: flaky (fails "), "{out}{err}");
    assert!(out.contains("\n  also seen: ") && out.contains(" of 30 runs)\n"), "{out}");
    let (_, out, _) = models(&[&line[..], &["--json"]].concat(), here.path());
    let line: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(line["also"].as_array().map(Vec::len), Some(1), "{out}");
}

#[test]
fn a_file_is_triaged_once_however_often_it_is_named() {
    let here = folder();
    let passes = noisy("").replace("--subject wrong", "");
    write(here.path(), "a.case", &passes);
    write(here.path(), "b.case", &passes);
    let (code, out, _) = models(&["triage", "a.case", "b.case", "a.case", "./a.case"], here.path());
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
}

#[test]
fn what_is_triaged_without_a_path_is_in_the_folder_that_is_named() {
    let here = folder();
    for place in ["findings", "others"] {
        std::fs::create_dir(here.path().join(place)).expect("made");
        write(here.path(), &format!("{place}/{place}.case"), noisy("").replace("wrong", "map"));
    }
    let (code, out, _) = models(&["triage", "--findings", "others"], here.path());
    assert!(code == 0 && out.starts_with("others/others.case: gone"), "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");
    let (code, _, err) = models(&["triage", "--findings", "nowhere"], here.path());
    assert!(code == 2 && err.starts_with("nowhere: No such file"), "{err}");
    // Where there is something to triage, it is only where that goes.
    let line = ["triage", "others/others.case", "--findings", "nowhere"];
    assert_eq!(models(&line, here.path()).0, 0);
}

/// What was built anew meanwhile is another program: what had begun is done by the one that began it.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_is_replaced_goes_on() {
    let here = folder();
    let hang = "case 1\n# --subject wrong\nthread main\n insert k1 v1\n insert k60002 v0\nend\n";
    write(here.path(), "hang.case", hang);
    let program = here.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_models"), &program).expect("copied");
    let mut command = Command::new(&program);
    command.args(["triage", "hang.case", "--runs", "2", "--limit", "3"]).current_dir(here.path());
    command.env("CASE_SECONDS", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().expect("the program runs");
    std::thread::sleep(Duration::from_millis(400));
    std::fs::remove_file(&program).expect("it is there");
    let ended = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert!(
        ended.status.code() == Some(1) && said.contains("stable (fails 2 of 2 runs)"),
        "{said}"
    );
    assert!(said.contains("→ 1 op, 1 key"), "{said}");
}
