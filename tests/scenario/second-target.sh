#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a second target is added to a job: it gets everything that is wanted, without a reread, and the first gets nothing again"
clinic 3
touch -d '10 seconds ago' "$dir/records.ndjson"
hospital plain
config
run 0 sync
one=$(status_of resources)
TARGETS="hospital, archive"
config
sed -i 's|^jobs:|  archive: {plugin: target-file, path: archive.ndjson, recipient: Metro General Hospital}\njobs:|' "$dir/iptfhir.yaml"
iptfhir --json status
same "twice as many resources, half of them wait" "$(status_of resources) $(status_of waiting)" "$((one * 2)) $one"
ehr_reset
run 0 sync
same "changes at the first" "$(mutations)" 0
same "lines at the second" "$(grep -c . "$dir/archive.ndjson")" "$one"
same "all is in step" "$(status_of inStep)" "$((one * 2))"
scenario_end
