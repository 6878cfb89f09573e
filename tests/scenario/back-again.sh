#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a value is changed, its fate at the server is unknown, and it is changed back: the server ends with what the record says"
NEIGHBOURS="condition, careteam, encounter, procedure, consent"
clinic 1
cp "$dir/records.ndjson" "$dir/as-it-was"
hospital plain
PATIENCE=1
config
run 0 sync

echo "-- the change arrived, its answer did not"
change REC-1 'r.goals[0].text = "Another goal"; r.measures[0].items.phq9_1 = 0; r.measures[0].total = Object.values(r.measures[0].items).reduce((a, b) => a + b, 0)'
# The server commits and never answers; then the service is killed: what became of the change is unknown.
ehr_faults '[{"match":{"method":"PUT"},"action":"hang-after"}]'
written() { grep -c '"mutation":"update"' "$dir/journal"; }
before=$(written)
PATIENCE=60
config "transaction: never"
setsid "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/killed.out" 2>&1 &
sync=$!
started_pids=$sync
tries=600
while [ "$(written)" = "$before" ] && [ $tries -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.05
done
kill -9 "-$sync" 2>/dev/null
wait $sync 2>/dev/null
started_pids=
PATIENCE=1
config
above "unknown" "$(status_of unknown)" 1
above "it did arrive" "$(($(written) - before))" 1
cp "$dir/as-it-was" "$dir/records.ndjson"
ehr_faults '[]'
settle
same "the sync after that" "$code" 0
arrived

echo "-- the server is busy when the change comes, and it is taken back before it is sent"
change REC-1 'r.goals[0].text = "A third goal"'
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/?$"},"action":"status","status":503,"headers":{"retry-after":"1"}},{"match":{"method":"PUT"},"action":"status","status":503,"headers":{"retry-after":"1"}}]'
run 75 sync
cp "$dir/as-it-was" "$dir/records.ndjson"
ehr_faults '[]'
settle
same "the sync after that too" "$code" 0
arrived
scenario_end
