#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/input/lib.sh"
input_test "a table's records are built as nodes: faults name their row, and one that is too large costs itself alone"
config "plugin: source-csv, path: table.csv, columns: columns/weekly-phq9.yaml" "records: {max_bytes: 4096}"

header=Patient_Identifier,Week,DPQ1,DPQ2,DPQ3,DPQ4,DPQ5,DPQ6,DPQ7,DPQ8,DPQ9,DPQ10,PHQ9_Score
# rows PATIENT FROM TO [WEEKS]: so many rows of a patient.
rows() {
    for week in $(seq "$2" "$3"); do
        echo "$1,$week,0,1,0,1,0,1,0,1,0,1,4"
    done
}
{ echo "$header"; rows A 1 2; rows B 1 2; echo "B,9999,0,1,0,1,0,1,0,1,0,1,4"; rows C 1 1; } >"$dir/table.csv"
run 1 sync
says "the fault of B names the third of its rows" 'table.csv:6:1.*/measures/2/timepointWeek'
count "nothing else is held" 'ingest: held:' 1
[ "$(grep -c '"CarePlan"' "$dir/out.ndjson")" = 2 ] || bad "A and C were not mapped"

for path in sync map; do
    rm -f "$dir"/store.db* "$dir/out.ndjson"
    { echo "$header"; rows A 1 2; rows B 1 4000; rows C 1 2; } >"$dir/table.csv"
    run 1 $path
    says "$path: B is held at its first row" 'table.csv:4.*record-too-large'
    count "$path: A and C are not" 'record-too-large' 1
done
input_end
