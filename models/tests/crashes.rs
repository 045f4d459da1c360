//! A map that takes its process with it: the hunt says so, keeps the case, and goes on if it is told to; and nobody is left
//! behind when the hunt itself is ended.
//!
//! The map is one that is wrong on purpose: see `subjects::wrong`.
#![cfg(target_os = "linux")]

use models::case::Case;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The hunt, in which inserts do this while the map grows.
fn command(deed: &str, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
    command.args(arguments).current_dir(folder);
    command.env("WRONG_INSERT", deed).env("CASE_SECONDS", "1");
    command
}

fn models(deed: &str, arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let run = command(deed, arguments, folder).output();
    let Output { status, stdout, stderr } = run.expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code, no signal"), text(stdout), text(stderr))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a place for files")
}

/// The files kept, by what precedes their names in the output.
fn kept(out: &str) -> Vec<PathBuf> {
    let replays = out.lines().filter_map(|line| line.strip_prefix("replay: cargo models replay "));
    replays.map(|line| PathBuf::from(line.replace("--subject wrong ", ""))).collect()
}

/// What was objected to first.
fn found(out: &str) -> &str {
    let mut lines = out.lines().skip_while(|line| !line.starts_with("sequence "));
    lines.nth(1).expect("something was found")
}

const HUNT: [&str; 7] = ["ops", "--subject", "wrong", "--seed", "407", "--json", "summary.json"];

#[test]
fn a_crash_is_kept_made_smaller_and_replayed() {
    let signal = "crash: the process was ended by SIGABRT";
    let deeds =
        [("abort", signal), ("overflow", signal), ("exit 7", "crash: the process exited with 7")];
    for (deed, said) in deeds {
        let here = folder();
        let (code, out, err) = models(deed, &HUNT, here.path());
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains(&format!("\nsequence 1:\n{said}\n")), "{out}{err}");
        assert!(out.contains("\nbroke one rule: "), "{out}");
        let rule = "crash: a run does not end its process";
        let summary = std::fs::read(here.path().join("summary.json")).expect("it is written");
        let summary: Value = serde_json::from_slice(&summary).expect("JSON");
        assert_eq!(summary["found"], rule);
        let [raw, small] = &kept(&out)[..] else { panic!("as found and smaller: {out}") };
        let case = |path: &Path| {
            let text = std::fs::read_to_string(here.path().join(path)).expect("it is there");
            Case::parse(&text).expect("a case")
        };
        assert!(case(raw).ops().len() >= 500 && case(small).ops().len() < 100, "{out}");
        for path in [raw, small] {
            let path = path.to_str().expect("UTF-8");
            let (code, out, _) = models(deed, &["replay", "--subject", "wrong", path], here.path());
            // It grows before that: in a case of single ops, not at the first.
            let (what, how) = said.split_once(": ").expect("an oracle, and what it says");
            let (head, place) = out.split_once('\n').expect("two lines");
            let of = format!(" of {} ops", case(Path::new(path)).ops().len());
            let on = format!("{path} on wrong: ");
            assert!(code == 1 && head.starts_with(&on) && head.ends_with(&of), "{out}");
            let place = place.strip_prefix(&format!("{what}: op ")).expect("where it was");
            assert!(place.starts_with("0 ") == (of == " of 1 ops"), "{out}");
            assert!(place.contains(&format!(": {how}\n")), "{out}");
            let (code, out, _) = models("talk", &["replay", "--subject", "map", path], here.path());
            assert!(code == 0 && out.contains(": passes ("), "another map passes: {out}");
        }
        let (code, out, _) = models(deed, &["triage", "--runs", "1", "--limit", "2"], here.path());
        assert!(code == 1 && !out.contains("the same was found"), "{out}");
    }
}

#[test]
fn a_map_that_exits_does_not_speak_for_the_hunter() {
    // The numbers mean nothing found, found, bad usage; and one that means nothing.
    for number in 0..4 {
        let (here, deed) = (folder(), format!("exit {number}"));
        let (code, out, err) = models(&deed, &[&HUNT[..], &["--as-found"]].concat(), here.path());
        let said = format!("the process exited with {number}\n");
        assert!(code == 1 && found(&out) == format!("crash: {}", said.trim()), "{out}{err}");
        let [raw] = &kept(&out)[..] else { panic!("as found: {out}") };
        let replay = ["replay", "--subject", "wrong", raw.to_str().expect("UTF-8")];
        let (code, out, err) = models(&deed, &replay, here.path());
        let is_a_crash = out.contains("\ncrash: op ") && out.contains(&said);
        assert!(code == 1 && is_a_crash, "{out}{err}");
    }
}

#[test]
fn a_hunter_that_does_not_come_back_is_ended_and_its_sequence_kept() {
    // Also if its time is up before its patience is out.
    for time in ["60", "0.2"] {
        let here = folder();
        let line = [&HUNT[..], &["--patience", "0.5", "--time", time]].concat();
        let (code, out, err) = models("hang", &line, here.path());
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains("hang: the run has not come to an end in 0.5 s\n"), "{out}{err}");
        let [path] = &kept(&out)[..] else { panic!("as found: {out}") };
        let path = path.to_str().expect("UTF-8");
        let (code, out, _) = models("hang", &["replay", "--subject", "wrong", path], here.path());
        assert!(code == 1 && out.contains(": the run has not come to an end in 1 s"), "{out}");
        assert!(out.contains("\nhang: op "), "{out}");
    }
}

#[test]
fn a_hunt_that_keeps_going_goes_on_after_a_crash() {
    let here = folder();
    let line = [&HUNT[..], &["--keep-going", "--as-found", "--time", "4"]].concat();
    let (code, out, err) = models("abort", &line, here.path());
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("\nreference: op ") && !out.contains("\nbroke one rule: "), "{out}");
    assert_eq!(out.matches("crash: the process").count(), 1, "one of a rule: {out}");
}

#[test]
fn a_hunt_that_keeps_going_counts_all_that_it_did_in_its_time() {
    let (here, began) = (folder(), Instant::now());
    let line = [&HUNT[..], &["--keep-going", "--time", "1"]].concat();
    let (code, out, err) = models("", &line, here.path());
    assert!(code == 1 && out.contains("\nsmaller: "), "{out}{err}");
    let summary = std::fs::read(here.path().join("summary.json")).expect("it is written");
    let summary: Value = serde_json::from_slice(&summary).expect("JSON");
    let [seconds, sequences] = ["seconds", "executions"].map(|key| summary[key].as_f64());
    let (seconds, sequences) = (seconds.expect("a number"), sequences.expect("a number"));
    assert!(seconds >= 1.0 && seconds <= began.elapsed().as_secs_f64(), "{summary}");
    assert!(sequences > 20.0, "{summary}");
    assert!(out.contains(&format!(" in {seconds:.1} s (")), "{summary}{out}");
}

#[test]
fn what_a_map_says_is_heard_and_the_case_is_the_one_that_failed() {
    let here = folder();
    let (_, out, _) = models("talk", &HUNT, here.path());
    assert!(out.contains("\ninserted while growing\n"), "{out}");
    let said = found(&out);
    let raw = kept(&out)[0].clone();
    let line = ["replay", "--subject", "wrong", raw.to_str().expect("UTF-8")];
    let (code, out, _) = models("talk", &line, here.path());
    assert!(code == 1 && out.contains(said) && out.contains("inserted while"), "{said}\n{out}");
}

#[test]
fn a_map_that_does_not_end_its_line_hides_nothing() {
    let here = folder();
    let (code, out, _) = models("mutter", &[&HUNT[..], &["--as-found"]].concat(), here.path());
    assert!(code == 1 && out.contains("\nreference: op "), "{out}");
    let said = format!("\n{}\n", found(&out));
    let raw = kept(&out)[0].clone();
    let line = ["replay", "--subject", "wrong", raw.to_str().expect("UTF-8")];
    let (code, out, _) = models("mutter", &line, here.path());
    assert!(code == 1 && out.contains("\nreference: op ") && out.contains(&said), "{said}{out}");
}

#[test]
fn a_map_whose_words_are_not_utf_8_is_hunted_all_the_same() {
    let here = folder();
    let line = [&HUNT[..], &["--keep-going", "--as-found", "--time", "2"]].concat();
    let hunt = command("garble", &line, here.path()).stdout(Stdio::piped()).spawn();
    let (code, out) = ended_in(40, hunt.expect("the program runs"));
    assert!(code == Some(1) && out.contains("\ngro\u{fffd}\n"), "{code:?} {}", out.len());
    assert!(out.contains("\nreference: op ") && !out.contains("\ncrash: "), "{}", out.len());
    let said = format!("\n{}\n", found(&out));
    let raw = kept(&out)[0].clone();
    let replay = ["replay", "--subject", "wrong", raw.to_str().expect("UTF-8")];
    let (code, out, err) = models("garble", &replay, here.path());
    assert!(code == 1 && out.contains(&said), "{said}{out}{err}");
}

#[test]
fn a_map_that_talks_without_end_does_not_outlast_the_time() {
    let began = Instant::now();
    let line = [&HUNT[..], &["--keep-going", "--as-found", "--time", "2"]].concat();
    let (code, out, _) = models("talk", &line, folder().path());
    assert!(code == 1 && out.contains("\nbroke "), "{}", out.len());
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

/// The numbers of the processes that this one has started and that run.
fn children(parent: u32) -> Vec<u32> {
    let number = |entry: &std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let all = std::fs::read_dir("/proc").expect("readable").flatten();
    all.filter_map(|entry| number(&entry))
        .filter(|&child| parent_of(child) == Some(parent))
        .collect()
}

/// Of a process that runs.
fn parent_of(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    let is_dead = words.next() == Some("Z");
    words.next()?.parse().ok().filter(|_| !is_dead)
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const OPS: [&str; 5] = ["ops", "--seed", "1", "--time", "60"];

/// A hunt that finds nothing, and its hunter.
fn hunting(line: &[&str], folder: &Path) -> (Child, u32) {
    let supervisor = command("talk", line, folder).stdout(Stdio::piped()).spawn();
    let supervisor = supervisor.expect("the program runs");
    wait_for("a hunter", || children(supervisor.id()).len() == 1);
    let hunter = children(supervisor.id())[0];
    std::thread::sleep(Duration::from_millis(200));
    (supervisor, hunter)
}

#[test]
fn a_hunter_does_not_outlive_its_supervisor() {
    let here = folder();
    let (mut supervisor, hunter) = hunting(&OPS, here.path());
    supervisor.kill().expect("it can be killed");
    supervisor.wait().expect("it has ended");
    wait_for("the hunter has ended", || parent_of(hunter).is_none());
}

#[test]
fn control_c_ends_a_hunt_with_its_summary() {
    // What would have gone on until ctrl-C is done then.
    for (line, exit) in [(&OPS[..], 130), (&["ops", "--seed", "1"], 0)] {
        let here = folder();
        let (supervisor, hunter) = hunting(line, here.path());
        signal("-INT", supervisor.id());
        let (code, out) = ended(supervisor);
        assert!(code == Some(exit) && out.contains("nothing found: "), "{out}");
        assert_eq!(parent_of(hunter), None, "the hunter has ended");
    }
}

#[test]
fn a_run_that_crashes_keeps_what_it_was_at() {
    for (what, kept_as) in [("get_during_evacuation", "get_during"), ("--generated", "generated ")]
    {
        let here = folder();
        let line = ["run", what, "--seed", "1", "--time", "60", "--json", "summary.json"];
        let (supervisor, hunter) = hunting(&line, here.path());
        signal("-ABRT", hunter);
        let (code, out) = ended(supervisor);
        assert!(
            code == Some(1) && out.contains("crash: the process was ended by SIGABRT"),
            "{out}"
        );
        assert!(out.contains(&format!("found by: cargo models run {what}")), "{out}");
        let [case] = &kept(&out)[..] else { panic!("one case: {out}") };
        let text = std::fs::read_to_string(here.path().join(case)).expect("it is there");
        assert!(Case::parse(&text).is_ok_and(|case| case.running().len() > 1), "{text}");
        let summary = std::fs::read(here.path().join("summary.json")).expect("it is written");
        let summary: Value = serde_json::from_slice(&summary).expect("JSON");
        assert_eq!(summary["found"], "crash: a run does not end its process");
        assert!(summary["scenario"].as_str().is_some_and(|name| name.starts_with(kept_as)));
    }
}

#[test]
fn control_c_ends_a_run_with_its_summary() {
    for engine in ["shuttle", "dfs", "loom"] {
        let here = folder();
        let what = ["--engine", engine, "--preemptions", "5", "--seed", "1", "--time", "60"];
        let line = [&["run", "three_writers_in_one_bucket"][..], &what].concat();
        let (supervisor, hunter) = hunting(&line, here.path());
        signal("-INT", supervisor.id());
        let (code, out) = ended(supervisor);
        assert!(code == Some(130) && out.contains("nothing found: "), "{engine}: {out}");
        assert!(!out.contains("exhausted") || out.contains("not exhausted"), "{engine}: {out}");
        assert_eq!(parent_of(hunter), None, "the hunter has ended");
    }
}

#[test]
fn a_run_that_stands_still_is_a_hang_and_keeps_what_it_was_at() {
    let here = folder();
    let line = ["run", "get_during_evacuation", "--seed", "1", "--time", "60", "--patience", "1"];
    let (supervisor, hunter) = hunting(&line, here.path());
    signal("-STOP", hunter);
    let (code, out) = ended(supervisor);
    assert!(
        code == Some(1) && out.contains("hang: no execution has come to an end in 1 s"),
        "{out}"
    );
    assert_eq!(kept(&out).len(), 1, "{out}");
    assert_eq!(parent_of(hunter), None, "the hunter has ended");
}

#[test]
fn a_worker_that_nobody_asks_anything_waits() {
    let here = folder();
    let mut worker = command("", &["worker"], here.path());
    let worker = worker.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    // It looks at its clock four times a second.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(ended(worker), (Some(0), String::new()), "its input has ended, and nothing else");
}

fn signal(name: &str, process: u32) {
    let kill = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(kill.expect("it runs").success());
}

/// The same of one that may never end: after so many seconds it is made to.
fn ended_in(seconds: u64, mut supervisor: Child) -> (Option<i32>, String) {
    let began = Instant::now();
    let mut output = supervisor.stdout.take().expect("it is read");
    let heard = std::thread::spawn(move || {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut output, &mut said).map(|_| said)
    });
    while supervisor.try_wait().expect("a process").is_none() {
        if began.elapsed() > Duration::from_secs(seconds) {
            supervisor.kill().expect("it can be killed");
            supervisor.wait().expect("it has ended");
            panic!("it has not come to an end in {seconds} s");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = supervisor.wait().expect("it has ended");
    (status.code(), heard.join().expect("a reader").expect("UTF-8"))
}

/// What comes of one that ends before its time.
fn ended(supervisor: Child) -> (Option<i32>, String) {
    let began = Instant::now();
    let Output { status, stdout, .. } = supervisor.wait_with_output().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(40), "it would have ended anyway");
    (status.code(), String::from_utf8(stdout).expect("UTF-8"))
}
