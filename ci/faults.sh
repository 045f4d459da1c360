#!/usr/bin/env bash
# Is every planted fault found? Applies each patch of corpus/faults to a copy of the repo, lets the operation engine
# look for it with its three mixes in turn, and prints which rule found it, after how many ops and seconds.
#
#   ci/faults.sh [--seed N] [--time SECONDS] [PATCH…]        default: seed 1, 30 s a mix, all sequential faults
#
# Exit 0: all found. 1: some survived. 2: a patch does not apply or build.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD seed=1 time=30 patches=()
while [ $# -gt 0 ]; do
    case $1 in
        --seed) seed=$2; shift 2 ;;
        --time) time=$2; shift 2 ;;
        -*) echo "usage: ci/faults.sh [--seed N] [--time SECONDS] [PATCH…]" >&2; exit 2 ;;
        *) patches+=("$(realpath "$1")"); shift ;;
    esac
done
if [ ${#patches[@]} = 0 ]; then
    mapfile -t patches < <(grep -l '^Kind: sequential' "$root"/corpus/faults/*.patch)
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# Outside the copy, so that dependencies are built once.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/faults
git ls-files -z -- Cargo.toml Cargo.lock .cargo map-core models fuzz | xargs -0 cp --parents -t "$copy"
git -C "$copy" init -q
git -C "$copy" add -A
git -C "$copy" -c user.name=ci -c user.email=ci@invalid commit -qm copy

survived=0 broken=0
printf '%-42s %-9s %-48s %12s %8s\n' fault mix 'found by' ops seconds
for patch in "${patches[@]}"; do
    slug=$(basename "$patch" .patch)
    git -C "$copy" checkout -q .
    if ! git -C "$copy" apply "$patch" || ! cargo build --manifest-path "$copy/Cargo.toml" --release --quiet -p models 2>"$copy/build.log"; then
        printf '%-42s %s\n' "$slug" 'does not apply or build'
        sed 's/^/    /' "$copy/build.log" 2>/dev/null | head -20
        broken=$((broken + 1))
        continue
    fi
    found=
    for mix in full iteration panics; do
        output=$(timeout $((time + 60)) "$CARGO_TARGET_DIR/release/models" ops --mix $mix --seed "$seed" --time "$time" --findings "$copy/findings" 2>&1)
        exit=$?
        [ $exit = 0 ] && continue
        rule=$(grep -m1 -B1 '^rule: ' <<<"$output" | tr '\n' ' ' | sed -E 's/^([a-z-]+):.*rule: /\1: /')
        [ $exit -gt 128 ] && rule="signal $((exit - 128))"
        ops=$(grep -oE '[0-9,]+ ops in' <<<"$output" | tail -1 | cut -d' ' -f1)
        seconds=$(grep -oE ' in [0-9.]+ s' <<<"$output" | tail -1 | cut -d' ' -f3)
        printf '%-42s %-9s %-48.48s %12s %8s\n' "$slug" "$mix" "${rule:-exit $exit}" "${ops:--}" "${seconds:--}"
        found=yes
        break
    done
    [ -n "$found" ] && continue
    # The contract allows more than Go does: what only differs from Go shows in its recordings.
    if output=$("$CARGO_TARGET_DIR/release/models" go-trace "$root"/corpus/go/traces/*.csv 2>&1); then
        printf '%-42s %s\n' "$slug" "SURVIVED 3 x $time s"
        survived=$((survived + 1))
    else
        printf '%-42s %-9s %-48.48s %12s %8s\n' "$slug" go-trace "$(grep -m1 -oE 'step.*' <<<"$output")" - -
    fi
done
echo "${#patches[@]} faults, $survived survived, $broken did not apply or build"
[ $broken = 0 ] || exit 2
[ $survived = 0 ]
