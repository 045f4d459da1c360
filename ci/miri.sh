#!/usr/bin/env bash
# Is the unsafe code defined behaviour? Of Map, by its unit tests and where entries are dropped; of
# ConcurrentMap, in one thread and in a few, with weak memory.
# Needs the nightly toolchain's miri. More than ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

export MIRIFLAGS="-Zmiri-disable-isolation"
# The unit tests of the checks forget the maps that they broke.
MIRIFLAGS="$MIRIFLAGS -Zmiri-ignore-leaks" cargo +nightly miri test -p map-core --lib
cargo +nightly miri test -p map-core --test drops \
    --test concurrent_platform --test concurrent_closures --test concurrent_stress
