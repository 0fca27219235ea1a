#!/bin/bash
# Runs a demo server in the foreground, and beside it the simulated devices.
#
# INT and TERM go to both, once; whatever ends the server, or this script, leaves no process
# behind. The exit code is the server's. SIMULATE=0 leaves the devices out.
#
# usage: run.sh PROGRAM DATA [OPTION OF eztcloud serve]...
set -uo pipefail
# Each child is a process group of its own, so that Ctrl-C reaches it from here alone.
set -m

program=$1
data=$2
shift 2

server=
simulator=
stopping=
# shellcheck disable=SC2317 # called by the trap
stop() {
    # Only once: an impatient second Ctrl-C does not disturb a clean stop.
    [ -n "$stopping" ] && return
    stopping=1
    [ -n "$simulator" ] && kill -TERM "$simulator" 2>/dev/null
    [ -n "$server" ] && kill -TERM "$server" 2>/dev/null
}
trap stop INT TERM HUP

# Waits for the end of a child; its exit code. A handled signal ends `wait` early: what counts is
# the child.
wait_for() {
    local code

    while :; do
        wait "$1"
        code=$?
        kill -0 "$1" 2>/dev/null || break
    done
    if ((code > 128)); then
        # The child's, or that of a signal that came between its end and here: bash still knows.
        wait "$1" 2>/dev/null
        code=$?
    fi
    return "$code"
}

# setpriv: the child is told when this script dies without a word.
setpriv --pdeathsig TERM -- "$program" serve --demo --data "$data" "$@" &
server=$!
[ -z "$stopping" ] || kill -TERM "$server"

if [ "${SIMULATE:-1}" != 0 ]; then
    # demo.json may be left from a server that was killed: it is ours when it has our pid.
    while [ -z "$stopping" ] && kill -0 "$server" 2>/dev/null &&
        ! grep -Eqs "\"pid\": *$server\b" "$data/demo.json"; do
        sleep 0.1
    done
    if [ -z "$stopping" ] && kill -0 "$server" 2>/dev/null; then
        setpriv --pdeathsig TERM -- "$program" simulate --data "$data" &
        simulator=$!
    fi
fi

wait_for "$server"
code=$?
if [ -n "$simulator" ]; then
    kill -TERM "$simulator" 2>/dev/null
    wait_for "$simulator" 2>/dev/null
fi
exit "$code"
