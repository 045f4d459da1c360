//! Minimising: what is left is the least that still fails, and fails in the same way.

use models::case::{Case, Thread};
use models::catalogue::{self, scenario};
use models::engines::Limits;
use models::engines::judge::Judge;
use models::engines::shuttle::run;
use models::finding::Finding;
use models::generators::hashers::ModelState;
use models::generators::ops::{Mix, fill};
use models::op::Op;
use models::oracles::Objection;
use models::property::{self, Checks};
use models::schedulers::{Named, replay};
use models::spec::Ordered;
use models::subject::{NoCursor, SequentialSubject};
use models::triage::edit::{self, weight};
use models::triage::lab::Look;
use models::triage::minimise::{Bench, Here, Minimal, Settings, Size, minimise};
use models::triage::{Sighting, Signature};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

fn objects(rule: &str, at: usize, op: Op) -> Sighting {
    let objection = Objection::new("reference", rule, "said so".to_string());
    Sighting::new(&Finding { objection, at, op: Some(op), growth: None }, &[])
}

/// A remove of a key that was inserted before, and then looked at by a cursor: nothing else matters.
fn remove_after_insert(case: &Case) -> Option<Sighting> {
    let ops = case.ops();
    ops.iter().enumerate().find_map(|(at, op)| match *op {
        Op::Remove(key)
            if ops[..at].iter().any(|op| matches!(op, Op::Insert(k, _) if *k == key)) =>
        {
            Some(objects("removes", at, *op))
        }
        _ => None,
    })
}

fn all(case: &Case, seen: impl Fn(&Case) -> Option<Sighting> + Sync) -> Minimal {
    let stop = AtomicBool::new(false);
    let settings = Settings { stop: &stop, limit: None, better: &|_, _, _| {} };
    let first = seen(case).expect("it fails");
    minimise(case, &first, &Here(seen), &settings)
}

fn noise(seed: u64) -> Case {
    let mut case = Case::default();
    fill(&mut case, &mut fastrand::Rng::with_seed(seed), Mix::Full, 300);
    case.ops_mut().extend([Op::Insert(777, 9), Op::Clear, Op::Remove(777), Op::Len]);
    case
}

/// Can run three cases.
struct Breaks(AtomicU64);

impl Bench for Breaks {
    fn lanes(&self) -> usize {
        1
    }

    fn run(&self, _: usize, case: &Case, _: Look) -> Option<Sighting> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if self.is_broken() { None } else { remove_after_insert(case) }
    }

    fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 3
    }
}

#[test]
fn what_cannot_be_run_is_not_taken_to_pass() {
    let (case, bench) = (noise(1), Breaks(AtomicU64::new(0)));
    let stop = AtomicBool::new(false);
    let settings = Settings { stop: &stop, limit: None, better: &|_, _, _| {} };
    let first = remove_after_insert(&case).expect("it fails");
    let minimal = minimise(&case, &first, &bench, &settings);
    assert!(!minimal.is_minimal && minimal.tried <= 4, "{minimal:?}");
}

#[test]
fn what_does_not_matter_goes() {
    for seed in 0..5 {
        let minimal = all(&noise(seed), remove_after_insert);
        assert!(minimal.is_minimal);
        let expected = Case::sequential(vec![Op::Insert(0, 0), Op::Remove(0)]);
        assert_eq!(minimal.case, expected, "seed {seed}:\n{}", minimal.case);
    }
}

#[test]
fn a_count_that_matters_at_boundaries_alone_comes_to_the_least_one() {
    let seen = |case: &Case| {
        let fills = |op: &Op| matches!(op, Op::Extend(_, 13 | 209));
        let at = case.ops().iter().position(fills)?;
        Some(objects("fills", at, case.ops()[at]))
    };
    let minimal = all(&Case::sequential(vec![Op::Clear, Op::Extend(7, 209)]), seen);
    assert_eq!(minimal.case, Case::sequential(vec![Op::Extend(0, 13)]));
}

#[test]
fn what_matters_stays() {
    // Two keys of one bucket of eight, from 100 on, and a value: smaller keys come with the same remainder.
    let seen = |case: &Case| {
        let ops = case.ops();
        let keys: Vec<u16> = ops
            .iter()
            .filter_map(|op| {
                if let Op::Insert(key, value) = op { (*value > 4).then_some(*key) } else { None }
            })
            .collect();
        let pair = keys.iter().any(|a| keys.iter().any(|b| a < b && a % 8 == b % 8 && *b >= 100));
        pair.then(|| objects("meet", ops.len(), Op::Clear))
    };
    let raw = Case::sequential((90..130).map(|key| Op::Insert(key, key)).collect());
    let minimal = all(&raw, seen);
    let Size { ops, keys, .. } = Size::of(&minimal.case);
    assert_eq!((ops, keys), (2, 2), "{}", minimal.case);
    let largest = edit::keys(&minimal.case).into_iter().max();
    assert!(largest.is_some_and(|key| (100..108).contains(&key)), "{}", minimal.case);
    assert!(minimal.case.ops().iter().all(|op| matches!(op, Op::Insert(_, 5))), "{}", minimal.case);
}

#[test]
fn what_fails_with_stale_reads_alone_is_kept_as_a_case_with_stale_reads() {
    // No load needs to return anything old: it is how the run is judged.
    let text = "case 1\nthread ann\n insert k1 v1\n get k2\nend\nthread ben\n get k1\n get k3\nend\n\
        schedule\n switch ann.0 start+1 to ben\n read ben.0 start+0 back 1\nend\n";
    let seen = |case: &Case| {
        let is_there = case.threads.iter().any(|thread| thread.ops.contains(&Op::Get(1)));
        let seen = || Sighting {
            schedule: vec!["switch ann.0 start+1 to ben".to_string()],
            ..objects("stale", 0, Op::Get(1))
        };
        (is_there && case.reads_stale()).then(seen)
    };
    let minimal = all(&Case::parse(text).expect("a case"), seen);
    assert!(seen(&minimal.case).is_some(), "it passes:\n{}", minimal.case);
    assert!(Size::of(&minimal.case).ops < 4, "{}", minimal.case);
}

#[test]
fn another_failure_is_not_taken_for_this_one() {
    // Without a `clear` the same op breaks another rule.
    let seen = |case: &Case| {
        let cleared = case.ops().contains(&Op::Clear);
        let rule = if cleared { "this" } else { "that" };
        case.ops().contains(&Op::Len).then(|| objects(rule, case.ops().len() - 1, Op::Len))
    };
    let minimal = all(&noise(1), seen);
    assert_eq!(minimal.case.ops(), [Op::Clear, Op::Len], "{}", minimal.case);
    assert_eq!(minimal.sighting.rule, "this");
}

/// A structure that is broken by the first op that evacuates after one that `leaves` a hole.
fn broken(case: &Case, leaves: fn(&Op) -> bool) -> Option<Sighting> {
    let evacuates = |op: &Op| {
        matches!(
            op,
            Op::Insert(..) | Op::Remove(_) | Op::Reserve(_) | Op::ShrinkToFit | Op::Evacuate(_)
        )
    };
    let hole = case.ops().iter().position(leaves)?;
    let at = hole + 1 + case.ops()[hole + 1..].iter().position(evacuates)?;
    let objection = Objection::new("well-formed", "count", "left a map".to_string());
    let op = Some(case.ops()[at]);
    Some(Sighting::new(&Finding { objection, at, op, growth: None }, &[]))
}

fn named(text: &str, leaves: fn(&Op) -> bool) -> String {
    let case = Case::parse(&format!("case 1\nthread main\n{text}\nend\n")).expect("a case");
    let minimal = all(&case, |case| broken(case, leaves));
    Signature::of(&minimal.case, &minimal.sighting).to_string()
}

#[test]
fn one_bug_has_one_name_whichever_ops_come_upon_it() {
    let removes: fn(&Op) -> bool =
        |op| matches!(op, Op::Remove(_) | Op::Retain(..) | Op::ExtractIf(..) | Op::EntryRemove(_));
    let raw = [
        " insert k1 v1\n remove k1\n insert k2 v2",
        " get k7\n retain 1 0\n get k5\n reserve 30",
        " extract-if 2 1\n len\n shrink-to-fit",
        " entry-remove k9\n evacuate 3",
    ];
    for text in raw {
        assert_eq!(named(text, removes), "breaks-count · insert×remove · any-phase", "{text}");
    }
    // A bug that lies close by: only what a `clear` leaves matters to it.
    let clears: fn(&Op) -> bool = |op| matches!(op, Op::Clear);
    let text = " insert k1 v1\n remove k1\n clear\n reserve 9";
    assert_eq!(named(text, clears), "breaks-count · insert×clear · any-phase");
}

/// A remove from a map of 53 entries that two ops put there.
fn remove_from_many(case: &Case) -> Option<Sighting> {
    let ops = case.ops();
    ops.iter().enumerate().find_map(|(at, op)| {
        let filling = ops[..at].iter().filter_map(|op| match *op {
            Op::Insert(key, _) => Some(key..key + 1),
            Op::Extend(key, count) => Some(key..key + u16::from(count)),
            Op::FillToThreshold(count, key) => Some(key..key + u16::from(count.unsigned_abs())),
            _ => None,
        });
        let keys: BTreeSet<u16> = filling.clone().flatten().collect();
        let removes = matches!(*op, Op::Remove(key) if keys.contains(&key));
        (removes && filling.count() > 1 && keys.len() >= 53).then(|| objects("many", at, *op))
    })
}

#[test]
fn all_cases_of_a_bug_come_to_one() {
    let raw = [
        vec![Op::Extend(0, 27), Op::Extend(27, 30), Op::Remove(4)],
        vec![Op::Insert(300, 1), Op::Extend(0, 105), Op::Get(3), Op::Remove(300)],
        (0..60).map(|key| Op::Insert(3 * key, 1)).chain([Op::Len, Op::Remove(6)]).collect(),
    ];
    let minimal = raw.map(|ops| all(&Case::sequential(ops), remove_from_many).case);
    assert!(minimal.iter().all(|case| *case == minimal[0]), "{minimal:?}");
    assert_eq!(minimal[0].ops().len(), 3, "{}", minimal[0]);
}

#[test]
fn a_race_is_named_by_the_ops_at_its_last_switch() {
    let ops = "thread given\nend\nthread ann\n remove k3\n clear\nend\nthread ben\n update k1 v1\n insert k1 v1\nend\n";
    let name = |schedule: &str| {
        let text = format!("case 1\n{ops}schedule\n{schedule}end\n");
        let case = Case::parse(&text).expect("a case");
        Signature::of(&case, &objects("race", 0, Op::Len)).pair
    };
    let two = " switch ben.1 locked#0+0 to ann\n switch ann.1 read-root#0+0 to ben\n";
    assert_eq!(name(" switch ann.1 read-root#0+0 to ben\n"), ["clear", "update"]);
    assert_eq!(name(two), ["clear", "insert"]);
    assert_eq!(name(" switch ben.1 locked#0+0 to ann\n"), ["insert", "remove"]);
    // At the work that it owes a growth, one write is like another.
    assert_eq!(name(" switch ann.1 copying-bucket#0+0 to ben\n"), ["evacuate", "update"]);
    assert_eq!(name(" switch ben.1 about-to-retire-table#0+1 to ann\n"), ["evacuate", "remove"]);
    // Where there is no switch, all that is there.
    assert_eq!(name(" switch ann.end to ben\n"), ["clear", "insert×remove×update"]);
    let abandoned = " abandon ann.0 copying-bucket#0+0\n";
    assert_eq!(name(abandoned), ["clear", "evacuate×insert×remove×update"]);
}

#[test]
fn a_crash_is_named_by_what_an_oracle_says_of_it_where_one_can() {
    // Done in one go it ends the process, step by step it is seen in time.
    let seen = |case: &Case| match case.ops().iter().position(|op| matches!(op, Op::Extend(..))) {
        Some(_) => Some(Sighting::of_a_crash("ended by SIGSEGV".into())),
        None => {
            let at = case.ops().iter().position(|op| matches!(op, Op::FillToThreshold(..)))?;
            let objection = Objection::new("well-formed", "progress", "left a map".to_string());
            Some(Sighting::new(&Finding { objection, at, op: None, growth: None }, &[]))
        }
    };
    let raw = Case::sequential(vec![Op::Insert(1, 1), Op::Get(1), Op::Extend(3, 9), Op::Len]);
    let minimal = all(&raw, seen);
    assert_eq!(minimal.sighting.symptom, "breaks-progress", "{}", minimal.case);
    assert!(matches!(minimal.case.ops(), [Op::FillToThreshold(..)]), "{}", minimal.case);
}

#[test]
fn which_claim_of_a_structure_breaks_first_is_chance() {
    // Done in one go, the entries are gone; step by step, the mark is seen to be wrong.
    let seen = |case: &Case| {
        let is_growth = |op: &Op| matches!(op, Op::Extend(_, 27) | Op::FillToThreshold(27, _));
        let at = case.ops().iter().position(is_growth)?;
        let rule = if matches!(case.ops()[at], Op::Extend(..)) { "count" } else { "progress" };
        let objection = Objection::new("well-formed", rule, "left a map".to_string());
        Some(Sighting::new(&Finding { objection, at, op: None, growth: None }, &[]))
    };
    for op in [Op::Extend(5, 27), Op::FillToThreshold(27, 9)] {
        let minimal = all(&Case::sequential(vec![Op::Len, op, Op::Clear]), seen);
        assert_eq!(minimal.case.ops(), [Op::FillToThreshold(27, 0)], "{}", minimal.case);
        assert_eq!(minimal.sighting.symptom, "breaks-progress");
    }
}

/// What is seen of a race between two such ops, whatever the schedule.
fn race(case: &Case, kinds: [fn(&Op) -> bool; 2]) -> Option<Sighting> {
    let [ann, ben] = case.running() else { return None };
    let is_there = |[first, second]: [fn(&Op) -> bool; 2]| {
        ann.ops.iter().any(first) && ben.ops.iter().any(second)
    };
    if !is_there(kinds) && !is_there([kinds[1], kinds[0]]) {
        return None;
    }
    // By which oracle is chance.
    let updates = [ann, ben].iter().all(|thread| matches!(thread.ops[0], Op::Update(..)));
    let (oracle, rule) = match (updates, case.given().is_empty()) {
        (true, _) => ("reclamation", "an object is retired once"),
        (_, false) => ("barrier", "no write lands ahead of its evacuation"),
        _ => ("well-formed", "exact-at-rest"),
    };
    let objection = Objection::new(oracle, rule, "a race".to_string());
    Some(Sighting::new(&Finding { objection, at: 0, op: None, growth: None }, &[]))
}

#[test]
fn a_race_has_one_name_whichever_ops_and_oracle_come_upon_it_and_another_has_another() {
    let writes: fn(&Op) -> bool = |op| matches!(op, Op::Insert(..) | Op::Update(..));
    let clears: fn(&Op) -> bool = |op| matches!(op, Op::Clear);
    let raw = [
        ("", "update k3 v1\n get k1", "update k3 v4\n clear"),
        ("insert k7 v7\n evacuate-to 1", "clear\n insert k3 v1", "len\n insert k2 v1\n clear"),
        ("insert k7 v7", "update k3 v1", "iter\n insert k5 v1\n clear"),
    ];
    for (kinds, name) in [([writes; 2], ["insert"; 2]), ([writes, clears], ["clear", "insert"])] {
        for (given, ann, ben) in raw {
            let text = format!(
                "case 1\nthread given\n {given}\nend\nthread x\n {ann}\nend\nthread y\n {ben}\nend\n"
            );
            let case = Case::parse(&text).expect("a case");
            let minimal = all(&case, |case| race(case, kinds));
            let signature = Signature::of(&minimal.case, &minimal.sighting);
            assert_eq!(
                (signature.oracle.as_str(), signature.pair),
                ("well-formed", name.map(str::to_string)),
                "{text}"
            );
            assert_eq!(Size::of(&minimal.case).ops, 2, "{}", minimal.case);
        }
    }
}

#[test]
fn what_a_cursor_misses_is_found_by_a_walk() {
    // A growth under an open cursor: it shows in what the cursor yields, or, if the map shrinks, in what it relies on.
    let seen = |case: &Case| {
        let ops = case.ops();
        let open = ops.iter().position(|op| matches!(op, Op::CursorOpen(..)))?;
        let is_growth = |op: &Op| matches!(op, Op::FillToThreshold(..) | Op::Insert(..));
        let growth = open + ops[open..].iter().position(is_growth)?;
        let shows = |op: &Op| matches!(op, Op::ShrinkToFit | Op::CursorStep(..));
        let at = growth + ops[growth..].iter().position(shows)?;
        let (oracle, rule) = match ops[at] {
            Op::ShrinkToFit => ("well-formed", "present"),
            _ => ("iteration", "an entry there throughout is yielded"),
        };
        let objection = Objection::new(oracle, rule, "a hole".to_string());
        Some(Sighting::new(&Finding { objection, at, op: Some(ops[at]), growth: None }, &[]))
    };
    let open = [Op::Insert(7, 7), Op::CursorOpen(1, 3, 2), Op::Len, Op::Insert(9, 9)];
    for last in [Op::CursorStep(1, 4), Op::ShrinkToFit] {
        let minimal = all(&Case::sequential([&open[..], &[last]].concat()), seen);
        let signature = Signature::of(&minimal.case, &minimal.sighting);
        assert_eq!(signature.bug(), "iteration: lost-entry · cursor×insert", "{}", minimal.case);
    }
}

#[test]
fn of_two_bugs_at_once_each_keeps_its_name() {
    // Filling breaks the structure, clearing answers what it should not.
    let seen = |case: &Case| {
        let is_wrong = |op: &Op| matches!(op, Op::Clear | Op::FillToThreshold(..));
        let at = case.ops().iter().position(is_wrong)?;
        if case.ops()[at] == Op::Clear {
            return Some(objects("every answer is the spec's", at, Op::Clear));
        }
        let objection = Objection::new("well-formed", "count", "left a map".to_string());
        Some(Sighting::new(&Finding { objection, at, op: None, growth: None }, &[]))
    };
    let ops = [Op::Clear, Op::FillToThreshold(3, 7)];
    for (first, second, oracle) in [(0, 1, "reference"), (1, 0, "well-formed")] {
        let minimal = all(&Case::sequential(vec![Op::Len, ops[first], ops[second]]), seen);
        assert_eq!(minimal.sighting.oracle, oracle, "{}", minimal.case);
    }
}

#[test]
fn one_minimal_means_that_no_single_edit_helps() {
    let minimal = all(&noise(7), remove_after_insert);
    let edits =
        [edit::threads(&minimal.case), edit::ops(&minimal.case, 1), edit::header(&minimal.case)];
    for edit in edits.concat().into_iter().chain(edit::renamings(&minimal.case)) {
        let case = edit.apply(&minimal.case);
        let helps = weight(&case) < weight(&minimal.case) && remove_after_insert(&case).is_some();
        assert!(!helps, "{edit:?}:\n{case}");
    }
}

#[test]
fn stopping_keeps_the_best_so_far() {
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let seen = |case: &Case| {
        if calls.fetch_add(1, Ordering::Relaxed) == 12 {
            stop.store(true, Ordering::Relaxed);
        }
        remove_after_insert(case)
    };
    let raw = noise(3);
    let first = seen(&raw).expect("it fails");
    let better = AtomicU64::new(0);
    let count = |case: &Case, _: &Sighting, _: u64| {
        assert!(remove_after_insert(case).is_some());
        better.fetch_add(1, Ordering::Relaxed);
    };
    let settings = Settings { stop: &stop, limit: Some(Duration::from_secs(60)), better: &count };
    let minimal = minimise(&raw, &first, &Here(seen), &settings);
    assert!(!minimal.is_minimal && better.load(Ordering::Relaxed) > 0);
    assert!(remove_after_insert(&minimal.case).is_some());
    assert!(minimal.case.ops().len() < raw.ops().len() && minimal.case.ops().len() > 2);
}

#[test]
fn departures_move_along_with_the_ops_that_stay() {
    let text = "case 1\nthread given\nend\nthread a\n get k1\n get k2\n get k3\nend\nthread b\n get k1\nend\n\
        schedule\n switch a.0 start+1 to b\n switch a.2 read-root#0+1 to b\n switch b.end to a\nend\n";
    let case = Case::parse(text).expect("a case");
    let edited = edit::ops(&case, 1)[1].apply(&case);
    assert_eq!(edited.threads[1].ops, [Op::Get(1), Op::Get(3)]);
    let lines: Vec<String> = edited.schedule.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["switch a.0 start+1 to b", "switch a.1 read-root#0+1 to b", "switch b.end to a"]
    );
    // A thread goes with all that is said of it, and the case stays a concurrent one.
    let alone = edit::threads(&case)[1].apply(&case);
    assert_eq!((alone.running().len(), alone.schedule.len(), alone.is_sequential()), (1, 0, false));
    let pair = Case { threads: case.threads[1..].to_vec(), ..case.clone() };
    let alone = edit::threads(&pair)[0].apply(&pair);
    assert_eq!(alone.threads[0], Thread { name: "given".into(), ..Thread::default() });
}

#[test]
fn a_drawn_schedule_comes_down_to_a_few_switches() {
    // A get that sees both of two inserts, and not in the order in which the scenario would have it.
    let known = catalogue::named("gets_never_go_back_across_an_evacuation").expect("it is there");
    let allowed = scenario("").allows("reader", [Some(100), Some(100)]).allowed;
    let judge = |case: &Case| Judge::new(case, allowed.clone());
    for seed in 0..4 {
        let policy = Named::Random.policy(seed, false);
        let found = run(&known.case, judge(&known.case), policy, &Limits::executions(5_000)).found;
        let found = found.expect("it happens");
        let case = Case { schedule: found.schedule.clone(), ..known.case.clone() };
        let seen = |case: &Case| {
            let report = run(case, judge(case), replay::policy(case), &Limits::executions(1));
            report.found.map(|found| Sighting::new(&found.finding, &found.schedule))
        };
        let minimal = all(&case, seen);
        assert_eq!(
            minimal.case.threads, case.threads,
            "the outcome is the scenario's: its ops stay"
        );
        let (before, after) = (case.schedule.len(), minimal.case.schedule.len());
        assert!(after <= 3 && after < before, "{before} to {after}:\n{}", minimal.case);
    }
}

/// A map that has only what it must have; growing past a power of two from 16 on, it loses an entry.
struct Bare(Vec<(u64, u64)>);

impl SequentialSubject<u64, u64> for Bare {
    type Cursor = NoCursor;

    fn create(_: ModelState, _: usize) -> Self {
        Bare(Vec::new())
    }
    fn get<R>(&self, key: &u64, see: impl FnOnce(&u64) -> R) -> Option<R> {
        self.0.iter().find(|entry| entry.0 == *key).map(|entry| see(&entry.1))
    }
    fn insert(&mut self, key: u64, value: u64) -> Option<u64> {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.0 == key) {
            return Some(std::mem::replace(&mut entry.1, value));
        }
        if self.0.len() >= 16 && self.0.len().is_power_of_two() {
            self.0.swap_remove(3);
            self.0.push((u64::MAX, 0));
        }
        self.0.push((key, value));
        None
    }
    fn remove(&mut self, key: &u64) -> Option<u64> {
        let at = self.0.iter().position(|entry| entry.0 == *key)?;
        Some(self.0.swap_remove(at).1)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn for_each(&self, visit: impl FnMut(&u64, &u64)) {
        let mut visit = visit;
        self.0.iter().for_each(|(key, value)| visit(key, value));
    }
}

#[test]
fn a_map_that_cannot_be_filled_is_extended() {
    let seen = |case: &Case| {
        let outcome = property::run::<Bare, _, _, Ordered>(case, Checks::End);
        outcome.err().map(|finding| Sighting::new(&finding, &[]))
    };
    let mut found = 0;
    for seed in 0..20 {
        let mut raw = Case::default();
        fill(&mut raw, &mut fastrand::Rng::with_seed(seed), Mix::Full, 400);
        if seen(&raw).is_some() {
            found += 1;
            let minimal = all(&raw, seen);
            assert!(minimal.case.ops().len() <= 3, "seed {seed}:\n{}", minimal.case);
        }
    }
    assert!(found >= 5, "{found} of 20 find it");
}
