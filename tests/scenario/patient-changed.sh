#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a delivered record turns out to be another patient's: nothing of it is written to either chart until a person says move, same or leave"

# begin NAME: three records, of patients 1 to 3; the hospital knows a fourth. REC-1 was delivered and is then patient 4's.
begin() {
    echo "-- $1"
    clinic 4
    cp "$dir/records.ndjson" "$dir/all"
    grep -v '"REC-4"' "$dir/all" >"$dir/records.ndjson"
    new_store
    hospital "$1"
    config
    run 0 sync
    grep '"REC-4"' "$dir/all" | value it.patient >"$dir/patient"
    change REC-1 "r.patient = $(cat "$dir/patient"); r.goals[0].text = 'As corrected'"
    change REC-2 'r.goals[0].text = "Of somebody else"'
    before1=$(of 1 CarePlan) before4=$(of 4 CarePlan)
    run 1 sync
    same "nothing is written to the former chart" "$(of 1 CarePlan)" "$before1"
    same "nor to the new one" "$(of 4 CarePlan)" "$before4"
    same "other records go on" "$(of 2 Goal | grep -c 'Of somebody else')" 1
    iptfhir --json outbox list --code patient-changed
    record=$(value 'it.map((i) => i.id).find((id) => id.startsWith("r"))' <"$dir/out")
    cp "$dir/out" "$dir/changed"
}

begin move
says "both are named by hash" 'patient [0-9a-f]{16}, and it now names patient [0-9a-f]{16}' "$dir/changed"
for hash in $(grep -o 'patient [0-9a-f]\{16\}' "$dir/changed" | sort -u | cut -d' ' -f2); do
    run 0 who "$hash"
    says "whom a hash names" 'patient P-[14] of (scenario|ipt)' "$dir/out"
done
run 65 who 0123456789abcdef
run 64 outbox resolve "$record" ours
run 0 outbox resolve "$record" move
run 0 sync
same "created in the right chart" "$(of 4 Goal | grep -c 'As corrected')" 1
same "withdrawn in the wrong one" "$(of 1 Goal | grep -c '"entered-in-error"')" 1
ehr_stop

begin same
run 0 outbox resolve "$record" same
iptfhir sync
iptfhir sync
same "no goal twice" "$(ehr_duplicates)" 0
same "the goals of all" "$(ehr_count Goal)" 3
ehr_stop

begin leave
run 0 outbox resolve "$record" leave
run 0 sync
same "what was sent stays" "$(of 1 CarePlan)" "$before1"
same "the corrected goes to the right chart" "$(of 4 Goal | grep -c 'As corrected')" 1
ehr_stop

# The record's patient gets the number of another chart; of what was delivered, Provenance is never withdrawn.
echo "-- another chart by its number"
clinic 2
sed -n 1p "$dir/patients.ndjson" | sed 's/pat-1"/pat-9"/; s/MRN701/MRN709/' >>"$dir/patients.ndjson"
new_store
hospital number
config
run 0 sync
all1=$(of 1 Goal | wc -l)
change REC-1 'r.patient.identifiers[0].value = "MRN709"'
run 1 sync
above "everything of the record is held" "$(held patient-changed)" 30
same "nothing is in the other chart" "$(of 9 Goal | wc -l)" 0
run 0 outbox resolve move --code patient-changed
run 0 sync
in_right_chart() {
    same "the goals are in the right chart" "$(of 9 Goal | grep -c '"active"')" "$all1"
    same "and withdrawn in the wrong one" "$(of 1 Goal | grep -vc '"entered-in-error"')" 0
    same "where it is from is told of it there" "$(ehr_resources Provenance | grep -c "$(id_of 9 CarePlan)")" 1
    same "and stays told of what it was" "$(ehr_count Provenance)" 3
    same "nothing is held" "$(held)" 0
    same "nothing waits" "$(status_of waiting)" 0
}
in_right_chart
before=$(ehr_control GET resources)
iptfhir outbox resolve move --code patient-changed
run 0 sync
same "said again, it changes nothing" "$(ehr_control GET resources)" "$before"
change REC-1 'r.goals[0].text = "The next day"'
run 0 sync
in_right_chart
same "a correction goes to the right chart" "$(of 9 Goal | grep -c 'The next day')" 1
same "nothing twice" "$(ehr_duplicates)" 0
scenario_end
