#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "outbox retry, resolve and discard while a sync runs: nothing is lost, nothing is twice, and what a person said counts"
NEIGHBOURS="condition, careteam, encounter, procedure, consent"
clinic 8
hospital plain
config "transaction: never"
settle
same "the first sync" "$code" 0

# Somebody at the hospital edits three goals, and the clinic the same element.
for i in 1 2 3; do
    ehr_edit Goal "$(id_of $i Goal)" '{"description":{"text":"as the hospital says"}}'
    change REC-$i 'r.goals[0].text = "as the clinic says"'
done
run 1 sync
same "held" "$(held conflict)" 3
# ids_of N: the id of what is held of record N.
ids_of() {
    iptfhir --json outbox list --code conflict
    value "it.filter((i) => i.recordId === 'REC-$1').map((i) => i.id).join(' ')" <"$dir/out"
}
first=$(ids_of 1) second=$(ids_of 2) third=$(ids_of 3)

# A sync with a lot to do, at a great distance until all has been said.
change '*' 'for (const m of r.measures) { m.items.phq9_3 = (m.items.phq9_3 + 1) % 4; m.total = Object.values(m.items).reduce((a, b) => a + b, 0) }
    for (let k = 0; k < 6; k++) r.measures.push(measure(Number(r.recordId.slice(4)), 20 + k))'
ehr_reset
ehr_faults '[{"match":{},"action":"delay-ms","ms":250}]'
"$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/sync.out" 2>"$dir/sync.err" &
pid=$!
started_pids=

# meanwhile COMMAND...: it must be done, or say that the store is busy or the item is being looked at, and be done when it is asked again.
meanwhile() {
    _left=200
    iptfhir "$@"
    while { [ "$code" = 75 ] || grep -q 'waiting, not held' "$dir/err"; } && [ $_left -gt 0 ]; do
        _left=$((_left - 1))
        iptfhir "$@"
    done
    same "iptfhir $*" "$code" 0
}
while [ "$(mutations)" -lt 3 ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
rounds=0
while kill -0 $pid 2>/dev/null; do
    rounds=$((rounds + 1))
    [ $rounds -ne 6 ] || ehr_faults '[]'
    case $rounds in
    1) meanwhile outbox resolve "$first" ours ;;
    2) meanwhile outbox resolve "$second" theirs ;;
    3) meanwhile outbox discard "$third" ;;
    *) iptfhir outbox retry --target hospital ;;
    esac
    iptfhir --json status
    same "the states add up meanwhile" "$(value 'it.lost === 0 && it.jobs.flatMap((j) => j.targets).every((t) => t.resources === t.inStep + t.waiting + t.unknown + t.held + t.decided)' <"$dir/out")" true
done
wait $pid
code=$?
above "rounds of commands while it ran" $rounds 5
if [ "$code" = 0 ] || [ "$code" = 1 ] || [ "$code" = 75 ]; then ok; else bad "the sync's exit code: $code: $(tail -3 "$dir/sync.err")"; fi
ehr_faults '[]'
settle
same "the sync after it" "$code" 0
same "what was resolved as ours" "$(of 1 Goal | value it.description.text)" "as the clinic says"
same "what was resolved as theirs" "$(of 2 Goal | value it.description.text)" "as the hospital says"
same "what was discarded" "$(of 3 Goal | value it.description.text)" "as the hospital says"
same "held" "$(held)" 0
same "decided" "$(status_of decided)" 2
same "creates of one identity under way together" "$(ehr_stat .overlaps)" 0
same "identities that are there twice" "$(ehr_stat '.duplicates.filter((d) => d.type !== "Patient").length')" 0
same "measures" "$(ehr_count QuestionnaireResponse)" $((8 * 8))
ehr_reset
run 0 sync
same "nothing is left to send" "$(mutations)" 0
scenario_end
