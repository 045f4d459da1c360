#!/usr/bin/env bash
# Does every hunter run, and find nothing in a little time? Fixed seeds, so a run is like the last one.
set -euo pipefail
cd "$(dirname "$0")/.."
ci/install-cargo-fuzz.sh
targets=$(cargo fuzz list)
for target in $targets; do
    echo "== cargo fuzz run $target"
    scratch=$(mktemp -d)
    seeds=()
    [ -d "corpus/seeds/$target" ] && seeds+=("corpus/seeds/$target")
    sanitizer=address
    # Coroutine stacks and AddressSanitizer get in each other's way.
    [ "$target" = schedules ] && sanitizer=none
    cargo fuzz run --sanitizer "$sanitizer" "$target" "$scratch" ${seeds+"${seeds[@]}"} -- -seed=1 -runs=1000 -max_total_time=15 -verbosity=0
    rm -rf "$scratch"
done
cargo models ops --seed 1 --ops 2000000
cargo models ops --seed 1 --ops 500000 --subject concurrent
cargo models run --seed 1 --executions 2000
