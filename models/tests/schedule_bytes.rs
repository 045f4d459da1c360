//! Cases with several threads and their schedules as bytes.

use fastrand::Rng;
use models::case::{Case, Thread};
use models::catalogue;
use models::drivers::fuzz::schedules;
use models::generators::mutate_threads;
use models::generators::scenarios::{self, NAMES};
use models::input::threads::{MAGIC, decode, encode};

/// The case with the names that bytes give, which is all that they do not keep.
fn renamed(case: &Case) -> Case {
    let given =
        Thread { name: models::case::GIVEN.into(), ops: case.given().into(), notes: vec![] };
    let running = case.running().iter().zip(NAMES);
    let running = running.map(|(thread, name)| Thread { name: name.into(), ..thread.clone() });
    Case { threads: std::iter::once(given).chain(running).collect(), ..case.clone() }
}

#[test]
fn every_scenario_and_every_generated_case_comes_back_from_its_bytes() {
    let generated = (0..500).map(scenarios::draw);
    let all: Vec<Case> =
        catalogue::all().into_iter().map(|one| one.case).chain(generated).collect();
    for case in &all {
        let bytes = encode(case, &[1, 2, 3]).unwrap_or_else(|| panic!("it has bytes\n{case}"));
        assert_eq!(decode(&bytes), (renamed(case), &[1, 2, 3][..]));
    }
}

#[test]
fn every_string_of_bytes_is_a_case_and_runs() {
    let mut rng = Rng::with_seed(1);
    for length in 0..300 {
        let bytes: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
        let (case, report) = schedules::execute(&bytes);
        assert!(report.executions == 1 && report.found.is_none(), "{:?}\n{case}", report.found);
    }
}

#[test]
fn mutants_are_cases_that_keep_the_magic_and_do_not_grow() {
    let (mut data, mut size) = (vec![0; 512], 0);
    let mut schedules_met = std::collections::BTreeSet::new();
    for seed in 0..3_000 {
        size = mutate_threads::mutate(&mut data, size, 400, seed);
        assert!(size <= 400);
        let (case, schedule) = decode(&data[..size]);
        assert!(data[..size].starts_with(MAGIC), "seed {seed}");
        assert_eq!(encode(&case, schedule).as_deref(), Some(&data[..size]), "seed {seed}\n{case}");
        schedules_met.insert(schedule.to_vec());
    }
    assert!(schedules_met.len() > 1_500, "{}", schedules_met.len());
}

#[test]
fn a_mutant_depends_on_nothing_but_its_arguments() {
    let mutant = |seed| {
        let mut data = vec![0; 256];
        let size = mutate_threads::mutate(&mut data, 0, 256, seed);
        data[..size].to_vec()
    };
    for seed in 0..100 {
        assert_eq!(mutant(seed), mutant(seed));
    }
}
