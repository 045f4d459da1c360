//! A text that is no case gets one line that says where, what is there and what was expected.

use models::case::{Case, Expectation};
use models::engines::judge::ALLOWED;
use models::engines::shuttle::RACE;
use models::engines::threads::PROGRESS;
use models::oracles;
use models::triage::sighting::{CRASH, HANG};

fn error(text: &str) -> String {
    Case::parse(text).expect_err("no case").to_string()
}

#[test]
fn errors_name_the_line_what_is_there_and_what_was_expected() {
    for (text, expected) in [
        ("", "line 1: expected `case 1`, found the end of the file"),
        ("# only a comment\n", "line 2: expected `case 1`, found the end of the file"),
        ("hello\n", "line 1: expected `case 1`, found `hello`"),
        ("case\n", "line 1: expected `case 1`, found the end of the line"),
        ("case x\n", "line 1: expected a version number, found `x`"),
        (
            "case 0\n",
            "line 1: expected version 1, the only one this program reads, found version 0",
        ),
        (
            "case 7\n",
            "line 1: expected version 1, the only one this program reads, found version 7",
        ),
        ("case 1 2\n", "line 1: expected the end of the line, found `2`"),
        (
            "case 1\n",
            "line 2: expected `hasher`, `order`, `elements`, `capacity`, `expect` or `thread`, found the end of the file",
        ),
        (
            "case 1\nhasher md5\n",
            "line 2: expected a hasher (identity, zero, low3, top-byte, mix, low-bits, seeded, fickle), found `md5`",
        ),
        (
            "case 1\nhasher seeded\n",
            "line 2: expected a seed (0 to 65535), found the end of the line",
        ),
        ("case 1\norder go-ish\n", "line 2: expected an order (go, in-order), found `go-ish`"),
        ("case 1\ncapacity 65536\n", "line 2: expected a capacity (0 to 65535), found `65536`"),
        ("case 1\nexpect fail\n", "line 2: expected `pass` or `finding ORACLE`, found `fail`"),
        (
            "case 1\nexpect finding wobble\n",
            "line 2: expected an oracle (reference, well-formed, work, iteration, drops, panics, barrier, closures, view, \
             linearizability, len, outcome, race, reclamation, deadlock, livelock, stall, progress, crash, hang), found `wobble`",
        ),
        ("case 1\nthread\n", "line 2: expected a thread's name, found the end of the line"),
        ("case 1\nthread main\n", "line 3: expected an op or `end`, found the end of the file"),
        (
            "case 1\nthread main\n  inser k1 v1\nend\n",
            "line 3: expected an op (with this letter: insert, iter, iter-mut, into-iter, into-iter-drop, \
             into-keys-values) or `end`, found `inser`",
        ),
        (
            "case 1\nthread main\n  get\nend\n",
            "line 3: expected a key (k0 to k65535) for `get`, found the end of the line",
        ),
        (
            "case 1\nthread main\n  get 4\nend\n",
            "line 3: expected a key (k0 to k65535) for `get`, found `4`",
        ),
        (
            "case 1\nthread main\n  get k4 k5\nend\n",
            "line 3: expected the end of the line, found `k5`",
        ),
        (
            "case 1\nthread main\n  cursor-close c4\nend\n",
            "line 3: expected a cursor (c0 to c3) for `cursor-close`, found `c4`",
        ),
        (
            "case 1\nthread main\nend\ncapacity 3\n",
            "line 4: expected `thread` or the end of the file, found `capacity`",
        ),
        (
            "case 1\nthread main\nend\nschedule\nend\n",
            "line 4: expected `thread` or the end of the file, found `schedule`",
        ),
        (
            "case 1\nthread a\nend\nthread b\nend\ncapacity 3\n",
            "line 6: expected `thread`, `schedule` or the end of the file, found `capacity`",
        ),
        (
            "case 1\nthread a\nend\nthread a\nend\n",
            "line 4: expected a name that no other thread has, found `a`",
        ),
        ("case 1\nthread a\n  élan k1\nend\n", "line 3: expected an op or `end`, found `élan`"),
    ] {
        assert_eq!(error(text), expected, "for {text:?}");
    }
}

/// Those that triage and real threads name are among them, and every objection checks that its oracle is.
#[test]
fn any_oracle_can_be_expected_to_object() {
    for oracle in oracles::NAMES.into_iter().chain([CRASH, HANG, PROGRESS, ALLOWED, RACE]) {
        let text = format!("case 1\nexpect finding {oracle}\nthread main\nend\n");
        let case = Case::parse(&text).expect(oracle);
        assert_eq!(case.expect, Expectation::Finding(oracle.to_string()));
    }
}

#[test]
fn a_second_line_for_what_the_header_has_said_is_an_error() {
    for line in ["hasher low3", "order go", "elements wide", "capacity 3", "expect pass"] {
        let text = format!("case 1\n{line}\n# of it\n{line}\nthread main\nend\n");
        let word = line.split(' ').next().expect("a word");
        let expected = format!("line 4: expected only one `{word}`, found a second");
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn blanks_and_indentation_mean_nothing_and_comments_stay() {
    let text = "\n\tcase 1  \n#about\n\n  hasher   low3\nthread  a\nget k1\n # why\n\n iter\n# last\n end\n";
    let case = Case::parse(text).unwrap();
    assert_eq!(case.story, ["about"]);
    assert_eq!(case.threads[0].notes, [(1, "why".to_string()), (2, "last".to_string())]);
    assert_eq!(Case::parse(&case.to_string()), Ok(case));
}

#[test]
fn the_example_of_several_threads_in_the_documentation_is_a_case() {
    let text = include_str!("../../corpus/README.md");
    let (_, text) = text.split_once("### Several threads").expect("it is documented");
    let lines = text.lines().skip_while(|line| !line.starts_with("    "));
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    let case = Case::parse(&lines.collect::<Vec<_>>().join("\n")).expect("a case");
    assert_eq!((case.given().len(), case.running().len(), case.schedule.len()), (2, 2, 2));
}

#[test]
fn several_threads_are_read() {
    let case =
        Case::parse("case 1\nthread reader\nget k1\nend\nthread writer\ninsert k1 v2\nend\n")
            .unwrap();
    assert!(!case.is_sequential());
    assert_eq!(case.threads[1].name, "writer");
}

#[test]
fn a_schedule_is_read_and_its_errors_name_the_line() {
    let text = |schedule: &str| {
        format!(
            "case 1\nthread given\nend\nthread a\nend\nthread b\nend\nschedule\n{schedule}\nend\n"
        )
    };
    let whole = text(
        "  switch given.end to a\n  stall a.0 copying-bucket#1+0\n  read b.2 start+3 back 1\n  write b.2 locked#0+1 back 2\n  \
         defer b.2 about-to-retire-entry#0+0\n  \
         recycle b.2 about-to-retire-segment#1+0\n  \
         abandon a.0 claimed-bucket#0+0\n  grow a.1 start+0",
    );
    let case = Case::parse(&whole).expect("it is a case");
    assert_eq!(case.schedule.len(), 8);
    assert_eq!(case.running().len(), 2);
    assert_eq!(Case::parse(&case.to_string()).as_ref(), Ok(&case));
    for (schedule, error) in [
        (
            "swap a.0 start+0",
            "line 9: expected `switch`, `stall`, `read`, `write`, `defer`, `recycle`, `abandon`, `grow` or `end`, found `swap`",
        ),
        ("switch a.0 start+0 b", "line 9: expected `to`, found `b`"),
        (
            "stall a start+0",
            "line 9: expected a thread and its op (`writer.0`) or its end (`writer.end`), found `a`",
        ),
        (
            "stall a.0 nowhere#0+1",
            "line 9: expected a moment and steps (`copying-bucket#0+2`, `start+3`), found `nowhere#0+1`",
        ),
        (
            "stall nobody.0 start+0",
            "line 9: expected one of the threads (given, a, b), found `nobody`",
        ),
        (
            "switch a.0 start+0 to bb",
            "line 9: expected one of the threads (given, a, b), found `bb`",
        ),
        (
            "read a.0 start+1 back",
            "line 9: expected how many stores back, found the end of the line",
        ),
    ] {
        assert_eq!(Case::parse(&text(schedule)).expect_err(schedule).to_string(), error);
    }
}
