#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "the server is down at the start, goes away in the middle, comes back: nothing missing, nothing twice"
clinic 3
NEIGHBOURS="condition, careteam, encounter, procedure, consent" # Provenance has no identifier to be found by
hospital first --state "$dir/state"
EHR_FIXED_PORT=$EHR_PORT
PATIENCE=1
config

# Down at the start.
ehr_stop
run 75 sync
says "what is wrong" 'target hospital waits: .*target-unreachable' "$dir/err"
says "what is to come" 'wait: the next sync goes on' "$dir/err"
same "all of it waits" "$(status_of waiting)" "$(status_of resources)"
run 75 status
hospital second --state "$dir/state"
settle
same "the sync after it came back" "$code" 0
arrived

# Killed in the middle of a sync, and started again while the sync goes on.
change '*' 'r.measures.push(measure(Number(r.recordId.slice(4)), 8), measure(Number(r.recordId.slice(4)), 12))'
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/?$"},"action":"delay-ms","ms":150}]'
before=$(grep -c '"mutation":"create"' "$dir/journal")
PATIENCE=8
config
timeout 120 "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/out" 2>"$dir/middle.err" &
sync=$!
left=200
while [ "$(grep -c '"mutation":"create"' "$dir/journal")" -le $((before + 5)) ] && [ $left -gt 0 ]; do
    left=$((left - 1))
    sleep 0.02
done
ehr_kill
sleep 0.5
hospital third --state "$dir/state"
wait $sync
middle=$?
case $middle in 0 | 75) ok ;; *) bad "the sync with a server that came back: exit code $middle" ;; esac
says "it was noticed" 'target hospital waits: .*target-unreachable' "$dir/middle.err"
settle
same "the sync after the break" "$code" 0
arrived
run 0 sync
scenario_end
