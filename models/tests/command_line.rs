//! The command line: what it says, and the exit codes 0 (nothing found), 1 (something found), 2 (bad usage or input).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn models(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    run(Command::new(env!("CARGO_BIN_EXE_models")).args(arguments).current_dir(folder))
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

/// The same, by a shell that first does something with itself.
#[cfg(target_os = "linux")]
fn models_after(first: &str, arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_models")]);
    run(shell.args(arguments).current_dir(folder))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a place for files")
}

/// With `a.case`, which passes.
fn folder_with_a_case() -> TempDir {
    let here = folder();
    let text = "case 1\nthread main\n  get k3\nend\n";
    std::fs::write(here.path().join("a.case"), text).expect("written");
    here
}

fn corpus(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(path)
}

#[test]
fn ops_that_find_nothing_exit_with_0_and_say_how_much_was_done() {
    for extra in
        [&["--mix", "full"][..], &["--mix", "get-insert-remove", "--oracle", "direct-index"]]
    {
        let here = folder();
        let (code, out, _) =
            models(&[&["ops", "--seed", "7", "--ops", "20000"], extra].concat(), here.path());
        assert_eq!(code, 0, "{out}");
        assert!(
            out.starts_with("seed 7, subject map, sequences of 512 ops\nnothing found: 2"),
            "{out}"
        );
        assert!(out.contains("M ops/s") && out.contains("reached a growth"), "{out}");
        assert!(!here.path().join("findings").exists());
    }
}

#[test]
fn ops_take_a_time_and_draw_a_seed() {
    let (code, out, _) = models(&["ops", "--time", "0.2", "--subject", "std"], folder().path());
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("seed ") && out.contains("nothing found"), "{out}");
}

#[test]
fn a_case_that_passes_exits_with_0() {
    let here = folder();
    let text = "case 1\nthread main\n  fill-to-threshold +1 k0\n  get k3\nend\n";
    std::fs::write(here.path().join("a.case"), text).expect("written");
    std::fs::write(here.path().join("crash-0123"), [1, 2, 3, 4, 5, 6, 7, 8, 9]).expect("written");
    let (code, out, _) = models(&["replay", "--show", "a.case", "crash-0123"], here.path());
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("a.case on map: passes (2 ops") && out.contains("crash-0123 on map: passes"),
        "{out}"
    );
    assert!(out.contains("thread main\n  fill-to-threshold +1 k0\n  get k3\nend"), "{out}");
}

#[test]
fn a_case_that_does_not_come_out_as_it_says_exits_with_1() {
    let here = folder();
    let text = "case 1\nexpect finding reference\nthread main\n  get k3\nend\n";
    std::fs::write(here.path().join("a.case"), text).expect("written");
    let (code, out, _) = models(&["replay", "a.case"], here.path());
    assert_eq!(
        (code, out.as_str()),
        (
            1,
            "a.case on map: passes (1 ops, 0 growths, 0 panics), but reference was expected to object\n"
        )
    );
}

#[test]
fn a_case_is_replayed_on_the_map_that_it_was_found_on() {
    let here = folder();
    let story = "# replay: cargo models replay --subject wrong a.case";
    let ops = "  reserve 27\n  fill-to-threshold +1 k4\n  remove k4\n";
    let text = format!("case 1\n{story}\nthread main\n{ops}end\n");
    std::fs::write(here.path().join("a.case"), text).expect("written");
    assert_eq!(models(&["replay", "a.case"], here.path()).0, 1);
    assert_eq!(models(&["replay", "a.case", "--subject", "map"], here.path()).0, 0);
    // Talk of another map is not about this.
    let talk =
        format!("case 1\n# passes with --subject wrong (of course)\nthread main\n{ops}end\n");
    std::fs::write(here.path().join("b.case"), talk).expect("written");
    assert_eq!(models(&["replay", "b.case"], here.path()).0, 0);
}

#[test]
fn bad_input_exits_with_2_and_a_line_that_says_where() {
    let here = folder();
    std::fs::write(here.path().join("a.case"), "case 1\nthread main\n  gett k3\nend\n")
        .expect("written");
    let many: String = (0..8).map(|thread| format!("thread t{thread}\nend\n")).collect();
    std::fs::write(here.path().join("many.case"), format!("case 1\n{many}")).expect("written");
    let unfit = "case 1\nthread a\n  get-mut k1 v2\nend\nthread b\nend\n";
    std::fs::write(here.path().join("unfit.case"), unfit).expect("written");
    std::fs::write(here.path().join("t.csv"), "# trace=t hash=mix hint=0\n").expect("written");
    for (arguments, said) in [
        (&["replay", "a.case"][..], "a.case: line 3: expected an op"),
        (&["replay", "many.case"], "many.case: the case has 8 threads; at most 7 can run"),
        (
            &["replay", "unfit.case"],
            "unfit.case: the case has several threads, and a shared map has no `get-mut k1 v2`",
        ),
        (&["replay", "none.case"], "none.case: No such file"),
        (&["go-trace", "t.csv"], "t.csv: line 2: the file ends before the names of the columns"),
        (&["go-trace", "none.csv"], "none.csv: No such file"),
    ] {
        let (code, out, err) = models(arguments, here.path());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.starts_with(said) && err.lines().count() == 1, "{err}");
    }
}

/// Every byte string is an input of a fuzz target, and most pass.
#[test]
fn what_is_surely_no_input_is_not_replayed_as_one() {
    let here = folder();
    let history = "history 1\nevents\ncall a get k1\nreturn a Some(v7)\n";
    for (name, text, said) in [
        ("histroy.txt", history.replace("history", "histroy"), "found a file called .txt"),
        ("histroy", history.replace("history", "histroy"), "found a text that begins `histroy 1`"),
        ("marked", format!("\u{feff}{history}"), "found a text that begins `\u{feff}history 1`"),
        ("README.md", "# Not a case\n".to_string(), "found a file called .md"),
        ("crash-x", String::new(), "found an empty file"),
        ("empty.case", String::new(), "line 1: expected `case 1`, found an empty file"),
    ] {
        std::fs::write(here.path().join(name), text).expect("written");
        let (code, out, err) = models(&["replay", name], here.path());
        assert_eq!((code, out.as_str()), (2, ""), "{name}: {err}");
        assert!(
            err.starts_with(&format!("{name}: ")) && err.ends_with(&format!("{said}\n")),
            "{err}"
        );
    }
    let notes = ("notes", "some notes\nof mine\n");
    std::fs::write(here.path().join(notes.0), notes.1).expect("written");
    for line in [&["replay", "notes"][..], &["encode", "notes", "README.md", "--into", "seeds"]] {
        let (code, out, err) = models(line, here.path());
        assert!(code == 2 && out.is_empty(), "{line:?}: {out}{err}");
        assert!(err.contains("notes: ") && err.contains("that begins `some notes`"), "{err}");
    }
    assert!(!here.path().join("seeds").exists());
    let seeds = here.path().join("corpus/seeds/ops");
    std::fs::create_dir_all(&seeds).expect("made");
    std::fs::write(seeds.join(notes.0), notes.1).expect("written");
    let (code, out, err) = models(&["replay", "corpus/seeds/ops/notes"], here.path());
    assert!(code == 0 && err.is_empty(), "a fuzzer may have made it: {out}{err}");
    // No bytes at all are the first that libFuzzer tries. A text may be a seed, or a case under any name.
    let nothing = "crash-da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let case = "case 1\nthread main\n get k1\nend\n";
    for (name, text) in [
        (nothing, ""),
        (&nothing[6..], "a\nb"),
        ("seed", "abc def"),
        ("crash-1", "abc 1\n"),
        ("a.txt", case),
    ] {
        std::fs::write(here.path().join(name), text).expect("written");
        let (code, out, err) = models(&["replay", name], here.path());
        assert!(code == 0 && out.contains(": passes ("), "{name}: {out}{err}");
    }
}

#[test]
fn bad_usage_exits_with_2() {
    for arguments in [
        &[][..],
        &["hunt"],
        &["ops", "--time", "soon"],
        &["ops", "--length", "0"],
        // A hunt of nothing would find nothing.
        &["ops", "--time", "0"],
        &["ops", "--ops", "0"],
        &["run", "--time", "0"],
        &["run", "--executions", "0"],
        &["replay"],
        // loom has no more than 255.
        &["run", "--engine", "loom", "--preemptions", "256"],
        &["compare", "--preemptions", "255"],
        &["run", "--jobs", "99999"],
    ] {
        let (code, _, err) = models(arguments, folder().path());
        assert_eq!(code, 2, "{arguments:?}: {err}");
    }
}

#[test]
fn a_summary_that_cannot_be_written_exits_with_2_and_names_its_file() {
    let here = folder();
    std::fs::write(here.path().join("a-file"), "").expect("written");
    // They would go on until ctrl-C: it is said before they begin.
    for verb in ["ops", "run"] {
        let (code, _, err) = models(&[verb, "--json", "a-file/summary.json"], here.path());
        assert!(code == 2 && err.contains(": a-file/summary.json: "), "{err}");
    }
    let (code, _, err) = models(&["faults", "--markdown", "."], here.path());
    assert!(code == 2 && err.contains(".: is a directory"), "{err}");
}

/// It is said before they begin, not when the first finding is lost to it; and a folder that is not there yet is not in the way.
#[test]
fn findings_that_cannot_be_written_exit_with_2_and_name_their_folder() {
    let here = folder();
    std::fs::write(here.path().join("a-file"), "").expect("written");
    for verb in ["ops", "run", "compare", "bench"] {
        for taken in ["a-file", "a-file/findings"] {
            let line = [verb, "--time", "0.01", "--findings", taken];
            let (code, out, err) = models(&line, here.path());
            assert_eq!((code, out.as_str()), (2, ""), "{line:?}: {err}");
            let said = format!("{taken}: Not a directory");
            assert!(err.contains(&said) && err.lines().count() == 1, "{err}");
        }
    }
    let line = ["ops", "--ops", "1000", "--findings", "not/yet"];
    let (code, _, err) = models(&line, here.path());
    assert!(code == 0 && !here.path().join("not").exists(), "{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_cannot_be_written_is_named_as_the_user_names_it() {
    let (code, _, err) = models(&["ops", "--json", "/proc/x.json"], folder().path());
    assert_eq!(code, 2, "{err}");
    assert!(err.ends_with(": /proc/x.json: No such file or directory (os error 2)\n"), "{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_that_is_printed_is_one_for_a_shell() {
    let here = folder();
    let hunt = ["ops", "--subject", "wrong", "--seed", "1", "--as-found", "--findings", "it's a b"];
    let (code, out, err) = models(&hunt, here.path());
    assert_eq!(code, 1, "{out}{err}");
    let command = out.lines().find_map(|line| line.strip_prefix("replay: cargo models "));
    let script = format!("{} {}", env!("CARGO_BIN_EXE_models"), command.expect("it says how"));
    let (code, out, err) = run(Command::new("sh").args(["-c", &script]).current_dir(here.path()));
    assert!(code == 1 && out.contains("\nrule: "), "{script}: {out}{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_kept_may_be_read_by_whom_the_umask_lets() {
    use std::os::unix::fs::PermissionsExt;
    let here = folder();
    let hunt = ["ops", "--subject", "wrong", "--seed", "1", "--as-found", "--json", "sum.json"];
    let (code, out, err) = models_after("umask 027", &hunt, here.path());
    assert_eq!(code, 1, "{out}{err}");
    let found = std::fs::read_dir(here.path().join("findings")).expect("something is found");
    let found = found.map(|entry| entry.expect("readable").path());
    for file in found.chain([here.path().join("sum.json")]) {
        let mode = file.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o640, "{}: {mode:o}", file.display());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_exits_with_2_and_says_so() {
    let here = folder_with_a_case();
    for arguments in [
        &["list"][..],
        &["replay", "a.case"],
        &["ops", "--ops", "1000"],
        &["run", "two_inserts", "--executions", "9"],
        &["compare", "removed_entry_outlives_its_reader"],
    ] {
        let (code, _, err) = models_after("exec > /dev/full", arguments, here.path());
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert_eq!(err, "failed printing to stdout: No space left on device (os error 28)\n");
        let (code, ..) = models_after("exec > /dev/full 2>&1", arguments, here.path());
        assert_eq!(code, 2, "{arguments:?}, when that cannot be said");
    }
}

#[test]
fn a_seed_is_written_once() {
    let here = folder_with_a_case();
    let line = ["encode", "a.case", "--into", "seeds"];
    let (code, out, err) = models(&line, here.path());
    assert_eq!((code, out.as_str(), err.as_str()), (0, "seeds/a\n", ""));
    let (code, out, err) = models(&line, here.path());
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (2, "", "a.case: seeds/a: it is there already\n")
    );
}

/// Every byte string is a case: nobody would notice half a seed.
#[test]
#[cfg(target_os = "linux")]
fn a_seed_is_complete_or_not_there() {
    let here = folder_with_a_case();
    let line = ["encode", "a.case", "--into", "seeds"];
    let (code, out, err) = models_after("trap '' XFSZ; ulimit -f 0", &line, here.path());
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert_eq!(err, "a.case: seeds/a: File too large (os error 27)\n");
    let left = std::fs::read_dir(here.path().join("seeds")).expect("it is made").count();
    assert_eq!(left, 0, "nothing, under any name");
}

#[test]
fn recordings_of_go_that_agree_exit_with_0_and_others_with_1() {
    let here = folder();
    let good = corpus("go/traces/t09_samesize_ident.csv");
    let text = std::fs::read_to_string(&good).expect("text");
    let falsified = text.replace("\n2,put,0,0,0,1,0,0,2,", "\n2,put,0,0,0,1,0,0,3,");
    assert_ne!(text, falsified);
    std::fs::write(here.path().join("bad.csv"), falsified).expect("written");
    let good = good.to_str().expect("UTF-8");
    let (code, out, _) = models(&["go-trace", good], here.path());
    assert_eq!(code, 0, "{out}");
    assert!(out.ends_with("t09_samesize_ident.csv: 313 steps agree\n"), "{out}");
    let (code, out, _) = models(&["go-trace", good, "bad.csv"], here.path());
    assert_eq!(code, 1, "{out}");
    let said = "bad.csv: go-trace: step 2 put 0 0 has len 2, Go has 3   [line 5]\nreplay: cargo models go-trace bad.csv\n";
    assert!(out.ends_with(said), "{out}");
}

#[test]
fn scenarios_are_listed_and_run_under_each_engine() {
    let here = folder();
    let (code, out, _) = models(&["list"], here.path());
    assert!(code == 0 && out.lines().count() >= 30, "{out}");
    for engine in ["shuttle", "stale", "dfs", "loom"] {
        let line = [
            "run",
            "removed_entry_outlives",
            "--engine",
            engine,
            "--seed",
            "1",
            "--executions",
            "50",
        ];
        let (code, out, _) = models(&line, here.path());
        assert_eq!(code, 0, "{out}");
        assert!(out.starts_with("seed 1, engine ") && out.contains("nothing found"), "{out}");
    }
    for verb in ["run", "compare"] {
        // One that is there does not make up for it.
        let (code, out, err) =
            models(&[verb, "removed_entry_outlives", "no_such", "--time", "1"], here.path());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert_eq!(err, "no scenario is called no_such; `cargo models list` has them all\n");
    }
}

#[test]
fn an_engine_that_exhausts_shares_its_time_out() {
    let here = folder();
    // The first has more schedules than fit in.
    let run = ["run", "get_across_two_growths", "removed_entry_outlives", "--preemptions", "3"];
    let (code, out, _) =
        models(&[&run[..], &["--engine", "dfs", "--time", "6"]].concat(), here.path());
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("get_across_two_growths: not exhausted"), "{out}");
    assert!(out.contains("removed_entry_outlives_its_reader: exhausted"), "{out}");
    let said = "of 2 scenarios: 1 exhausted, 1 cut short, 0 with a finding, 0 not looked at\n";
    assert!(out.contains(said), "{out}");
    let (_, out, _) =
        models(&[&run[..], &["--engine", "loom", "--time", "0.000001"]].concat(), here.path());
    let said = "of 2 scenarios: 0 exhausted, 0 cut short, 0 with a finding, 2 not looked at\n";
    assert!(out.contains(said), "{out}");
}

#[test]
fn a_concurrent_case_is_replayed_by_its_schedule() {
    let here = folder();
    let case = "case 1\ncapacity 13\nexpect pass\nthread given\n insert k2 v2\n evacuate-to 0\nend\n\
        thread reader\n get k2\nend\nthread writer\n insert k2 v9\nend\n\
        schedule\n switch given.end to writer\n switch writer.0 locked#0+1 to reader\nend\n";
    std::fs::write(here.path().join("race.case"), case).expect("it is written");
    let (code, out, _) = models(&["replay", "race.case"], here.path());
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("passes (by its schedule, 2 of 2 departures taken)"), "{out}");
    let never = case.replace("locked#0+1", "about-to-drain-segment#7+0");
    std::fs::write(here.path().join("race.case"), never).expect("it is written");
    let (_, out, _) = models(&["replay", "race.case"], here.path());
    assert!(out.contains("passes (by its schedule, 1 of 2 departures taken)"), "{out}");
}

/// shuttle would take its seed from there, whatever it is told.
#[test]
fn a_seed_in_the_environment_is_not_ours() {
    let here = folder();
    let line = ["run", "two_inserts", "--seed", "1", "--executions", "40", "--scheduler", "random"];
    let with = |line: &[&str], seed: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_models"));
        command.args(line).current_dir(here.path()).env_remove("SHUTTLE_RANDOM_SEED");
        command.envs(seed.map(|seed| ("SHUTTLE_RANDOM_SEED", seed)));
        let (code, out, err) = run(&mut command);
        // How far it came, without how long that took.
        let coverage = here.path().join("findings/coverage.txt");
        let covered = std::fs::read_to_string(&coverage).unwrap_or_default();
        let _ = std::fs::remove_file(coverage);
        let counts = out.split_once(" steps in ").map_or(&*out, |(counts, _)| counts).to_string();
        (code, counts, covered, err)
    };
    let without = with(&line, None);
    assert_eq!(without.0, 0, "{without:?}");
    for seed in ["77", "not a number"] {
        assert_eq!(with(&line, Some(seed)), without, "{seed}");
    }
}

#[test]
fn perturb_takes_a_table_and_refuses_one_that_makes_no_sense() {
    let here = folder();
    let run = ["run", "reader_needs_no_writer", "--scheduler", "perturb", "--seed", "1"];
    let with =
        |policy: &'static str| [&run[..], &["--executions", "60", "--policy", policy]].concat();
    std::fs::write(here.path().join("calm.toml"), "perturb = []\n").expect("written");
    let (code, out, _) = models(&with("calm.toml"), here.path());
    assert!(code == 0 && out.contains("nothing found: 60 executions"), "{out}");
    std::fs::write(here.path().join("bad.toml"), "[[perturb]]\nkind = 'stall'\n").expect("written");
    let (code, _, err) = models(&with("bad.toml"), here.path());
    assert!(code == 2 && err.starts_with("bad.toml: "), "{err}");
}

#[test]
fn jobs_share_the_executions_of_a_scenario() {
    for jobs in ["2", "7"] {
        let line =
            ["run", "reader_needs_no_writer", "--seed", "1", "--executions", "60", "--jobs", jobs];
        let (code, out, _) = models(&line, folder().path());
        assert!(code == 0 && out.contains("nothing found: 60 executions"), "{out}");
    }
}

#[test]
fn real_threads_say_what_they_leave_out() {
    let line = ["run", "--engine", "threads", "--seed", "1", "--executions", "1"];
    let said = |scenario| models(&[&line[..], &[scenario]].concat(), folder().path()).1;
    let out = said("check_passes_over_what_others_are_at");
    assert!(out.contains("\nreal threads leave out: check, evacuate-to\n"), "{out}");
    let out = said("reader_needs_no_writer");
    assert!(out.contains("nothing found") && !out.contains("leave out"), "{out}");
}

#[test]
fn a_run_keeps_what_it_has_covered_and_goes_on_from_it() {
    let here = folder();
    let line = ["run", "get_during_evacuation", "--seed", "1", "--executions", "100"];
    let (code, first, _) = models(&line, here.path());
    assert!(
        code == 0 && first.contains(" for the first time") && first.contains("\norders: "),
        "{first}"
    );
    assert!(!first.contains(" 0 for the first time"), "{first}");
    let kept =
        std::fs::read_to_string(here.path().join("findings/coverage.txt")).expect("it is kept");
    assert!(
        kept.lines().any(|line| line == "insert evacuator copying | same | get reader copying")
    );
    let (_, second, _) = models(&line, here.path());
    assert!(second.contains(" 0 for the first time"), "{second}");
    std::fs::write(here.path().join("findings/coverage.txt"), "nonsense\n").expect("written");
    let (code, _, err) = models(&line, here.path());
    assert!(code == 0 && err.starts_with("findings/coverage.txt: line 1: "), "{err}");
    let kept = std::fs::read_to_string(here.path().join("findings/coverage.txt.old"));
    assert_eq!(kept.expect("it is put aside"), "nonsense\n");
    let (_, fourth, err) = models(&line, here.path());
    assert!(err.is_empty() && fourth.contains(" 0 for the first time"), "{fourth}{err}");
    let triage = models(&["triage"], here.path());
    assert_eq!(triage, (0, "nothing to triage\n".into(), String::new()), "neither is a finding");
}

#[test]
fn real_threads_run_scenarios_and_programs() {
    let here = folder();
    for what in ["two_inserts", "--generated"] {
        let line = ["run", what, "--engine", "threads", "--seed", "1", "--executions", "20"];
        let (code, out, _) = models(&line, here.path());
        assert!(code == 0 && out.contains("nothing found"), "{out}");
    }
}

#[test]
fn a_crash_file_of_the_target_schedules_is_a_case() {
    let here = folder();
    let seed = corpus("seeds/schedules/get-during-evacuation");
    let (code, out, _) = models(&["replay", "--show", seed.to_str().expect("UTF-8")], here.path());
    assert!(code == 0 && out.contains("thread ben\n  insert k2 v100\nend"), "{out}");
}

#[test]
fn an_input_of_the_target_schedules_is_for_no_other_map() {
    let here = folder();
    let seed = corpus("seeds/schedules/get-during-evacuation");
    let seed = seed.to_str().expect("UTF-8");
    for (map, exit) in [("std", 2), ("concurrent", 0), ("map", 0)] {
        let (code, out, err) = models(&["replay", "--subject", map, seed], here.path());
        assert_eq!(code, exit, "{map}: {out}{err}");
        let said = if exit == 2 {
            (&err, "ConcurrentMap, not for std")
        } else {
            (&out, " on concurrent: ")
        };
        assert!(said.0.contains(said.1), "{map}: {out}{err}");
    }
}

/// Moved away from its folder, a crash file does not say which map it is about.
#[test]
fn an_input_that_names_no_map_is_said_to_be_taken_for_one() {
    let here = folder();
    for (folder, map) in [("fuzz/artifacts/concurrent_ops", "concurrent"), ("elsewhere", "map")] {
        std::fs::create_dir_all(here.path().join(folder)).expect("made");
        let file = format!("{folder}/crash-0123");
        std::fs::write(here.path().join(&file), [1, 2, 3, 4, 5, 6, 7, 8, 9]).expect("written");
        let note = format!("{file}: taken for an input of map; --subject names another map\n");
        let expected = if map == "map" { note.as_str() } else { "" };
        let (code, out, err) = models(&["replay", &file], here.path());
        assert!(code == 0 && out.starts_with(&format!("{file} on {map}: passes (")), "{out}");
        assert_eq!(err, expected);
        let (code, _, err) = models(&["triage", &file], here.path());
        assert_eq!((code, err.as_str()), (0, expected));
        let (_, _, err) = models(&["replay", "--subject", map, &file], here.path());
        assert_eq!(err, "", "it is named");
    }
}

#[test]
fn a_seed_says_that_it_has_no_schedule() {
    let here = folder();
    let case = "case 1\nthread a\n insert k1 v1\nend\nthread b\n get k1\nend\n\
        schedule\n switch a.0 locked#0+1 to b\nend\n";
    std::fs::write(here.path().join("race.case"), case).expect("written");
    let (code, out, err) = models(&["encode", "race.case", "--into", "seeds"], here.path());
    assert_eq!((code, out.as_str()), (0, "seeds/race\n"), "{err}");
    assert_eq!(err, "race.case: its schedule is left out\n");
}

/// Nothing that was found is lost without a word: with the disk full it is printed, and the exit code says so.
#[test]
#[cfg(target_os = "linux")]
fn a_finding_that_cannot_be_kept_exits_with_2() {
    let hunt = ["ops", "--subject", "wrong", "--seed", "1", "--length", "3000", "--as-found"];
    let here = folder();
    let (code, out, err) = models_after("trap '' XFSZ; ulimit -f 16", &hunt, here.path());
    assert!(code == 2 && out.contains("\nrule: "), "{out}{err}");
    assert!(
        err.starts_with("cannot write to findings: ") && err.contains("\nthread main"),
        "{err}"
    );
    // With no room at all it is said before it begins.
    let (code, out, err) = models_after("trap '' XFSZ; ulimit -f 0", &hunt, here.path());
    assert!(
        code == 2 && out.is_empty() && err.contains(": findings: File too large"),
        "{out}{err}"
    );
}

#[test]
fn a_finding_of_a_hunt_is_one_and_found_again() {
    let here = folder();
    let hunt = ["ops", "--subject", "wrong", "--seed", "1", "--keep-going", "--time", "1"];
    let (code, out, err) = models(&[&hunt[..], &["--findings", "-odd"][..]].concat(), here.path());
    assert!(code == 2, "clap takes that for options: {out}{err}");
    let (code, out, err) = models(&[&hunt[..], &["--findings=-odd"]].concat(), here.path());
    assert!(code == 1 && out.contains("\nsmaller: "), "{out}{err}");
    for command in out.lines().filter_map(|line| line.strip_prefix("replay: cargo models ")) {
        let (code, out, err) = models(&command.split(' ').collect::<Vec<_>>(), here.path());
        assert!(code == 1 && err.is_empty(), "{command}: {out}{err}");
    }
    let kept = std::fs::read_dir(here.path().join("-odd")).expect("it is there");
    let kept: Vec<PathBuf> = kept.map(|entry| entry.expect("readable").path()).collect();
    let cases = kept.iter().filter(|path| path.extension().is_some_and(|one| one == "case"));
    for case in cases {
        let text = std::fs::read_to_string(case).expect("text");
        assert!(text.contains("--keep-going  # sequence "), "it is not the first: {text}");
    }
    let (code, out, err) = models(&["triage", "--findings=-odd", "--limit", "2"], here.path());
    assert!(code == 1 && !out.contains("the same was found"), "{out}{err}");
}

#[test]
fn a_hunt_counts_the_sequence_that_it_found_something_in() {
    // It goes wrong within a growth alone.
    let hunt = ["ops", "--subject", "wrong", "--seed", "1", "--as-found"];
    let (code, out, err) = models(&hunt, folder().path());
    let broke = out.lines().last().expect("a line");
    assert_eq!(code, 1, "{out}{err}");
    assert!(!broke.contains("none of them") && broke.contains(" 1 sequence, 100 %"), "{broke}");
}

#[test]
fn engines_are_compared_and_measured() {
    let here = folder();
    let (code, out, _) = models(&["compare", "removed_entry_outlives_its_reader"], here.path());
    assert!(code == 0 && out.contains("1 of 1 scenarios exhausted and compared"), "{out}");
    let two = ["compare", "removed_entry_outlives_its_reader", "--at-least", "2"];
    assert_eq!(models(&two, here.path()).0, 2);
    let none = ["compare", "removed_entry_outlives_its_reader", "--time", "0"];
    let (code, out, _) = models(&none, here.path());
    assert!(code == 2 && out.contains("\n0 of 1 scenarios exhausted and compared"), "{out}");
    let (code, out, _) = models(&["bench", "--time", "0.02"], here.path());
    assert!(code == 0, "{out}");
    for row in
        ["plain shuttle, random", "plain loom", "shuttle, portfolio", "stale", "dfs", "threads"]
    {
        assert!(out.contains(&format!("| {row}")), "{row}\n{out}");
    }
}
