//! A trace changes nothing about the run, and its pictures are of the map.

use models::case::Case;
use models::catalogue;
use models::engines::Limits;
use models::engines::judge::Judge;
use models::engines::shuttle::run;
use models::picture::{Picture, State};
use models::property::Checks;
use models::schedulers::{Named, replay};
use models::subjects::Subject;
use models::trace::{Event, record};

fn pictures(events: &[Event]) -> Vec<&Picture> {
    let mut pictures = Vec::new();
    for event in events {
        if let Event::State(picture) = event {
            pictures.push(picture);
        }
    }
    pictures
}

#[test]
fn a_traced_run_of_threads_is_the_run_without_a_trace() {
    for scenario in catalogue::all() {
        for seed in 0..2 {
            let go = || {
                let judge = Judge::new(&scenario.case, scenario.allowed.clone());
                run(
                    &scenario.case,
                    judge,
                    Named::Random.policy(seed, false),
                    &Limits::executions(4),
                )
            };
            let plain = go();
            let (traced, events) = record(go);
            assert_eq!(
                (plain.steps, plain.outcomes),
                (traced.steps, traced.outcomes),
                "{}",
                scenario.name
            );
            assert!(traced.found.is_none(), "{}: {:?}", scenario.name, traced.found);
            assert!(!pictures(&events).is_empty(), "{}", scenario.name);
        }
    }
}

#[test]
fn a_trace_tells_calls_moments_returns_and_states_in_order() {
    let text = "case 1\ncapacity 13\nthread given\n insert k2 v2\n evacuate-to 0\nend\n\
        thread reader\n get k2\nend\nthread writer\n insert k4 v9\nend\n\
        schedule\n switch given.end to writer\n switch writer.0 about-to-publish-evacuated#0+0 to reader\nend\n";
    let case = Case::parse(text).expect("a case");
    let once = || {
        run(
            &case,
            Judge::new(&case, Default::default()),
            replay::policy(&case),
            &Limits::executions(1),
        )
    };
    let (report, events) = record(once);
    assert!(report.found.is_none());
    let told: Vec<&Event> =
        events.iter().filter(|event| !matches!(event, Event::State(_))).collect();
    let at = |wanted: &dyn Fn(&Event) -> bool| {
        told.iter().position(|event| wanted(event)).unwrap_or_else(|| panic!("{told:#?}"))
    };
    let call = at(&|event| matches!(event, Event::Call { thread: 0, op } if op == "get k2"));
    let copying = at(
        &|event| matches!(event, Event::Reach { thread: 1, point, .. } if point == "about-to-publish-evacuated"),
    );
    let forced = at(
        &|event| matches!(event, Event::Departure { thread: 1, what, .. } if what == "switch to reader"),
    );
    let back =
        at(&|event| matches!(event, Event::Return { thread: 0, answer } if answer == "Some(v2)"));
    // The reader stood before its first step, which is the call.
    assert!(copying < forced && forced < call && call < back, "{events:?}");
    let (first, last) = (pictures(&events)[0], pictures(&events)[pictures(&events).len() - 1]);
    assert_eq!((first.tables.len(), first.tables[0].buckets[0].state), (2, State::Live));
    assert_eq!(first.tables[1].buckets[0].state, State::Unborn);
    let held = |picture: &Picture| {
        let buckets = picture.tables.iter().flat_map(|table| &table.buckets);
        let mut held: Vec<(u64, u64)> = buckets
            .flat_map(|bucket| bucket.chain.iter().flatten())
            .filter_map(|slot| slot.entry)
            .collect();
        held.sort_unstable();
        held
    };
    assert_eq!((held(first), held(last)), (vec![(2, 2)], vec![(2, 2), (4, 9)]));
    assert!(
        pictures(&events).iter().any(|picture| picture.tables[0].buckets[0].state == State::Locked)
    );
}

#[test]
fn pictures_of_a_sequential_map_show_both_tables_and_the_mark() {
    let case = Case::parse("case 1\nthread main\n reserve 27\n fill-to-threshold +1 k4\nend\n")
        .expect("a case");
    for subject in [Subject::MAP, Subject::CONCURRENT] {
        let (outcome, events) = record(|| subject.run(&case, Checks::Every));
        assert!(outcome.is_ok());
        let last = |events: &[Event]| pictures(events).last().map(|picture| (*picture).clone());
        let Some(last) = last(&events) else { panic!("{} shows itself", subject.name()) };
        let held: usize = last
            .tables
            .iter()
            .flat_map(|table| &table.buckets)
            .flat_map(|bucket| bucket.chain.iter().flatten())
            .filter(|slot| slot.entry.is_some())
            .count();
        if subject == Subject::MAP {
            assert_eq!((last.tables.len(), held), (2, 53));
            assert_eq!(last.tables[0].mark, Some(2));
        }
    }
}

#[test]
fn a_table_is_known_again_in_a_growth_to_as_many_buckets() {
    // Nine keys in each of four buckets, of which one stays: four chains with an overflow bucket.
    let keys = |bucket: u16| (0..9).map(move |round| bucket + 4 * round);
    let chain = |bucket| {
        let inserts = keys(bucket).map(|key| format!(" insert k{key} v{key}\n"));
        let removes = keys(bucket).skip(1).map(|key| format!(" remove k{key}\n"));
        inserts.chain(removes).collect::<String>()
    };
    let chains: String = (0..4).map(chain).collect();
    let more: String = (0..5).map(|key| format!(" insert k{} v0\n", 100 + key)).collect();
    let text = format!("case 1\ncapacity 20\nthread main\n{chains}{more}end\n");
    let case = Case::parse(&text).expect("a case");
    for subject in [Subject::MAP, Subject::CONCURRENT] {
        let (outcome, events) = record(|| subject.run(&case, Checks::Every));
        assert!(outcome.is_ok(), "{outcome:?}");
        let pictures = pictures(&events);
        let sizes = |picture: &Picture| {
            picture.tables.iter().map(|table| table.buckets.len()).collect::<Vec<_>>()
        };
        let begins = pictures.iter().position(|picture| sizes(picture) == [4, 4]);
        let begins = begins.expect("it grows to the same size");
        let (before, during) = (pictures[begins - 1], pictures[begins]);
        let after = pictures[begins..].iter().find(|picture| sizes(picture) == [4]);
        let (only, [old, new]) = (&before.tables[0], &during.tables[..]) else {
            panic!("two tables: {during:?}")
        };
        let last = &after.expect("it comes to an end").tables[0];
        let same = [only.is_same(old), only.is_same(new), new.is_same(last), old.is_same(last)];
        assert_eq!(same, [true, false, true, false], "{}", subject.name());
    }
}

#[test]
fn every_op_of_a_sequential_case_is_told_once() {
    let told = |hasher: &str, ops: &str| {
        let text = format!("case 1\nhasher {hasher}\nelements counted\nthread main\n{ops}end\n");
        let case = Case::parse(&text).expect("a case");
        let (outcome, events) = record(|| Subject::MAP.run(&case, Checks::Every));
        assert!(outcome.is_ok(), "{outcome:?}");
        let done = events.into_iter().filter_map(|event| match event {
            Event::Done { at, part } => Some((at, part)),
            _ => None,
        });
        done.collect::<Vec<_>>()
    };
    let whole = |at: usize| (at, None);
    let part = |key: usize| (0, Some(format!("insert k{key} v{key}")));
    let fill: Vec<_> = (4..12).map(part).chain([whole(1)]).collect();
    for hasher in ["mix", "fickle 8"] {
        assert_eq!(told(hasher, ""), []);
        let armed = told(hasher, " panic-at hash 1\n insert k1 v1\n get k1\n");
        assert_eq!(armed, [0, 1, 2].map(whole), "{hasher}");
        assert_eq!(told(hasher, " fill-to-threshold +8 k4\n clear\n"), fill, "{hasher}");
    }
}
