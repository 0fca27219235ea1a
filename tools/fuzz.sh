#!/bin/bash
# Runs every fuzz target of a build tree for some seconds, from the seeds in
# tests/fuzz/corpus/<subject>/. What a run finds stays in the build tree; an input that breaks
# something is kept in <tree>/crashes and named.
#
# usage: fuzz.sh TREE SECONDS [TARGETS AT ONCE [SECONDS OF DECODERS]]
#
# Those that play whole connections run for SECONDS, and so do decoders unless they have their own.
set -uo pipefail

tree=$1
seconds=$2
jobs=${3:-1}
decoder_seconds=${4:-$seconds}
root=$(cd "$(dirname "$0")/.." && pwd)

run_one() {
    local target=$1 tree=$2 seconds=$3 root=$4 decoder_seconds=$5
    local name subject log
    local -a options=()

    name=$(basename "$target")
    subject=${name#fuzz_}
    log=$tree/logs/$name.log
    mkdir -p "$tree/logs" "$tree/found/$subject" "$tree/crashes"
    case $subject in
    *_connection | *_websocket) ;;
    *) seconds=$decoder_seconds ;;
    esac
    [ -f "$root/tests/fuzz/$subject.dict" ] && options+=("-dict=$root/tests/fuzz/$subject.dict")
    local -a folders=("$tree/found/$subject")
    [ -d "$root/tests/fuzz/corpus/$subject" ] && folders+=("$root/tests/fuzz/corpus/$subject")

    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$tree/crashes/$name-" "${options[@]}" "${folders[@]}" >"$log" 2>&1; then
        printf '%-28s %s inputs, %s a second\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
            "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")"
    else
        printf '%-28s FAILED\n' "$name"
        echo "$log" >>"$tree/failed"
        return 1
    fi
}
export -f run_one

# By the sources: a tree may still hold the program of a target that was removed.
shopt -s nullglob
targets=()
for source in "$root"/tests/fuzz/fuzz_*.c; do
    targets+=("$tree/tests/fuzz/$(basename "$source" .c)")
done
if ((${#targets[@]} == 0)); then
    echo "no fuzz targets"
    exit 0
fi
rm -f "$tree/failed"
# shellcheck disable=SC2016 # for the inner shell
printf '%s\0' "${targets[@]}" |
    xargs -0 -P "$jobs" -I{} bash -c 'run_one "$@"' _ {} "$tree" "$seconds" "$root" "$decoder_seconds"
code=$?
[ -f "$tree/failed" ] && xargs -n 1 tail -n 50 <"$tree/failed"
((code == 0)) || exit 1
