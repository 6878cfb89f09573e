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
scenario_end
