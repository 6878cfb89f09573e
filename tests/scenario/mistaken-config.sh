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

scenario_end
