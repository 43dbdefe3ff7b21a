# Sourced by the chapters on faults: runs rows of the rig against the built program. Nothing here runs by itself.
# shellcheck shell=bash
. "$(dirname "$0")/lib.sh"

# faults ROWS: few trials, each row ends after about 20 s; a row this machine cannot run says SKIPPED and is counted.
faults() {
    local rig="${steelyard%/*}/faults"
    [ -x "$rig" ] || fail "$rig is not built: cargo build --release --workspace"
    "$rig" --steelyard "$steelyard" --rows "$1" --tier p --seconds "${STEELYARD_FAULT_SECONDS:-20}" \
        --jobs 2 --work "$work/rig" --results "$work/results.jsonl" || {
        local code=$?
        [ "$code" = 77 ] && skip "no row of $1 can run on this machine"
        exit "$code"
    }
}
