#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/input/lib.sh"
input_test "SIGTERM reaches a source and a mapper that wait, and the sync ends in order"
plugins="plugins: ['$top_builddir/tests/plugins/.libs']"
config "plugin: source-waits" "$plugins"

# until_log REGEX: waits until the log has such a line, or the sync has ended.
until_log() {
    while ! grep -q -- "$1" "$dir/err" && kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
}

# interrupt NAME CODE WHO: sends SIGNAME to a sync that waits in a plugin, which must hear it and end with this exit code.
interrupt() {
    rm -f "$dir"/store.db*
    : >"$dir/err"
    "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/out" 2>"$dir/err" </dev/null &
    pid=$!
    until_log ': waiting'
    kill "-$1" "$pid"
    wait "$pid"
    code=$?
    checked=$((checked + 1))
    [ "$code" = "$2" ] || bad "SIG$1: exit $code, wanted $2: $(head -c 600 "$dir/err")"
    says "SIG$1: the $3 hears it" 'heard that the service stops'
    silent "SIG$1: ingest doesn't die" 'ingest died'
}

for pair in TERM:143 INT:130 HUP:129; do
    interrupt "${pair%:*}" "${pair#*:}" source
done

# The record that a mapper gives up is neither held nor taken for read: the next sync has it.
tr -d '\n' <"$top_srcdir/mappings/examples/minimal/record.json" >"$dir/records.ndjson"
config "" "$plugins"
cp "$dir/iptfhir.yaml" "$dir/usual.yaml"
sed -i 's/plugin: map-careplan/plugin: mapper-waits/' "$dir/iptfhir.yaml"
interrupt TERM 143 mapper
silent "nothing is held" 'held:|rejected'
run 0 outbox list
silent "no part of the record is held" 'stopping|rejected'

# A mapper that crashes meanwhile is named.
sed 's/plugin: map-careplan/plugin: mapper-spites, record: IPT-2026-0112/' "$dir/usual.yaml" >"$dir/iptfhir.yaml"
interrupt TERM 143 mapper
says "who crashed" 'mapper-spites crashed \(signal 6\) on a record; the next sync reads it again'
silent "nothing is held" 'held:'
cp "$dir/usual.yaml" "$dir/iptfhir.yaml"
run 0 sync
grep -q CarePlan "$dir/out.ndjson" || bad "the record was not read again"
input_end
