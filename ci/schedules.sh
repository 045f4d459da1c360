#!/usr/bin/env bash
# Does an hour of chosen schedules find anything in ConcurrentMap?
#
#   ci/schedules.sh [SECONDS]        in all, at least 10: default 3600
#
# Exit 0: nothing found. 1: something found; it is on disk and the command that replays it is printed.
# Anything else: a run failed, and the rest is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-3600}
[ "$seconds" -ge 10 ] || { echo 'a tenth of it is one share: at least 10 seconds' >&2; exit 2; }
found=0
# share PERCENT OPTIONS…: a run with its share of the time.
share() {
    local time=$((seconds * $1 / 100)); shift
    echo
    echo "== cargo models run $* --time $time"
    cargo models run "$@" --time "$time" --jobs "$(nproc)" || { exit=$?; [ $exit = 1 ] || exit $exit; found=1; }
}
share 35
share 15 --engine stale
share 20 --generated
share 10 --generated --engine stale
share 10 --scheduler perturb
share 10 --generated --engine threads
exit $found
