#!/usr/bin/env bash
# Is cargo-fuzz here? Installs the version the project is tested with if not.
set -euo pipefail
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --version '^0.13' --locked
