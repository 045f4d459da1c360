//! Figures taken from Go's map: thresholds, hints, the state after the n-th insert, a same-size growth, the writes a
//! doubling takes.

use map_core::GrowthKind;
use models::generators::hashers::Hasher;
use models::go_trace::{GoMap, digest_live, make};
use std::collections::BTreeMap;
use std::path::Path;

/// The rows of a table, each by the names of its columns.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/go/tables").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.next().expect("the names of the columns").split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(str::to_string);
        names.iter().map(|name| name.to_string()).zip(cells).collect()
    };
    let rows: Vec<_> = lines.map(row).collect();
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

fn number(row: &BTreeMap<String, String>, column: &str) -> i64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is {:?}", row[column]))
}

fn is_growing(map: &GoMap) -> bool {
    map.growth_state().growing.is_some()
}

/// The map after the inserts that start its doubling from 2^B buckets.
fn at_doubling(hasher: Hasher, buckets_log2: u32) -> GoMap {
    let mut map = make(hasher, 0);
    for key in 0.. {
        let before = map.growth_state();
        map.insert(key, key);
        let after = map.growth_state();
        if after.growths_started > before.growths_started && after.buckets_log2 == buckets_log2 + 1
        {
            return map;
        }
    }
    unreachable!("a map that is inserted into grows")
}

#[test]
fn the_nth_distinct_key_starts_a_doubling() {
    let mut rows =
        table("growth_thresholds.csv").into_iter().filter(|row| number(row, "B") <= 12).peekable();
    let mut map = make(Hasher::Mix, 0);
    for n in 1.. {
        let Some(row) = rows.peek() else { break };
        let before = map.growth_state();
        map.insert(n, n);
        // Overwrites and reads start nothing.
        map.insert(n, 0);
        let after = map.growth_state();
        let is_due = n as i64 == number(row, "nth_distinct_key_that_starts_growth");
        assert_eq!(after.growths_started > before.growths_started, is_due, "insert {n}");
        if is_due {
            assert_eq!(i64::from(before.buckets_log2), number(row, "B"));
            assert_eq!(i64::from(after.buckets_log2), number(row, "B") + 1);
            rows.next();
        }
    }
}

#[test]
fn a_hint_makes_as_many_buckets() {
    for row in table("hint_to_B.csv") {
        let hint = number(&row, "hint").max(0) as u64;
        let map = make(Hasher::Mix, hint);
        assert_eq!(i64::from(map.growth_state().buckets_log2), number(&row, "B"), "hint {hint}");
        assert_eq!(
            i64::from(!map.view().table().is_allocated()),
            number(&row, "buckets_nil"),
            "hint {hint}"
        );
    }
}

#[test]
fn the_state_after_each_insert_is_gos() {
    for (name, hasher) in
        [("insert_progress_ident.csv", Hasher::Identity), ("insert_progress_mix.csv", Hasher::Mix)]
    {
        let mut map = make(hasher, 0);
        for row in table(name) {
            let (hint, n) = (number(&row, "hint"), number(&row, "n"));
            if n == 0 {
                map = make(hasher, hint as u64);
            } else {
                map.insert(n as u64 - 1, row_value(n));
            }
            let growth = map.growth_state();
            let seen = [
                ("len", map.len() as i64),
                ("B", growth.buckets_log2.into()),
                ("growing", is_growing(&map).into()),
                ("nevacuate", growth.mark as i64),
                ("noverflow", growth.overflow_buckets as i64),
                ("samesize", (growth.growing == Some(GrowthKind::SameSize)).into()),
                ("old_buckets", growth.old_buckets as i64),
                ("old_evacuated", growth.evacuated as i64),
            ];
            for (column, seen) in seen {
                assert_eq!(seen, number(&row, column), "{name}: hint {hint}, n {n}: {column}");
            }
            let digest = format!("{:016x}", digest_live(&map));
            assert_eq!(digest, row["digest_live"], "{name}: hint {hint}, n {n}");
        }
    }
}

/// What the recording inserted as the value of the n-th key.
fn row_value(n: i64) -> u64 {
    n as u64
}

/// The digests of these steps are in the recording `t09_samesize_ident`, which has the values too.
#[test]
fn a_same_size_growth_starts_and_ends_as_gos() {
    let mut map = make(Hasher::Identity, 104);
    for row in table("samesize_deterministic.csv") {
        let key = number(&row, "key") as u64;
        match row["op"].as_str() {
            "init" => {}
            "put" | "overwrite" => {
                map.insert(key, 7);
            }
            "del" | "del_absent" => {
                map.remove(&key);
            }
            "get" => {
                map.get(&key);
            }
            other => panic!("op {other}"),
        }
        let growth = map.growth_state();
        let step = &row["step"];
        assert_eq!(map.len() as i64, number(&row, "len"), "step {step}");
        assert_eq!(growth.overflow_buckets as i64, number(&row, "noverflow"), "step {step}");
        assert_eq!(i64::from(is_growing(&map)), number(&row, "growing"), "step {step}");
        assert_eq!(
            i64::from(growth.growing == Some(GrowthKind::SameSize)),
            number(&row, "samesize"),
            "step {step}"
        );
        assert_eq!(growth.mark as i64, number(&row, "nevacuate"), "step {step}");
    }
}

/// With the identity hash and keys in a row the number of writes is exact; with random keys it lies in the range that was
/// seen, give or take what a range of so many runs misses.
#[test]
fn a_doubling_takes_as_many_writes_as_gos() {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut rows = 0;
    for row in table("evacuation_writes.csv") {
        let old_log2 = number(&row, "oldB") as u32;
        if row["hash"] != "ident" || old_log2 > 10 {
            continue;
        }
        let mut map = at_doubling(Hasher::Identity, old_log2);
        let len = map.len() as u64;
        let mut next = len;
        let mut writes = 1;
        let limit = 4 * number(&row, "old_buckets") + 4;
        while is_growing(&map) && writes < limit {
            writes += 1;
            match row["mode"].as_str() {
                "insert_new" => {
                    map.insert(next, 0);
                    next += 1;
                }
                "overwrite_seq" => {
                    map.insert((writes as u64 - 2) % len, 0);
                }
                "overwrite_random" => {
                    map.insert(rng.u64(0..len), 0);
                }
                "delete_present_random" => {
                    let present: Vec<u64> = map.keys().copied().collect();
                    map.remove(&present[rng.usize(0..present.len())]);
                }
                "delete_absent_random" => {
                    map.remove(&rng.u64(1 << 20..1 << 40));
                }
                "read_present" => {
                    map.get(&rng.u64(0..len));
                }
                "read_absent" => {
                    map.get(&rng.u64(1 << 20..1 << 40));
                }
                "iterate" => {
                    let mut cursor = map.cursor();
                    while cursor.next(&map).is_some() {}
                }
                other => panic!("mode {other}"),
            }
        }
        let context = format!("{} from {} buckets", row["mode"], row["old_buckets"]);
        rows += 1;
        match (number(&row, "writes_min"), number(&row, "writes_max")) {
            (-1, _) => assert!(is_growing(&map), "{context} never ends a growth"),
            (least, most) if least == most => assert_eq!(writes, least, "{context}"),
            (least, most) => {
                let slack = 1 + most / 10;
                assert!(
                    (least - slack..=most + slack).contains(&writes),
                    "{context}: {writes} writes"
                );
            }
        }
    }
    assert!(rows > 50, "only {rows} rows were looked at");
}
