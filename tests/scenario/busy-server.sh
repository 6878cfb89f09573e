#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "429 and 503 with Retry-After in both forms: waited for, then delivered"
clinic 1
WORKERS=1 PATIENCE=15

# busy NAME RULE LEAST_MS: a sync in which the server asks to come back later; how long it took says that it was heard.
busy() {
    echo "-- $1"
    rm -f "$dir"/store.db*
    ehr_stop
    hospital "$1"
    config ${OPTION:+"$OPTION"}
    ehr_faults "$(echo "$2" | sed "s/@DATE@/$(date -u -d '+4 seconds' '+%a, %d %b %Y %H:%M:%S GMT')/")"
    start=$(date +%s%N)
    run 0 sync
    took=$((($(date +%s%N) - start) / 1000000))
    above "$1: milliseconds" "$took" "$3"
    above "$1: refusals" "$(ehr_stat '.faults[0].struck')" 1
    ehr_faults '[]'
    arrived
    law
}

busy 429-seconds '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":429,"headers":{"retry-after":"2"}}]' 1900
busy 503-seconds '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":503,"headers":{"retry-after":"2"}}]' 1900
busy 429-date '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":429,"headers":{"retry-after":"@DATE@"}}]' 2000
busy 503-date '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":503,"headers":{"retry-after":"@DATE@"}}]' 2000
OPTION="transaction: never"
busy single-429 '[{"match":{"method":"POST","pathRegex":"^/Goal$","times":1},"action":"status","status":429,"headers":{"retry-after":"2"}}]' 1900
busy metadata-503 '[{"match":{"pathRegex":"^/metadata","times":1},"action":"status","status":503,"headers":{"retry-after":"1"}}]' 900

# Longer than anybody's patience: the sync ends with 75, says so, and nothing is lost.
echo "-- an hour"
change REC-1 'r.goals[0].text = "Later"'
PATIENCE=1
config
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/?$"},"action":"status","status":503,"headers":{"retry-after":"3600"}},{"match":{"method":"PUT"},"action":"status","status":503,"headers":{"retry-after":"3600"}}]'
run 75 sync
same "waits" "$(status_of waiting)" 1
ehr_faults '[]'
run 75 sync
same "still waits for the hour to pass" "$(status_of waiting)" 1
iptfhir --json status
above "the pause goes on for minutes" "$(value '(it.paused[0].untilMs - Date.now()) / 60000 | 0' <"$dir/out")" 50
run 0 outbox retry --target hospital
run 0 sync
scenario_end
