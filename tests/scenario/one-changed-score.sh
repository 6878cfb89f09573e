#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "one changed score: its item, its total and the answers they come from are sent, nothing else"
clinic 3
hospital plain
config
run 0 sync

# The goal's achievement is the record's own, so it does not move with the score.
ehr_reset
change REC-2 'r.measures[0].items.phq9_1 = 0; r.measures[0].total = Object.values(r.measures[0].items).reduce((a, b) => a + b, 0)'

run 0 sync --dry-run
same "changes of a dry run" "$(mutations)" 0
same "requests of a dry run" "$(ehr_stat .requests)" '{}'
cp "$dir/out" "$dir/diff"
same "resources in the diff" "$(grep -c '^[~+]' "$dir/diff")" 3
same "the item and the total in the diff" "$(grep -c '^~ hospital: Observation ' "$dir/diff")" 2
same "the answers in the diff" "$(grep -c '^~ hospital: QuestionnaireResponse ' "$dir/diff")" 1
says "the element" '\+ /valueQuantity/value: [0-9]+' "$dir/diff"
run 0 --json sync --dry-run
same "actions of the JSON lines" "$(grep '^{' "$dir/out" | sed 's/.*"action":"\([a-z]*\)".*/\1/' "$dir/out" | sort | uniq -c | tr -s ' ')" " 3 update"

before=$(grep -c . "$dir/journal")
run 0 sync
same "changes" "$(mutations)" 3
tail -n "+$((before + 1))" "$dir/journal" | grep '"mutation"' >"$dir/changed"
same "their kinds" "$(sed 's/.*"mutation":"\([a-z]*\)".*"type":"\([A-Za-z]*\)".*/\1 \2/' "$dir/changed" | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
    " 2 update Observation; 1 update QuestionnaireResponse;"
same "their versions" "$(grep -c '"version"' "$dir/changed")" 3
arrived

# A new measure: the panel and its parts are created; plan and goal refer to it.
change REC-1 'r.measures.push(measure(1, 8))'
run 0 sync
arrived
run 0 sync --dry-run
same "what is left to do" "$(grep -c '^[~+]' "$dir/out")" 0
scenario_end
