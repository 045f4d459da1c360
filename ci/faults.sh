#!/usr/bin/env bash
# Is every planted fault found? Applies each patch of corpus/faults to a copy of the workspace, and lets every detector
# look for it, tests and AddressSanitizer for what no other finds; what is not found has longer then. Writes the kill matrix to
# corpus/faults/MATRIX.md.
#
#   ci/faults.sh                              all faults, 5 seeds, 3 s a go: four hours
#   ci/faults.sh --shard K/N                  every N-th fault only, and no matrix: what is known is in target/faults/results.
#   ci/faults.sh --known                      the matrix of what is known there, of all shards together, in target/faults/MATRIX.md
#   ci/faults.sh --subset                     a fixed few, until the first kill: some minutes, as `.ci/run` does
#   ci/faults.sh --dir DIRECTORY [OPTIONS…]   somebody else's patches; OPTIONS as of `cargo models faults`
#   ci/faults.sh --unpatched 150 --detectors all   no fault at all: every detector there is, an hour together. With 3600 and
#                                             --ledger FILE an hour of each, in as many pieces as it takes
#
# MODELS: the path of the program, if it is built already (default: `cargo models`).
# Exit 0: all found. 1: some survived. 2: a patch does not apply or build. 130: interrupted; what is known is kept, the
# matrix is as it was.
set -euo pipefail
cd "$(dirname "$0")/.."
models=(cargo models)
[ -z "${MODELS:-}" ] || models=("$MODELS")
# Who looks after all others.
last=check,map-tests,fuzz-concurrent-ops
case ${1:-} in
    --known) "${models[@]}" faults --known --focus --last $last --markdown target/faults/MATRIX.md ;;
    '' | --shard)
        ci/install-cargo-fuzz.sh
        hunt=(--focus --jobs 2 --last $last "$@")
        [ $# = 0 ] && hunt+=(--markdown corpus/faults/MATRIX.md)
        exit=0
        "${models[@]}" faults --budget 3 --seeds 5 "${hunt[@]}" || exit=$?
        [ $exit = 1 ] || exit $exit
        "${models[@]}" faults --budget 30 --first "${hunt[@]}"
        ;;
    --subset)
        # One of each sort: lookups, evacuation, iteration, panics, thresholds; an edge, a lock, a retirement, a counter.
        "${models[@]}" faults --first --budget 10 --detectors ops,ops-iteration,ops-panics,pos,stale --only \
            delete-looks-only,evacuation-ends-at,trail-misses,retain-panic,load-threshold-off,clone-panic-leaves,edge-unlock-store,writer-does-not-recheck,entry-retired-twice,len-counted-before ;;
    *) "${models[@]}" faults "$@" ;;
esac
