#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "what waits is not sent by what a source said last time: first it is read, also the source of a job that comes later"
PLUGINS=$top_builddir/tests/plugins/.libs
[ -f "$PLUGINS/mapper-lingers.so" ] || skip "$PLUGINS is not built: make check builds it"
clinic 2
hospital first --state "$dir/state"
EHR_FIXED_PORT=$EHR_PORT
ehr_stop
MAPPERS="late, careplan, goals, measures, neighbours"
EXTRA_MAPPERS="  late: {plugin: mapper-lingers, record: NONE}"
config
run 75 sync
above "what waits" "$(status_of waiting)" 10
change '*' 'r.consents[0].status = "revoked"'
hospital again --state "$dir/state"
iptfhir outbox retry --target hospital
settle
same "what was revoked is held" "$code" 1
same "nothing was sent" "$(mutations)" 0

echo "-- two jobs"
new_store
clinic 2
head -n 1 "$dir/records.ndjson" >"$dir/first.ndjson"
tail -n 1 "$dir/records.ndjson" >"$dir/second.ndjson"
ehr_stop
SOURCE="    {plugin: source-json, path: first.ndjson}
  other:
    {plugin: source-json, path: second.ndjson}"
MORE="  second: {source: other, mappers: [$MAPPERS], targets: [hospital], clinic: scenario}"
config
run 75 sync
mv "$dir/second.ndjson" "$dir/records.ndjson"
change REC-2 'r.consents[0].status = "revoked"'
mv "$dir/records.ndjson" "$dir/second.ndjson"
hospital last --state "$dir/state"
iptfhir outbox retry --target hospital
settle
same "what was revoked is held" "$code" 1
above "the first job's record arrived" "$(ehr_count CarePlan)" 1
same "nothing of the second's" "$(ehr_contains REC-2/)" 0
scenario_end
