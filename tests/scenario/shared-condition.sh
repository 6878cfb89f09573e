#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a diagnosis and a medication stand in two records of a patient: one resource each, of which the later own date decides; equal dates that differ are held; when the decider leaves the other version comes back"
clinic 1
hospital plain
NEIGHBOURS="condition, medicationstatement, careteam, encounter, procedure, consent, provenance"
SOURCE='    {plugin: source-json, path: records.ndjson, complete: export}'
change REC-1 'r.diagnoses[0].recordedAt = "2025-01-06"; r.course.combinedTherapies = [{ type: "cbt" }, { type: "medication", rxnorm: "312941", text: "sertraline 50 MG", start: "2024-12-01" }]'
cp "$dir/records.ndjson" "$dir/first"
second() {
    sed 's/"REC-1"/"REC-2"/; s/"CRS-1"/"CRS-2"/' "$dir/first" >"$dir/records.ndjson"
    change REC-2 "$1"
    cat "$dir/first" >>"$dir/records.ndjson"
}
says_there() { of 1 Condition | value 'it.code.text'; }

second 'r.diagnoses[0].recordedAt = "2025-03-01"; r.diagnoses[0].text = "As seen in March"; r.course.combinedTherapies[1].end = "2025-02-01"; r.course.combinedTherapies.reverse()'
config
run 0 sync
same "one condition" "$(ehr_count Condition)" 1
same "the later date decides" "$(says_there)" "As seen in March"
same "one medication, whatever its place in the list" "$(ehr_count MedicationStatement)" 1
same "what says when it ended decides" "$(of 1 MedicationStatement | value it.status)" stopped
same "two plans" "$(ehr_count CarePlan)" 2
condition=$(id_of 1 Condition)
same "both refer to it" "$(ehr_resources CarePlan | grep -c "Condition/$condition")" 2

echo "-- equal dates that differ"
second 'r.diagnoses[0].text = "As seen otherwise"'
run 1 sync
same "held" "$(held shared-conflict)" 1
same "nothing of either is written" "$(says_there)" "As seen in March"

echo "-- the decider leaves"
second 'r.diagnoses[0].recordedAt = "2025-03-01"; r.diagnoses[0].text = "As seen in April"'
run 0 sync
same "it decides again" "$(says_there)" "As seen in April"
cp "$dir/first" "$dir/records.ndjson"
run 1 sync
record=$(items record-gone | tr ' ' '\n' | grep '^r')
run 0 outbox resolve "$record" left
iptfhir sync
same "the other version comes back" "$(says_there)" "Major depressive disorder, recurrent, moderate"
same "still one" "$(ehr_count Condition)" 1
scenario_end
