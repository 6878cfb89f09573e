# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of inputs need: a folder of their own, a configuration over the shipped mappings, and assertions.
# A test sources this file, calls `input_test "what it shows"` and ends with `input_end`. No server and no network.
set -u
: "${top_srcdir:=.}" "${top_builddir:=$top_srcdir/build}"
: "${IPTFHIR:=$top_builddir/iptfhir}" "${IPTFHIR_PLUGINDIR:=$top_builddir/plugins}" "${IPTFHIR_DATADIR:=$top_srcdir}"
export IPTFHIR_PLUGINDIR IPTFHIR_DATADIR
failed=0 checked=0

# input_test TEXT: begins.
input_test() {
    [ -x "$IPTFHIR" ] || { echo "SKIP: $IPTFHIR is not built"; exit 77; }
    top_srcdir=$(cd "$top_srcdir" && pwd)
    dir=$(mktemp -d "${TMPDIR:-/tmp}/iptfhir-input.XXXXXX") || exit 99
    trap 'rm -rf "$dir"' EXIT
    trap 'exit 99' HUP INT TERM
    echo "== $1"
}

# config [SOURCE-OPTIONS] [TEXT]: writes $dir/iptfhir.yaml; TEXT is added as it is.
config() {
    cat >"$dir/iptfhir.yaml" <<YAML
store: {path: store.db}
identity: {base: "https://ipt.example.org"}
mappings: $top_srcdir/mappings
sources:
  records: {${1:-plugin: source-json, path: records.ndjson}}
mappers:
  careplan: {plugin: map-careplan}
targets:
  out: {plugin: target-file, path: out.ndjson, consent: attested}
jobs:
  nightly: {source: records, mappers: [careplan], targets: [out], clinic: main}
${2:-}
YAML
}

# run CODE ARGUMENT...: runs iptfhir, which must end within a minute, with this exit code; output in $dir/out, $dir/err.
run() {
    wanted=$1
    shift
    timeout 60 "$IPTFHIR" -c "$dir/iptfhir.yaml" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    code=$?
    checked=$((checked + 1))
    [ "$code" = "$wanted" ] || bad "iptfhir $*: exit $code, wanted $wanted: $(head -c 600 "$dir/err")"
}

bad() {
    failed=$((failed + 1))
    echo "FAIL: $*"
}

# says WHAT REGEX: the last run's errors have a line like this. silent WHAT REGEX: none has.
says() {
    checked=$((checked + 1))
    grep -Eq -- "$2" "$dir/err" || bad "$1: no line like '$2' in: $(head -c 600 "$dir/err")"
}
silent() {
    checked=$((checked + 1))
    ! grep -Eq -- "$2" "$dir/err" "$dir/out" || bad "$1: '$2' was printed"
}

# count WHAT REGEX N: so many lines of the last run's errors are like this.
count() {
    checked=$((checked + 1))
    lines=$(grep -Ec -- "$2" "$dir/err")
    [ "$lines" = "$3" ] || bad "$1: $lines lines like '$2', wanted $3: $(head -c 600 "$dir/err")"
}

# input_end: says how it went.
input_end() {
    if [ "$failed" -gt 0 ]; then
        echo "$failed of $checked checks failed"
        exit 1
    fi
    echo "$checked checks passed"
    exit 0
}
