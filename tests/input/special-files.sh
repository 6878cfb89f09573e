#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/input/lib.sh"
input_test "a FIFO, a device or a folder where a file is expected is refused at once"

# A plain installation of the mappings, whose files can be replaced.
mkdir "$dir/mappings"
(cd "$top_srcdir/mappings" && find . -type d) | while read -r folder; do mkdir -p "$dir/mappings/$folder"; done
(cd "$top_srcdir/mappings" && find . -type f) | while read -r file; do ln -s "$top_srcdir/mappings/$file" "$dir/mappings/$file"; done

# kinds PATH COMMAND...: puts each kind of what is no file at PATH and runs the command.
kinds() {
    at=$1
    shift
    rm -rf "$at"
    mkfifo "$at" && "$@" 'a FIFO \(named pipe\), where a regular file is expected'
    rm -rf "$at"
    ln -s /dev/zero "$at" && "$@" 'a device, where a regular file is expected'
    rm -rf "$at"
    mkdir "$at" && "$@" 'a folder, where a regular file is expected'
    rm -rf "$at"
}

# refused CODE PATH COMMAND MESSAGE: the command ends with this code and says the message with the path.
refused() {
    wanted=$1 place=$2 command=$3
    # shellcheck disable=SC2086 # a command and its arguments
    run "$wanted" $command
    says "$command" "$place.*$4"
}

tr -d '\n' <"$top_srcdir/mappings/examples/minimal/record.json" >"$dir/records.ndjson"
echo >>"$dir/records.ndjson"

echo "-- the configuration"
kinds "$dir/iptfhir.yaml" refused 78 iptfhir.yaml check

echo "-- mappings, instruments, terminology, schema"
config
sed -i "s|^mappings: .*|mappings: mappings|" "$dir/iptfhir.yaml"
kinds "$dir/mappings/extra.yaml" refused 78 extra.yaml map
kinds "$dir/mappings/terminology/extra.json" refused 78 extra.json map
rm -f "$dir/mappings/schema/ipt-record.schema.json"
kinds "$dir/mappings/schema/ipt-record.schema.json" refused 78 ipt-record.schema.json map
ln -s "$top_srcdir/mappings/schema/ipt-record.schema.json" "$dir/mappings/schema/ipt-record.schema.json"
sed -i 's|careplan: {plugin: map-careplan}|careplan: {plugin: map-observation}|' "$dir/iptfhir.yaml"
kinds "$dir/mappings/instruments/extra.yaml" refused 78 extra.yaml map

echo "-- records, tables, columns"
config
kinds "$dir/records.ndjson" true
mkfifo "$dir/records.ndjson"
refused 1 records.ndjson map 'a FIFO'
rm "$dir/records.ndjson"
ln -s /dev/zero "$dir/records.ndjson"
refused 1 records.ndjson map 'a device'
rm "$dir/records.ndjson"
config "plugin: source-csv, path: table.csv, columns: columns/weekly-phq9.yaml"
mkfifo "$dir/table.csv"
refused 1 table.csv map 'a FIFO'
rm "$dir/table.csv"
config "plugin: source-csv, path: table.csv, columns: columns.yaml"
echo a,b >"$dir/table.csv"
kinds "$dir/columns.yaml" refused 78 columns.yaml map

echo "-- what commands read"
config
kinds "$dir/record.json" refused 65 record.json "eval recordId $dir/record.json"
mkdir -p "$dir/samples/case"
mkfifo "$dir/samples/one.json"
refused 78 one.json "check --samples $dir/samples" 'a FIFO'
mkfifo "$dir/samples/case/record.json"
refused 65 record.json "test $dir/samples" 'a FIFO'

echo "-- standard input stays"
checked=$((checked + 1))
echo '{"recordId": "R-7"}' | timeout 60 "$IPTFHIR" -c "$dir/iptfhir.yaml" eval recordId - >"$dir/out" 2>"$dir/err"
grep -q R-7 "$dir/out" || bad "eval from standard input: $(cat "$dir/err")"
config "plugin: source-json, path: '-'"
checked=$((checked + 1))
tr -d '\n' <"$top_srcdir/mappings/examples/minimal/record.json" |
    timeout 60 "$IPTFHIR" -c "$dir/iptfhir.yaml" map >"$dir/out" 2>"$dir/err"
grep -q CarePlan "$dir/out" || bad "records from standard input: $(cat "$dir/err")"
input_end
