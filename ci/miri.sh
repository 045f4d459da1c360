#!/usr/bin/env bash
# Is the unsafe code of ConcurrentMap defined behaviour, in one thread and in a few, with weak memory?
# Needs the nightly toolchain's miri. About ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

export MIRIFLAGS="-Zmiri-disable-isolation"
cargo +nightly miri test -p map-core --lib concurrent
cargo +nightly miri test -p map-core \
    --test concurrent_platform --test concurrent_closures --test concurrent_stress
