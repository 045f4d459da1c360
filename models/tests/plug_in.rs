//! A program with maps of its own has every verb for them: hunt, replay, triage. It is `examples/plug_in`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The program. `cargo test` has built it, but not for whoever runs this test alone.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_models")).with_file_name("examples/plug_in");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = ["src", "examples", "Cargo.toml", "../map-core/src", "../Cargo.lock"];
        let newest = sources.iter().map(|path| changed(&root.join(path))).max();
        if changed(&program) < newest.flatten() {
            let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--package", "models", "--example", "plug_in"]);
            let built = cargo.args(["--profile", profile]).status().expect("cargo runs");
            assert!(built.success(), "the example builds");
        }
        program
    })
}

/// When a file was, or the newest below a folder.
fn changed(path: &Path) -> Option<SystemTime> {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().filter_map(|entry| changed(&entry.path())).max(),
        Err(_) => path.metadata().and_then(|about| about.modified()).ok(),
    }
}

/// What it says, and how it ends.
fn plug_in(arguments: &[&str], folder: &Path) -> (i32, String) {
    let output = Command::new(program()).args(arguments).current_dir(folder).output();
    let output = output.expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(said).expect("it is text"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Hunts, replays by the command that the hunt prints, and triages: what triage says.
fn found_and_triaged(hunt: &[&str], subject: &str, oracle: &str) -> String {
    let here = folder();
    let (exit, said) = plug_in(hunt, here.path());
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains(&format!("{oracle}: ")), "{said}");
    let command = said.lines().rev().find_map(|line| line.strip_prefix("replay: "));
    let words: Vec<&str> = command.expect("it says how").split_whitespace().collect();
    assert_eq!(words[0], program().to_string_lossy(), "{said}");
    // What is printed may be cut to what helps; what is kept is whole.
    let file = words[words.len() - 1];
    let kept = std::fs::read_to_string(here.path().join(file)).expect("a file");
    let calls = |text: &str| text.matches("call ").count();
    let left = said.split_once(" calls left out: ").map(|(_, left)| left);
    let is_cut = left.is_some() && calls(&said) < calls(&kept);
    assert_eq!(is_cut, calls(&kept) > 12, "{said}\n{kept}");
    let all = format!("{} replay --show {file} prints all\n", words[0]);
    assert!(left.is_none_or(|left| left.starts_with(&all)), "{said}");
    let (exit, again) = plug_in(&words[1..], here.path());
    assert_eq!(exit, 1, "{again}");
    assert!(again.contains(oracle), "{again}");
    let (exit, said) = plug_in(&["triage"], here.path());
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("stable (fails 5 of 5 runs)"), "{said}");
    let (exit, json) = plug_in(&["findings", "--json"], here.path());
    assert_eq!(exit, 1, "{json}");
    assert!(json.contains(&format!("\"subject\": \"{subject}\"")), "{json}");
    said
}

#[test]
fn a_wrong_map_for_one_thread_is_hunted_replayed_and_triaged() {
    let hunt = ["ops", "--subject", "hasty-probing", "--seed", "2", "--time", "60"];
    let said = found_and_triaged(&hunt, "hasty-probing", "reference");
    let minimal = said.split_once(" → ").and_then(|(_, rest)| rest.split_once(" ops"));
    let ops = minimal.and_then(|(ops, _)| ops.parse::<u32>().ok());
    assert!(ops.is_some_and(|ops| ops <= 10), "{said}");
}

/// Of this, no op can go: seven only make the table large enough for the last two keys to collide at its end.
const NO_OP_CAN_GO: &str = "case 1
hasher mix

thread main
  insert k0 v0
  insert k2 v0
  insert k3 v0
  insert k25 v0
  insert k10 v0
  insert k5 v0
  insert k4 v0
  insert k2152 v0
  insert k2196 v0
  remove k2152
  remove k2196
end
";

#[test]
fn triage_finds_the_shortest_case_where_no_op_can_go() {
    let here = folder();
    std::fs::write(here.path().join("long.case"), NO_OP_CAN_GO).expect("it can be written");
    let (exit, said) = plug_in(&["triage", "--subject", "hasty-probing", "long.case"], here.path());
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("11 ops, 9 keys → 4 ops, 2 keys"), "{said}");
}

#[test]
fn a_race_in_a_shared_map_is_hunted_replayed_and_triaged() {
    for engine in ["shuttle", "stale"] {
        let hunt = ["run", "--subject", "hasty-striped", "--engine", engine, "--seed", "1"];
        let said = found_and_triaged(&hunt, "hasty-striped", "linearizability");
        assert!(said.contains("1 departure"), "{said}");
    }
}

#[test]
fn what_is_retired_too_early_is_hunted_replayed_and_triaged() {
    let hunt = ["run", "--subject", "hasty-published", "--seed", "1"];
    let said = found_and_triaged(&hunt, "hasty-published", "reclamation");
    assert!(said.contains("→ 2 ops, 1 key, 2 threads, 1 departure"), "{said}");
}

/// One insert grows the table while the other writes to it, and what that wrote is lost.
const LOST: &str = "case 1

thread given
  extend k0 3
end

thread ann
  insert k4 v0
end

thread dan
  insert k0 v1
end

schedule
  switch ann.0 start+4 to dan
end
";

/// The report and the page of a case, as text without line breaks.
fn told(case: &str) -> (String, String) {
    let here = folder();
    std::fs::write(here.path().join("a.case"), case).expect("it can be written");
    let show = ["triage", "--show", "--subject", "hasty-striped", "a.case"];
    let (exit, report) = plug_in(&show, here.path());
    assert_eq!(exit, 1, "{report}");
    let pages = std::fs::read_dir(here.path().join("findings/triage")).expect("a folder");
    let mut pages = pages.map(|entry| entry.expect("readable").path());
    let is_page = |path: &PathBuf| {
        path.extension().is_some_and(|ext| ext == "html") && !path.ends_with("index.html")
    };
    let page = std::fs::read_to_string(pages.find(is_page).expect("a page")).expect("text");
    let page = scraper::Html::parse_document(&page).root_element().text().collect::<String>();
    let in_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (in_one_line(&report), in_one_line(&page))
}

#[test]
fn the_page_says_of_an_order_what_the_terminal_says() {
    let (report, page) = told(LOST);
    let (_, order) = report.split_once("✗ onlooker's").expect("what has no place");
    let (order, _) = order.split_once(" ──").expect("the end of the order");
    assert!(order.ends_with("k0 is Some(v1) there, so it would return Some(v1)"), "{order}");
    assert!(page.contains(order), "{order}\n{page}");
    for told in [&report, &page] {
        assert!(!told.contains("(events "), "what has no number is not cited by one: {told}");
    }
}

#[test]
fn a_switch_is_told_with_the_line_of_the_map_that_it_comes_before() {
    // Of locks, `start+N` counts the atomics.
    let source = include_str!("../examples/plug_in/striped.rs");
    let moved = source.lines().position(|line| line.contains("|stripes| *stripes = new)"));
    let line = moved.expect("where the race is") + 1;
    let (report, page) = told(LOST);
    let (_, switched) = report.split_once("⇄ switch to dan").expect("a switch");
    let at = format!("before its lock at striped.rs:{line}");
    assert!(switched.trim_start_matches([' ', '│']).starts_with(&at), "{at}\n{report}");
    let at = format!("switch to dan before its lock at models/examples/plug_in/striped.rs:{line}");
    assert!(page.contains(&at), "{at}\n{page}");
}

#[test]
fn of_a_long_history_a_finding_has_what_is_about_its_key() {
    let here = folder();
    let replayed = |case: &str, more: &[&str]| {
        std::fs::write(here.path().join("a.case"), case).expect("it can be written");
        let replay = ["replay", "--subject", "hasty-striped", "a.case"];
        let (exit, said) = plug_in(&[&replay, more].concat(), here.path());
        assert_eq!(exit, 1, "{said}");
        let (_, message) = said.rsplit_once("linearizability: ").expect("what is wrong");
        message.to_string()
    };
    let short = replayed(LOST, &[]);
    assert!(short.contains("call onlooker get k4") && !short.contains("left out"), "{short}");
    let gets: String = (10..22).map(|key| format!("  get k{key}\n")).collect();
    let long = LOST.replace("  insert k4 v0\n", &format!("  insert k4 v0\n{gets}"));
    let said = replayed(&long, &[]);
    let at = |part: &str| said.find(part).unwrap_or_else(|| panic!("{part}\n{said}"));
    assert!(at("it would return") < at("rule: ") && at("rule: ") < at("call dan insert k0 v1"));
    assert!(at("return onlooker") < at(" calls left out: "));
    assert!(!said.contains("get k4\n") && !said.contains("call ann get k10\n"), "{said}");
    let command = format!("{} replay --show --subject hasty-striped a.case", program().display());
    assert!(said.contains(&format!(" calls left out: {command} prints all\n")), "{said}");
    let all = replayed(&long, &["--show"]);
    assert!(all.contains("call ann get k10\n") && all.contains("call onlooker get k4\n"), "{all}");
    assert!(!all.contains("left out"), "{all}");
}

#[test]
fn maps_that_are_right_pass_and_are_the_usual_ones() {
    let here = folder();
    for (flag, subject) in [("--keep-going", "probing"), ("--subject=striped", "striped")] {
        let (exit, said) = plug_in(&["ops", flag, "--seed", "1", "--ops", "100000"], here.path());
        assert_eq!(exit, 0, "{said}");
        assert!(said.contains(&format!("subject {subject}, sequences")), "{said}");
    }
    for engine in ["shuttle", "stale", "dfs", "threads"] {
        let run = ["run", "--engine", engine, "--seed", "1", "--executions", "2"];
        for (more, subject) in [(&[][..], "striped"), (&["--subject", "published"], "published")] {
            let (exit, said) = plug_in(&[&run, more].concat(), here.path());
            assert_eq!(exit, 0, "{said}");
            assert!(said.contains(&format!("subject {subject}")), "{said}");
        }
    }
}

#[test]
fn what_a_map_cannot_is_refused_in_a_line() {
    let here = folder();
    let refused = |arguments: &[&str], why: &str| {
        let (exit, said) = plug_in(arguments, here.path());
        assert_eq!((exit, said.lines().count()), (2, 1), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused(&["run", "--subject", "probing"], "probing is for one thread");
    refused(&["run", "get_"], "the catalogue is about ConcurrentMap");
    refused(&["run", "--engine", "loom"], "does not run under loom");
    refused(&["run", "--subject", "mutex"], "real threads alone: --engine threads");
    let file = here.path().join("two.case");
    std::fs::write(&file, "case 1\nthread a\n get k1\nend\nthread b\n get k1\nend\n")
        .expect("it is");
    let file = file.to_str().expect("a path");
    refused(&["replay", "--subject", "probing", file], "several threads, probing is for one");
    refused(&["replay", "--subject", "mutex", file], "real threads alone");
}
