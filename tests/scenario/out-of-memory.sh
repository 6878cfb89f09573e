#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
refuser=$top_builddir/tests/alloc/.libs/refuse-memory.so
[ -e "$refuser" ] || skip "refuse-memory is not built (a sanitizer has its own allocator)"
scenario "memory that runs out at many moments of a sync, in each process: no crash, nothing lost, nothing twice, and a later sync brings all in step"
: "${SEED:=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}" "${MOMENTS:=6}"
echo "seed $SEED (SEED=$SEED repeats it)"
NEIGHBOURS="condition, careteam, encounter, procedure, consent" # Provenance has no identifier to be found by

# refusing PROCESS AT MANY: a sync in which the process (0: the parent, 1: delivery, 2: ingest) is refused memory at its AT-th call.
refusing() {
    rm -f "$dir/counts"
    REFUSE_PROCESS=$1 REFUSE_AT=$2 REFUSE_MANY=$3 REFUSE_COUNTS=$dir/counts LD_PRELOAD=$refuser \
        timeout 120 "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/out" 2>"$dir/err"
    code=$?
    cat "$dir/out" "$dir/err" >>"$dir/everything.log"
}

# refused PROCESS: how many calls the last such sync refused.
refused() { od -An -j$((512 + $1 * 8)) -N8 -tu8 "$dir/counts" | tr -d ' '; }

# work N: every record changes.
work() {
    change '*' "for (const m of r.measures) { m.items.phq9_3 = (m.items.phq9_3 + 1) % 4; m.total = Object.values(m.items).reduce((a, b) => a + b, 0) }
        if ($1 % 3 === 0) r.measures.push(measure(Number(r.recordId.slice(4)), 5 + r.measures.length));
        r.goals[0].text = 'Goal, as of $1'"
}

clinic 3
hospital plain
config
refusing 9 0 0
same "a sync with memory enough" "$code" 0
cp "$dir/counts" "$dir/all-counts"

# most PROCESS: how many calls a whole sync makes.
most() { od -An -j$(($1 * 8)) -N8 -tu8 "$dir/all-counts" | tr -d ' '; }
for process in 0 1 2; do
    above "calls of process $process" "$(most $process)" 100
done

# Moments from the first call to the last: few while it starts, the others anywhere.
moments() {
    awk -v n="$MOMENTS" -v seed="$((SEED + $1))" -v most="$2" 'BEGIN { srand(seed); print 1; while (--n) print int(n % 3 == 0 ? rand() * 400 : rand() * most) + 1 }'
}

tries=0 struck=0
for process in 1 2 0; do
    for moment in $(moments $process "$(most $process)"); do
        tries=$((tries + 1))
        many=$((tries % 4 == 0 ? 1000000000 : 1 + tries % 2))
        work $tries
        [ $((tries % 5)) -ne 0 ] || { new_store && ehr_stop && rm -f "$dir/journal" && hospital "anew-$tries" && config; }
        refusing $process "$moment" $many
        struck=$((struck + $(refused $process)))
        [ "$code" -lt 124 ] || bad "process $process, call $moment, $many in a row: exit code $code"
        silent_on "process $process, call $moment, $many in a row: nobody crashed" 'crashed|died' "$dir/err"
        settle
        same "process $process, call $moment, $many in a row: the sync after it" "$code" 0
        arrived >"$dir/arrival"
        grep FAIL -A9 "$dir/arrival"
    done
done
above "calls that were refused" "$struck" $((tries / 2))
echo "$tries syncs, $struck calls refused"
run 0 sync
ehr_reset
run 0 sync
same "nothing is left to send" "$(mutations)" 0
scenario_end
