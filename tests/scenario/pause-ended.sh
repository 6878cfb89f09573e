#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a target that paused for an hour is repaired: outbox retry --target ends the pause in the sync that runs, which then delivers there too"
clinic 4
hospital slow
slow_url=$EHR_URL slow_ctl=$EHR_CTL slow_pid=$EHR_PID
hospital busy
busy_ctl=$EHR_CTL busy_pid=$EHR_PID
at_busy() { EHR_CTL=$busy_ctl EHR_PID=$busy_pid; }
at_slow() { EHR_CTL=$slow_ctl EHR_PID=$slow_pid; }
stop_both() {
    at_slow
    ehr_stop
    at_busy
}
trap 'stop_both; cleanup' EXIT
TARGETS="hospital, slow"
config
sed -i "s|^jobs:|  slow: {plugin: target-fhir, url: \"$slow_url\", ca_file: \"$EHR_CA\", patient_system: \"urn:oid:1.2.3.4.5.6.7\", recipient: Metro General Hospital, settle_seconds: 1, transaction: never}\njobs:|" "$dir/iptfhir.yaml"

# One target asks to be left alone for an hour; the other answers slowly, so that the sync goes on.
ehr_faults '[{"match":{"method":"POST","pathRegex":"^/?$"},"action":"status","status":429,"headers":{"retry-after":"3600"}}]'
at_slow
ehr_faults '[{"match":{},"action":"delay-ms","ms":300}]'
"$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/sync.out" 2>"$dir/sync.err" &
pid=$!

# paused: how many targets are paused.
paused() {
    iptfhir --json status
    value it.paused.length <"$dir/out"
}
while [ "$(paused)" = 0 ] && kill -0 $pid 2>/dev/null; do :; done
same "the busy one is paused" "$(value 'it.paused.map((p) => p.target + " " + p.code).join()' <"$dir/out")" "hospital quota"
at_busy
ehr_faults '[]'
ehr_reset
iptfhir outbox retry --target hospital
same "retry" "$code" 0
while [ "$(mutations)" = 0 ] && kill -0 $pid 2>/dev/null; do :; done
above "it is written to while the sync runs" "$(mutations)" 1
at_slow
ehr_faults '[]'
wait $pid
code=$?
same "the sync" "$code" 0
same "nothing is paused" "$(paused)" 0
for where in busy slow; do
    at_$where
    arrived
done
scenario_end
