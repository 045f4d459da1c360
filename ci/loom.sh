#!/usr/bin/env bash
# Does loom meet what exhaustive search meets, in every scenario that both can exhaust?
#
#   ci/loom.sh [SECONDS]        for each engine and scenario: default 300
#
# Exit 0: the same outcomes, or a difference that is explained. 1: another difference, or a finding. 2: fewer than 47
# scenarios could be exhausted by both.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo models compare --time "${1:-300}" --at-least 47
