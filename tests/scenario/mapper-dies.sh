#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a mapper that crashes, loops for ever or swallows memory costs its record; everything else arrives"
clinic 4
PLUGINS="$top_builddir/tests/plugins/.libs" RECORD_SECONDS=2 MEMORY_MIB=250 PATIENCE=3
for how in crash hang hog; do
    echo "-- mapper-$how"
    new_store
    hospital "$how"
    EXTRA_MAPPERS="  bad: {plugin: mapper-$how, record: REC-2}" MAPPERS="bad, careplan, goals, measures, neighbours"
    config
    run 1 sync
    same "held as plugin-crash" "$(held) $(held plugin-crash)" "1 1"
    run 0 outbox list
    says "which record" 'REC-2' "$dir/out"
    iptfhir --json outbox list
    says "the plugin's name" "mapper-$how" "$dir/out"
    same "records that arrived" "$(ehr_count CarePlan)" 3
    law
    # The mapper is mended (here: taken out): the record goes on.
    EXTRA_MAPPERS= MAPPERS="careplan, goals, measures, neighbours"
    config
    run 0 outbox retry --code plugin-crash
    run 0 sync
    same "records after the mending" "$(ehr_count CarePlan)" 4
    ehr_stop
done
scenario_end
