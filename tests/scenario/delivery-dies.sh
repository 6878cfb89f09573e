#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "delivery alone is killed, at many moments: it is started again, nothing is lost or twice; SIGTERM to all processes: an orderly end, no crash is reported, nothing held"
NEIGHBOURS="condition, careteam, encounter, procedure, consent" # Provenance has no identifier to be found by
clinic 6
hospital plain
# A server at some distance, so that answers are on their way when the process dies.
ehr_faults '[{"match":{},"action":"delay-ms","ms":20}]'
config "transaction: never"

# work N: every record changes.
work() {
    change '*' "for (const m of r.measures) { m.items.phq9_3 = (m.items.phq9_3 + 1) % 4; m.total = Object.values(m.items).reduce((a, b) => a + b, 0) }
        r.measures.push(measure(Number(r.recordId.slice(4)), 5 + r.measures.length));
        r.goals[0].text = 'Goal, as of $1'"
}

# begin: starts a sync in a process group of its own; its pid in $pid.
begin() {
    setsid "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/out" 2>"$dir/err" &
    pid=$!
    started_pids=$pid
}

# end: waits for it; its exit code in $code.
end() {
    wait "$pid"
    code=$?
    started_pids=
    cat "$dir/out" "$dir/err" >>"$dir/everything.log"
}

# delivery [NOT]: the pid of the process that has the store open, once there is one other than NOT; empty when the sync has ended.
delivery() {
    while kill -0 "$pid" 2>/dev/null; do
        for _child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do
            # shellcheck disable=SC2010 # where the links of a process lead
            if [ "$_child" != "${1:-}" ] && ls -l "/proc/$_child/fd" 2>/dev/null | grep -q 'store\.db$'; then
                echo "$_child"
                return
            fi
        done
        sleep 0.01
    done
}

# until_changed N: waits until the server has committed N changes, or the sync has ended.
until_changed() {
    while [ "$(mutations)" -lt "$1" ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.02
    done
}

for after in 0 1 5 20 40; do
    echo "-- killed after $after changes"
    work "$after"
    ehr_control POST reset >/dev/null
    ehr_faults '[{"match":{},"action":"delay-ms","ms":20}]'
    begin
    killed=$(delivery)
    until_changed "$after"
    kill -9 "$killed"
    end
    same "$after: exit code" "$code" 0
    says "$after: the parent says so" 'delivery died \(signal 9\); it begins anew' "$dir/err"
    silent_on "$after: nothing is put down to a mapper" 'plugin-crash|ingest died' "$dir/err"
    same "$after: held" "$(held)" 0
    arrived
done
same "creates of one identity under way together" "$(ehr_stat .overlaps)" 0

echo "-- killed again and again: the sync gives up, the next one goes on"
work again
begin
first=$(delivery)
kill -9 "$first"
second=$(delivery "$first")
kill -9 "$second"
third=$(delivery "$second")
kill -9 "$third"
end
same "exit code" "$code" 70
settle
same "the next sync" "$code" 0
arrived

for after in 0 1 5 20 40; do
    echo "-- SIGTERM to all processes after $after changes"
    work "term-$after"
    ehr_control POST reset >/dev/null
    ehr_faults '[{"match":{},"action":"delay-ms","ms":20}]'
    begin
    delivery >/dev/null
    until_changed "$after"
    kill -TERM "-$pid"
    end
    same "$after: exit code" "$code" 143
    silent_on "$after: no crash" 'died|crash|not return' "$dir/err"
    same "$after: held" "$(held)" 0
    law
done
settle
same "the sync after them" "$code" 0
arrived

echo "-- SIGTERM to all processes while a mapper has a record in hand"
PLUGINS="$top_builddir/tests/plugins/.libs" EXTRA_MAPPERS="  waits: {plugin: mapper-waits}" MAPPERS="waits, careplan, goals, measures, neighbours"
config
work waits
begin
while ! grep -q 'waiting' "$dir/err" && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
kill -TERM "-$pid"
end
same "exit code" "$code" 143
silent_on "no crash" 'died|crash|not return' "$dir/err"
same "held" "$(held)" 0
MAPPERS="careplan, goals, measures, neighbours" EXTRA_MAPPERS=
config
settle
same "the sync after it" "$code" 0
arrived

echo "-- SIGTERM to all processes while a mapper doesn't return"
EXTRA_MAPPERS="  bad: {plugin: mapper-hang, record: REC-2}" MAPPERS="bad, careplan, goals, measures, neighbours" RECORD_SECONDS=120
config
work hangs
begin
delivery >/dev/null
while ! grep -q 'misbehaving' "$dir/err" && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
kill -TERM "-$pid"
end
same "exit code" "$code" 143
silent_on "no crash" 'died|crash|not return' "$dir/err"
same "held" "$(held)" 0
MAPPERS="careplan, goals, measures, neighbours" EXTRA_MAPPERS=
config
settle
same "the sync after it" "$code" 0
arrived
scenario_end
