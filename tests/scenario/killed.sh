#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
: "${KILLS:=50}" "${SEED:=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}"
scenario "killed (SIGKILL, all processes) at $KILLS random moments of a sync: nothing missing, nothing twice"
echo "seed $SEED (SEED=$SEED repeats it)"

NEIGHBOURS="condition, careteam, encounter, procedure, consent" # Provenance has no identifier to be found by
clinic 5
hospital plain
# A server at some distance, so that moments in which an answer is on its way are not rare.
ehr_faults '[{"match":{},"action":"delay-ms","ms":15}]'
config

# How long a sync takes in which every record has changed.
work() {
    change '*' "
        const i = Number(r.recordId.slice(4));
        for (const m of r.measures) { m.items.phq9_3 = (m.items.phq9_3 + 1) % 4; m.total = Object.values(m.items).reduce((a, b) => a + b, 0) }
        if ($1 % 20 === i) r.measures.push(measure(i, 5 + r.measures.length));
        r.goals[0].text = 'Goal, as of $1'"
}
run 0 sync
work 0
start=$(date +%s%N)
run 0 sync
took=$((($(date +%s%N) - start) / 1000000))
echo "a sync takes $took ms"

# Kill it at a random moment, until there were enough deaths; what was over too soon does not count.
moments=$(awk -v n=$((KILLS * 4)) -v seed="$SEED" -v ms="$took" 'BEGIN { srand(seed); while (n--) printf "%.3f\n", 0.01 + rand() * ms / 1000 }')
kills=0 tries=0
for moment in $moments; do
    [ $kills -lt "$KILLS" ] || break
    tries=$((tries + 1))
    work $tries
    setsid "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >>"$dir/killed.log" 2>&1 &
    pid=$!
    started_pids=$pid
    sleep "$moment"
    kill -9 "-$pid" 2>/dev/null
    wait $pid 2>/dev/null
    [ $? -ne 137 ] || kills=$((kills + 1))
    started_pids=
done
same "kills" "$kills" "$KILLS"
echo "$kills kills in $tries syncs"
ehr_stat .statuses | sed 's/^/answers so far: /'

ehr_faults '[]'
settle
same "the last sync" "$code" 0
arrived
same "creates of one identity under way together" "$(ehr_stat .overlaps)" 0
ehr_reset
run 0 sync
same "nothing is left to send" "$(mutations)" 0
silent_on "no fault of ours" 'LeakSanitizer|AddressSanitizer|runtime error|database (disk image )?is (locked|malformed)' "$dir/killed.log" "$dir/everything.log"
scenario_end
