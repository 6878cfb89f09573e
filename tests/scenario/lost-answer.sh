#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "the server takes the data and does not answer: searched for before anything is sent again"

# Provenance, which has no identifier, is the last case.
NEIGHBOURS="condition, careteam, encounter, procedure, consent"

# lost NAME FAULTS [target option...]: creates and updates with lost answers, all of it there once at the end.
lost() {
    name=$1 faults=$2
    shift 2
    echo "-- $name"
    clinic 2
    forget_store
    # shellcheck disable=SC2086 # a list of options
    hospital "$name" $options
    config "$@"
    ehr_faults "$faults"
    settle
    same "$name: created, at last" "$code" 0
    above "$name: lost answers" "$(ehr_stat '.faults.reduce((n, f) => n + f.struck, 0)')" 1
    ehr_faults '[]'
    arrived
    ehr_faults "$faults"
    change '*' 'for (const m of r.measures) { m.items.phq9_2 = 3; m.items.phq9_3 = 0; m.total = Object.values(m.items).reduce((a, b) => a + b, 0) }'
    settle
    same "$name: updated, at last" "$code" 0
    ehr_faults '[]'
    arrived
    ehr_reset
    run 0 sync
    same "$name: nothing left to send" "$(mutations)" 0
    law
    ehr_stop
}

options=
lost transaction '[{"match":{"method":"POST","pathRegex":"^/?$","every":2},"action":"drop-after"}]'
lost transaction-half-answer '[{"match":{"method":"POST","pathRegex":"^/?$","every":2},"action":"drop-mid-answer"}]'
lost single '[{"match":{"method":"POST","pathRegex":"^/(CarePlan|Goal|Observation|Condition)$","every":3},"action":"drop-after"},{"match":{"method":"PUT","every":3},"action":"drop-after"}]' \
    "transaction: never"
options="--no-transaction"
lost batch '[{"match":{"method":"POST","pathRegex":"^/?$","every":2},"action":"drop-after"}]'
options="--no-transaction --no-batch --no-conditional-create"
lost no-conditional-create '[{"match":{"method":"POST","pathRegex":"^/(CarePlan|Goal|Observation|Condition)$","every":3},"action":"drop-after"}]'

# What cannot be searched for is held for a person, not sent again.
echo "-- a resource without an identifier"
options= NEIGHBOURS="condition, careteam, encounter, procedure, consent, provenance"
clinic 2
forget_store
hospital provenance
config "transaction: never"
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/Provenance$","times":1},"action":"drop-after"}]'
settle
same "one is held" "$code $(held) $(held conflict)" "1 1 1"
same "both are there, once" "$(ehr_count Provenance)" 2
iptfhir --json outbox list
same "it is the Provenance" "$(value 'it[0].type' <"$dir/out")" Provenance
scenario_end
