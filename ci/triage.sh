#!/usr/bin/env bash
# Does triage give one bug one name? Plants faults one at a time, finds each from many seeds, triages what was found, and
# prints a table: sizes before and after, seconds, signatures a fault, faults a signature.
#
#   ci/triage.sh [OPTIONS…]     OPTIONS as of `cargo models names`; an hour or so
#
# Exit 0: each fault has one signature and none shares it. 1: not so. 2: a fault cannot be planted.
set -euo pipefail
cd "$(dirname "$0")/.."
sequential=clear-forgets,delete-looks-only,drain-forgets,evacuation-does-not-count,evacuation-ends-at-a-tombstone,evacuation-forgets-deep,growth-never-finishes,len-counts-an-overwrite,load-threshold-off-by-one,mark-one-too-far,overwrite-replaces,remove-does-no-growth,retain-forgets,same-size-growth-never,split-by-the-wrong-bit,trail-misses
concurrent=clear-skips-a-busy,compute-keeps-a-stale,entry-retired-twice,evacuated-published-before,get-or-insert-inserts,writer-does-not-recheck
cargo models names --only "$sequential,$concurrent" "$@"
