//! The story of a finding, as a person sees it: in 100 columns, and as a page that parses.

use models::case::Case;
use models::finding::Finding;
use models::oracles::{Objection, well_formed};
use models::triage::minimise::Size;
use models::triage::sighting::Sighting;
use models::triage::store::{Occurrence, Record};
use models::triage::story::{Kind, Step, Story};
use models::triage::verdict::Verdict;
use models::triage::{regression, terminal};
use scraper::{Html, Selector};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SEQUENTIAL: &str = "case 1\n# --subject wrong\nthread main\n reserve 27\n fill-to-threshold +1 k4\n get k3\n remove k4\nend\n";

/// Triages a case with everything shown; returns what was printed, and the page.
fn shown(case: &str, coloured: bool) -> (String, String) {
    shown_with(case, coloured, &[])
}

fn shown_with(case: &str, coloured: bool, more: &[&str]) -> (String, String) {
    shown_when("", case, coloured, more)
}

/// Where the wrong map does `deed` while it grows.
fn shown_when(deed: &str, case: &str, coloured: bool, more: &[&str]) -> (String, String) {
    let here: TempDir = tempfile::tempdir().expect("a place for files");
    std::fs::write(here.path().join("a.case"), case).expect("it is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    command.args(["triage", "--show", "a.case"]).args(more).current_dir(here.path());
    command.env("CASE_SECONDS", "1");
    if !deed.is_empty() {
        command.env("WRONG_INSERT", deed);
    }
    match coloured {
        true => command.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR"),
        false => command.env_remove("CLICOLOR_FORCE"),
    };
    let run = command.output().expect("the program runs");
    let out = String::from_utf8(run.stdout).expect("UTF-8");
    (out, page(&here.path().join("findings/triage")))
}

fn page(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("readable").path());
    let is_page = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|ext| ext == "html") && !path.ends_with("index.html")
    };
    let path = entries.into_iter().find(is_page).expect("a page");
    std::fs::read_to_string(path).expect("text")
}

#[test]
fn the_terminal_has_lanes_states_and_the_failure_in_100_columns() {
    let (out, _) = shown(SEQUENTIAL, false);
    assert!(!out.contains('\x1b'), "no colour where there is no terminal:\n{out}");
    let report = out.split("\n\n").skip(1).collect::<Vec<_>>().join("\n\n");
    for line in report.lines() {
        let columns = line.chars().count();
        let is_command = line.starts_with("replay: ");
        assert!(columns <= 100 || is_command, "{columns} columns: {line}");
        assert_eq!(line.trim_end(), line, "no blanks at the end");
    }
    for said in [
        "what happened",
        "│ main",
        "remove k",
        "old 2^",
        "doubling",
        "✗ reference: op ",
        "the spec says",
        "replay: cargo models replay --subject wrong findings/triage/",
    ] {
        assert!(report.contains(said), "{said}:\n{report}");
    }
    let (coloured, _) = shown(SEQUENTIAL, true);
    let (plain, coloured) = (strip(&out), strip(&coloured));
    let told = |text: &str| text.split_once("\n\n").map(|(_, told)| told.to_string());
    assert!(coloured.contains("what happened") && told(&plain) == told(&coloured));
}

/// The steps of a report, without their numbers.
fn steps(report: &str) -> Vec<&str> {
    let lines = report.lines().skip_while(|line| !line.contains("what happened"));
    let is_step = |line: &&str| line.get(..3).is_some_and(|at| at.trim().parse::<u32>().is_ok());
    lines.filter(is_step).map(|line| line[3..].trim_start_matches([' ', '│'])).collect()
}

#[test]
fn every_op_has_a_step_and_parts_without_one_are_counted() {
    let (out, _) = shown(SEQUENTIAL, false);
    let steps = steps(&out);
    let expected = [
        "fill-to-threshold +27 k0, of it: 24 ops, not shown",
        "fill-to-threshold +27 k0, of it: insert k24 v24",
        "fill-to-threshold +27 k0, of it: insert k25 v25",
        "fill-to-threshold +27 k0, of it: insert k26 v26",
        "remove k0",
    ];
    let (failed, before) = steps.split_last().expect("steps");
    assert_eq!(before, expected, "{out}");
    assert!(failed.starts_with("✗ reference: op 1 remove k0 returned None"), "{out}");
}

#[test]
fn a_map_with_room_is_shown_before_the_first_op() {
    let case = SEQUENTIAL.replace("thread main\n reserve 27\n", "capacity 27\nthread main\n");
    // As it is: the smallest case needs no capacity.
    let (out, page) = shown_with(&case, false, &["--limit", "0"]);
    let steps = steps(&out);
    assert_eq!(steps[0], "· a new map of capacity 27", "{out}");
    let (before, _) = out.split_once("fill-to-threshold").expect("the first op");
    assert!(before.contains("table 2^") && !before.contains("k4=v4"), "{out}");
    let html = Html::parse_document(&page);
    let select = |selector: &str| Selector::parse(selector).expect("a selector");
    let states: Vec<_> = html.select(&select("section.state")).collect();
    let full = |state: usize| states[state].select(&select(".slot.full")).count();
    assert_eq!((full(0), full(1) > 0), (0, true), "first the new map, then what ops made of it");
    let first = html.select(&select("[data-step]")).next().expect("a step");
    assert_eq!(first.attr("data-state"), Some("0"));
}

#[test]
fn the_terminal_gives_a_failure_of_several_lines_one_number() {
    let sighting = Sighting::of_a_hang("word ".repeat(40));
    let text = sighting.message.clone();
    let failure = Step { lane: 0, kind: Kind::Failure, text, place: String::new(), state: 0 };
    let story = Story {
        name: "a story".to_string(),
        sighting,
        lanes: vec!["main".to_string()],
        steps: vec![failure],
        states: Vec::new(),
        attempt: None,
        case: "case 1".to_string(),
        replay: "again".to_string(),
        occurrences: Vec::new(),
    };
    let report = strip(&terminal::report(&story));
    let steps = report.lines().skip_while(|line| !line.contains("│ main")).skip(1);
    let numbers: Vec<&str> =
        steps.take_while(|line| !line.is_empty()).map(|line| &line[..3]).collect();
    assert!(numbers.len() > 1, "{report}");
    assert!(numbers[0] == "  1" && numbers[1..].iter().all(|number| *number == "   "), "{report}");
}

/// The story of a case that breaks a claim about the map's structure.
fn told(case: &str, claim: &str) -> Vec<String> {
    let case = Case::parse(case).expect("a case");
    let (at, op) = (0, case.ops().first().copied());
    let objection = Objection::new(well_formed::NAME, claim, "left a map".to_string());
    let sighting = Sighting::new(&Finding { objection, at, op, growth: None }, &[]);
    let occurrence = Occurrence {
        file: String::new(),
        digest: String::new(),
        found: String::new(),
        found_by: None,
        verdict: Verdict::STABLE,
        raw: Size::of(&case),
        minimal: Size::of(&case),
        seconds: 0.0,
        tried: 0,
    };
    let record = Record::new("map".into(), &case, sighting, occurrence);
    regression::told(&record, Path::new("a.case")).expect("it can be told").story
}

#[test]
fn a_story_says_what_goes_wrong_in_sentences() {
    let alone = told("case 1\nthread main\n insert k1 v1\nend\n", "count");
    let said = "An insert goes wrong, insert is what it takes: 1 op, 1 key.".to_string();
    assert!(alone.contains(&said), "{alone:?}");
    assert!(alone.contains(&"rule: count: the map counts its entries right".to_string()));
    let race = "case 1\nthread a\n insert k1 v1\nend\nthread b\n remove k1\nend\n\
        schedule\n switch a.0 locked#0+1 to b\nend\n";
    let race = told(race, "a rule of another map");
    let said = "insert against remove: 2 ops, 1 key, 2 threads, 1 departure.".to_string();
    assert!(race.contains(&said), "{race:?}");
    assert!(race.contains(&"rule: a rule of another map".to_string()), "{race:?}");
}

#[test]
fn every_claim_of_the_maps_has_a_sentence() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../map-core/src");
    let mut claims = Vec::new();
    for file in ["invariants.rs", "concurrent/check.rs"] {
        let text = std::fs::read_to_string(source.join(file)).expect("text");
        for rest in text.split("claim(").chain(text.split("claim!(")).skip(1) {
            let name = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            claims.extend(name.map(|(name, _)| name.to_string()));
        }
    }
    claims.sort();
    claims.dedup();
    let told: Vec<&str> = well_formed::CLAIMS.iter().map(|(claim, _)| *claim).collect();
    assert_eq!(claims, told);
}

fn strip(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn the_page_parses_and_has_lanes_steps_states_and_nothing_from_elsewhere() {
    let (_, page) = shown(SEQUENTIAL, false);
    let html = Html::parse_document(&page);
    assert!(html.errors.is_empty(), "{:?}", html.errors);
    let count =
        |selector: &str| html.select(&Selector::parse(selector).expect("a selector")).count();
    let steps = count("svg [data-step]");
    assert!(steps >= 3 && count("svg .head.lane") == 1, "{steps} steps");
    assert_eq!(count("svg .failure .label"), 1);
    assert!(count("section.state") >= 2 && count("section.state .slot.full") > 8);
    assert!(
        count(".bucket.changed") > 0
            && count(".bucket.evacuated") > 0
            && count(".bucket.marked") > 0
    );
    assert_eq!(count("#slider") + count("#case") + count("#replay") + count("tbody tr"), 4);
    let ids: Vec<&str> = html
        .select(&Selector::parse("[id]").expect("a selector"))
        .filter_map(|one| one.attr("id"))
        .collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(ids.len(), unique.len(), "ids are unique: {ids:?}");
    for elsewhere in ["http://", "https://", "@import", "url(\"", "src="] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn a_case_that_kills_or_hangs_its_process_has_a_story_up_to_there() {
    for (key, failure) in [
        ("k60001", "crash: op 0 insert k60001 v0: the process was ended by SIGABRT"),
        ("k60002", "hang: op 0 insert k60002 v0: the run has not come to an end in 1 s"),
    ] {
        let case = format!("case 1\n# --subject wrong\nthread main\n insert {key} v0\nend\n");
        let (out, page) = shown_with(&case, false, &["--runs", "1", "--limit", "3"]);
        assert!(out.contains("· insert×insert · before-growth\n"), "{out}");
        let steps = steps(&out);
        assert_eq!(steps[0], format!("insert {key} v0, does not return"), "{out}");
        assert!(steps[1].contains(failure), "{out}");
        assert!(Html::parse_document(&page).errors.is_empty());
    }
}

#[test]
fn a_crash_in_the_midst_of_an_op_is_told_with_the_map_before_it() {
    let case = "case 1\n# --subject wrong\nthread main\n fill-to-threshold +53 k0\nend\n";
    let (out, _) = shown_when("abort", case, false, &["--runs", "1"]);
    assert!(out.contains("· insert×evacuate · doubling\n"), "{out}");
    let (steps, op) = (steps(&out), "fill-to-threshold +28 k0");
    let [.., part, last, failure] = &steps[..] else { panic!("{out}") };
    assert_eq!(*part, format!("{op}, of it: insert k26 v26"), "{out}");
    assert_eq!(*last, format!("{op}, does not return"), "{out}");
    assert!(failure.contains(op) && out.contains("old 2^"), "{out}");
}
