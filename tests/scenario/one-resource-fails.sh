#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "one resource is too large, or fails with 500 for ever: it alone is held, the rest of its patient goes on, and a correction is sent"
clinic 2

echo "-- 413 to a single call"
hospital large
config "transaction: never"
ehr_faults '[{"match":{"method":"PUT","pathRegex":"^/Goal/"},"action":"status","status":413}]'
run 1 sync
same "held as too large" "$(held too-large) $(held)" "2 2"
same "the plans" "$(ehr_count CarePlan)" 2
ehr_faults '[]'
run 0 outbox retry --code too-large
run 0 sync
arrived
law
ehr_stop

echo "-- 500 for ever"
new_store
hospital broken
config "transaction: never"
ehr_faults '[{"match":{"method":"PUT","pathRegex":"^/Goal/"},"action":"status","status":500}]'
tries=30
iptfhir sync
while [ "$(held server-error)" -lt 2 ] && [ $tries -gt 0 ]; do
    tries=$((tries - 1))
    iptfhir sync
done
same "held after so many tries" "$(held server-error)" 2
same "everything else is there" "$(ehr_count CarePlan) $(status_of waiting)" "2 0"
change REC-1 'r.goals[0].text = "Corrected"'
ehr_faults '[]'
run 1 sync
same "the correction is sent" "$(of 1 Goal | grep -c Corrected)" 1
same "what was not corrected is held still" "$(held server-error)" 1
run 0 outbox retry --code server-error
run 0 sync
arrived
scenario_end
