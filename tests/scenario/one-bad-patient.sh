#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "one patient's search fails among many: the others are done meanwhile; 403 on everything pauses the target with one cause"
clinic 12
hospital plain
config
# Patients are searched for one by one: the fifth search, and every one after the first twelve, fails.
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/Patient/_search","nth":[5,13,14,15,16,17,18,19,20]},"action":"status","status":500}]'
iptfhir sync
same "the others are done" "$(ehr_count CarePlan)" 11
same "one waits" "$code" 75
ehr_faults '[]'
settle
same "and comes" "$code" 0
arrived
ehr_stop

echo "-- 403 on everything"
new_store
hospital forbidden
config
ehr_faults '[{"match":{},"action":"status","status":403}]'
run 75 sync
same "nothing is held item by item" "$(held)" 0
iptfhir --json status
same "one cause" "$(value 'it.paused.map((p) => p.target + " " + p.code).join()' <"$dir/out")" "hospital target-forbidden"
above "requests until it was clear, at most" 12 "$(ehr_stat '.statuses["403"]')"
iptfhir status
says "what to do" 'outbox retry --target hospital' "$dir/out"
ehr_faults '[]'
run 0 outbox retry --target hospital
run 0 sync
arrived
scenario_end
