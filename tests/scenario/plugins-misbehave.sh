#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a mapper that ends the process as if all were well, that leaves a child behind, or that never begins: nothing is lost in silence, nothing stays locked"
PLUGINS=$top_builddir/tests/plugins/.libs
[ -f "$PLUGINS/mapper-quits.so" ] || skip "$PLUGINS is not built: make check builds it"
clinic 3
for how in quits forks; do
    echo "-- mapper-$how"
    new_store
    hospital "$how"
    EXTRA_MAPPERS="  bad: {plugin: mapper-$how, record: REC-2}" MAPPERS="bad, careplan, goals, measures, neighbours"
    config
    run 1 sync
    same "held as plugin-crash" "$(held) $(held plugin-crash)" "1 1"
    iptfhir --json outbox list
    says "the plugin's name" "mapper-$how" "$dir/out"
    same "records that arrived" "$(ehr_count CarePlan)" 2
    run 1 sync # the store is free
    law
    ehr_stop
done

echo "-- mapper-sleeps"
new_store
hospital sleeps
SOURCE_SECONDS=1
EXTRA_MAPPERS="  bad: {plugin: mapper-sleeps, record: REC-2}"
config
run 70 sync
says "what hangs" 'did nothing for 1 s \(limits.source_seconds\)' "$dir/err"
run 75 status
says "the job is silent" 'SILENT' "$dir/out"
SOURCE_SECONDS=60 EXTRA_MAPPERS='' MAPPERS="careplan, goals, measures, neighbours"
config
run 0 sync
scenario_end
