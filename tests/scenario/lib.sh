# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What every scenario needs: a folder and a server of its own, a configuration, assertions, and an end at which the conservation law must hold.
# A scenario sources this file, calls `scenario "what it shows"`, and ends with `scenario_end`. From the environment (make check sets them):
#   top_srcdir, top_builddir, IPTFHIR (the program), IPTFHIR_PLUGINDIR, IPTFHIR_DATADIR, EHR_MODULES (where the server's packages are, or go)
set -u
: "${top_srcdir:=.}" "${top_builddir:=$top_srcdir/build}"
: "${IPTFHIR:=$top_builddir/iptfhir}" "${IPTFHIR_PLUGINDIR:=$top_builddir/plugins}" "${IPTFHIR_DATADIR:=$top_srcdir}"
: "${EHR_MODULES:=$top_builddir/ehr-modules}"
export IPTFHIR_PLUGINDIR IPTFHIR_DATADIR
here=$top_srcdir/tests/scenario
failed=0 checked=0 ended=no started_pids=

# skip WHY: what cannot be run here is no failure.
skip() {
    echo "SKIP: $1"
    ended=yes
    exit 77
}

# The server's packages, installed once; parallel scenarios wait for each other.
packages() {
    command -v node >/dev/null 2>&1 || skip "node is not installed"
    command -v curl >/dev/null 2>&1 || skip "curl is not installed"
    [ -d "$EHR_MODULES" ] || mkdir -p "$EHR_MODULES" || skip "cannot make $EHR_MODULES"
    flock "$EHR_MODULES/.lock" sh "$top_srcdir/tests/ehr/install.sh" "$EHR_MODULES" ||
        skip "the server's packages could not be installed: see tests/ehr/README.md"
}

# scenario TEXT: begins.
scenario() {
    [ -x "$IPTFHIR" ] || skip "$IPTFHIR is not built"
    packages
    dir=$(mktemp -d "${TMPDIR:-/tmp}/iptfhir-scenario.XXXXXX") || exit 99
    trap cleanup EXIT
    trap 'exit 99' HUP INT TERM
    EHR_SRC=$top_srcdir/tests/ehr EHR_DIR=$dir/ehr IPTFHIR_EHR_MODULES=$EHR_MODULES
    export IPTFHIR_EHR_MODULES
    # shellcheck source=tests/ehr/lib.sh
    . "$EHR_SRC/lib.sh"
    echo "== $1"
}

# Stops what this scenario started, whatever happened.
cleanup() {
    code=$?
    [ "$ended" = yes ] || { echo "FAIL: the scenario broke off"; code=99; }
    for pid in $started_pids; do
        kill -9 "-$pid" 2>/dev/null
    done
    ehr_stop 2>/dev/null
    if [ "$code" != 0 ] && [ "$code" != 77 ] && [ -n "${KEEP:-}" ]; then
        echo "kept: $dir"
    elif [ -n "${dir:-}" ]; then
        rm -rf "$dir"
    fi
    exit "$code"
}

# scenario_end: both laws hold; then says how it went.
scenario_end() {
    [ ! -e "$dir/store.db" ] || law
    ended=yes
    if [ "$failed" -gt 0 ]; then
        echo "$failed of $checked checks failed"
        exit 1
    fi
    echo "$checked checks passed"
    exit 0
}

# ---- assertions: each prints what was wrong and goes on

ok() { checked=$((checked + 1)); }
bad() {
    checked=$((checked + 1))
    failed=$((failed + 1))
    echo "FAIL: $*"
}

# same WHAT GOT WANTED
same() {
    if [ "$2" = "$3" ]; then ok; else bad "$1: got '$2', wanted '$3'"; fi
}

# above WHAT GOT LEAST
above() {
    if [ "$2" -ge "$3" ]; then ok; else bad "$1: got $2, wanted at least $3"; fi
}

# says WHAT PATTERN FILE: an extended regular expression stands in the file.
says() {
    if grep -Eq -e "$2" "$3"; then ok; else
        bad "$1: nothing like '$2' in:"
        sed 's/^/    /' "$3" | head -20
    fi
}

# silent_on WHAT PATTERN FILE...: it stands in none of them.
silent_on() {
    _what=$1 _pattern=$2
    shift 2
    if grep -lEa -e "$_pattern" "$@" >"$dir/leaks" 2>/dev/null; then bad "$_what: '$_pattern' is in $(tr '\n' ' ' <"$dir/leaks")"; else ok; fi
}

# value EXPRESSION <JSON: a value of `it`.
value() { node "$here/data.mjs" get "$1"; }

# ---- the clinic

# clinic N: N records in $dir/records.ndjson, their Patients in $dir/patients.ndjson.
clinic() {
    node "$here/data.mjs" records "$1" >"$dir/records.ndjson"
    node "$here/data.mjs" patients "$1" >"$dir/patients.ndjson"
}

# change ID CODE: changes a record (`*`: all) as a clinic would, e.g. change REC-1 'r.measures[0].items.phq9_1 = 3'.
change() { node "$here/data.mjs" change "$dir/records.ndjson" "$1" "$2"; }

# hospital NAME [server option...]: starts the server with the clinic's patients.
hospital() {
    _name=$1
    shift
    ehr_start "$_name" --patients "$dir/patients.ndjson" --journal "$dir/journal" "$@" || exit 99
}

# config [line...]: writes $dir/iptfhir.yaml for $EHR_URL; the lines are further options of the target. Variables: WORKERS (2), PATIENCE (4),
# RECORD_SECONDS (20), SOURCE_SECONDS (60), SETTLE (1: seconds in which a lost answer may come true), MEMORY_MIB (2048), CA (the test CA), MAPPERS (a list), NEIGHBOURS (mapping files), EXTRA_MAPPERS (YAML), SOURCE (YAML), PLUGINS (a list), MORE (YAML at the end).
config() {
    : "${MAPPERS:=careplan, goals, measures, neighbours}"
    cat >"$dir/iptfhir.yaml" <<YAML
store: {path: store.db}
identity: {base: "https://ipt.example.org"}
plugins: [${PLUGINS:-}]
limits: {patience_seconds: ${PATIENCE:-4}, record_seconds: ${RECORD_SECONDS:-20}, source_seconds: ${SOURCE_SECONDS:-60}, ingest_memory_mib: ${MEMORY_MIB:-2048}}
sources:
  clinic:
${SOURCE:-    {plugin: source-json, path: records.ndjson\}}
mappers:
  careplan: {plugin: map-careplan}
  goals: {plugin: map-goal}
  measures: {plugin: map-observation}
  neighbours: {plugin: map-template, mappings: [${NEIGHBOURS:-condition, careteam, encounter, procedure, consent, provenance}]}
${EXTRA_MAPPERS:-}
targets:
  hospital:
    plugin: target-fhir
    url: "$EHR_URL"
    ca_file: "${CA:-$EHR_CA}"
    patient_system: "urn:oid:1.2.3.4.5.6.7"
    recipient: Metro General Hospital
    workers: ${WORKERS:-2}
    settle_seconds: ${SETTLE:-1}
YAML
    for _line in "$@"; do
        printf '    %s\n' "$_line" >>"$dir/iptfhir.yaml"
    done
    cat >>"$dir/iptfhir.yaml" <<YAML
jobs:
  ipt: {source: clinic, mappers: [$MAPPERS], targets: [${TARGETS:-hospital}], clinic: scenario}
${MORE:-}
YAML
}

# iptfhir ARGUMENT...: the program with this scenario's configuration; output in $dir/out and $dir/err, its exit code in $code.
iptfhir() {
    timeout 120 "$IPTFHIR" -c "$dir/iptfhir.yaml" "$@" >"$dir/out" 2>"$dir/err"
    code=$?
    cat "$dir/out" "$dir/err" >>"$dir/everything.log"
}

# run CODE ARGUMENT...: the same, and the exit code must be CODE.
run() {
    _wanted=$1
    shift
    iptfhir "$@"
    if [ "$code" = "$_wanted" ]; then ok; else
        bad "iptfhir $*: exit code $code, wanted $_wanted"
        sed 's/^/    /' "$dir/err" | tail -15
    fi
}

# forget_store: the store is lost; the key, which is kept elsewhere, and the witness beside it are not.
forget_store() { rm -f "$dir/store.db" "$dir/store.db-wal" "$dir/store.db-shm"; }

# new_store: a new installation, with a key of its own.
new_store() { rm -f "$dir"/store.db*; }

# settle [TRIES]: syncs until nothing waits any more; pauses of the target are ended as a person would who has repaired it. The last exit
# code is in $code.
settle() {
    _tries=${1:-20}
    iptfhir sync
    while [ "$code" = 75 ] && [ "$_tries" -gt 0 ]; do
        _tries=$((_tries - 1))
        iptfhir outbox retry --target hospital
        iptfhir sync
    done
}

# until_state STATE LEAST [TRIES]: waits, looking every 50 ms, until so many resources are in a state. It waits for the state, not for a time:
# TRIES (1200) only ends a scenario that would never end.
until_state() {
    _left=${3:-1200}
    while [ "$(status_of "$1")" -lt "$2" ] && [ "$_left" -gt 0 ]; do
        _left=$((_left - 1))
        sleep 0.05
    done
    above "resources $1" "$(status_of "$1")" "$2"
}

# ---- what must be true

# law: every record read has one fate and every resource one state, as `status` prints it.
law() {
    iptfhir --json status
    _law='(() => { const t = it.jobs.flatMap((j) => j.targets); return it.jobs.length > 0 && it.conserved && it.lost === 0 && it.jobs.every((j) => j.records.read === j.records.mapped + j.records.unchanged + j.records.stale + j.records.held) && t.every((r) => r.resources === r.inStep + r.waiting + r.unknown + r.held + r.decided); })()'
    if [ "$(value "$_law" <"$dir/out")" = true ]; then
        ok
        value 'it.jobs.flatMap((j) => [`law: ${j.job}: records read ${j.records.read} = mapped ${j.records.mapped} + unchanged ${j.records.unchanged} + stale ${j.records.stale} + held ${j.records.held}`, ...j.targets.map((t) => `law: ${t.target}: resources ${t.resources} = in step ${t.inStep} + waiting ${t.waiting} + unknown ${t.unknown} + held ${t.held} + decided ${t.decided}`)]).join("\n")' <"$dir/out"
    else
        bad "the conservation law: $(cat "$dir/out" "$dir/err")"
    fi
}

# status_of MEMBER: a number of `status` over all jobs and targets: inStep, waiting, unknown, held, decided, resources.
status_of() {
    iptfhir --json status
    value "it.jobs.flatMap((j) => j.targets).reduce((n, t) => n + t.$1, 0)" <"$dir/out"
}

# held [CODE]: how many items are held: resources, records, rows.
held() {
    iptfhir --json outbox list --state held ${1:+--code "$1"}
    value it.length <"$dir/out"
}

# items CODE [TYPE]: the ids of what is held with a code.
items() {
    iptfhir --json outbox list --code "$1"
    value "it.filter((i) => !'${2:-}' || i.type === '${2:-}').map((i) => i.id).join(' ')" <"$dir/out"
}

# of N TYPE: the resources of a type in the chart of patient N, one a line.
of() { ehr_resources "$2" | grep "\"Patient/pat-$1\""; }

# id_of N TYPE: the server's id of the first of them.
id_of() { of "$1" "$2" | head -1 | value it.id; }

# arrived [TYPES]: the server has what the records say, once each, and nothing else; what is held or waits may be missing.
arrived() {
    "$IPTFHIR" -c "$dir/iptfhir.yaml" map --format ndjson >"$dir/expected" 2>"$dir/map.err"
    ehr_control GET resources >"$dir/server"
    "$IPTFHIR" -c "$dir/iptfhir.yaml" --json outbox list >"$dir/waiting"
    if node "$here/compare.mjs" "$dir/expected" "$dir/server" "$dir/waiting" "$@" >"$dir/compared" 2>&1; then
        ok
        sed 's/^/arrived: /' "$dir/compared"
    else
        bad "what the server has is not what the records say:"
        sed 's/^/    /' "$dir/compared"
    fi
    same "identities that are there twice" "$(ehr_stat '.duplicates.filter((d) => d.type !== "Patient").length')" 0
    same "references that lead nowhere" "$(ehr_dangling)" 0
}

# mutations: how many changes the server committed for clients since the last ehr_reset.
mutations() { ehr_stat .mutations; }
