#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "429 and 503 with Retry-After in both forms: the whole target is left alone until then, also by the next sync, and then it is delivered"
clinic 2
WORKERS=1 PATIENCE=15

# posts: writes that reached the server.
posts() { ehr_stat '.statuses' | value 'Object.values(it).reduce((a, b) => a + b, 0)'; }

# busy NAME RULE LEAST_MS: no sync stays for it; no request before its time, counted by the clock from the refusal.
busy() {
    echo "-- $1"
    new_store
    ehr_stop
    hospital "$1"
    config ${OPTION:+"$OPTION"}
    ehr_faults "$(echo "$2" | sed "s/@DATE@/$(date -u -d '+4 seconds' '+%a, %d %b %Y %H:%M:%S GMT')/")"
    start=$(date +%s%N)
    run 75 sync
    same "$1: the refusals" "$(ehr_stat '.faults[0].struck')" 1
    above "$1: all that is not there waits" "$(status_of waiting)" 1
    iptfhir --json status
    same "$1: the target is paused" "$(value 'it.paused.map((p) => p.target).join()' <"$dir/out")" hospital
    asked=$(posts)
    iptfhir sync
    # A machine so slow that the time is over by now proves nothing here.
    if [ "$code" = 75 ]; then same "$1: requests before its time" "$(posts)" "$asked"; fi
    tries=600
    while [ "$code" = 75 ] && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
        iptfhir sync
    done
    took=$((($(date +%s%N) - start) / 1000000))
    same "$1: delivered at last" "$code" 0
    above "$1: milliseconds" "$took" "$3"
    same "$1: refused once" "$(ehr_stat '.faults[0].struck')" 1
    ehr_faults '[]'
    arrived
    law
}

busy 429-seconds '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":429,"headers":{"retry-after":"2"}}]' 1900
busy 503-seconds '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":503,"headers":{"retry-after":"2"}}]' 1900
busy 429-date '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":429,"headers":{"retry-after":"@DATE@"}}]' 2000
busy 503-date '[{"match":{"method":"POST","pathRegex":"^/?$","times":1},"action":"status","status":503,"headers":{"retry-after":"@DATE@"}}]' 2000
OPTION="transaction: never"
busy single-429 '[{"match":{"method":"PUT","pathRegex":"^/Goal/","times":1},"action":"status","status":429,"headers":{"retry-after":"2"}}]' 1900
busy metadata-503 '[{"match":{"pathRegex":"^/metadata","times":1},"action":"status","status":503,"headers":{"retry-after":"1"}}]' 900

# Longer than anybody's patience: the sync ends with 75, says so, and nothing is lost.
echo "-- an hour"
change REC-1 'r.goals[0].text = "Later"'
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
