#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a clinician changed what the clinic changes too: other elements merge, the same element is held or decided by the policy"

goal() { of "$1" Goal; }

clinic 4
hospital conflict
config
run 0 sync

echo "-- other elements, and an edit that the clinic does not touch"
ehr_edit Goal "$(id_of 1 Goal)" '{"note":[{"text":"Seen on the ward"}]}'
ehr_edit Goal "$(id_of 2 Goal)" '{"note":[{"text":"Only looked at"}]}'
change REC-1 'r.goals[0].text = "Reach a total below 4"'
run 0 sync
same "ours" "$(goal 1 | value it.description.text)" "Reach a total below 4"
same "theirs" "$(goal 1 | value 'it.note[0].text')" "Seen on the ward"
same "what the clinic did not change stays theirs" "$(goal 2 | value 'it.note[0].text')" "Only looked at"

# Once merged, their part also outlives the next change.
change REC-1 'r.goals[0].text = "Reach a total below 3"'
run 0 sync
same "ours, again" "$(goal 1 | value it.description.text)" "Reach a total below 3"
same "theirs, still" "$(goal 1 | value 'it.note[0].text')" "Seen on the ward"

echo "-- the same element"
for i in 2 3 4; do
    ehr_edit Goal "$(id_of $i Goal)" '{"description":{"text":"As the ward sees it"}}'
done
change REC-2 'r.goals[0].text = "As the clinic sees it"'
run 1 sync
same "held" "$(held conflict)" 1
run 0 outbox list --code conflict
says "which" 'conflict .*REC-2 Goal' "$dir/out"
same "theirs is untouched" "$(goal 2 | value it.description.text)" "As the ward sees it"
silent_on "texts in messages" 'sees it' "$dir/err"
law

echo "-- the policy: clinic-wins, ehr-wins"
config 'conflict: clinic-wins'
change REC-3 'r.goals[0].text = "As the clinic sees it"'
run 1 sync
same "clinic wins" "$(goal 3 | value it.description.text)" "As the clinic sees it"
config 'conflict: ehr-wins'
change REC-4 'r.goals[0].text = "As the clinic sees it"'
run 1 sync
same "the EHR wins" "$(goal 4 | value it.description.text)" "As the ward sees it"
law

echo "-- a person decides"
config
run 64 outbox resolve again --code conflict
run 0 outbox resolve ours --code conflict
settle
same "after the decision" "$code" 0
same "ours was chosen" "$(goal 2 | value it.description.text)" "As the clinic sees it"

echo "-- deleted there"
ehr_control POST delete "{\"type\":\"Goal\",\"id\":\"$(id_of 3 Goal)\"}" >/dev/null
change REC-3 'r.goals[0].text = "Still here?"'
run 1 sync
same "held as gone" "$(held gone)" 1
same "not made again" "$(ehr_count Goal)" 3
same "doubles" "$(ehr_duplicates)" 0
run 0 outbox resolve "$(items gone)" leave
run 0 sync
same "left as it is" "$(ehr_count Goal) $(status_of decided)" "3 2"
run 0 outbox restore "$("$IPTFHIR" -c "$dir/iptfhir.yaml" --json outbox list --state decided --code leave | value 'it[0].id')"
run 1 sync
run 0 outbox resolve "$(items gone)" again
run 0 sync
same "made anew when a person says so" "$(ehr_count Goal)" 4
same "doubles after that" "$(ehr_duplicates)" 0
scenario_end
