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

for sanitizer in address leak; do
    echo "== $sanitizer"
    # `concurrent_drops` counts allocations itself, which the sanitizer's own would spoil. Where a `Drop` panics in the midst of a
    # batch, the rest of that leaks, and is meant to.
    RUSTFLAGS="-Zsanitizer=$sanitizer" ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 \
        cargo test --release --target "$target" --target-dir "${CARGO_TARGET_DIR:-target}/sanitizer-$sanitizer" \
        -p map-core --test concurrent_api --test concurrent_closures --test concurrent_costs --test concurrent_interrupted --test concurrent_iteration \
        --test concurrent_platform --test concurrent_stalls --test concurrent_stress -- \
        --nocapture --skip a_drop_that_panics_leaves_a_valid_map
done
