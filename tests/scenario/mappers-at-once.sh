#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "three bad mappers in one job: each costs one record, is named with how it went, and is not tried again"
PLUGINS=$top_builddir/tests/plugins/.libs
[ -f "$PLUGINS/mapper-crash.so" ] || skip "$PLUGINS is not built: make check builds it"
clinic 5
RECORD_SECONDS=2 MEMORY_MIB=250 PATIENCE=6
MAPPERS="careplan, crash, goals, hang, measures, hog, neighbours"
EXTRA_MAPPERS='  crash: {plugin: mapper-crash, record: REC-2}
  hang: {plugin: mapper-hang, record: REC-3}
  hog: {plugin: mapper-hog, record: REC-4}'
touch -d '10 seconds ago' "$dir/records.ndjson"
hospital plain
config
run 1 sync
silent_on "record ids in the log" 'REC-[0-9]' "$dir/err"
iptfhir --json outbox list
cp "$dir/out" "$dir/list"
same "held" "$(value 'it.map((i) => [i.recordId, i.code, i.detail.split(" ")[0]].join(" ")).sort().join(", ")' <"$dir/list")" \
    "REC-2 plugin-crash mapper-crash, REC-3 plugin-crash mapper-hang, REC-4 plugin-crash mapper-hog"
says "how the first went" 'mapper-crash crashed \(signal [0-9]+\)' "$dir/list"
says "how the second went" 'mapper-hang did not return within 2 s' "$dir/list"
says "how the third went: a slow machine may be out of time before it is out of memory" 'mapper-hog (took more than 250 MiB|did not return within 2 s)' "$dir/list"
same "the others arrived" "$(ehr_resources CarePlan | sed 's/.*"Patient.pat-\([0-9]*\)".*/REC-\1/' | sort | tr '\n' ' ')" "REC-1 REC-5 "
same "nothing of the held ones" "$(ehr_contains REC-2/) $(ehr_contains REC-3/) $(ehr_contains REC-4/)" "0 0 0"
same "doubles" "$(ehr_duplicates)" 0
law

# Skipped while record and mapper stay as they are, also when the file is read again.
ehr_reset
touch "$dir/records.ndjson"
start=$(date +%s%N)
run 1 sync
took=$((($(date +%s%N) - start) / 1000000))
same "still held" "$(held plugin-crash)" 3
same "changes" "$(mutations)" 0
if [ $took -lt 3000 ]; then ok; else bad "the second sync took $took ms: were they tried again?"; fi

# The mappers are mended (here: left out): everything arrives, without a hand on the outbox.
touch -d '10 seconds ago' "$dir/records.ndjson"
iptfhir sync # the file as it stands is in the cursor now
MAPPERS="careplan, goals, measures, neighbours" EXTRA_MAPPERS=
config
settle
same "with mappers that work" "$code" 0
arrived
scenario_end
