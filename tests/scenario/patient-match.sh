#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "patient missing, ambiguous, of other birth date or family name: held; put right and retried, it arrives"
clinic 6
# 1 fine; 2 missing; 3 twice; 4 other birth date; 5 other family name; 6 the same name in other letters
sed -n '1p;3,6p' "$dir/patients.ndjson" | sed -e '/"pat-4"/s/"birthDate":"[^"]*"/"birthDate":"1950-01-01"/' \
    -e '/"pat-5"/s/"family":"Moreau"/"family":"Dupont"/' -e '/"pat-6"/s/"family":"Novák"/"family":"NOVAK"/' >"$dir/known.ndjson"
sed -n 3p "$dir/patients.ndjson" | sed 's/"pat-3"/"pat-3b"/' >>"$dir/known.ndjson"
ehr_start match --patients "$dir/known.ndjson" --journal "$dir/journal" || exit 99
config
run 1 sync

# records CODE: the records that have something held with it.
records() {
    iptfhir --json outbox list --code "$1"
    value '[...new Set(it.map((i) => i.recordId))].sort().join(" ")' <"$dir/out"
}
same "not found" "$(records patient-not-found)" REC-2
same "ambiguous" "$(records patient-ambiguous)" REC-3
same "mismatch" "$(records patient-mismatch)" "REC-4 REC-5"
arrived
same "records that arrived" "$(ehr_resources CarePlan | sed 's/.*"Patient.\(pat-[0-9]\).*/\1/' | sort | tr '\n' ' ')" "pat-1 pat-6 "
same "nobody was created" "$(ehr_count Patient)" 6
run 0 outbox list --code patient-mismatch
says "the list" 'patient-mismatch .*REC-4' "$dir/out"
silent_on "names and dates in messages" 'Lindqvist|Ibáñez|Tanaka|Moreau|Dupont|MRN70|1950-01-01' "$dir/err" "$dir/everything.log"

# A second sync changes nothing about it and asks nothing of the hospital.
ehr_reset
run 1 sync
same "changes in between" "$(mutations)" 0

# The hospital puts its data right; the clinic its own of REC-5.
sed -n 2p "$dir/patients.ndjson" >"$dir/two"
ehr_control POST patients "$(cat "$dir/two")" >/dev/null
ehr_control POST delete '{"type":"Patient","id":"pat-3b"}' >/dev/null
ehr_edit Patient pat-4 "{\"birthDate\":\"$(sed -n 4p "$dir/patients.ndjson" | value it.birthDate)\"}"
change REC-5 'r.patient.familyName = "Dupont"'
run 0 outbox retry --code patient-not-found
run 0 outbox retry --code patient-ambiguous
run 0 outbox retry --code patient-mismatch
settle
same "the sync after the repair" "$code" 0
same "held" "$(held)" 0
arrived
same "plans" "$(ehr_count CarePlan)" 6
scenario_end
