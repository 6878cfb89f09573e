#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "no transaction: batch; neither: single calls; no conditional create: search first; a server that races: no doubles"

# way NAME OPTIONS: a first sync, a change, a second store.
way() {
    echo "-- $1"
    name=$1
    shift
    clinic 3
    new_store
    hospital "$name" "$@"
    NEIGHBOURS="condition, careteam, encounter, procedure, consent"
    config
    ehr_reset
    run 0 sync
    arrived
    bundles=$(ehr_stat '.requests["POST /"]')
    creates=$(ehr_stat '.requests["POST /Observation"]')
    searches=$(ehr_stat '.requests["POST /Observation/_search"]')
    change REC-2 'r.measures[1].items.phq9_1 = 0; r.measures[1].total = Object.values(r.measures[1].items).reduce((a, b) => a + b, 0)'
    run 0 sync
    arrived
    same "$name: creates of one identity at once" "$(ehr_stat .overlaps)" 0
    law
    # Another store of the same clinic finds what is there.
    forget_store
    ehr_reset
    run 0 sync
    same "$name: changes by a new store" "$(mutations)" 0
    same "$name: doubles" "$(ehr_duplicates)" 0
    ehr_stop
}

way transaction
above "bundles" "$bundles" 3
same "single creates" "$creates" 0
way batch --no-transaction
above "bundles" "$bundles" 3
same "single creates" "$creates" 0
way client-ids --no-transaction --no-batch
same "creates by POST" "$creates" 0
same "bundles" "$bundles" 0
way single --no-transaction --no-batch --no-client-ids
same "bundles" "$bundles" 0
above "single creates" "$creates" 60
same "searches, where creates are conditional" "$searches" 0
way search-first --no-transaction --no-batch --no-client-ids --no-conditional-create
above "searches" "$searches" 60
above "single creates" "$creates" 60
way search-first-bundle --no-client-ids --no-conditional-create
above "bundles of searches and of creates" "$bundles" 4
WORKERS=4
way racing --no-client-ids --racy 30
scenario_end
