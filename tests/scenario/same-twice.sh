#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "the same sync twice: the second sends nothing"
clinic 4
touch -d '10 seconds ago' "$dir/records.ndjson"
hospital plain
config

run 0 sync
arrived
above "resources at the server" "$(ehr_count Observation)" 80
says "the summary" '4 records read .* 0 held' "$dir/err"
run 0 status
says "the law in words" 'records read 4 = mapped 4 \+ unchanged 0 \+ stale 0 \+ held 0' "$dir/out"
says "the law of resources" 'resources ([0-9]+) = in step \1 \+ waiting 0 \+ unknown 0 \+ held 0 \+ decided 0' "$dir/out"

ehr_reset
run 0 sync
says "nothing was read either" '^0 records read' "$dir/err"
same "changes in the second sync" "$(mutations)" 0
same "requests in the second sync" "$(ehr_stat .requests)" '{}'

# The file is touched, nothing in it differs: read again, not sent again.
touch "$dir/records.ndjson"
run 0 sync
says "records as before" '4 records read \(4 as before' "$dir/err"
same "changes after a touch" "$(mutations)" 0
same "requests after a touch" "$(ehr_stat .requests)" '{}'

# The store is lost: everything is found at the server, nothing is made twice. (Provenance has no identifier to be found by.)
forget_store
NEIGHBOURS="condition, careteam, encounter, procedure, consent"
config
ehr_reset
run 0 sync
same "changes after the store was lost" "$(mutations)" 0
same "identities that are there twice" "$(ehr_duplicates)" 0
same "all of it is in step" "$(status_of inStep)" "$(status_of resources)"
scenario_end
