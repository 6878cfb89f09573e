#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "200 with HTML, with an OperationOutcome that is an error, with another resource: no success is believed"
clinic 1
config_for() { forget_store; ehr_stop; hospital "$1"; config "transaction: never"; }

config_for html
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/(CarePlan|Goal)$"},"action":"garbage"}]'
iptfhir sync
same "not in step: the plan, the goal" "$(("$(status_of resources)" - "$(status_of inStep)" > 0))" 1
same "nothing there" "$(ehr_count CarePlan) $(ehr_count Goal)" "0 0"
ehr_faults '[]'
settle
same "when the way is clear" "$code" 0
arrived

config_for outcome
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/Goal$"},"action":"status","status":200,"body":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing"}]}}]'
iptfhir sync
same "no goal is taken for sent" "$(ehr_count Goal)" 0
above "it is not in step" "$(("$(status_of resources)" - "$(status_of inStep)"))" 1
ehr_faults '[]'
settle
arrived

config_for another
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/Goal$"},"action":"status","status":201,"body":{"resourceType":"Patient","id":"pat-1"}}]'
iptfhir sync
same "no goal is taken for sent" "$(ehr_count Goal)" 0
above "it is not in step" "$(("$(status_of resources)" - "$(status_of inStep)"))" 1
ehr_faults '[]'
settle
arrived
scenario_end
