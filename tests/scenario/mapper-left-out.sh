#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a mapper is left out of a job by mistake: nothing that it made is withdrawn until a person says so, and a dry run shows what would be"
clinic 3
hospital plain
config
run 0 sync
ended() { ehr_resources Goal | grep -c '"lifecycleStatus":"cancelled"'; }
goals=$(ehr_resources Goal | grep -c .)
above "goals" "$goals" 3

echo "-- the goals are left out"
ehr_reset
sed -i 's/\[careplan, goals, measures, neighbours\]/[careplan, measures, neighbours]/' "$dir/iptfhir.yaml"
run 0 sync --dry-run
same "goals that a dry run shows as withdrawn" "$(grep -c '^- hospital: Goal ' "$dir/out")" "$goals"
says "how many" "$goals withdrawn" "$dir/err"
says "that they are held" "mass-withdrawal" "$dir/err"
run 1 sync
same "goals that ended" "$(ended)" 0
same "held" "$(held mass-withdrawal)" "$goals"
iptfhir outbox show "$(items mass-withdrawal | cut -d' ' -f1)"
says "why" "mappings or mappers changed" "$dir/out"
run 1 sync
same "held by the next sync too" "$(held mass-withdrawal)" "$goals"

echo "-- they are put back"
sed -i 's/\[careplan, measures, neighbours\]/[careplan, goals, measures, neighbours]/' "$dir/iptfhir.yaml"
run 0 sync
same "held" "$(held)" 0
same "goals that ended" "$(ended)" 0

echo "-- an element that left while nothing else changed ends by itself"
change REC-1 'r.goals = []'
run 0 --json sync --dry-run
same "withdrawals of a dry run" "$(grep -c '"action":"withdraw","type":"Goal"' "$dir/out")" 1
silent_on "what isn't held" "mass-withdrawal" "$dir/err"
run 0 sync
run 0 sync --dry-run
same "withdrawals that are left" "$(grep -c '^-' "$dir/out")" 0
same "goals of the patient that have not ended" "$(of 1 Goal | grep -vc '"lifecycleStatus":"cancelled"')" 0
gone=$(ended)

echo "-- what a person must decide about is shown as held, as the sync holds it"
cp "$dir/records.ndjson" "$dir/all"
change REC-2 'r.measures.pop()'
run 1 sync --dry-run
gone_measures=$(grep -c '\[element-gone\]' "$dir/err")
above "elements that would be held" "$gone_measures" 2
same "withdrawals" "$(grep -c '^-' "$dir/out")" 0
run 1 sync
same "elements that are held" "$(held element-gone)" "$gone_measures"
mv "$dir/all" "$dir/records.ndjson"
run 0 sync

echo "-- the goals are left out for good"
sed -i 's/\[careplan, goals, measures, neighbours\]/[careplan, measures, neighbours]/' "$dir/iptfhir.yaml"
run 1 sync
same "goals that ended" "$(ended)" "$gone"
run 0 outbox resolve withdraw --code mass-withdrawal
run 0 sync
same "goals that ended" "$(ended)" "$goals"
scenario_end
