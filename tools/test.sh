#!/bin/bash
# All tests, one stage after the other, the longest and last being the end-to-end tests: pytest's
# own summary ends the run. A stage that fails does not stop the ones after it, but its failure
# is the exit code, and the end of what it printed comes again at the end. Called by `make test`.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1

logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
failed=()
table=()
make=(make --no-print-directory)

stage() {
    local name=$1 start=$SECONDS result=ok

    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$logs/$name" || {
        result=FAILED
        failed+=("$name")
    }
    table+=("$(printf '  %-10s %-6s %4d s' "$name" "$result" $((SECONDS - start)))")
}

stage check "${make[@]}" check
stage asan "${make[@]}" asan
stage unit "${make[@]}" unit
stage sim "${make[@]}" sim
stage fuzz "${make[@]}" fuzz
stage tsan "${make[@]}" tsan
stage e2e-tsan "${make[@]}" e2e-tsan
printf '\n== stages so far\n'
printf '%s\n' "${table[@]}"
stage e2e "${make[@]}" e2e

if ((${#failed[@]} > 0)); then
    for name in "${failed[@]}"; do
        [ "$name" = e2e ] && continue
        printf '\n== the end of %s\n' "$name"
        tail -n 60 "$logs/$name"
    done
    printf 'make test: FAILED: %s\n' "${failed[*]}" >&2
    exit 1
fi
