#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "200 with HTML, with an OperationOutcome that is an error, with another resource: no success is believed"
clinic 1
config_for() { new_store; ehr_stop; hospital "$1"; config "transaction: never"; }

# open_ones: how many resources are not in step.
open_ones() {
    iptfhir --json status
    value 'it.jobs[0].targets[0].resources - it.jobs[0].targets[0].inStep' <"$dir/out"
}

config_for html
ehr_faults '[{"match":{"method":"PUT","pathRegex":"^/(CarePlan|Goal)/"},"action":"garbage"}]'
iptfhir sync
above "not in step: the plan, the goal" "$(open_ones)" 2
same "nothing there" "$(ehr_count CarePlan) $(ehr_count Goal)" "0 0"
ehr_faults '[]'
settle
same "when the way is clear" "$code" 0
arrived

config_for outcome
ehr_faults '[{"match":{"method":"PUT","pathRegex":"^/Goal/"},"action":"status","status":200,"body":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing"}]}}]'
iptfhir sync
same "no goal is taken for sent" "$(ehr_count Goal)" 0
above "it is not in step" "$(open_ones)" 1
ehr_faults '[]'
settle
arrived

config_for another
ehr_faults '[{"match":{"method":"PUT","pathRegex":"^/Goal/"},"action":"status","status":201,"body":{"resourceType":"Patient","id":"pat-1"}}]'
iptfhir sync
same "no goal is taken for sent" "$(ehr_count Goal)" 0
above "it is not in step" "$(open_ones)" 1
ehr_faults '[]'
settle
arrived
scenario_end
