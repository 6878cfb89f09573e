#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a mistake of one night in the configuration is said, writes nothing, and is over when it is put right"
clinic 2
hospital hospital
config
cp "$dir/iptfhir.yaml" "$dir/good.yaml"
run 0 sync
there=$(ehr_stat .mutations)
ehr_reset

echo "-- another identity.base"
sed -i 's|https://ipt.example.org|https://ipt2.example.org|' "$dir/iptfhir.yaml"
run 78 sync
says "what to do" 'made under https://ipt.example.org: put that back.*\[identity-base\]' "$dir/err"
run 78 status
run 78 outbox resolve again --target hospital
same "nothing is written" "$(mutations)" 0
cp "$dir/good.yaml" "$dir/iptfhir.yaml"
run 0 sync
run 0 status
same "nothing is written when it is put back" "$(mutations)" 0
above "though something had been written before" "$there" 2
arrived

echo "-- a job of another name"
change REC-1 'r.goals[0].text = "Corrected under another name"'
sed -i 's|^  ipt: {source|  nightly: {source|' "$dir/iptfhir.yaml"
run 0 sync
run 0 status
same "nothing is held" "$(held)" 0
arrived
same "what it had delivered counts as delivered" "$(status_of inStep)" "$(status_of resources)"
above "and is counted" "$(status_of resources)" "$there"
change REC-1 'r.goals[0].text = "Corrected again"'
cp "$dir/good.yaml" "$dir/iptfhir.yaml"
run 0 sync
arrived

echo "-- two jobs that read the same records"
MORE="  also: {source: clinic, mappers: [$MAPPERS], targets: [hospital], clinic: scenario}" config
run 1 sync
run 0 outbox show "$(items duplicate-record | cut -d' ' -f1)"
says "which job has them" "job ipt has a record with this id and is configured, too" "$dir/out"
cp "$dir/good.yaml" "$dir/iptfhir.yaml"
run 0 sync
run 0 status

echo "-- the store's folder is missing"
sed -i 's|path: store.db|path: nowhere/store.db|' "$dir/iptfhir.yaml"
for command in check sync status; do
    run 78 $command
    says "what to do after $command" 'folder of the store.* is not there: make it.*\[missing-file\]' "$dir/err"
done
cp "$dir/good.yaml" "$dir/iptfhir.yaml"

echo "-- the store is an empty file"
ehr_reset
mkdir "$dir/kept"
mv "$dir"/store.db* "$dir/kept/"
: >"$dir/store.db"
chmod 600 "$dir/store.db"
run 0 status
says "what to do" 'nothing yet: run' "$dir/out"
cp "$dir/kept/store.db.key" "$dir/"
run 0 sync
arrived
same "what is there is found again" "$(mutations)" 0
rm "$dir"/store.db*
mv "$dir"/kept/store.db* "$dir/"

scenario_end
