#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "an export that says it is complete is cut short, has an unreadable row, or is empty: nothing is withdrawn; a record that is gone waits for a person"
clinic 30
cp "$dir/records.ndjson" "$dir/all"
hospital plain
SOURCE='    {plugin: source-json, path: records.ndjson, complete: export}'
config
run 0 sync
plans() { ehr_resources CarePlan | grep -c '"status":"active"'; }
same "plans" "$(plans)" 30

echo "-- an unreadable row: no record is gone"
ehr_reset
{ grep -v '"REC-30"' "$dir/all"; echo '{"recordId": "REC-3'; } >"$dir/records.ndjson"
run 1 sync
same "changes" "$(mutations)" 0
same "gone" "$(held record-gone)" 0

echo "-- one is gone"
grep -v '"REC-30"' "$dir/all" >"$dir/records.ndjson"
run 1 sync
same "changes" "$(mutations)" 0
iptfhir --json outbox list --code record-gone
record=$(value 'it.map((i) => i.id).find((id) => id.startsWith("r"))' <"$dir/out")
run 64 outbox retry "$record"
run 0 outbox resolve "$record" error
run 0 sync
same "its plan is withdrawn" "$(plans) $(ehr_resources CarePlan | grep -c entered-in-error)" "29 1"
run 64 outbox restore "$record"

echo "-- all are gone"
ehr_reset
: >"$dir/records.ndjson"
iptfhir sync
same "changes" "$(mutations)" 0
same "plans" "$(plans)" 29
above "held together" "$(held mass-withdrawal)" 29

echo "-- the export is whole again"
grep -v '"REC-30"' "$dir/all" >"$dir/records.ndjson"
run 0 sync
same "held" "$(held)" 0
same "changes" "$(mutations)" 0
scenario_end
