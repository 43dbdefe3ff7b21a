# Sourced by every chapter: words that all of them use. Nothing here runs by itself.
# shellcheck shell=bash
set -Eeuo pipefail
trap 'echo "FAILED at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR

cd "${STEELYARD_ROOT:?run chapters through tests/run}"
# shellcheck disable=SC2034  # chapters use them
work="${STEELYARD_WORK:?run chapters through tests/run}" steelyard="${STEELYARD_BIN:?run chapters through tests/run}"

# This chapter cannot run here, and that is nobody's fault.
skip() {
    echo "SKIPPED: $*"
    exit 77
}

# Something that must hold does not.
fail() {
    echo "FAILED: $*"
    exit 1
}

# The machine has these programs, or the chapter is skipped.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed here"
    done
}

# What was started in the background ends with the chapter.
started=()
end_all() {
    local pid
    for pid in "${started[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
}
trap end_all EXIT

# start LOG COMMAND…: in the background, output to LOG; its process id is in $pid.
start() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    started+=("$pid")
}

# within SECONDS COMMAND…: the command succeeds within that time.
within() {
    local until=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$until" ] || return 1
        sleep 0.1
    done
}

# A TCP port nobody has at this moment.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
