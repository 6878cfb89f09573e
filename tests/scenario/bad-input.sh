#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "every kind of bad input is held with its place; the rest arrives"

# holds CODE WHERE: something is held with this code, and its place and reason are like this.
holds() {
    iptfhir --json outbox list --code "$1"
    value 'it.map((i) => i.where + " " + i.detail).join("\n")' <"$dir/out" >"$dir/places"
    says "held as $1" "$2" "$dir/places"
}

# plans: the records of which a plan arrived.
plans() { ehr_resources CarePlan | sed 's/.*"Patient.pat-\([0-9]*\)".*/REC-\1/' | sort -V | tr '\n' ' '; }

echo "-- records"
clinic 14
change REC-2 'delete r.course.start'
change REC-3 'r.patient.brithDate = "1990-01-01"'
change REC-4 'r.course.plannedWeeks = "sixteen"'
change REC-5 'r.measures[0].total = 26'
change REC-6 'r.measures[1].items.phq9_4 = 7; delete r.measures[1].total'
change REC-7 'r.course.format = "family"'
change REC-8 'r.course.start = "2025-02-30"'
change REC-9 'r.measures[0].instrument = "HAMD-17"'
change REC-10 'r.goals[0].addresses = ["D-9"]'
change REC-11 'r.measures[0].items.phq9_12 = 1'
change REC-12 'delete r.recordId'
change REC-13 'r.diagnoses[0].icd10cm = "33-F"'
echo '{"recordId": "REC-15", "schemaVersion": "1.0", "course": {' >>"$dir/records.ndjson"
printf '{"recordId": "REC-16\377"}\n' >>"$dir/records.ndjson"
hospital records
config
run 1 sync
holds record 'records.ndjson:2:[0-9]+ /course/start: required'
holds record 'records.ndjson:3:[0-9]+ .*(brithDate|/patient)'
holds record 'records.ndjson:4:[0-9]+ /course/plannedWeeks: expected a number'
holds total-mismatch 'records.ndjson:/measures/0/total line 5, column [0-9]+: '
holds out-of-range 'records.ndjson:/measures/1/items/phq9_4 line 6, column [0-9]+: '
holds record 'records.ndjson:7:[0-9]+ /course/format: expected one of: individual, group'
holds record 'records.ndjson:8:[0-9]+ /course/start: expected a date that exists'
holds unknown-instrument 'records.ndjson:/measures/0/instrument'
holds record 'records.ndjson:10:[0-9]+ /goals/0/addresses/0'
holds unknown-item 'records.ndjson:/measures/0/items'
holds record 'records.ndjson:12:[0-9]+ /recordId: required'
holds record 'records.ndjson:13:[0-9]+ /diagnoses/0/icd10cm'
holds json-invalid 'records.ndjson:15:[0-9]+'
iptfhir --json outbox list
says "text that is not UTF-8" 'records.ndjson:16' "$dir/out"
same "held" "$(value it.length <"$dir/out")" 14
same "plans that arrived" "$(plans)" "REC-1 REC-5 REC-6 REC-9 REC-11 REC-14 "
same "measures that arrived" "$(ehr_count QuestionnaireResponse)" 8
arrived
silent_on "values in messages" '1990-01-01|sixteen|family"|HAMD|33-F' "$dir/err" "$dir/everything.log"

# Put right, they arrive; the file is read again because it changed.
change REC-2 'r.course.start = "2025-01-06"'
change REC-5 'r.measures[0].total = Object.values(r.measures[0].items).reduce((a, b) => a + b, 0)'
run 1 sync
same "plans after two repairs" "$(plans)" "REC-1 REC-2 REC-5 REC-6 REC-9 REC-11 REC-14 "
same "held after two repairs" "$(held)" 12
law
ehr_stop

echo "-- rows"
clinic 12
new_store
cat >"$dir/columns.yaml" <<'YAML'
date_order: ymd
timezone: "Z"
record: {key: [client]}
set:
  schemaVersion: "1.0"
  recordId: "ROW-{client}"
  source.sourceId: {column: client}
  source.extractedAt: {file: modified}
  patient.localId: "P-{client}"
  patient.identifiers[0].system: "urn:oid:1.2.3.4.5.6.7"
  patient.identifiers[0].value: "MRN70{client}"
  patient.familyName: {column: family}
  patient.birthDate: {column: born, type: date}
  therapist.localId: T-1
  course.id: CRS-1
  course.status: active
  course.format: {column: format, type: code, codes: {"1": individual, "2": group}}
  course.start: {column: start, type: date}
each:
  - list: measures
    when: {filled: [total]}
    set:
      id: "M-{week}"
      instrument: PHQ-9
      administeredAt: {column: taken, type: datetime, default_time: "12:00"}
      total: {column: total, type: integer}
YAML
person() { sed -n "$1p" "$dir/patients.ndjson" | value '`${it.name[0].family},${it.birthDate}`'; }
{
    echo 'client,family,born,format,start,week,taken,total'
    echo "1,$(person 1),1,2025-01-06,0,2025-01-06,12"
    echo "2,$(person 2),1,2025-01-06,0,2025-01-06,twelve"
    echo "3,$(person 3),1,2025-02-30,0,2025-01-06,12"
    echo "4,$(person 4),9,2025-01-06,0,2025-01-06,12"
    echo "5,$(person 5),1,2025-01-06,0,2025-01-06"
    echo ",Nobody,1990-01-01,1,2025-01-06,0,2025-01-06,12"
    echo "7,$(person 7),1,2025-01-06,0,2025-01-06,12"
    echo "7,$(person 7),2,2025-01-06,4,2025-02-03,9"
    printf '8,Br\377ndt,1968-09-18,1,2025-01-06,0,2025-01-06,12\n'
    echo "9,$(person 9),1,2025-01-06,0,2025-01-06,31"
    echo "10,\"$(person 10),1,2025-01-06,0,2025-01-06,12"
    echo "11,$(person 11),1,2025-01-06,0,2025-01-06,12"
    echo "11,$(person 11),1,2025-01-06,4,2025-02-03,9"
    echo "1,$(person 1),1,2025-01-06,4,2025-02-03,9"
    echo "12,$(person 12),1,2025-01-06,0,2025-01-06,12"
} >"$dir/table.csv"
SOURCE="    {plugin: source-csv, path: table.csv, columns: columns.yaml}"
hospital rows
config 'consent: attested'
run 1 sync
holds bad-number 'table.csv:3 .*total'
holds bad-date 'table.csv:4 .*start'
holds unknown-code 'table.csv:5 .*format'
holds cell-count 'table.csv:6'
holds no-key 'table.csv:7'
holds rows-differ 'table.csv:9'
holds not-utf8 'table.csv:10'
holds out-of-range 'table.csv:/measures/0/total line 11'
holds bad-quotes 'table.csv:12'
holds key-returned 'table.csv:15'
same "plans that arrived" "$(plans)" "REC-1 REC-7 REC-9 REC-11 REC-12 "
arrived
silent_on "cells in messages" 'twelve|Nobody|2025-02-30' "$dir/err" "$dir/everything.log"
scenario_end
