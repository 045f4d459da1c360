#!/usr/bin/env bash
# Which inputs of the scratch corpus still matter? Keeps, per target, the smallest set with the same coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
ci/install-cargo-fuzz.sh
targets=$*
[ -n "$targets" ] || targets=$(cargo fuzz list)
for target in $targets; do
    [ -d "fuzz/corpus/$target" ] || continue
    before=$(find "fuzz/corpus/$target" -type f | wc -l)
    sanitizer=address
    # Coroutine stacks and AddressSanitizer get in each other's way.
    [ "$target" = schedules ] && sanitizer=none
    cargo fuzz cmin --sanitizer "$sanitizer" "$target"
    echo "$target: $before inputs before, $(find "fuzz/corpus/$target" -type f | wc -l) after"
done
