//! What a run came to is what its hunter says of it, whatever the map does to the process: see `drivers::supervise`.
//!
//! This program is both: told what the map is to do, it is the command line with that map; else it is the test, which starts itself
//! so. Told to be a fuzz target, it is one, with the input in the file that is its argument.

use map_core::platform::{Mutex, Platform, Std};
use models::case::Case;
use models::concurrent_subject::ConcurrentSubject;
use models::drivers::{self, fuzz};
use models::engines::shuttle::Model;
use models::generators::hashers::ModelState;
use models::input;
use models::subject::Capabilities;
use models::subjects::{Adapter, Subject};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, ExitCode, Output, exit};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use std::{env, thread};

/// What the map is to do, by this environment variable.
const DEED: &str = "OWN_WORDS_DEED";

/// A lock around a map. Its inserts do what they are told.
struct Told<P: Platform>(P::Mutex<BTreeMap<u64, u64>>);

impl<P: Platform> ConcurrentSubject for Told<P>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::NONE;

    fn create(_: ModelState, _capacity: usize) -> Self {
        Told(Mutex::new(BTreeMap::new()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.with(|there| there.get(&key).copied())
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        let deed = deed();
        match (deed.parse(), &*deed) {
            (Ok(number), _) => exit(number),
            // Whether anybody hears it or not.
            (_, "garble") => drop(std::io::stdout().write_all(b"gro\xdf\n")),
            (_, "in time") if INSERTS.fetch_add(1, Relaxed) == 10_000 => {
                // Long enough for what was done to be on the board.
                thread::sleep(Duration::from_millis(500));
                exit(0)
            }
            (_, "stand still") if INSERTS.fetch_add(1, Relaxed) == 1_000 => loop {
                thread::park();
            },
            _ => {}
        }
        self.0.with(|there| there.insert(key, value))
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.0.with(|there| there.remove(&key))
    }
    fn check_at_rest(&mut self) -> Result<(), (String, String)> {
        match deed().as_str() {
            "stray" => Err(("none is astray".into(), "one is".into())),
            _ => self.check(),
        }
    }
}

fn deed() -> String {
    env::var(DEED).unwrap_or_default()
}

/// Inserts of this process.
static INSERTS: AtomicU64 = AtomicU64::new(0);

static MAPS: [Adapter; 1] = [Adapter::modelled::<Told<Model>, Told<Std>>("told")];

/// A limited run in which the map does this: its exit code and all that it says.
fn run(deed: &str) -> (i32, String) {
    run_with(deed, &["--executions", "200"])
}

fn run_with(deed: &str, how: &[&str]) -> (i32, String) {
    hunt(deed, &[&["run", "--seed", "1"], how].concat())
}

/// What it came to, as it is written for programs, comes last.
fn hunt(deed: &str, how: &[&str]) -> (i32, String) {
    let here = tempfile::tempdir().expect("a folder");
    let mut run = Command::new(env::current_exe().expect("this program"));
    run.args(how).args(["--json", "summary.json"]).env(DEED, deed);
    let Output { status, stdout, stderr } = run.current_dir(here.path()).output().expect("it runs");
    let summary = std::fs::read(here.path().join("summary.json")).unwrap_or_default();
    let said = String::from_utf8([stdout, stderr, summary].concat()).expect("UTF-8");
    (status.code().expect("an exit code"), said)
}

fn a_map_that_exits_is_a_crash() {
    // The numbers mean nothing found, found, bad usage; and one that means nothing.
    for number in 0..4 {
        let (code, said) = run(&number.to_string());
        let crash = format!("\ncrash: the process exited with {number}\n");
        assert!(code == 1 && said.contains(&crash) && said.contains("\nreplay: "), "{code} {said}");
    }
}

fn one_whose_words_are_not_utf_8_is_heard_all_the_same() {
    let (code, said) = run("garble");
    let is_heard = said.contains("\ngro\u{fffd}\n") && said.contains("\nnothing found: ");
    assert!(code == 0 && is_heard, "{code} {said}");
}

/// Where it is not replayed on the first of the program's own maps.
fn what_is_found_on_a_map_names_it() {
    let (code, said) = run_with("later", &["--subject", "concurrent", "--time", "60"]);
    assert!(code == 1 && said.contains("\ncrash: the process was ended by SIGABRT\n"), "{said}");
    let found_by = said.lines().find(|line| line.starts_with("found by: "));
    let is_named = |line: &str| line.contains(" --subject concurrent --engine ");
    assert!(found_by.is_some_and(is_named), "{said}");
}

fn a_crash_is_not_the_first_execution() {
    let (code, said) = run_with("in time", &["--time", "60"]);
    let (_, executions) = said.rsplit_once("\"executions\":").expect("a summary");
    let executions = executions.split(',').next().expect("a number").parse::<u64>();
    assert!(code == 1 && executions.is_ok_and(|executions| executions > 100), "{said}");
}

fn a_job_that_stands_still_is_seen_beside_one_that_goes_on() {
    let (code, said) =
        run_with("stand still", &["--jobs", "2", "--time", "600", "--patience", "2"]);
    let hangs = said.matches("\nhang: no execution has come to an end in 2 s\n").count();
    assert!(code == 1 && hangs == 1 && !said.contains("one of these"), "{said}");
}

fn what_a_map_claims_at_rest_is_asked_by_every_hunter() {
    for how in [&["run"][..], &["run", "--engine", "threads"], &["ops", "--subject", "told"]] {
        let (code, said) = hunt("stray", &[how, &["--seed", "1", "--time", "60"]].concat());
        assert!(code == 1 && said.contains("breaks \"none is astray\""), "{how:?}: {said}");
    }
}

fn a_hunter_that_ends_before_it_has_begun_has_found_nothing() {
    let (code, said) = run("early");
    let line = "the run is broken off: nothing has begun, and crash: the process exited with 1";
    assert!(code == 2 && said.starts_with(line), "{code} {said}");
}

/// libFuzzer saves no input that it was given as a file.
fn a_target_that_was_given_a_file_says_how_to_replay_that() {
    let here = tempfile::tempdir().expect("a folder");
    let text = "case 1\nthread main\n reserve 27\n fill-to-threshold +1 k4\n remove k4\nend\n";
    let bytes = input::encode(&Case::parse(text).expect("a case"));
    std::fs::write(here.path().join("an input"), bytes).expect("written");
    let mut target = Command::new(env::current_exe().expect("this program"));
    target.args(["-runs=1", "an input"]).env(DEED, "fuzz").current_dir(here.path());
    let said = target.output().expect("it runs").stderr;
    let said = String::from_utf8(said).expect("UTF-8");
    let replay = "\nreplay: cargo models replay --subject wrong 'an input'\n";
    assert!(said.contains(replay), "{said}");
}

fn main() -> ExitCode {
    if let Ok(deed) = env::var(DEED) {
        let is_hunter = env::args().any(|word| word == "--hunter");
        match &*deed {
            "fuzz" => {
                let file = env::args().nth(2).expect("a file");
                fuzz::one(Subject::WRONG, &std::fs::read(file).expect("it is there"));
            }
            "early" if is_hunter => exit(1),
            "later" if is_hunter => drop(thread::spawn(|| {
                thread::sleep(Duration::from_secs(2));
                std::process::abort();
            })),
            _ => {}
        }
        return drivers::main(&MAPS);
    }
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(120));
        eprintln!("a run does not come to an end");
        exit(101);
    });
    a_map_that_exits_is_a_crash();
    one_whose_words_are_not_utf_8_is_heard_all_the_same();
    what_is_found_on_a_map_names_it();
    a_crash_is_not_the_first_execution();
    a_job_that_stands_still_is_seen_beside_one_that_goes_on();
    what_a_map_claims_at_rest_is_asked_by_every_hunter();
    a_hunter_that_ends_before_it_has_begun_has_found_nothing();
    a_target_that_was_given_a_file_says_how_to_replay_that();
    ExitCode::SUCCESS
}
