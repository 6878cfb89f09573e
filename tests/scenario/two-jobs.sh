#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "two jobs of one clinic share patients and have a target each: records of one never go to the other's target, until that is configured"
clinic 2
change '*' 'r.goals[0].text = "Of the practice"; r.consents.push({ ...r.consents[0], id: "C-2", recipient: "State Registry" })'
sed 's/"REC-/"DAY-/g; s/Of the practice/Of the day clinic/' "$dir/records.ndjson" >"$dir/day.ndjson"

hospital registry
registry_url=$EHR_URL registry_ctl=$EHR_CTL registry_pid=$EHR_PID
hospital hospital
hospital_ctl=$EHR_CTL hospital_pid=$EHR_PID
at_hospital() { EHR_CTL=$hospital_ctl EHR_PID=$hospital_pid; }
at_registry() { EHR_CTL=$registry_ctl EHR_PID=$registry_pid; }
stop_both() {
    at_registry
    ehr_stop
    at_hospital
}
trap 'stop_both; cleanup' EXIT

SOURCE='    {plugin: source-json, path: records.ndjson}
  day: {plugin: source-json, path: day.ndjson}'
# both TARGETS OF-THE-DAY-CLINIC
both() {
    TARGETS=$1
    MORE="  day: {source: day, mappers: [careplan, goals, measures, neighbours], targets: [$2], clinic: scenario}"
    config
    sed -i "s|^jobs:|  registry: {plugin: target-fhir, url: \"$registry_url\", ca_file: \"$EHR_CA\", patient_system: \"urn:oid:1.2.3.4.5.6.7\", recipient: State Registry, settle_seconds: 1}\njobs:|" "$dir/iptfhir.yaml"
}
# goals TEXT: how many of both patients' goals say it.
goals() { ehr_resources Goal | grep -c "$1"; }

both hospital registry
run 0 sync
at_hospital
same "goals of the practice at the hospital" "$(goals 'Of the practice')" 2
same "goals of the day clinic at the hospital" "$(goals 'Of the day clinic')" 0
same "plans at the hospital" "$(ehr_count CarePlan)" 2
at_registry
same "goals of the practice at the registry" "$(goals 'Of the practice')" 0
same "goals of the day clinic at the registry" "$(goals 'Of the day clinic')" 2
same "plans at the registry" "$(ehr_count CarePlan)" 2
same "what both say, once" "$(ehr_count Consent)" 4
ehr_reset
at_hospital
ehr_reset

echo "-- a correction in one"
change REC-1 'r.goals[0].text = "Of the practice, corrected"'
run 0 sync
same "it arrives" "$(goals 'corrected')" 1
at_registry
same "nothing is written at the other's target" "$(mutations)" 0

echo "-- the day clinic's target is added to the practice's job"
both "hospital, registry" registry
run 0 sync
same "then both are there" "$(goals 'Of the practice')-$(goals 'Of the day clinic')" 2-2
at_hospital
same "and the other is as it was" "$(goals 'Of the day clinic')" 0

echo "-- and taken away again"
both hospital registry
at_registry
ehr_reset
change REC-2 'r.goals[0].text = "Of the practice, too late"'
run 1 sync
same "nothing more is written there" "$(mutations)" 0
same "it is held" "$(held not-for-target)" 1

echo "-- and listed again, which releases what was held, and taken away for good"
both "hospital, registry" registry
run 0 sync
same "nothing is held" "$(held)" 0
same "what waited arrives" "$(goals 'too late')" 1
ehr_reset
both hospital registry
change REC-2 'r.goals[0].text = "Of the practice, later still"'
run 1 sync
same "again nothing is written there" "$(mutations)" 0
same "and it is held again" "$(held not-for-target)" 1
run 0 outbox discard "$(items not-for-target Goal)"
run 0 sync
same "until a person decides" "$(held)" 0
scenario_end
