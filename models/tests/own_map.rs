//! A shared map of somebody else's under the model: one that is right passes, and a race in its growth is found, kept and
//! found again.

#[path = "../examples/plug_in/striped.rs"]
mod striped;

use map_core::platform::{Atomic, Cell, Mutex, Object, Platform, Std};
use models::case::Case;
use models::concurrent_subject::ConcurrentSubject;
use models::engines::dfs::{self, Explore};
use models::engines::judge::partial::{self, OPS_MAX};
use models::engines::shuttle::{Model, Policy, run_own};
use models::engines::{Limits, Report, threads};
use models::finding;
use models::generators::hashers::ModelState;
use models::schedulers::{Named, replay};
use models::subject::Capabilities;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use striped::Striped;

/// An insert that makes the map grow, beside another, and a look from outside. An op that the map does not have is in it.
const CASE: &str = "case 1
thread given
  insert k0 v0
  insert k2 v2
end
thread grower
  insert k4 v4
  update k4 v1
end
thread writer
  insert k1 v1
end
thread reader
  get k1
  len
end
";

fn case() -> Case {
    Case::parse(CASE).expect("a case")
}

fn all() -> Policy {
    dfs::policy(Explore { preemptions: Some(2), ..Explore::default() })
}

/// Under each kind of policy.
fn reports<const HASTY: bool>() -> Vec<Report> {
    let run = |policy, limits| run_own::<Striped<Model, HASTY>>(&case(), policy, &limits);
    let random = |named: Named, stale| run(named.policy(1, stale), Limits::executions(500));
    vec![
        run(all(), Limits::default()),
        random(Named::Random, false),
        random(Named::Portfolio, false),
        random(Named::Portfolio, true),
    ]
}

#[test]
fn a_map_that_is_right_passes_under_every_policy() {
    let reports = reports::<false>();
    for report in &reports {
        assert!(report.found.is_none(), "{}", report.found.as_ref().expect("it is").finding);
        assert!(report.executions > 100 && report.outcomes.len() > 3, "{report:?}");
    }
    assert!(reports[0].exhausted);
}

#[test]
fn a_race_in_its_growth_is_found_kept_and_found_again() {
    for report in reports::<true>() {
        let found = report.found.expect("the writer's entry is lost");
        assert_eq!(found.finding.objection.oracle, "linearizability", "{}", found.finding);
        let said = found.finding.to_string();
        let begins = |words: &str| said.starts_with(&format!("linearizability: {words}"));
        let seen_by = ["reader's `get k1`", "onlooker's `", "the ops on k1 have no order: "];
        assert!(seen_by.into_iter().any(begins), "{said}");
        let here = tempfile::tempdir().expect("a folder");
        let kept = Case { schedule: found.schedule, ..case() };
        let path = finding::keep(here.path(), &kept, &found.finding, "").expect("it is kept");
        let kept = Case::parse(&std::fs::read_to_string(path).expect("a file")).expect("a case");
        let policy = replay::policy(&kept);
        let again = run_own::<Striped<Model, true>>(&kept, policy, &Limits::executions(1));
        let again = again.found.expect("again").finding;
        assert_eq!(again.objection, found.finding.objection);
    }
}

/// Who comes first has nothing that the map can do.
const IDLE: &str = "case 1
thread ann
  reserve 9
end
thread ben
  get k24
  insert k24 v103
end
thread cat
  get k24
  insert k24 v103
end
thread dan
  insert k28 v154
  get k24
end
";

#[test]
fn a_thread_without_ops_leaves_the_others_what_they_know_of_each_other() {
    let case = Case::parse(IDLE).expect("a case");
    let policy = Named::Random.policy(1, true);
    let report = run_own::<Striped<Model, false>>(&case, policy, &Limits::executions(500));
    assert!(report.found.is_none(), "{}", report.found.expect("it is").finding);
}

/// An insert takes effect when somebody iterates. Nobody does until the threads have ended, so an order of the ops on each
/// key explains everything, if it need not keep to what the threads know of each other.
struct Late<P: Platform>(P::Mutex<[BTreeMap<u64, u64>; 2]>);

impl<P: Platform> ConcurrentSubject for Late<P>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::ITERATION;

    fn create(_: ModelState, _capacity: usize) -> Self {
        Late(Mutex::new(Default::default()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.with(|[there, _]| there.get(&key).copied())
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.0.with(|[_, later]| later.insert(key, value))
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.0.with(|[there, _]| there.remove(&key))
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        self.0.with(|[there, later]| {
            there.append(later);
            there.iter().for_each(|(&key, &value)| visit(key, value));
        });
    }
}

#[test]
fn what_threads_know_of_each_other_is_asked_where_loads_may_be_stale() {
    let found = |case: &str| {
        let case = Case::parse(case).expect("a case");
        let policy = Named::Random.policy(1, true);
        run_own::<Late<Model>>(&case, policy, &Limits::executions(300)).found
    };
    // The reader's first op may come after the writer's last, and its last then knows of the insert.
    let writer = "case 1\nthread writer\n insert k1 v1\n get k2\nend\nthread reader\n";
    let told = found(&format!("{writer} get k2\n get k1\nend\n")).expect("the insert is late");
    assert_eq!(told.finding.objection.rule, partial::RULE, "{}", told.finding);
    assert!(found(&format!("{writer} get k1\nend\n")).is_none(), "nobody told the reader");
}

#[test]
fn an_op_begins_with_its_first_step() {
    // Not where the one before it has returned, nor with the thread: the get may come after the insert.
    let case = "case 1\nthread writer\n insert k1 v1\nend\nthread reader\n get k1\nend\n";
    let case = Case::parse(case).expect("a case");
    let found = run_own::<Late<Model>>(&case, all(), &Limits::default()).found;
    let found = found.expect("the insert is late").finding;
    assert_eq!(found.objection.oracle, "linearizability", "{found}");
}

/// An insert races with a get, a remove waits for itself, and a lookup panics.
struct Wrong<P: Platform>(P::Cell<u64>, P::Mutex<()>);

impl<P: Platform> ConcurrentSubject for Wrong<P>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::LOOKUPS;

    fn create(_: ModelState, _capacity: usize) -> Self {
        Wrong(Cell::new(0), Mutex::new(()))
    }
    fn get(&self, _: u64) -> Option<u64> {
        // SAFETY: the model's cell reports a race before it happens.
        Some(self.0.with(|value| unsafe { *value })).filter(|&value| value > 0)
    }
    fn insert(&self, _: u64, value: u64) -> Option<u64> {
        // SAFETY: as in `get`.
        Some(self.0.with_mut(|there| unsafe { there.replace(value) })).filter(|&value| value > 0)
    }
    fn remove(&self, _: u64) -> Option<u64> {
        self.1.with(|()| self.1.with(|()| None))
    }
    fn contains_key(&self, key: u64) -> bool {
        panic!("no {key}")
    }
}

#[test]
fn what_is_said_of_threads_is_a_sentence() {
    let said = |reader: &str, writer: &str| {
        let text =
            format!("case 1\nthread reader\n {reader}\nend\nthread writer\n {writer}\nend\n");
        let case = Case::parse(&text).expect("a case");
        let found = run_own::<Wrong<Model>>(&case, all(), &Limits::default()).found;
        let said = found.expect(writer).finding.to_string();
        let line = said.lines().next().unwrap_or_default().to_string();
        // Without the places in this file.
        let words = line.split(' ').map(|word| word.split_once(".rs:").map_or(word, |_| "HERE"));
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        said("get k1", "insert k1 v1"),
        "race: op 0 insert k1 v1 by writer wrote at HERE what reader's `get k1` read at HERE nothing orders one before the other"
    );
    assert_eq!(
        said("get k1", "remove k1"),
        "deadlock: op 0 remove k1 by writer waits for ever; all that wait: writer's `remove k1`"
    );
    assert_eq!(
        said("get k1", "contains-key k1"),
        "panics: op 0 contains-key k1 by writer panicked: \"no 1\" at HERE"
    );
}

/// It forgets what is inserted, and frees something twice when it goes.
struct Forgetful<P: Platform>(Box<P::AtomicU64>);

impl<P: Platform> ConcurrentSubject for Forgetful<P>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::NONE;

    fn create(_: ModelState, _capacity: usize) -> Self {
        let word = Box::new(Atomic::new(0));
        P::allocated(&raw const *word, Object::Entry);
        Forgetful(word)
    }
    fn get(&self, _: u64) -> Option<u64> {
        self.0.load(Ordering::SeqCst);
        None
    }
    fn insert(&self, _: u64, _: u64) -> Option<u64> {
        self.0.load(Ordering::SeqCst);
        None
    }
    fn remove(&self, _: u64) -> Option<u64> {
        None
    }
}

impl<P: Platform> Drop for Forgetful<P> {
    fn drop(&mut self) {
        (0..2).for_each(|_| P::freed(&raw const *self.0));
    }
}

#[test]
fn a_map_is_not_dropped_that_is_objected_to() {
    let found =
        run_own::<Forgetful<Model>>(&beside("insert k1 v1"), all(), &Limits::default()).found;
    let found = found.expect("the insert is lost").finding;
    assert_eq!(found.objection.oracle, "linearizability", "{found}");
}

/// A thread with so many lookups of one key, on a map whose onlooker walks and then looks that key up.
fn looked_up(times: usize) -> Report {
    let case = format!("case 1\nthread reader\n{}end\n", " get k1\n".repeat(times));
    let case = Case::parse(&case).expect("a case");
    let policy = Named::Random.policy(1, true);
    run_own::<Striped<Model, false>>(&case, policy, &Limits::executions(1))
}

#[test]
fn the_longest_case_that_is_run_is_judged() {
    let report = looked_up(OPS_MAX - 2);
    assert!(report.found.is_none(), "{}", report.found.expect("it is").finding);
}

#[test]
#[should_panic(expected = "65 ops concern k1, the last looks at it included")]
fn a_longer_one_is_refused() {
    let report = looked_up(OPS_MAX - 1);
    panic!("it is run: {:?}", report.found);
}

/// Who comes while an insert is under way looks for long, and then finds out that there is nothing; who comes after a remove
/// looks for ever, and waits for nobody, unless somebody has counted.
struct Slow<P: Platform>(P::AtomicU64, P::Mutex<BTreeMap<u64, u64>>);

const UNDER_WAY: u64 = 1;
const LOST: u64 = 2;
/// Steps of a long look: more than twenty times those of a run in which nobody looks for long.
const LONG: usize = 3_000;

impl<P: Platform> Slow<P> {
    fn look(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl<P: Platform> ConcurrentSubject for Slow<P>
where
    Self: Send + Sync,
{
    /// The onlooker counts before it looks.
    const CAPABILITIES: Capabilities = Capabilities::LEN;

    fn create(_: ModelState, _capacity: usize) -> Self {
        Slow(Atomic::new(0), Mutex::new(BTreeMap::new()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        if self.look() == UNDER_WAY {
            (0..LONG).for_each(|_| {
                self.look();
            });
        }
        while self.look() == LOST {}
        self.1.with(|there| there.get(&key).copied())
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.0.store(UNDER_WAY, Ordering::SeqCst);
        let old = self.1.with(|there| there.insert(key, value));
        self.0.store(0, Ordering::SeqCst);
        old
    }
    fn remove(&self, key: u64) -> Option<u64> {
        let old = self.1.with(|there| there.remove(&key));
        self.0.store(LOST, Ordering::SeqCst);
        old
    }
    fn len(&self) -> usize {
        self.0.store(0, Ordering::SeqCst);
        self.1.with(|there| there.len())
    }
}

/// Two that look, beside one that does something.
fn beside(op: &str) -> Case {
    let look = |name: &str| format!("thread {name}\n get k1\nend\n");
    let (ann, ben) = (look("ann"), look("ben"));
    Case::parse(&format!("case 1\n{ann}{ben}thread cat\n {op}\nend\n")).expect("a case")
}

#[test]
fn a_map_that_is_slow_now_and_then_is_right() {
    let case = beside("insert k1 v1");
    for policy in [all(), Named::Random.policy(1, false), Named::Random.policy(1, true)] {
        let report = run_own::<Slow<Model>>(&case, policy, &Limits::executions(100));
        assert!(report.found.is_none(), "{}", report.found.expect("it is").finding);
        assert!(report.longest > 2_000, "none was slow: {} steps", report.longest);
    }
}

#[test]
fn one_that_never_ends_is_found_after_those_that_ended_and_found_again() {
    let case = beside("remove k1");
    let policy = Named::Random.policy(3, false);
    let report = run_own::<Slow<Model>>(&case, policy, &Limits::executions(100));
    let found = report.found.expect("who looks after the remove looks for ever");
    assert!(report.executions > 1, "the first is to come to an end");
    assert_eq!(found.finding.objection.oracle, "livelock", "{}", found.finding);
    assert!(found.schedule.len() < 2_000, "{} departures", found.schedule.len());
    let kept = Case { schedule: found.schedule, ..case };
    let again = run_own::<Slow<Model>>(&kept, replay::policy(&kept), &Limits::executions(1));
    assert_eq!(again.found.expect("again").finding.objection, found.finding.objection);
}

/// A map with much on its stack: a table that is built there and copied, say.
struct Deep<P: Platform>(P::Mutex<BTreeMap<u64, u64>>);

impl<P: Platform> ConcurrentSubject for Deep<P>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::LOOKUPS;

    fn create(_: ModelState, _capacity: usize) -> Self {
        Deep(Mutex::new(BTreeMap::new()))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.with(|there| there.get(&key).copied())
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        let table = std::hint::black_box([value; 20_000]);
        self.0.with(|there| there.insert(key, table[key as usize]))
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.0.with(|there| there.remove(&key))
    }
}

#[test]
fn a_thread_has_room_for_a_table_on_its_stack() {
    let report = run_own::<Deep<Model>>(&beside("insert k1 v1"), all(), &Limits::executions(20));
    assert!(report.found.is_none(), "{}", report.found.expect("it is").finding);
}

#[test]
fn the_same_map_runs_under_real_threads() {
    threads::run::<Striped<Std, false>>(&case(), threads::Settings::default()).expect("it passes");
}
