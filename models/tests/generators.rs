//! What the generators reach: growths, both kinds, under cursors; and that the same seed gives the same case.

use models::case::{Case, Elements};
use models::elements::{CountedKey, CountedValue, Key, Ledger, Value};
use models::generators::directed;
use models::generators::hashers::{Hasher, ModelState};
use models::generators::mutate::{cross_over, mutate};
use models::generators::ops::{self, Mix};
use models::input::decode;
use models::op::{Kind, Op};
use models::property::Checks;
use models::subjects::Subject;
use std::collections::BTreeSet;
use std::hash::BuildHasher;

#[test]
fn a_hasher_hashes_as_its_builder_does() {
    let honest = &Hasher::ALL[..Hasher::HONEST];
    for hasher in honest.iter().copied().chain([Hasher::Seeded(77)]) {
        let state = ModelState::new(hasher);
        for key in [0, 1, 7, 8, 511, u64::MAX] {
            assert_eq!(state.hash_one(key), hasher.hash(key), "{}", hasher.name());
        }
        let key = CountedKey::make(300, 1);
        assert_eq!(state.hash_one(key), hasher.hash(300), "{}", hasher.name());
    }
}

#[test]
fn a_fickle_hasher_lies_now_and_then_the_same_in_each_run() {
    let hashes = |seed| {
        let state = ModelState::new(Hasher::Fickle(seed));
        (0..800).map(|_| state.hash_one(7u64)).collect::<Vec<u64>>()
    };
    let lies = hashes(1).iter().filter(|hash| **hash != Hasher::Fickle(1).hash(7)).count();
    assert!((50..150).contains(&lies), "{lies} of 800");
    assert_eq!(hashes(1), hashes(1));
    assert_ne!(hashes(1), hashes(2));
}

#[test]
fn with_an_odd_seed_it_lies_about_keys_being_equal_too() {
    let is_wrong = |_| CountedKey::make(1, 0) != CountedKey::make(1, 1);
    let wrong = |count: u32| (0..count).map(is_wrong).collect::<Vec<bool>>();
    Ledger::begin();
    assert_eq!(wrong(100), [false; 100]);
    Ledger::lie(7);
    let lies = wrong(800);
    let told = lies.iter().filter(|lie| **lie).count();
    assert!((50..150).contains(&told), "{told} of 800");
    assert_eq!(CountedValue::make(1), CountedValue::make(1), "values are not keys");
    Ledger::begin();
    Ledger::lie(7);
    assert_eq!(wrong(800), lies);
    Ledger::begin();
    let seeds = [Hasher::Fickle(7), Hasher::Fickle(8), Hasher::Seeded(7)];
    assert_eq!(seeds.map(Hasher::lies_about_equality), [Some(7), None, None]);
}

/// A look at a map hashes keys, and what a fickle hasher says next depends on how often it was asked.
#[test]
fn a_case_with_a_fickle_hasher_is_the_same_however_closely_it_is_looked_at() {
    let mut case = Case::default();
    let mut growths = 0;
    for seed in 0..60 {
        ops::fill(&mut case, &mut fastrand::Rng::with_seed(seed), Mix::Full, 300);
        case.hasher = Hasher::Fickle(seed as u16);
        case.elements = Elements::Counted;
        let ran =
            |checks| Subject::MAP.run(&case, checks).unwrap_or_else(|found| panic!("{found}"));
        let reports = [Checks::Answers, Checks::Boundaries, Checks::Every].map(ran);
        assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
        growths += reports[0].growths;
    }
    assert!(growths > 60, "only {growths} growths");
}

#[test]
fn the_full_mix_uses_every_kind_of_op_and_nearly_always_grows() {
    let mut kinds = BTreeSet::new();
    let mut grew = 0;
    let sequences = 100;
    for seed in 0..sequences {
        let mut case = Case::default();
        ops::fill(&mut case, &mut fastrand::Rng::with_seed(seed), Mix::Full, 512);
        kinds.extend(case.ops().iter().map(|op| op.kind()));
        let mut again = Case::default();
        ops::fill(&mut again, &mut fastrand::Rng::with_seed(seed), Mix::Full, 512);
        assert_eq!(case, again);
        let report =
            Subject::MAP.run(&case, Checks::End).unwrap_or_else(|finding| panic!("{finding}"));
        grew += usize::from(report.growths > 0);
    }
    let all = Kind::ALL.iter().filter(|kind| !kind.is_for_shared_maps());
    assert_eq!(kinds.len(), all.count(), "some op is never drawn");
    assert!(grew >= 90, "only {grew} of {sequences} sequences grow");
}

#[test]
fn mutation_reaches_growths_from_nothing_and_respects_its_room() {
    for mix in [Mix::Full, Mix::Iteration, Mix::Panics] {
        let mut data = vec![0; 4096];
        let mut size = 1;
        let mut grew = 0;
        for seed in 0..200 {
            let mut again = data.clone();
            let room = if seed % 5 == 0 { 700 } else { 4096 };
            size = mutate(&mut data, size, room, seed, mix);
            assert!(size <= room);
            assert_eq!(mutate(&mut again, size, 0, seed, mix), 0);
            let case = decode(&data[..size]);
            let report = Subject::MAP
                .run(&case, Checks::End)
                .unwrap_or_else(|finding| panic!("{case}\n{finding}"));
            grew += usize::from(report.growths > 0);
            if seed % 20 == 19 {
                size = 1;
            }
        }
        assert!(grew >= 100, "{mix:?}: only {grew} of 200 mutants grow");
    }
}

#[test]
fn crossing_over_takes_the_start_of_one_and_the_end_of_the_other() {
    let mut out = vec![0; 4096];
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = || -> Vec<u8> { (0..rng.usize(0..300)).map(|_| rng.u8(..)).collect() };
        let (one, other) = (bytes(), bytes());
        let size = cross_over(&one, &other, &mut out, seed as u32);
        let [one, other, crossed] = [&one, &other, &out[..size]].map(decode);
        let (one, other, crossed) = (one.ops(), other.ops(), crossed.ops());
        let start = one.iter().zip(crossed).take_while(|(a, b)| a == b).count();
        let end = other.iter().rev().zip(crossed.iter().rev()).take_while(|(a, b)| a == b).count();
        assert!(start + end >= crossed.len(), "{one:?}\nand {other:?}\ngive {crossed:?}");
        assert!(cross_over(&[0; 300], &[2; 300], &mut out[..100], seed as u32) <= 100);
    }
}

/// The cursor is open, and in a bucket that is not done, when the same-size growth begins.
#[test]
fn the_directed_sequence_has_a_cursor_in_an_old_chain_at_a_same_size_growth() {
    let mut reached = 0;
    for seed in 0..50 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let hasher = [Hasher::Identity, Hasher::Low3, Hasher::Mix][seed as usize % 3];
        let mut ops = Vec::new();
        directed::cursor_across_two_growths(&mut ops, &mut rng, hasher);
        let opens =
            ops.iter().position(|op| matches!(op, Op::CursorOpen(..))).expect("a cursor is opened");
        let grew = |count: usize| {
            let mut case = Case::sequential(ops[..count].to_vec());
            case.hasher = hasher;
            Subject::MAP
                .run(&case, Checks::End)
                .unwrap_or_else(|finding| panic!("{case}\n{finding}"))
                .growths
        };
        reached += usize::from(grew(ops.len()) > grew(opens));
    }
    assert!(reached >= 25, "{reached} of 50 reach a growth after the cursors are opened");
}

#[test]
fn the_directed_clear_passes_on_a_correct_map() {
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let hasher = Hasher::ALL[seed as usize % Hasher::HONEST];
        let mut case = Case { hasher, ..Case::default() };
        directed::clear_under_a_cursor(case.ops_mut(), &mut rng, hasher);
        Subject::MAP
            .run(&case, Checks::Every)
            .unwrap_or_else(|finding| panic!("{case}\n{finding}"));
    }
}

/// Into a growth to the same size there go more entries than the table is to hold; or it doubles, both being due.
#[test]
fn the_directed_fill_goes_past_the_limit() {
    let mut doubled = 0;
    for (seed, hasher) in (0..20).zip([Hasher::Identity, Hasher::Mix].into_iter().cycle()) {
        let mut ops = Vec::new();
        directed::past_the_limit(&mut ops, &mut fastrand::Rng::with_seed(seed), hasher);
        let Some(Op::FillToThreshold(1.., first)) = ops.pop() else { panic!("it ends so") };
        let mut map = map_core::Map::with_hasher(ModelState::new(hasher));
        for op in ops {
            match op {
                Op::Insert(k, v) => drop(map.insert(u64::from(k), v)),
                Op::Remove(k) => drop(map.remove(&u64::from(k))),
                Op::Reserve(n) => map.reserve(n.into()),
                _ => {}
            }
        }
        let (full, before) = (map.capacity(), map.growth_state());
        let both = map.len() == full;
        doubled += usize::from(both);
        for k in u64::from(first).. {
            if map.len() > full {
                break;
            }
            map.insert(k, 0);
        }
        let after = map.growth_state();
        assert!(before.overflow_buckets >> before.buckets_log2 != 0, "seed {seed}");
        assert_eq!(after.growths_started, before.growths_started + 1, "seed {seed}");
        assert_eq!(after.buckets_log2, before.buckets_log2 + u32::from(both), "seed {seed}");
    }
    assert!((5..15).contains(&doubled), "{doubled} of 20 double");
}

#[test]
fn the_directed_packing_makes_three_growths_or_more() {
    for subject in [Subject::MAP, Subject::CONCURRENT] {
        for (seed, hasher) in (0..20).zip([Hasher::Identity, Hasher::Mix].into_iter().cycle()) {
            let mut case = Case { hasher, ..Case::default() };
            directed::packed_again(case.ops_mut(), &mut fastrand::Rng::with_seed(seed), hasher);
            let report = subject.run(&case, Checks::Every);
            let report = report.unwrap_or_else(|finding| panic!("{subject}, {case}\n{finding}"));
            assert!(report.growths >= 3, "{subject}, {case}");
        }
    }
}

#[test]
fn the_directed_sequences_pass_on_a_correct_map() {
    for seed in 0..100 {
        let rng = &mut fastrand::Rng::with_seed(seed);
        let hasher = Hasher::ALL[seed as usize % Hasher::HONEST];
        let mut case = Case { hasher, ..Case::default() };
        directed::evacuated_ahead_of_the_mark(case.ops_mut(), rng);
        directed::emptied_under_a_cursor(case.ops_mut(), rng);
        directed::past_the_limit(case.ops_mut(), rng, hasher);
        directed::slots_taken_under_a_cursor(case.ops_mut(), rng, hasher);
        directed::chains_joined_by_a_shrink(case.ops_mut(), rng, hasher);
        directed::refused_after_thinning(case.ops_mut(), rng, hasher);
        directed::shrunk_under_a_cursor(case.ops_mut(), rng, hasher);
        directed::hollow_chain(case.ops_mut(), rng, hasher);
        Subject::MAP
            .run(&case, Checks::Every)
            .unwrap_or_else(|finding| panic!("{case}\n{finding}"));
    }
}
