#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/input/lib.sh"
input_test "SIGTERM reaches a source that waits, and the sync ends in order"
config "plugin: source-waits" "plugins: ['$top_builddir/tests/plugins/.libs']"

# until_log REGEX: waits until the log has such a line, or the sync has ended.
until_log() {
    while ! grep -q -- "$1" "$dir/err" && kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
}

for pair in TERM:143 INT:130 HUP:129; do
    name=${pair%:*} wanted=${pair#*:}
    rm -f "$dir"/store.db*
    : >"$dir/err"
    "$IPTFHIR" -c "$dir/iptfhir.yaml" sync >"$dir/out" 2>"$dir/err" </dev/null &
    pid=$!
    until_log ': waiting'
    kill "-$name" "$pid"
    wait "$pid"
    code=$?
    checked=$((checked + 1))
    [ "$code" = "$wanted" ] || bad "SIG$name: exit $code, wanted $wanted: $(head -c 600 "$dir/err")"
    says "SIG$name: the source hears it" 'heard that the service stops'
    silent "SIG$name: ingest doesn't die" 'ingest died'
done
input_end
