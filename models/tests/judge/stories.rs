//! Stories with known verdicts, each with its claim. For how they are written, see `Story::told`.

use models::oracles::whole_map::{Contracts, Walk};

/// Walks come to a key as often as it is inserted; for the rest, they are strict.
const AGAIN: Contracts = Contracts { walk: Walk::Again, ..Contracts::STRICT };

/// Some order explains the answers.
pub const LEGAL: &[(&str, &str)] = &[
    (
        "an insert is missed by who does not know of it",
        "
        writer insert k1 v5 -> None
        reader get k1 -> None",
    ),
    (
        "an insert is seen by who does not know of it",
        "
        reader get k1 -> Some(v5)
        writer insert k1 v5 -> None",
    ),
    (
        "an old value is seen until the new one is",
        "
        given k1 v1
        writer insert k1 v2 -> Some(v1)
        reader get k1 -> Some(v1)
        reader get k1 -> Some(v2)",
    ),
    (
        "a removed key is seen by who does not know",
        "
        given k1 v1
        writer remove k1 -> Some(v1)
        reader get k1 -> Some(v1)",
    ),
    (
        "what the writer knew before it wrote, the reader need not",
        "
        given k1 v1
        reader get k1 -> Some(v1)
        writer insert k1 v2 -> Some(v1)
        reader get k1 -> Some(v1)
        reader.0 < writer.0",
    ),
    (
        "store buffering: each misses the other's insert",
        "
        a insert k1 v1 -> None
        a get k2 -> None
        b insert k2 v2 -> None
        b get k1 -> None",
    ),
    (
        "independent readers see independent inserts in either order",
        "
        a insert k1 v1 -> None
        b insert k2 v2 -> None
        c get k1 -> Some(v1)
        c get k2 -> None
        d get k2 -> Some(v2)
        d get k1 -> None",
    ),
    (
        "a second key is seen without the first, if nothing orders them",
        "
        writer insert k1 v1 -> None
        writer insert k2 v2 -> None
        reader get k2 -> Some(v2)
        reader get k1 -> None",
    ),
    (
        "an iteration sees one of two inserts",
        "
        writer insert k1 v1 -> None
        writer insert k2 v2 -> None
        reader iter -> {k2 v2}",
    ),
    (
        "updates add up in either order",
        "
        given k1 v0
        a update k1 v1 -> Some(v11)
        b update k1 v10 -> Some(v10)",
    ),
    (
        "what panicked has happened or not",
        "
        given k1 v1
        writer insert k1 v2
        reader get k1 -> Some(v1)
        reader get k1 -> Some(v2)",
    ),
    (
        "what panicked need not have happened for its own thread",
        "
        given k1 v1
        writer insert k1 v2
        writer get k1 -> Some(v1)",
    ),
    (
        "a clear comes to each key at a moment of its own",
        "
        given k1 v1
        given k2 v2
        a clear -> nothing
        b get k1 -> None
        b get k2 -> Some(v2)",
    ),
    (
        "a retain leaves the others",
        "
        given k1 v1
        given k2 v2
        a retain 1 0 -> nothing
        a iter -> {k1 v1}",
    ),
    (
        "the onlooker sees what was left",
        "
        writer insert k1 v5 -> None
        onlooker get k1 -> Some(v5)",
    ),
];

/// No order does.
pub const ILLEGAL: &[(&str, &str)] = &[
    (
        "an insert is missed by who knows of it",
        "
        writer insert k1 v5 -> None
        reader get k1 -> None
        writer.0 < reader.0",
    ),
    (
        "an insert is missed by who knows of a later one",
        "
        writer insert k1 v5 -> None
        writer insert k2 v6 -> None
        reader get k2 -> Some(v6)
        reader get k1 -> None
        writer.1 < reader.0",
    ),
    (
        "an insert is missed by its own thread",
        "
        writer insert k1 v5 -> None
        writer get k1 -> None",
    ),
    (
        "a thread goes back behind what it has seen",
        "
        given k1 v1
        writer insert k1 v2 -> Some(v1)
        reader get k1 -> Some(v2)
        reader get k1 -> Some(v1)",
    ),
    (
        "a thread goes back behind what another has told it",
        "
        given k1 v1
        writer insert k1 v2 -> Some(v1)
        first get k1 -> Some(v2)
        second get k1 -> Some(v1)
        first.0 < second.0",
    ),
    (
        "a value is seen before it is written",
        "
        reader get k1 -> Some(v5)
        writer insert k1 v5 -> None
        reader.0 < writer.0",
    ),
    (
        "a value is seen that nobody wrote",
        "
        given k1 v1
        reader get k1 -> Some(v7)",
    ),
    (
        "what was there is forgotten",
        "
        given k1 v1
        reader get k1 -> None",
    ),
    (
        "two readers see two inserts in opposite orders",
        "
        a insert k1 v1 -> None
        b insert k1 v2 -> Some(v1)
        c get k1 -> Some(v1)
        c get k1 -> Some(v2)
        d get k1 -> Some(v2)
        d get k1 -> Some(v1)",
    ),
    (
        "an update is lost",
        "
        given k1 v0
        a update k1 v1 -> Some(v1)
        b update k1 v10 -> Some(v10)",
    ),
    (
        "two inserts find nothing",
        "
        a insert k1 v1 -> None
        b insert k1 v2 -> None",
    ),
    (
        "two removes win",
        "
        given k1 v1
        a remove k1 -> Some(v1)
        b remove k1 -> Some(v1)",
    ),
    (
        "two are the first",
        "
        a entry-or-insert-with k1 v1 -> Some(v1)
        b entry-or-insert-with k1 v2 -> Some(v2)",
    ),
    (
        "a removed key comes back",
        "
        given k1 v1
        writer remove k1 -> Some(v1)
        writer get k1 -> Some(v1)",
    ),
    (
        "what panicked is seen and then not",
        "
        given k1 v1
        writer insert k1 v2
        first get k1 -> Some(v2)
        second get k1 -> Some(v1)
        first.0 < second.0",
    ),
    (
        "what panicked is seen by who was before it",
        "
        reader get k1 -> Some(v5)
        writer insert k1 v5
        reader.0 < writer.0",
    ),
    (
        "a clear forgets a key",
        "
        given k1 v1
        a clear -> nothing
        a get k1 -> Some(v1)",
    ),
    (
        "a retain takes what it keeps",
        "
        given k1 v1
        a retain 1 0 -> nothing
        a get k1 -> None",
    ),
    (
        "a retain by value leaves what it takes",
        "
        given k1 v2
        a retain-values 1 0 -> nothing
        a get k1 -> Some(v2)",
    ),
    (
        "an iteration skips what it knows of",
        "
        writer insert k1 v1 -> None
        reader iter -> {}
        writer.0 < reader.0",
    ),
    (
        "an iteration yields an old value",
        "
        given k1 v1
        writer insert k1 v2 -> Some(v1)
        writer iter -> {k1 v1}",
    ),
    (
        "an iteration yields a key twice",
        "
        given k1 v1
        reader iter -> {k1 v1, k1 v1}",
    ),
    (
        "an iteration yields a key that nobody inserted",
        "
        given k1 v1
        reader iter -> {k1 v1, k9 v9}",
    ),
    (
        "an iteration yields a key that nobody can insert",
        "
        reader iter -> {k70000 v9}",
    ),
    (
        "what was left is not the last value",
        "
        given k1 v1
        writer insert k1 v2 -> Some(v1)
        onlooker get k1 -> Some(v1)",
    ),
];

/// What the contract lets a map do, and a stricter one does not.
pub const PROMISED: &[(&str, Contracts, &str)] = &[
    (
        "a clear comes to a key again that is inserted meanwhile",
        Contracts::WEAK,
        "
        given k1 v0
        walker clear -> nothing
        writer get k1 -> None
        writer insert k1 v5 -> None
        writer get k1 -> None",
    ),
    (
        "as often as it is inserted",
        AGAIN,
        "
        walker retain 0 0 -> nothing
        writer insert k1 v5 -> None
        writer insert k1 v6 -> None
        writer insert k1 v7 -> None
        writer get k1 -> None",
    ),
    (
        "an iteration comes to a key again that is removed and inserted meanwhile",
        AGAIN,
        "
        given k1 v0
        walker iter -> {k1 v0, k1 v5}
        writer remove k1 -> Some(v0)
        writer insert k1 v5 -> None",
    ),
    (
        "two iterations see two writes in different orders",
        Contracts { walk: Walk::Once, ..Contracts::WEAK },
        "
        given k1 v0
        writer insert k1 v5 -> Some(v0)
        walker iter -> {k1 v5}
        walker iter -> {k1 v0}",
    ),
];

/// What no contract lets a map do.
pub const NOT_PROMISED: &[(&str, &str)] = &[
    (
        "a clear that knows of no insert to come does not come to a key again",
        "
        given k1 v0
        walker clear -> nothing
        walker insert k1 v5 -> None
        walker get k1 -> None",
    ),
    (
        "nor does one after which the insert happened",
        "
        walker clear -> nothing
        writer insert k1 v5 -> None
        writer get k1 -> None
        walker.0 < writer.0",
    ),
    (
        "a retain by value comes to a key once if none is inserted meanwhile",
        "
        given k1 v2
        walker retain-values 1 1 -> nothing
        writer update k1 v1 -> Some(v3)
        writer update k1 v1 -> Some(v4)
        writer insert k1 v2 -> None
        writer get k1 -> None
        walker.0 < writer.2",
    ),
    (
        "an entry that is never removed is not yielded twice",
        "
        given k1 v0
        walker iter -> {k1 v0, k1 v5}
        writer insert k1 v5 -> Some(v0)",
    ),
    (
        "an entry there throughout is yielded",
        "
        given k1 v0
        walker iter -> {}
        writer insert k1 v5 -> Some(v0)",
    ),
    (
        "a value is one that the key had",
        "
        given k1 v0
        walker iter -> {k1 v7}
        writer insert k1 v5 -> Some(v0)",
    ),
];
