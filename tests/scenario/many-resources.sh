#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "5,000 resources of one patient: bundles of 100 and 1 MiB at most, halved when refused, lost or slow, and remembered; a lost one is searched for in batches"
NEIGHBOURS="condition, careteam, encounter, procedure, consent" # Provenance has no identifier to be found by

# measures FROM COUNT: the record gets so many measures, each of which makes a dozen resources.
measures() {
    change REC-1 "for (let k = $1; k < $1 + $2; k++) r.measures.push({ ...measure(1, k % 100), id: 'X-' + k, timepointWeek: undefined, administeredAt: new Date(Date.UTC(2026, 0, 6, 10, k)).toISOString().replace('.000Z', 'Z') })"
}

# searches: the single searches and reads of resources, the match left out.
searches() { ehr_stat ".requests ? Object.entries(stats.requests).filter(([k]) => !k.includes('/Patient') && !k.includes('/metadata') && k !== 'POST /').reduce((n, [, v]) => n + v, 0) : 0"; }

# struck: how often a fault struck.
struck() { ehr_stat '.faults.reduce((n, f) => n + f.struck, 0)'; }

# few WHAT: of the thousand, hardly any was asked about by itself: the last one of a kind is, and what a slow machine leaves over.
few() { if [ "$(searches)" -le 30 ]; then ok; else bad "$1: requests for single resources: $(searches)"; fi; }

echo "-- a server that takes 50 updates at once"
clinic 1
measures 0 415
hospital plain
config
run 0 sync
above "resources" "$(status_of inStep)" 5000
same "entries of the largest bundle" "$(ehr_stat .bundles.mostEntries)" 100
same "bundles of more than 1 MiB" "$(ehr_stat '.bundles.mostBytes > 1.1 * 1024 * 1024')" false
same "refused as too large" "$(ehr_stat '.statuses["400"]')" 1
few "plain"
arrived
echo "-- the next sync knows it"
ehr_reset
measures 415 20
run 0 sync
same "entries of the largest bundle" "$(ehr_stat .bundles.mostEntries)" 50
same "refused as too large" "$(ehr_stat '.statuses["400"]')" 0
arrived
ehr_stop

# trouble NAME FAULT: 1,000 resources and a fault in each transaction of more than 30 entries, which strikes twice: at 100 and at 50.
trouble() {
    echo "-- $1"
    clinic 1
    measures 0 85
    new_store
    hospital "$1" --max-body 300000
    config "timeout_ms: ${TIMEOUT:-60000}"
    ehr_faults "[{\"match\":{\"method\":\"POST\",\"bundleType\":\"transaction\",\"minEntries\":31},$2}]"
    settle
    same "$1: exit code" "$code" 0
    above "$1: resources" "$(status_of inStep)" 1000
    same "$1: the fault struck" "$(struck)" 2
    few "$1"
    arrived
    ehr_faults '[]'
    ehr_reset
    measures 85 10
    run 0 sync
    same "$1: the next sync knows it" "$(ehr_stat '.bundles.mostEntries <= 25')" true
    arrived
    ehr_stop
}
trouble refused '"action":"status","status":413'
trouble slow '"action":"delay-ms","ms":10500'
TIMEOUT=3000
trouble never-answered '"action":"hang"'
trouble answer-never-comes '"action":"hang-after"'
TIMEOUT=

echo "-- a bundle whose answer is lost is searched for in batches"
clinic 1
measures 0 85
new_store
hospital lost --no-client-ids
config
ehr_faults '[{"match":{"method":"POST","bundleType":"transaction","minEntries":5,"times":3},"action":"drop-after"}]'
settle
same "exit code" "$code" 0
same "lost" "$(struck)" 3
few "a lost bundle"
arrived
scenario_end
