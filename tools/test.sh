#!/bin/bash
# All tests, one stage after the other, the longest and last being the end-to-end tests: pytest's
# own summary ends the run. A stage that fails does not stop the ones after it, but its failure
# is the exit code. Called by `make test`.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1

failed=()
table=()
make=(make --no-print-directory)

stage() {
    local name=$1 start=$SECONDS result=ok

    shift
    printf '\n== %s\n' "$name"
    "$@" || {
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
    printf 'make test: FAILED: %s\n' "${failed[*]}" >&2
    exit 1
fi
