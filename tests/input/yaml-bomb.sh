#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/input/lib.sh"
input_test "a YAML file that grows by its aliases is refused at once, in every place of a YAML file"

# bomb: nine letters, each made of nine of the one before.
bomb() {
    echo "a: &a [x, x, x, x, x, x, x, x, x]"
    before=a
    for letter in b c d e f g h i; do
        echo "$letter: &$letter [*$before, *$before, *$before, *$before, *$before, *$before, *$before, *$before, *$before]"
        before=$letter
    done
}

# refused FILE CODE ARGUMENT...: within 256 MiB, with the place of the alias.
refused() {
    file=$1 wanted=$2
    shift 2
    checked=$((checked + 1))
    # A sanitizer reserves more than any limit.
    (
        grep -q __asan_init "$IPTFHIR" || ulimit -v 1000000
        timeout 60 "$IPTFHIR" -c "$dir/iptfhir.yaml" "$@"
    ) >"$dir/out" 2>"$dir/err"
    code=$?
    [ "$code" = "$wanted" ] || bad "$*: exit $code, wanted $wanted: $(head -c 600 "$dir/err")"
    says "$file" "$file:[0-9]+:[0-9]+: error: this file grows too large or too deep by its aliases"
}

echo '{}' >"$dir/records.ndjson"
config
bomb >>"$dir/iptfhir.yaml"
refused iptfhir.yaml 78 check
config "plugin: source-csv, path: records.ndjson, columns: columns.yaml"
bomb >"$dir/columns.yaml"
refused columns.yaml 78 map
cp -R "$top_srcdir/mappings" "$dir/mappings"
chmod -R u+w "$dir/mappings" # a release's may be read-only
config
sed -i "s|^mappings: .*|mappings: mappings|" "$dir/iptfhir.yaml"
bomb >"$dir/mappings/extra.yaml"
refused extra.yaml 78 map
input_end
