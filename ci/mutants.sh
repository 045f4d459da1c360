#!/usr/bin/env bash
# Is every line of the maps needed? Lets the hunters look for each mutant of map-core that `cargo mutants` makes, and map-core's
# own tests for those that the hunters miss; prints the survivors and the score. Those of corpus/mutants.md change nothing and are left out.
#
#   ci/mutants.sh [--shard K/N] [--since COMMIT] [FILE…]        default: all of map-core/src, which takes hours
#
# --since: only of what has changed since.
# Installs cargo-mutants if it is missing. Exit 0: none survived. 1: some did: each wants a new check, or is equivalent. An
# interrupted run goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."
list=$(mktemp)
config=$(mktemp)
changes=$(mktemp)
trap 'rm -f "$list" "$config" "$changes"' EXIT
arguments=()
files=()
while [ $# -gt 0 ]; do
    case $1 in
        --shard) arguments+=(--shard "$2"); shift 2 ;;
        --since)
            [ $# -ge 2 ] || { echo '--since: of which commit?' >&2; exit 2; }
            [ -z "$(git ls-files --others --exclude-standard map-core/src)" ] || { echo 'map-core/src has files that git does not know: git add them' >&2; exit 2; }
            git diff "$2" -- map-core/src >"$changes" || exit 2
            [ -s "$changes" ] || { echo "map-core/src has not changed since $2"; exit 0; }
            arguments+=(--in-diff "$changes"); shift 2 ;;
        -*) echo "usage: ci/mutants.sh [--shard K/N] [--since COMMIT] [FILE…]" >&2; exit 2 ;;
        *) files+=(--file "$1"); shift ;;
    esac
done
# The version whose words corpus/mutants.md has.
command -v cargo-mutants >/dev/null || cargo install --locked --quiet cargo-mutants --version '^27.1'
grep -v '^examine_globs' .cargo/mutants.toml >"$config"
# Files come on top of those of the configuration, so they are named here.
[ ${#files[@]} -gt 0 ] || files=(--file 'map-core/src/**/*.rs')
cargo mutants --config "$config" --list --json --diff ${arguments+"${arguments[@]}"} "${files[@]}" >"$list"
cargo models faults --mutants "$list" --equivalent corpus/mutants.md --first --budget 10 --triage 0 --jobs 2 --scratch target/mutants \
    --detectors ops,ops-iteration,ops-panics,go-trace,pos,perturb,stale,generated,ops-concurrent,map-tests
