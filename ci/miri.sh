#!/usr/bin/env bash
# Is the unsafe code defined behaviour? Of Map, by its unit tests and where entries are dropped; of
# ConcurrentMap, in one thread and in a few, with weak memory.
# Needs the nightly toolchain's miri. More than ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

export MIRIFLAGS="-Zmiri-disable-isolation"
# Leaks are meant in these: maps that the exams of the checks broke are forgotten, and a panic in a `Drop` leaks.
MIRIFLAGS="$MIRIFLAGS -Zmiri-ignore-leaks" cargo +nightly miri test -p map-core --lib --test concurrent_closures
cargo +nightly miri test -p map-core --test drops --test concurrent_platform --test concurrent_stress
