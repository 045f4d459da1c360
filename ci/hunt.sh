#!/usr/bin/env bash
# Is there a bug? Fuzzes the maps, runs the schedulers, triages what was found, prints a summary.
#
#   ci/hunt.sh [SECONDS]        for each of the hunters: default 60
#
# Installs cargo-fuzz if it is missing. Exit 0: nothing found. 1: something found; it is on disk and
# the command that replays it is printed. ctrl-C ends the hunter that runs and goes on to the summary.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
ci/install-cargo-fuzz.sh || exit 2

declare -a summary
found=0
# hunt NAME COMMAND…: runs a hunter and keeps its exit for the summary.
hunt() {
    local name=$1; shift
    echo
    echo "== $name: $*"
    "$@"
    local exit=$?
    case $exit in
        0) summary+=("$name: nothing found") ;;
        130) summary+=("$name: interrupted, nothing found") ;;
        *) summary+=("$name: FOUND SOMETHING (exit $exit)"); found=1 ;;
    esac
}
trap 'true' INT

# What hunters leave behind, but not what triage makes of it, nor what they have covered.
artifacts() { find fuzz/artifacts findings -path findings/triage -prune -o -type f ! -name coverage.txt -print 2>/dev/null | sort; }
artifacts_before=$(artifacts)
mkdir -p fuzz/corpus/ops
hunt 'cargo fuzz run ops' \
    cargo fuzz run ops fuzz/corpus/ops corpus/seeds/ops -- -max_total_time="$seconds" -verbosity=1 -print_final_stats=1
mkdir -p fuzz/corpus/schedules
# Coroutine stacks and AddressSanitizer get in each other's way.
hunt 'cargo fuzz run schedules' \
    cargo fuzz run --sanitizer none schedules fuzz/corpus/schedules corpus/seeds/schedules -- -max_total_time="$seconds" -verbosity=1 -print_final_stats=1
hunt 'operation engine' cargo models ops --time "$seconds"
hunt 'operation engine, concurrent map' cargo models ops --subject concurrent --time "$seconds"
hunt 'schedulers' cargo models run --time "$seconds"

mapfile -t new < <(comm -13 <(echo "$artifacts_before") <(artifacts))
echo
echo '== summary'
printf '%s\n' "${summary[@]}"
if [ ${#new[@]} -gt 0 ]; then
    echo 'found:'
    cargo models triage "${new[@]}"
    echo
    cargo models findings
fi
exit $found
