#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "the server takes the data and does not answer: searched for before anything is sent again"

# Provenance has no identifier; under an id of our own it is found all the same: the last case.
NEIGHBOURS="condition, careteam, encounter, procedure, consent"

# lost NAME FAULTS [target option...]: creates and updates with lost answers, all of it there once at the end.
lost() {
    name=$1 faults=$2
    shift 2
    echo "-- $name"
    clinic 2
    new_store
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
options="--no-transaction --no-batch --no-client-ids"
lost conditional-create '[{"match":{"method":"POST","pathRegex":"^/(CarePlan|Goal|Observation|Condition)$","every":3},"action":"drop-after"}]'
options="--no-transaction --no-batch --no-client-ids --no-conditional-create"
lost search-first '[{"match":{"method":"POST","pathRegex":"^/(CarePlan|Goal|Observation|Condition)$","every":3},"action":"drop-after"}]'

options= NEIGHBOURS="condition, careteam, encounter, procedure, consent, provenance"
lost provenance '[{"match":{"method":"PUT","pathRegex":"^/Provenance/","times":1},"action":"drop-after"}]' "transaction: never"
scenario_end
