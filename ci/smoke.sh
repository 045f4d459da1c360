#!/usr/bin/env bash
# Does every hunter run, and find nothing in a little time? Fixed seeds, so a run is like the last one.
# MODELS: the program, if it is built already (default: `cargo models`).
set -euo pipefail
cd "$(dirname "$0")/.."
ci/install-cargo-fuzz.sh
read -ra models <<<"${MODELS:-cargo models}"
targets=$(cargo fuzz list)
host=$(rustc -vV | sed -n 's/^host: //p')
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
    # A growth is at work in these. Only what the target has compiled itself is instrumented.
    if [ "$target" != schedules ]; then
        symbols=$(nm "${CARGO_TARGET_DIR:-target}/$host/release/$target" | grep -E 'growth_work_now|help_growth')
        if grep -v 'map_core_fuzz$' <<<"$symbols"; then
            echo "$target runs these uninstrumented"
            exit 1
        fi
    fi
done
"${models[@]}" ops --seed 1 --ops 2000000
"${models[@]}" ops --seed 1 --ops 500000 --subject concurrent
"${models[@]}" run --seed 1 --executions 2000
