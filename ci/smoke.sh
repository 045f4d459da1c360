#!/usr/bin/env bash
# Does every hunter run, and find nothing in a little time? Fixed seeds, so a run is like the last one.
# MODELS: the path of the program, if it is built already (default: `cargo models`).
set -euo pipefail
cd "$(dirname "$0")/.."
ci/install-cargo-fuzz.sh
models=(cargo models)
[ -z "${MODELS:-}" ] || models=("$MODELS")
targets=$(cargo fuzz list)
host=$(rustc -vV | sed -n 's/^host: //p')
for target in $targets; do
    echo "== cargo fuzz run $target"
    scratch=$(mktemp -d)
    seeds=()
    [ -d "corpus/seeds/$target" ] && seeds+=("corpus/seeds/$target")
    how=(--sanitizer address)
    # Coroutine stacks and AddressSanitizer get in each other's way. As nothing else is built without it, optimised little.
    [ "$target" = schedules ] && how=(--sanitizer none --dev)
    cargo fuzz run "${how[@]}" "$target" "$scratch" ${seeds+"${seeds[@]}"} -- -seed=1 -runs=1000 -max_total_time=15 -verbosity=0
    rm -rf "$scratch"
    # What a growth does has to be instrumented: by this constant, code for x86-64 finds what AddressSanitizer knows of an address.
    if [ "$target" != schedules ] && [ "$(uname -m)" = x86_64 ]; then
        objdump -d --no-show-raw-insn "${CARGO_TARGET_DIR:-target}/$host/release/$target" | awk '
            /^[0-9a-f]+ </ { name = $2 }
            name ~ /growth_work_now|help_growth/ { checks[name] += /7fff8000/ }
            END {
                for (name in checks) { all++; if (!checks[name]) { print "not instrumented: " name; bad = 1 } }
                exit bad || !all
            }'
    fi
done
"${models[@]}" ops --seed 1 --ops 2000000
"${models[@]}" ops --seed 1 --ops 500000 --subject concurrent
"${models[@]}" run --seed 1 --executions 250
