#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "one entry is refused, or the bundle is too large: the others arrive"

# refused NAME [target option]: the Goals of REC-1 are refused with 422.
refused() {
    name=$1
    shift
    echo "-- $name"
    clinic 2
    new_store
    # shellcheck disable=SC2086 # a list of options
    hospital "$name" $options
    config "$@"
    change REC-1 'r.goals[0].text = "REFUSE ME"'
    ehr_faults "$faults"
    run 1 sync
    iptfhir --json outbox list --code invalid
    same "$name: held" "$(value 'it.map((i) => i.recordId + " " + i.type).join(",")' <"$dir/out")" "REC-1 Goal"
    says "$name: the server's outcome" '422' "$dir/out"
    same "$name: the other goal" "$(ehr_count Goal)" 1
    same "$name: the plans" "$(ehr_count CarePlan)" 2
    arrived
    silent_on "$name: texts in the log" 'REFUSE ME' "$dir/err"
    ehr_faults '[]'
    run 0 outbox retry --code invalid
    settle
    same "$name: after a retry" "$code" 0
    same "$name: both goals" "$(ehr_count Goal)" 2
    law
    ehr_stop
}
faults='[{"match":{"bundleEntry":"REFUSE ME"},"action":"entry-status","status":422},{"match":{"method":"POST","pathRegex":"^/Goal$","nth":1},"action":"status","status":422}]'
options= ; refused transaction
options=--no-transaction
faults='[{"match":{"bundleEntry":"REFUSE ME"},"action":"entry-status","status":422}]'
refused batch

# Size: by a limit on entries (the server's own), on bytes, and by words.
for limit in '[{"match":{"method":"POST","pathRegex":"^/?$","nth":[1,2]},"action":"status","status":413}]' \
    '[{"match":{"method":"POST","pathRegex":"^/?$","nth":[1,2]},"action":"early-status","status":413,"rate":0}]' \
    '[{"match":{"method":"POST","pathRegex":"^/?$","nth":1},"action":"status","status":400,"body":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"too-costly"}]}}]'; do
    clinic 1
    new_store
    hospital size
    config
    ehr_faults "$limit"
    settle
    same "a bundle too large: the sync" "$code" 0
    ehr_faults '[]'
    above "bundles after the one that was refused" "$(ehr_stat '.requests["POST /"]')" 2
    arrived
    law
    ehr_stop
done
hospital bytes --max-body 9000
new_store
config
settle
same "bodies of at most 9000 bytes: the sync" "$code" 0
arrived
scenario_end
