//! Every seed input and every regression under `corpus/` still comes out as it says.

use models::case::Expectation;
use models::drivers::fuzz::schedules;
use models::input::threads::MAGIC;
use models::memory::Watched;
use models::property::Checks;
use models::subjects::Subject;
use models::triage::Came;
use models::triage::intake::{TARGETS, load, subject_of};
use models::triage::lab::{self, Lab, Look};
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a directory that can be read").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

fn replay(path: &Path, subject: Subject) -> u64 {
    let case = load(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(case.expect, Expectation::Pass, "{}: what is kept must pass", path.display());
    match subject.run(&case, Checks::Every) {
        Ok(report) => report.growths,
        Err(finding) => panic!("{}:\n{finding}", path.display()),
    }
}

#[test]
fn seeds_pass_and_most_reach_a_growth() {
    let targets = ["ops", "iteration", "panics"].map(|target| (target, Subject::MAP));
    for (target, subject) in targets.into_iter().chain([("concurrent_ops", Subject::CONCURRENT)]) {
        let files = files(&format!("seeds/{target}"));
        assert!(!files.is_empty(), "{target} has no seeds");
        let grew = files.iter().filter(|path| replay(path, subject) > 0).count();
        assert!(
            2 * grew >= files.len(),
            "{grew} of {} seeds of {target} reach a growth",
            files.len()
        );
    }
}

#[test]
fn regressions_pass_and_are_named_in_order() {
    for path in files("regressions") {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
        let (number, rest) = name.split_at(4);
        assert!(
            number.parse::<u32>().is_ok() && rest.starts_with('-') && rest.ends_with(".case"),
            "{name}"
        );
        let case = load(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!case.story.is_empty(), "{name}: a regression tells its story");
        let subject = subject_of(&path, &case).expect("a map that ships");
        let came = lab::run(Lab::new(subject), &case, Look::Once);
        assert!(matches!(came, Came::Passed(_)), "{name}: {came:?}");
    }
}

#[test]
fn seeds_of_schedules_have_several_threads_and_pass() {
    let files = files("seeds/schedules");
    assert!(!files.is_empty(), "there are none");
    for path in files {
        let bytes = std::fs::read(&path).expect("a file that can be read");
        assert!(bytes.starts_with(MAGIC), "{}", path.display());
        let (case, report) = schedules::execute(&bytes);
        assert!(case.running().len() > 1 && !case.given().is_empty(), "{}\n{case}", path.display());
        assert!(report.found.is_none(), "{}: {:?}", path.display(), report.found);
    }
}

#[test]
fn the_fuzz_targets_are_those_that_triage_knows_and_have_seeds() {
    let manifest: toml::Table =
        include_str!("../../fuzz/Cargo.toml").parse().expect("cargo reads it as well");
    let targets = manifest["bin"].as_array().expect("several");
    let mut targets: Vec<&str> = targets.iter().filter_map(|bin| bin["name"].as_str()).collect();
    targets.sort_unstable();
    let mut known = TARGETS;
    known.sort_unstable();
    assert_eq!(targets, known);
    for target in targets {
        assert!(!files(&format!("seeds/{target}")).is_empty(), "{target} has no seeds");
    }
}
