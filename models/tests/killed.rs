//! Killed in the middle: nothing that had been found is lost, and nothing half-written is left under a final name.
#![cfg(unix)]

use models::case::Case;
use serde_json::Value;
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What the line begins with that says where a finding is.
const REPLAY: &str = "replay: cargo models replay --subject wrong ";

fn start(arguments: &[&str], folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    let said = File::create(folder.join("said")).expect("a file");
    command.args(arguments).current_dir(folder).stdout(said).stderr(Stdio::null());
    command.spawn().expect("the program runs")
}

/// Starts, and kills after so long; the lines that it got out.
fn killed(arguments: &[&str], folder: &Path, after: Duration) -> Vec<String> {
    let mut child = start(arguments, folder);
    std::thread::sleep(after);
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    let said = std::fs::read_to_string(folder.join("said")).expect("text");
    let (lines, _cut) = said.rsplit_once('\n').unwrap_or_default();
    lines.lines().map(str::to_string).collect()
}

/// Every file under a folder that has a final name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false if hidden => {}
            false => files.push(path),
        }
    }
    files
}

/// Every file is what its name says it is, to its end.
fn whole(folder: &Path) -> usize {
    let files = files(folder);
    for path in &files {
        let name = path.display();
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("case") => {
                drop(Case::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
            }
            Some("json") => drop(
                serde_json::from_str::<Value>(&text)
                    .unwrap_or_else(|error| panic!("{name}: {error}")),
            ),
            Some("html") => assert!(text.trim_end().ends_with("</html>"), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    files.len()
}

fn raw(number: u64) -> String {
    let mut text = "case 1\n# --subject wrong\nhasher mix\nthread main\n".to_string();
    for key in 0..150 {
        let _ = writeln!(
            text,
            " insert k{} v{key}\n remove k{}",
            (key * 31 + number) % 5000,
            key * 17 % 91
        );
    }
    text + " fill-to-threshold +1 k5000\n remove k5001\nend\n"
}

#[test]
fn a_hunt() {
    let here: TempDir = tempfile::tempdir().expect("a place for files");
    let mut announced = 0;
    for round in 0..12 {
        let seed = round.to_string();
        let hunt = ["ops", "--subject", "wrong", "--seed", &seed, "--keep-going", "--time", "20"];
        let said = killed(&hunt, here.path(), Duration::from_millis(20 + 25 * round));
        for path in said.iter().filter_map(|line| line.strip_prefix(REPLAY)) {
            assert!(here.path().join(path).is_file(), "{path} was found, and is lost");
            announced += 1;
        }
        whole(&here.path().join("findings"));
    }
    assert!(announced > 0, "something was found before it was killed");
}

/// The disk that its output goes to is full after its first line.
#[test]
#[cfg(target_os = "linux")]
fn a_hunt_that_can_say_no_more() {
    let limit = 64;
    for deed in [None, Some("abort")] {
        let here: TempDir = tempfile::tempdir().expect("a place for files");
        let said = File::create(here.path().join("said")).expect("a file");
        said.set_len(limit * 512 - 60).expect("it is long");
        let said = File::options().append(true).open(here.path().join("said")).expect("a file");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"")]);
        shell.arg(env!("CARGO_BIN_EXE_models"));
        shell.args(["ops", "--subject", "wrong", "--seed", "1", "--length", "99", "--time", "20"]);
        shell.envs(deed.map(|deed| ("WRONG_INSERT", deed))).current_dir(here.path()).stdout(said);
        let ended = shell.output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert_eq!(said, "failed printing to stdout: File too large (os error 27)\n");
        assert_eq!(whole(&here.path().join("findings")), 1, "what was found is lost");
    }
}

#[test]
fn a_minimisation_and_its_writes() {
    let here: TempDir = tempfile::tempdir().expect("a place for files");
    let found = here.path().join("findings");
    std::fs::create_dir_all(&found).expect("made");
    for number in 0..4 {
        std::fs::write(found.join(format!("raw-{number}.case")), raw(number)).expect("written");
    }
    for round in 0..14 {
        killed(
            &["triage", "--regression", "--to", "findings/kept"],
            here.path(),
            Duration::from_millis(15 + 35 * round),
        );
        whole(&found);
        for number in 0..4 {
            let text =
                std::fs::read_to_string(found.join(format!("raw-{number}.case"))).expect("text");
            assert_eq!(text, raw(number), "what was found is as it was");
        }
    }
    let ended = start(&["triage"], here.path()).wait().expect("it ends");
    assert_eq!(ended.code(), Some(1));
    whole(&found);
    let list = Command::new(env!("CARGO_BIN_EXE_models"))
        .args(["findings", "--json"])
        .current_dir(here.path())
        .output();
    let list: Value = serde_json::from_slice(&list.expect("it runs").stdout).expect("JSON");
    let counted: u64 =
        list.as_array().expect("a list").iter().filter_map(|one| one["count"].as_u64()).sum();
    assert!(counted >= 4, "every finding is counted: {list}");
}
