#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a positive answer about self-harm is heard once, although its record is broken, held, crashes its mapper, says no beside it, or no mapper looks"
clinic 5
hospital plain
positive='r.measures[1].items.phq9_9 = 2; r.measures[1].total += 2'
# heard WHAT N: so many alerts in the last run, and no value in them.
heard() {
    same "$1" "$(grep -c 'safety: record [0-9a-f]* /measures/1/.*: positive-self-harm-item' "$dir/err")" "$2"
}
config
run 0 sync
heard "nothing to hear" 0

echo "-- in order"
change REC-1 "$positive"
iptfhir sync
heard "as before" 1

echo "-- broken: a birth date, an unknown field, an undotted code"
change REC-2 "$positive; r.patient.birthDate = '12/01/1980'"
change REC-3 "$positive; r.measures[1].items.phq9_9 = '2'"
change REC-4 "$positive; r.unknownField = 1"
run 1 sync
heard "each" 3
same "held" "$(held record)" 3

echo "-- held: two lines with one id"
change REC-5 "$positive"
grep '"REC-5"' "$dir/records.ndjson" | sed 's/Reach a PHQ-9/Get to a PHQ-9/' >"$dir/twin"
cat "$dir/twin" >>"$dir/records.ndjson"
iptfhir sync
above "held, and heard" "$(grep -c 'safety: record .*: positive-self-harm-item' "$dir/err")" 2

echo "-- a mapper that crashes"
clinic 5
change REC-2 "$positive"
new_store
PLUGINS="$top_builddir/tests/plugins/.libs" RECORD_SECONDS=2 PATIENCE=3
EXTRA_MAPPERS="  bad: {plugin: mapper-crash, record: REC-2}" MAPPERS="bad, careplan, goals, measures, neighbours"
config
run 1 sync
heard "also then" 1
same "held" "$(held plugin-crash)" 1

echo "-- no mapper for the measures"
clinic 5
new_store
PLUGINS='' EXTRA_MAPPERS='' MAPPERS="careplan, goals"
config
change REC-1 "$positive"
change REC-2 'r.measures[1].safety = {item9: 2, positive: true}'
iptfhir sync
heard "by nobody else" 2
iptfhir sync
heard "nothing is new" 0

echo "-- an item that says no beside a measure that says yes"
clinic 5
new_store
MAPPERS="careplan, goals, measures, neighbours"
config
change REC-1 'r.measures[1].items.phq9_9 = 0; r.measures[1].safety = {item9: 2, positive: true}'
change REC-2 'r.measures[1].items.phq9_9 = 0; r.measures[1].safety = {item9: 2}'
change REC-3 "$positive; r.measures[1].safety = {item9: 2, positive: true}"
iptfhir sync
heard "once each" 3
iptfhir sync
heard "nothing is new" 0
scenario_end
