#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "restricted fields never leave the source: not to the server, the store, the logs or the output"
clinic 3
# Process notes, narratives, what must not be named; also in records that end up held, and where a record does not even parse.
change '*' '
    r.sessions[0].processNotes = "RESTRICTED process note";
    r.sessions[0].narrative = "RESTRICTED narrative";
    r.sessions[0].progressSummary = "RESTRICTED summary";
    r.course.problemAreas[0].description = "RESTRICTED description";
    r.interpersonalInventory = [{ id: "R-1", relationshipType: "family", roleCode: "SIB", narrative: "RESTRICTED relationship" }];
    r.supportPersons = [{ id: "S-2", familyName: "RESTRICTED", givenNames: ["RESTRICTED"], agreedToParticipate: true, consentToShareIdentity: false }];
    r.measures[0].safety = { item9: 0, positive: false, followUp: "RESTRICTED follow-up" }'
change REC-3 'r.measures[0].total = 25; r.sessions[0].processNotes = 5; r.sessions[0].proces_notes = "RESTRICTED by a slip"'
{
    cat "$dir/records.ndjson"
    echo '{"recordId": "REC-4", "sessions": [{"processNotes": "RESTRICTED", "narrative": RESTRICTED}]}'
} >"$dir/more" && mv "$dir/more" "$dir/records.ndjson"
cp "$top_srcdir/mappings/examples/full/record.json" "$dir/full.json"
above "the example has the word" "$(grep -c RESTRICTED "$dir/full.json")" 5
hospital plain
NEIGHBOURS="condition, careteam, relatedperson, encounter, procedure, medicationstatement, servicerequest, consent, provenance"
config
run 1 sync
run 1 status
run 0 outbox list
for id in $("$IPTFHIR" -c "$dir/iptfhir.yaml" --json outbox list | value 'it.map((i) => i.id).join(" ")'); do
    run 0 outbox show "$id"
done
iptfhir map --explain
iptfhir map --format bundle
iptfhir check --samples "$dir"
iptfhir sync --dry-run

# The whole example record, dropped in and delivered too.
node -e 'process.stdout.write(JSON.stringify(JSON.parse(require("fs").readFileSync(process.argv[1]))) + "\n")' "$dir/full.json" >>"$dir/records.ndjson"
ehr_control POST patients '{"resourceType":"Patient","id":"pat-9","active":true,"identifier":[{"system":"urn:oid:1.2.3.4.5.6.7","value":"MRN0058820"}],"name":[{"family":"Castellanos"}],"birthDate":"1979-11-23"}' >/dev/null
config 'consent: attested'
run 1 sync
above "resources at the server" "$(ehr_count Observation)" 90
same "at the server" "$(ehr_contains RESTRICTED)" 0
# shellcheck disable=SC2046 # a list of files
silent_on "in the store, the logs, the output" RESTRICTED $(find "$dir" -name 'store.db*') "$dir/everything.log" "$dir/journal"
same "mode of the store" "$(stat -c %a "$dir/store.db")" 600
# The same word where it may go shows that this search finds what is there.
change REC-1 'r.goals[0].text = "UNRESTRICTEDGOAL"'
run 1 sync
same "a text that may go arrives" "$(ehr_contains UNRESTRICTEDGOAL)" 1
# Bodies are sealed and compressed in the store, so it is asked for what it has.
iptfhir --json outbox list --state in-step
for id in $(value 'it.filter((i) => i.type === "Goal").map((i) => i.id).join(" ")' <"$dir/out"); do
    "$IPTFHIR" -c "$dir/iptfhir.yaml" outbox show "$id"
done >"$dir/goals"
says "and is in the store" UNRESTRICTEDGOAL "$dir/goals"
iptfhir --json outbox list --state in-step
for id in $(value 'it.map((i) => i.id).join(" ")' <"$dir/out"); do
    "$IPTFHIR" -c "$dir/iptfhir.yaml" outbox show "$id"
done >"$dir/bodies"
silent_on "in the bodies of the store" '[^N]RESTRICTED' "$dir/bodies"
scenario_end
