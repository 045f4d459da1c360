#!/usr/bin/env bash
# Is there a bug? Fuzzes the maps, runs the schedulers, triages what was found, prints a summary.
#
#   ci/hunt.sh [SECONDS]        for each of the hunters: default 60
#
# Installs cargo-fuzz if it is missing. Exit 0: nothing found. 1: something found; it is on disk and
# the command that replays it is printed. 2: nothing found, but a hunter could not hunt. ctrl-C ends the hunter that runs
# and goes on to the summary.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
ci/install-cargo-fuzz.sh || exit 2

declare -a summary
found=0 failed=0
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
        1) summary+=("$name: FOUND SOMETHING"); found=1 ;;
        *) summary+=("$name: COULD NOT HUNT (exit $exit)"); failed=1 ;;
    esac
}
# fuzz TARGET SANITIZER [OPTIONS…]: a fuzz target, OPTIONS as of libFuzzer. That it does not build is told apart from a crash: cargo fuzz exits with 1 for both.
fuzz() {
    local target=$1 how=(--sanitizer "$2"); shift 2
    cargo fuzz build "${how[@]}" "$target" || return $(($? == 130 ? 130 : 2))
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "${how[@]}" "$target" "fuzz/corpus/$target" "corpus/seeds/$target" -- -max_total_time="$seconds" -verbosity=1 -print_final_stats=1 "$@"
}
trap 'true' INT

begin=$(mktemp)
trap 'rm -f "$begin"' EXIT
# What hunters leave behind, but not what triage makes of it, nor what they have covered, nor what was only slow. What is found again is
# written again.
found_since() {
    find fuzz/artifacts findings -path findings/triage -prune -o -type f -newer "$begin" ! -name 'coverage.txt*' ! -name 'slow-unit-*' -print 2>/dev/null | sort
}
hunt 'cargo fuzz run ops' fuzz ops address
# Coroutine stacks and AddressSanitizer get in each other's way. Without that, counting features for libFuzzer's entropic schedule is a
# good part of the time, and more situations are met where it is off.
hunt 'cargo fuzz run schedules' fuzz schedules none -entropic=0
hunt 'operation engine' cargo models ops --time "$seconds"
hunt 'operation engine, concurrent map' cargo models ops --subject concurrent --time "$seconds"
hunt 'schedulers' cargo models run --time "$seconds"
hunt 'schedulers, stale reads' cargo models run --engine stale --time "$seconds"

mapfile -t new < <(found_since)
echo
echo '== summary'
printf '%s\n' "${summary[@]}"
if [ $found = 1 ] || [ ${#new[@]} -gt 0 ]; then
    echo 'found:'
    # Without a file, all there is.
    cargo models triage ${new+"${new[@]}"}
    # What was left behind is found, whatever its hunter said at its end.
    [ $? = 1 ] && found=1
    echo
    cargo models findings
fi
[ $found = 1 ] && exit 1
exit $((2 * failed))
