#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "one service at a time; exit codes 0, 1, 75, 78; reports that parse"

# parses NAME: what was printed on stdout is JSON, or JSON lines.
parses() {
    if node -e '
        const text = require("fs").readFileSync(process.argv[1], "utf8");
        try { JSON.parse(text) } catch { text.split("\n").filter(Boolean).forEach((line) => JSON.parse(line)) }' "$dir/out" 2>"$dir/parse.err"; then ok; else
        bad "$1: not JSON: $(head -c 300 "$dir/out")"
    fi
}

clinic 3
hospital first --state "$dir/state"
EHR_FIXED_PORT=$EHR_PORT
PATIENCE=2
config
run 0 check
run 0 check --probe
run 0 status
run 0 sync
run 0 status

echo "-- the lock"
change '*' 'r.goals[0].text = "As of today"'
ehr_faults '[{"match":{},"action":"delay-ms","ms":700}]'
timeout 60 "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/first.out" 2>"$dir/first.err" &
first=$!
sleep 0.6
run 75 sync
says "who holds it" 'sync' "$dir/err"
says "its process" "$(pgrep -P $first 2>/dev/null | head -1 || echo '[0-9]')|[0-9]{2,}" "$dir/err"
run 75 status
wait $first
same "the first one went on" $? 0
ehr_faults '[]'
run 0 sync
arrived

echo "-- reports as JSON"
change REC-2 'r.measures[0].total = 27'
run 1 sync
run 1 --json status; parses status
run 0 --json outbox list; parses "outbox list"
run 0 --json outbox show "$(value 'it[0].id' <"$dir/out")"; parses "outbox show"
run 0 --json plugins; parses plugins
run 0 --json plugins --describe target-fhir; parses "plugins --describe"
mkdir "$dir/samples"
head -1 "$dir/records.ndjson" >"$dir/samples/one.json"
run 0 --json check --samples "$dir/samples"; parses "check --samples"
iptfhir --json sync --dry-run; parses "sync --dry-run"
iptfhir --json sync; parses sync
run 0 --json eval recordId "$dir/samples/one.json"; parses eval

echo "-- held, waiting, discarded"
run 1 status
ehr_stop
change REC-1 'r.goals[0].text = "While it is away"'
run 75 sync
run 75 status
run 64 outbox retry
run 0 outbox discard --code total-mismatch
hospital second --state "$dir/state"
settle
same "back, with nothing held" "$code" 0
same "discarded" "$(held total-mismatch)" 0

echo "-- a wrong configuration"
config 'patient_sistem: "urn:x"'
run 78 check
says "the nearest name" "patient_system" "$dir/err"
says "its place" 'iptfhir.yaml:[0-9]+:[0-9]+' "$dir/err"
run 78 sync
run 78 --json check; parses "check of a wrong configuration"
run 64 sinc
says "the nearest command" sync "$dir/err"
config
scenario_end
