#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a total, a patient's identifier and a consent are corrected while everything waits: only the new is sent, to the right chart"
clinic 4
cp "$dir/records.ndjson" "$dir/all"
grep -v '"REC-4"' "$dir/all" >"$dir/records.ndjson"
hospital plain
config
down='[{"match":{"method":"POST"},"action":"status","status":503},{"match":{"method":"PUT"},"action":"status","status":503}]'
ehr_faults "$down"
run 75 sync
above "everything waits" "$(status_of waiting)" 90

# REC-1: another total. REC-2 was entered with the identity of patient 2 and is patient 4's. REC-3: the consent is revoked.
change REC-1 'r.measures[0].items.phq9_1 = 0; r.measures[0].total = Object.values(r.measures[0].items).reduce((a, b) => a + b, 0)'
total=$(grep '"REC-1"' "$dir/records.ndjson" | value 'it.measures[0].total')
grep '"REC-4"' "$dir/all" | value it.patient >"$dir/patient"
change REC-2 "r.patient = $(cat "$dir/patient")"
change REC-3 'r.consents[0].status = "revoked"'
ehr_faults '[]'
run 0 outbox retry --target hospital
run 1 sync
same "what was created and changed again" "$(grep -c '"mutation":"update"' "$dir/journal")" 0
above "the new total" "$(of 1 Observation | grep -c "\"value\":${total}[,}]")" 1
same "nothing for the patient that it was entered for" "$(of 2 CarePlan | wc -l)" 0
same "all for the patient whose it is" "$(of 4 CarePlan | wc -l)" 1
same "nothing after the revocation but the consent's own end" "$(of 3 CarePlan | wc -l) $(of 3 Goal | wc -l) $(of 3 Observation | wc -l)" "0 0 0"
above "held for want of consent" "$(held consent)" 1
same "doubles" "$(ehr_duplicates)" 0
scenario_end
