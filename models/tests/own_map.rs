//! A shared map of somebody else's under the model: one that is right passes, and a race in its growth is found, kept and
//! found again.

use map_core::platform::{Mutex, Platform, Std};
use models::case::Case;
use models::concurrent_subject::ConcurrentSubject;
use models::engines::dfs::{self, Explore};
use models::engines::shuttle::{Model, Policy, run_own};
use models::engines::{Limits, Report, threads};
use models::finding;
use models::generators::hashers::ModelState;
use models::oracles::whole_map::Contracts;
use models::schedulers::{Named, replay};
use models::subject::Capabilities;
use std::hash::BuildHasher;

/// Keys and values in no order.
type Stripe = Vec<(u64, u64)>;

/// Stripes with a lock each, and one lock for the table of them. A stripe of [`ROOM`] entries makes the map grow: all that
/// is in it moves to twice as many stripes. If it is `HASTY`, it lets go of the table between reading the
/// old stripes and putting the new ones in their place.
struct Striped<P: Platform, const HASTY: bool> {
    state: ModelState,
    stripes: P::Mutex<Vec<Stripe>>,
}

const ROOM: usize = 2;

impl<P: Platform, const HASTY: bool> Striped<P, HASTY> {
    fn place(&self, key: u64, stripes: usize) -> usize {
        self.state.hash_one(key) as usize % stripes
    }

    /// Does something to the key's stripe.
    fn at<R>(&self, key: u64, body: impl FnOnce(&mut Stripe) -> R) -> R {
        self.stripes.with(|stripes| {
            let place = self.place(key, stripes.len());
            body(&mut stripes[place])
        })
    }

    fn grow(&self) {
        let spread = |old: &[Stripe]| {
            let mut new = vec![Stripe::new(); 2 * old.len()];
            for &(key, value) in old.iter().flatten() {
                new[self.place(key, 2 * old.len())].push((key, value));
            }
            new
        };
        if HASTY {
            let new = self.stripes.with(|stripes| spread(stripes));
            self.stripes.with(|stripes| *stripes = new);
        } else {
            self.stripes.with(|stripes| *stripes = spread(stripes));
        }
    }
}

impl<P: Platform, const HASTY: bool> ConcurrentSubject for Striped<P, HASTY>
where
    Self: Send + Sync,
{
    const CAPABILITIES: Capabilities = Capabilities::LEN.and(Capabilities::ITERATION);
    const CONTRACTS: Contracts = Contracts::STRICT;

    fn create(state: ModelState, _capacity: usize) -> Self {
        Striped { state, stripes: Mutex::new(vec![Stripe::new(); 2]) }
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.at(key, |stripe| stripe.iter().find(|entry| entry.0 == key).map(|&(_, value)| value))
    }
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        let (old, full) =
            self.at(key, |stripe| match stripe.iter_mut().find(|entry| entry.0 == key) {
                Some(entry) => (Some(std::mem::replace(&mut entry.1, value)), false),
                None => {
                    stripe.push((key, value));
                    (None, stripe.len() > ROOM)
                }
            });
        if full {
            self.grow();
        }
        old
    }
    fn remove(&self, key: u64) -> Option<u64> {
        self.at(key, |stripe| {
            let at = stripe.iter().position(|entry| entry.0 == key)?;
            Some(stripe.swap_remove(at).1)
        })
    }
    fn len(&self) -> usize {
        self.stripes.with(|stripes| stripes.iter().map(Vec::len).sum())
    }
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        let all = self.stripes.with(|stripes| stripes.concat());
        all.into_iter().for_each(|(key, value)| visit(key, value));
    }
}

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

#[test]
fn the_same_map_runs_under_real_threads() {
    threads::run::<Striped<Std, false>>(&case(), threads::Settings::default()).expect("it passes");
}
