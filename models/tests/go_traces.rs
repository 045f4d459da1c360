//! Recordings of Go's map: the kept ones agree; a falsified or broken one is noticed.

use models::go_trace::{Trace, replay};
use std::path::{Path, PathBuf};

fn traces() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/go/traces");
    let files = std::fs::read_dir(folder).expect("the recordings are there");
    let paths = files.map(|entry| entry.expect("a readable entry").path());
    paths.map(|path| (path.clone(), std::fs::read_to_string(path).expect("text"))).collect()
}

fn one(name: &str) -> String {
    let all = traces();
    let found = all.into_iter().find(|(path, _)| path.file_stem().is_some_and(|stem| stem == name));
    found.expect("a recording of this name").1
}

#[test]
fn every_step_of_every_recording_agrees() {
    let traces = traces();
    assert!(traces.len() >= 7);
    for (path, text) in traces {
        let trace =
            Trace::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match replay(&trace) {
            Ok(steps) => assert!(steps > 300),
            Err(difference) => panic!("{}: {difference}", path.display()),
        }
    }
}

/// The 60th line of the recording with one column replaced.
fn falsified(column: usize, value: &str) -> String {
    let text = one("t02_small_mix");
    let lines = text.lines().enumerate().map(|(index, line)| {
        if index != 59 {
            return line.to_string();
        }
        let mut cells: Vec<&str> = line.split(',').collect();
        assert_ne!(cells[column], value, "the column must change");
        cells[column] = value;
        cells.join(",")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_falsified_column_is_named() {
    let digest = "0123456789abcdef";
    for (column, name, value) in [
        (5, "out0", "9"),
        (8, "len", "99"),
        (9, "B", "9"),
        (10, "noverflow", "9"),
        (11, "growing", "9"),
        (12, "samesize", "9"),
        (13, "nevacuate", "999"),
        (14, "fl_iterator", "9"),
        (15, "fl_olditerator", "9"),
        (16, "digest_live", digest),
    ] {
        let trace = Trace::read(&falsified(column, value)).expect("still a recording");
        let difference = replay(&trace).expect_err("it differs");
        assert_eq!((difference.column, difference.line), (name, 60));
        assert_eq!(difference.expected, value);
        let said = difference.to_string();
        assert!(said.contains(&format!("has {name} ")) && said.contains("step 57"), "{said}");
    }
}

#[test]
fn a_broken_file_gets_one_line_that_says_where() {
    let head = "# trace=x hash=ident hint=0 keys=u64 vals=u64\n";
    let columns = one("t02_small_mix").lines().nth(1).expect("columns").to_string();
    let row = "0,init,0,0,0,0,0,0,0,0,0,0,0,0,0,0,af64724c8602eb6e,af64724c8602eb6e";
    let body = |row: &str| format!("{head}{columns}\n{row}\n");
    assert!(Trace::read(&body(row)).is_ok());
    for (text, line, said) in [
        (String::new(), 1, "the file is empty"),
        ("step,op\n".into(), 1, "was expected, found"),
        ("# trace=x hint=0\n".into(), 1, "no `hash=`"),
        ("# hash=md5 hint=0\n".into(), 1, "hash `md5` is not one of ident, mix, low3, zero"),
        ("# hash=mix hint=x\n".into(), 1, "hint `x`"),
        ("# hash=mix hint=0 keys=string\n".into(), 1, "keys are `string`"),
        (head.into(), 2, "ends before"),
        (format!("{head}step,op\n"), 2, "no column `"),
        (format!("{head}{columns}\n"), 2, "no steps"),
        (body("0,init,0"), 3, "3 columns; 18 were expected"),
        (body(&row.replace("init", "pop")), 3, "op `pop` is not one of"),
        (body(&row.replace("0,init,0", "0,get,x")), 3, "a (key) is \"x\", not a number"),
        (body(&row.replace("0,init,0", "0,iter_next,4")), 3, "iterator 4 was never opened"),
        (body(&row[..row.len() - 3]), 3, "digest_full is \"af64724c8602e\", not 16 hex digits"),
    ] {
        let error = Trace::read(&text).expect_err("not a recording");
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains(said), "{error} does not say {said:?}");
        assert!(!error.to_string().contains('\n'));
    }
}
