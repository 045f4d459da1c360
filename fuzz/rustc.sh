#!/bin/sh
# Stands before rustc (see .cargo/config.toml), and changes nothing but this: where cargo-fuzz instruments every crate, the maps
# alone are.
#
# They are in `map-core`, and, with all that is generic over them, in `src/lib.rs` here. What is left is the spec, the decoding
# and mutating of cases, the engines, libraries. Counting their edges and checking their accesses took most of the
# time, and all libFuzzer learned of it was how a `BTreeMap` splits its nodes. Comparisons are traced nowhere: libFuzzer
# has its own mutator write their operands into inputs, and ours works on ops.
#
# HUNTED_CRATES: the names of more crates that are or use a map under test, for workspaces other than this.
case " $* " in
*" -Cpasses=sancov-module "*) ;;
*) exec "$@" ;;
esac
case " $* " in
*" map-core/src/"* | *" fuzz/"*) is_hunted=1 ;;
*) is_hunted= ;;
esac
for name in ${HUNTED_CRATES:-}; do
    case " $* " in
    *" --crate-name $name "*) is_hunted=1 ;;
    esac
done
for argument; do
    shift
    case $argument:$is_hunted in
    -Cllvm-args=-sanitizer-coverage-trace-compares:*) ;;
    *:1) set -- "$@" "$argument" ;;
    -Cpasses=sancov-module:* | -Cllvm-args=*:* | -Zsanitizer=*:* | -Cdebug-assertions:* | -Ccodegen-units=*:*) ;;
    *) set -- "$@" "$argument" ;;
    esac
done
exec "$@"
