#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a value is changed, its fate at the server is unknown, and it is changed back: the server ends with what the record says"
NEIGHBOURS="condition, careteam, encounter, procedure, consent"
clinic 1
cp "$dir/records.ndjson" "$dir/as-it-was"
hospital plain
PATIENCE=1
config
run 0 sync

echo "-- the change arrived, its answer did not"
change REC-1 'r.goals[0].text = "Another goal"; r.measures[0].items.phq9_1 = 0; r.measures[0].total = Object.values(r.measures[0].items).reduce((a, b) => a + b, 0)'
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/?$"},"action":"drop-after"},{"match":{"method":"PUT"},"action":"drop-after"},
    {"match":{"pathRegex":"^/(Goal|Observation|QuestionnaireResponse)"},"action":"drop-before"}]'
run 75 sync
above "unknown" "$(status_of unknown)" 1
same "it did arrive" "$(ehr_resources Goal | value it.description.text)" "Another goal"
cp "$dir/as-it-was" "$dir/records.ndjson"
ehr_faults '[]'
settle
same "the sync after that" "$code" 0
arrived

echo "-- the change is refused for now, and taken back before it is sent"
change REC-1 'r.goals[0].text = "A third goal"'
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/?$"},"action":"status","status":503,"headers":{"retry-after":"1"}},{"match":{"method":"PUT"},"action":"status","status":503,"headers":{"retry-after":"1"}}]'
run 75 sync
cp "$dir/as-it-was" "$dir/records.ndjson"
ehr_faults '[]'
settle
same "the sync after that too" "$code" 0
arrived
scenario_end
