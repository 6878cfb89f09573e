#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench WEEKLY=FILE: iptfhir beside its peers in one run, mapping and syncing; a table with ratios at the end.
# A peer that is not installed is named and left out.
#
#   WEEKLY    the weekly PHQ-9 table (CSV)            RECORD    a full ipt-record (JSON)
#   IPTFHIR   the iptfhir to measure                  MAPPINGS  its mappings folder
#   BENCH_PROGRAMS  the folder with sink and measure; STORE_BENCH  the store's own benchmark
#   BENCH_DIR where everything made here goes (default: a temporary folder, removed at the end)
#   BENCH_MODULES  the peers' npm packages (default: BENCH_DIR/modules)
#   BENCH_ROWS     weekly rows that are mapped (30000)     BENCH_FULL    full records that are mapped (500)
#   BENCH_JSONATA_ROWS  the same for JSONata (3000)        BENCH_SYNC_ROWS  rows sent one by one (2500)
#   BENCH_TRANSACTION_ROWS  rows sent in transactions (5000)
#   BENCH_RECORDS  rows to a file (10000; 120000 make 1.44 million resources) and records of the store's benchmark
#   BENCH_TRIES    how often each is measured (3)          BENCH_LIMIT   seconds that any single one may take (120)
# Mapped bodies go to /dev/null: what is measured is mapping and printing. Each peer's resources are counted on a sample.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=$here/peers
rows=${BENCH_ROWS:-30000}
full=${BENCH_FULL:-500}
jsonata_rows=${BENCH_JSONATA_ROWS:-3000}
sync_rows=${BENCH_SYNC_ROWS:-2500}
transaction_rows=${BENCH_TRANSACTION_ROWS:-5000}
file_rows=${BENCH_RECORDS:-10000}
tries=${BENCH_TRIES:-3}
limit=${BENCH_LIMIT:-120}
failed=0
own_sink=

fail() {
    echo "bench: $1" >&2
    exit "${2:-69}"
}

[ -f "${WEEKLY:-}" ] || fail "give the weekly PHQ-9 table: make bench WEEKLY=FILE" 64
[ -f "${RECORD:-}" ] || fail "RECORD must name a full ipt-record" 64
[ -x "${IPTFHIR:-}" ] || fail "IPTFHIR must name the program to measure" 64
[ -x "${BENCH_PROGRAMS:-}/measure" ] || fail "BENCH_PROGRAMS must name the folder with sink and measure" 64

# Stops the sinks and removes what only this run needed.
finish() {
    [ -z "$own_sink" ] || kill "$own_sink" 2>/dev/null
    "$here/sink.sh" stop "$dir/sink" 2>/dev/null
    [ -z "${own_dir:-}" ] || rm -rf "$own_dir"
}
if [ -n "${BENCH_DIR:-}" ]; then
    mkdir -p "$BENCH_DIR"
    dir=$(cd "$BENCH_DIR" && pwd)
else
    dir=$(mktemp -d)
    chmod 755 "$dir"
    own_dir=$dir
fi
trap finish EXIT
trap 'exit 130' INT TERM

WEEKLY=$(realpath "$WEEKLY")
RECORD=$(realpath "$RECORD")
export IPTFHIR_BENCH_MODULES=${BENCH_MODULES:-$dir/modules}
: >"$dir/results"
: >"$dir/skipped"

# has COMMAND PACKAGE WHAT: whether it is installed; else notes what is left out.
has() {
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null && return 0
    echo "skipped: $3 ($1 is not installed; Debian: $2)" >>"$dir/skipped"
    return 1
}
node='' jsonata='' xslt='' h2load='' nginx=''
has node nodejs "the Node script, JSONata and libxslt" && node=yes
[ -z "$node" ] || { has npm npm "JSONata" && "$here/install.sh" "$IPTFHIR_BENCH_MODULES" && jsonata=yes; }
[ -z "$node" ] || { has xsltproc xsltproc "libxslt" && xslt=yes; }
has h2load nghttp2-client "h2load, which posts one by one" && h2load=yes
[ -z "$node" ] || { has nginx nginx-light "single creates, beside h2load" && nginx=yes; }

# cut_table ROWS FILE: the first rows of the weekly table, with its header.
cut_table() {
    head -n $(($1 + 1)) "$WEEKLY" >"$2"
}
rows_of() {
    echo $(($(wc -l <"$1") - 1))
}

# measure WORK NAME SINK-CAN RECORDS RESOURCES COMMAND...: runs it, output thrown away, and adds a line to the results.
measure() {
    local work=$1 name=$2 can=$3 n=$4 resources=$5
    shift 5
    printf 'measuring %s: %s (%s records)\n' "$work" "$name" "$n" >&2
    "$BENCH_PROGRAMS/measure" "$limit" "$dir/time" "$@" >"${out:-/dev/null}" 2>"$dir/err"
    local status=$?
    if [ $status -ne 0 ]; then
        echo "bench: $name ended with $status: $(tail -n 1 "$dir/err" | cut -c1-200)" >&2
        failed=$((failed + 1))
        return 1
    fi
    echo "$work|$name|$can|$n|$resources|$(cat "$dir/time")" >>"$dir/results"
}

# per_thousand COMMAND...: how many resources 1000 rows become.
per_thousand() {
    "$@" 2>/dev/null | grep -o -e '"resourceType":"[A-Z][A-Za-z]*","id"' -e '<Observation>' | wc -l
}

# measure_ingest WORK RECORDS JOB: ingest by itself, on its threads, with the CPU seconds of its own process.
measure_ingest() {
    local records resources user system wall peaks
    printf 'measuring %s: ingest (%s records)\n' "$1" "$2" >&2
    if ! "$BENCH_PROGRAMS/measure" "$limit" "$dir/time" "$BENCH_PROGRAMS/ingest" "$dir/bench.yaml" "$3" >"$dir/summary" 2>"$dir/err"; then
        echo "bench: ingest of $1: $(tail -n 1 "$dir/err" | cut -c1-200)" >&2
        failed=$((failed + 1))
        return 1
    fi
    read -r records resources user system <"$dir/summary"
    read -r wall _ _ peaks <"$dir/time"
    echo "$1|ingest, $(nproc) cores|-|$records|$resources|$wall $user $system $peaks" >>"$dir/results"
}

# configure WEEKLY RECORDS TARGET WORKERS FILE: the iptfhir configuration for these inputs.
configure() {
    sed -e "s|@DIR@|$dir|g" -e "s|@BENCH@|$here|g" -e "s|@MAPPINGS@|${MAPPINGS:-}|g" -e "s|@WEEKLY@|$1|g" \
        -e "s|@RECORDS@|$2|g" -e "s|@URL@|${url:-https://localhost:1/fhir/R4}|g" -e "s|@CA@|$dir/sink/ca/ca.pem|g" \
        -e "s|@TARGET@|$3|g" -e "s|@WORKERS@|$4|g" "$here/iptfhir.yaml.in" >"$5"
}

# sync WORK NAME SINK-CAN ROWS CONFIG: a first sync with a new store; every resource must have been delivered.
sync_all() {
    rm -rf "$dir/store"
    mkdir -p "$dir/store"
    out=$dir/summary measure "$1" "$2" "$3" "$4" $(($4 * each / 1000)) "$IPTFHIR" -c "$5" sync --job weekly || return 1
    local want=$(($4 * each / 1000))
    grep -q " $want delivered" "$dir/summary" "$dir/err" && return 0
    echo "bench: $1: not all of $want resources were delivered: $(tail -n 1 "$dir/summary" | cut -c1-200)" >&2
    failed=$((failed + 1))
}

cut_table 1000 "$dir/sample.csv"
cut_table "$rows" "$dir/weekly.csv"
cut_table "$jsonata_rows" "$dir/jsonata.csv"
cut_table "$sync_rows" "$dir/sync.csv"
cut_table "$transaction_rows" "$dir/transactions.csv"
cut_table "$file_rows" "$dir/file.csv"
for name in rows:weekly jsonata_rows:jsonata sync_rows:sync transaction_rows:transactions file_rows:file; do
    declare "${name%%:*}=$(rows_of "$dir/${name#*:}.csv")"
done
if [ -n "$node" ]; then
    node "$peers/repeat-record.mjs" "$RECORD" "$full" >"$dir/records.ndjson"
    head -n 1 "$dir/records.ndjson" >"$dir/one.ndjson"
else
    tr -d '\n' <"$RECORD" >"$dir/one.ndjson"
    cp "$dir/one.ndjson" "$dir/records.ndjson"
    full=1
fi
rm -rf "$dir/xml" "$dir/xml-sample"
if [ -n "$xslt" ]; then
    node "$peers/rows-to-xml.mjs" "$dir/weekly.csv" "$dir/xml"
    node "$peers/rows-to-xml.mjs" "$dir/sample.csv" "$dir/xml-sample"
fi

# ---- mapping ----
configure "$dir/sample.csv" "$dir/one.ndjson" file 4 "$dir/sample.yaml"
configure "$dir/weekly.csv" "$dir/records.ndjson" file 4 "$dir/bench.yaml"
each=$(per_thousand "$IPTFHIR" -c "$dir/sample.yaml" map --job weekly)
[ "$each" -gt 0 ] || fail "iptfhir maps nothing: $("$IPTFHIR" -c "$dir/sample.yaml" map --job weekly 2>&1 >/dev/null | head -n 1)" 70
each_full=$(per_thousand "$IPTFHIR" -c "$dir/sample.yaml" map --job full)
[ -z "$node" ] || node_each=$(per_thousand node "$peers/node-map.mjs" "$dir/sample.csv")
[ -z "$node" ] || node_full=$(per_thousand node "$peers/node-map.mjs" "$dir/one.ndjson")
[ -z "$jsonata" ] || jsonata_each=$(per_thousand node "$peers/jsonata-map.mjs" "$dir/sample.csv")
[ -z "$xslt" ] || xslt_each=$(per_thousand xsltproc "$peers/weekly.xsl" "$dir"/xml-sample/*.xml)
for _ in $(seq "$tries"); do
    measure weekly iptfhir - "$rows" $((rows * each / 1000)) "$IPTFHIR" -c "$dir/bench.yaml" map --job weekly
    measure_ingest weekly "$rows" weekly
    [ -z "$node" ] || measure weekly "Node script" - "$rows" $((rows * node_each / 1000)) node "$peers/node-map.mjs" "$dir/weekly.csv"
    [ -z "$jsonata" ] || measure weekly JSONata - "$jsonata_rows" $((jsonata_rows * jsonata_each / 1000)) \
        node "$peers/jsonata-map.mjs" "$dir/jsonata.csv"
    [ -z "$xslt" ] || measure weekly libxslt - "$rows" $((rows * xslt_each / 1000)) xsltproc "$peers/weekly.xsl" "$dir"/xml/*.xml
    measure full iptfhir - "$full" $((full * each_full)) "$IPTFHIR" -c "$dir/bench.yaml" map --job full
    measure_ingest full "$full" full
    [ -z "$node" ] || measure full "Node script" - "$full" $((full * node_full)) node "$peers/node-map.mjs" "$dir/records.ndjson"
done

# ---- creates one by one ----
"$here/../ehr/make-ca.sh" "$dir/sink/ca" || fail "the certificates could not be made" 71
"$BENCH_PROGRAMS/sink" "$dir/sink/ca/server.pem" "$dir/sink/ca/server.key" >"$dir/own-url" 2>"$dir/own-err" &
own_sink=$!
for _ in $(seq 50); do
    [ -s "$dir/own-url" ] && break
    sleep 0.1
done
[ -s "$dir/own-url" ] || fail "the sink did not start: $(cat "$dir/own-err")" 71
# The body of middle length stands for all: h2load posts one.
"$IPTFHIR" -c "$dir/sample.yaml" map --job weekly 2>/dev/null >"$dir/bodies.ndjson"
awk '{ print length($0) "\t" $0 }' "$dir/bodies.ndjson" | sort -n |
    awk -F '\t' '{ line[NR] = $2 } END { printf "%s", line[int((NR + 1) / 2)] }' >"$dir/body.json"

# load WORK PROTOCOL STREAMS: h2load with as many creates as the sync makes, over four connections.
load() {
    local creates=$((sync_rows * each / 1000))
    [ -n "$h2load" ] || return 0
    out=$dir/load measure "$1" h2load - "$sync_rows" $creates h2load -n $creates -c 4 -m "$3" --npn-list "$2" \
        -H 'Content-Type: application/fhir+json' -d "$dir/body.json" "$url/Observation"
    grep -q "status codes: $creates 2xx" "$dir/load" && return 0
    echo "bench: $1: not every create of h2load was answered with 2xx" >&2
    failed=$((failed + 1))
}

# singles WORK WORKERS...: a sync of single creates with so many workers each.
singles() {
    local work=$1
    shift
    for workers in "$@"; do
        configure "$dir/sync.csv" "$dir/one.ndjson" sink "$workers" "$dir/sync.yaml"
        sync_all "$work" "iptfhir, $workers workers" C "$sync_rows" "$dir/sync.yaml"
    done
}

# start_nginx HTTP2: the nginx sink, which speaks HTTP/2 (1) or not (0); its address in $url.
start_nginx() {
    url=$(SINK_HTTP2=$1 "$here/sink.sh" start "$dir/sink" "$dir/sync.csv" 2>"$dir/err") || fail "nginx did not start: $(tail -n 1 "$dir/err")" 71
}
if [ -n "$nginx" ]; then
    for _ in $(seq "$tries"); do
        start_nginx 0
        singles singles/1.1 4
        load singles/1.1 http/1.1 1
        start_nginx 1
        singles singles/2 4 1 8
        load singles/2 h2 10
    done
    "$here/sink.sh" stop "$dir/sink"
fi

# ---- transactions, and a file ----
url=$(cat "$dir/own-url")
for _ in $(seq "$tries"); do
    for workers in 4 1 8; do
        configure "$dir/transactions.csv" "$dir/one.ndjson" sink $workers "$dir/sync.yaml"
        sync_all transactions "iptfhir, $workers workers" C,T "$transaction_rows" "$dir/sync.yaml"
    done
done
configure "$dir/file.csv" "$dir/one.ndjson" file 4 "$dir/sync.yaml"
for _ in $(seq "$tries"); do
    sync_all file iptfhir C "$file_rows" "$dir/sync.yaml"
    store_bytes=$(stat -c %s "$dir/store/store.db")
done
kill "$own_sink" 2>/dev/null
own_sink=

# ---- what was found ----
awk -F '|' -f "$here/table.awk" "$dir/results"
echo "singles go to nginx over HTTP/1.1 or HTTP/2, transactions to the bench's own sink, over TLS on this machine."
echo "store after the file: $store_bytes bytes, $((store_bytes / (file_rows * each / 1000))) a resource."
cat "$dir/skipped"
if [ -x "${STORE_BENCH:-}" ]; then
    printf '\nthe store by itself, %s records of 12 resources:\n' "$file_rows"
    mkdir -p "$dir/store-bench"
    timeout "$limit" "$STORE_BENCH" "$dir/store-bench" "$dir/bodies.ndjson" "$file_rows" || failed=$((failed + 1))
fi
[ $failed -eq 0 ] || fail "$failed measurements failed" 1
