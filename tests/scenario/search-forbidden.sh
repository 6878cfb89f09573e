#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "403 to the search for patients alone: status names the cause and what to do, for one patient and for all; then all goes on"
forbid='[{"match":{"method":"POST","pathRegex":"^/Patient/_search"},"action":"status","status":403}]'

echo "-- two patients"
clinic 2
hospital few
config
ehr_faults "$forbid"
run 75 sync
same "nothing was written" "$(mutations)" 0
run 75 status
says "the cause" 'waiting, patient-denied: [0-9]+ resources' "$dir/out"
says "what to do" 'right to search patients' "$dir/out"
run 0 outbox list --code patient-denied
says "which" 'REC-1' "$dir/out"
ehr_faults '[]'
settle
same "when it is allowed" "$code" 0
arrived
ehr_stop

echo "-- eight patients"
clinic 8
new_store
hospital many
config
ehr_faults "$forbid"
run 75 sync
above "no more was asked than needed to know it" 20 "$(ehr_stat '.requests["POST /Patient/_search"]')"
run 75 status
says "the cause" 'target hospital is paused, target-forbidden' "$dir/out"
says "what to do" 'rights checked' "$dir/out"
says "the log says what it forbids" 'search patients' "$dir/everything.log"
same "held" "$(held)" 0
ehr_faults '[]'
settle
same "when it is allowed" "$code" 0
arrived
scenario_end
