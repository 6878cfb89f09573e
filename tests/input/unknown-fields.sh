#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/input/lib.sh"
input_test "records.unknown_fields: a misspelt field holds the record, or is dropped with one warning"

# records FIELD: three records in which course.plannedWeeks has another name.
records() {
    for id in 1 2 3; do
        tr -d '\n' <"$top_srcdir/mappings/examples/minimal/record.json" |
            sed "s/\"recordId\": *\"[^\"]*\"/\"recordId\": \"REC-$id\"/; s/\"course\": *{/\"course\": {\"$1\": \"Ms Secret\", /"
        echo
    done >"$dir/records.ndjson"
}

records planedWeks
config
run 1 map
count "held once a record" 'unknown field; did you mean .plannedWeeks' 3
cp "$dir/out" "$dir/held"

config "" "records: {unknown_fields: warn}"
run 0 map
count "one warning for the field" 'unknown-field: .* no field /course/planedWeks' 1
silent "its value" 'Ms Secret'
silent "the field in a resource" 'planedWeks"'
checked=$((checked + 1))
[ -s "$dir/out" ] && [ ! -s "$dir/held" ] || bad "the records were not mapped"
run 0 sync
count "one warning in a sync" 'unknown-field: .* no field /course/planedWeks' 1

records "Kim Vale, 1990"
run 0 map
silent "a name that looks like data" 'Vale'
count "it is warned about" 'no field /course/\(unusual-name\)' 1

config "" "records: {unknown_fields: sometimes}"
run 78 map
says "what it may be" 'error, warn'
input_end
