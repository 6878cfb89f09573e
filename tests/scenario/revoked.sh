#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a consent is revoked after delivery: nothing new is sent to this recipient, in this record or another of the patient, until it is given again"
clinic 2
hospital plain
config
run 0 sync
change REC-1 'r.consents[0].status = "revoked"; r.goals[0].text = "After the revocation"'
ehr_reset
run 1 sync
same "the goal is as it was" "$(of 1 Goal | grep -c 'After the revocation')" 0
above "held" "$(held consent)" 1
run 1 status
says "why, and what moves it on" 'held, consent: ' "$dir/out"
says "the way on" 'record the consent at the source' "$dir/out"

echo "-- given again"
change REC-1 'r.consents.push({ ...r.consents[0], id: "C-2", status: "active", signedAt: "2025-06-03" });'
run 0 sync
same "now it is sent" "$(of 1 Goal | grep -c 'After the revocation')" 1
scenario_end
