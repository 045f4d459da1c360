#!/usr/bin/env bash
# Does ConcurrentMap touch freed memory, free twice, or leak, under real threads?
# AddressSanitizer and LeakSanitizer over its tests. Std itself is not instrumented; every access that
# matters is generic code, compiled here. Seconds of stress: MAP_STRESS_SECONDS (60).
# First seed: MAP_STRESS_SEED (the time, printed).
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1
export MAP_STRESS_SECONDS=${MAP_STRESS_SECONDS:-60}
export MAP_STRESS_SEED=${MAP_STRESS_SEED:-$(date +%s)}
echo "MAP_STRESS_SEED=$MAP_STRESS_SEED"

# sanitized SANITIZER DETECT_LEAKS OPTIONS…: the tests, options as of libtest. `concurrent_drops` counts allocations itself, which the
# sanitizer's own would spoil.
sanitized() {
    local sanitizer=$1 leaks=$2; shift 2
    RUSTFLAGS="-Zsanitizer=$sanitizer" ASAN_OPTIONS="detect_leaks=$leaks:detect_stack_use_after_return=1" \
        cargo test --release --target "$target" --target-dir "${CARGO_TARGET_DIR:-target}/sanitizer-$sanitizer" \
        -p map-core --test concurrent_api --test concurrent_closures --test concurrent_costs --test concurrent_interrupted --test concurrent_iteration \
        --test concurrent_platform --test concurrent_stalls --test concurrent_stress -- --nocapture "$@"
}
# Of several panics all but the first leak what they say, and are meant to: its own `drop` might panic.
several_panics=(drop_that_panics entries_panic)
for sanitizer in address leak; do
    echo "== $sanitizer"
    sanitized $sanitizer 1 "${several_panics[@]/#/--skip=}"
done
sanitized address 0 "${several_panics[@]}"
