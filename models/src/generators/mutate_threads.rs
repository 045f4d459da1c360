//! Mutation of a case with several threads and of its schedule, for `libfuzzer_sys::fuzz_mutator!`.
//!
//! Most of the time the schedule changes a little and the case stays; now and then an op does; seldom it all begins anew,
//! from a drawn case or a scenario of the catalogue.
//!
//! # Invariants
//! - **deterministic**: the result depends on the bytes, the sizes and the seed alone.
//! # Checked by
//! `tests/schedule_bytes.rs`.

use super::mutate::nudge;
use super::scenarios;
use crate::case::Case;
use crate::catalogue;
use crate::input::threads::{GIVEN_MAX, KINDS, OPS_MAX, decode, encode};
use crate::op::{Kind, Op};
use fastrand::Rng;
use std::sync::OnceLock;

/// Schedules are not made longer than this: later bytes hardly ever matter.
const SCHEDULE_MAX: usize = 40;

/// Mutates the bytes in `data[..size]` in place; returns the new size, at most `max_size` and `data.len()`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut rng = Rng::with_seed(u64::from(seed));
    let bytes = &data[..size.min(data.len())];
    let (mut case, schedule) = decode(bytes);
    let mut schedule = schedule.to_vec();
    if bytes.is_empty() || rng.u8(..24) == 0 {
        (case, schedule) = (fresh(&mut rng), Vec::new());
    }
    for _ in 0..rng.u8(1..4) {
        match rng.u8(..4) {
            0 => change(&mut case, &mut rng),
            _ => reschedule(&mut schedule, &mut rng),
        }
    }
    let mut bytes = encode(&case, &schedule).unwrap_or_default();
    bytes.truncate(max_size.min(data.len()));
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

/// A case to begin with.
fn fresh(rng: &mut Rng) -> Case {
    static CATALOGUE: OnceLock<Vec<Case>> = OnceLock::new();
    let known = CATALOGUE.get_or_init(|| {
        let cases = catalogue::all().into_iter().map(|scenario| scenario.case);
        cases.filter(|case| encode(case, &[]).is_some()).collect()
    });
    match rng.bool() {
        true => scenarios::draw(rng.u64(..)),
        false => known[rng.usize(..known.len())].clone(),
    }
}

fn reschedule(schedule: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.usize(..=schedule.len());
    match rng.u8(..8) {
        0..=2 if schedule.len() < SCHEDULE_MAX => schedule.insert(at, rng.u8(..)),
        3 if at < schedule.len() => drop(schedule.remove(at)),
        // Another pause, a little longer or shorter; the same thing.
        4 | 5 if at < schedule.len() => {
            let after = (schedule[at] & 0x1f).wrapping_add([1, 31, 2, 30][rng.usize(..4)]) & 0x1f;
            schedule[at] = schedule[at] & 0xe0 | after;
        }
        6 if at < schedule.len() => schedule[at] = schedule[at] & 0x1f | rng.u8(..8) << 5,
        7 => schedule.truncate(at),
        _ => schedule.extend((0..rng.usize(1..5)).map(|_| rng.u8(..))),
    }
    schedule.truncate(SCHEDULE_MAX);
}

fn change(case: &mut Case, rng: &mut Rng) {
    if rng.u8(..8) == 0 {
        let other = fresh(rng);
        match rng.u8(..3) {
            0 => case.hasher = other.hasher,
            1 => case.elements = other.elements,
            _ => {
                case.capacity = other.capacity;
                case.threads[0].ops = other.given().to_vec();
            }
        }
        return;
    }
    let thread = rng.usize(..case.threads.len());
    let most = if thread == 0 { GIVEN_MAX } else { OPS_MAX };
    let ops = &mut case.threads[thread].ops;
    let at = rng.usize(..=ops.len());
    match rng.u8(..4) {
        0 if ops.len() < most => ops.insert(at, draw(rng)),
        1 if at < ops.len() => drop(ops.remove(at)),
        2 if at < ops.len() => ops[at] = narrow(nudge(ops[at], rng)),
        _ if at < ops.len() => ops[at] = draw(rng),
        _ => {}
    }
}

/// An op on one of the keys that scenarios are about.
fn draw(rng: &mut Rng) -> Op {
    let kind = KINDS[rng.usize(..KINDS.len())];
    let kind = if kind == Kind::EvacuateTo { Kind::Insert } else { kind };
    let op = Op::build(kind, |_| Ok::<u16, ()>(rng.u16(..16)));
    op.expect("its source never fails")
}

/// The op with arguments that fit in a byte.
fn narrow(op: Op) -> Op {
    let mut raws = [0; 3];
    let mut count = 0;
    op.arguments(|_, raw| {
        raws[count] = raw & 0xff;
        count += 1;
    });
    let mut next = raws.into_iter();
    Op::build(op.kind(), |_| next.next().ok_or(())).unwrap_or(op)
}
