#!/usr/bin/env bash
# Is every answer of ConcurrentMap linearizable, and every drop accounted for, over ten minutes of real
# threads on a map that grows all the time? A failure prints the seed of its round.
# Seconds: MAP_STRESS_SECONDS (600). First seed: MAP_STRESS_SEED (the time, printed).
set -euo pipefail
cd "$(dirname "$0")/.."

export MAP_STRESS_SECONDS=${MAP_STRESS_SECONDS:-600}
export MAP_STRESS_SEED=${MAP_STRESS_SEED:-$(date +%s)}
echo "MAP_STRESS_SEED=$MAP_STRESS_SEED"
cargo test --release -p map-core --test concurrent_stress -- --nocapture
