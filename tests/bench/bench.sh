#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench WEEKLY=FILE: iptfhir beside its peers in one run, mapping and syncing; a table with ratios at the end.
#
#   WEEKLY    the weekly PHQ-9 table (CSV)            RECORD    a full ipt-record (JSON)
#   IPTFHIR   the iptfhir to measure                  MAPPINGS  its mappings folder
#   BENCH_DIR where everything made here goes (default: a temporary folder, removed at the end)
#   BENCH_MODULES  the peers' npm packages (default: BENCH_DIR/modules)
#   BENCH_ROWS, BENCH_RECORDS, BENCH_JSONATA_ROWS, BENCH_SYNC_ROWS  how much work (120000, 2000, 10000, 5000)
#   BENCH_LIMIT    seconds that any single measurement may take (300)
#   BENCH_ONLY=peers  without iptfhir
# Bodies go to /dev/null: what is measured is mapping and printing. Each peer's resources are counted on a
# sample before.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=$here/peers
only=${BENCH_ONLY:-all}
rows=${BENCH_ROWS:-120000}
records=${BENCH_RECORDS:-2000}
jsonata_rows=${BENCH_JSONATA_ROWS:-10000}
sync_rows=${BENCH_SYNC_ROWS:-5000}
limit=${BENCH_LIMIT:-300}
failed=0

fail() {
    echo "bench: $1" >&2
    exit "${2:-69}"
}

[ -f "${WEEKLY:-}" ] || fail "give the weekly PHQ-9 table: make bench WEEKLY=FILE" 64
[ -f "${RECORD:-}" ] || fail "RECORD must name a full ipt-record" 64
[ "$only" = peers ] || [ -x "${IPTFHIR:-}" ] || fail "IPTFHIR must name the program to measure" 64
for tool in node xsltproc h2load curl; do
    command -v $tool >/dev/null || fail "$tool is not installed (Debian: nodejs, xsltproc, nghttp2-client, curl)"
done
[ -x /usr/bin/time ] || fail "/usr/bin/time is not installed (Debian: apt-get install time)"

# Stops the sink and removes what only this run needed.
finish() {
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
"$here/install.sh" "$IPTFHIR_BENCH_MODULES" || fail "the peers' packages could not be installed"

# cut_table ROWS FILE: the first rows of the weekly table, with its header.
cut_table() {
    head -n $(($1 + 1)) "$WEEKLY" >"$2"
}

# measure KIND NAME RECORDS RESOURCES COMMAND...: runs it, output thrown away, and adds a line to the results.
measure() {
    kind=$1 name=$2 n=$3 resources=$4
    shift 4
    printf 'measuring %s: %s (%s records)\n' "$kind" "$name" "$n" >&2
    /usr/bin/time -q -o "$dir/time" -f '%e %U %S %M' timeout "$limit" "$@" >"${out:-/dev/null}" 2>"$dir/err"
    status=$?
    if [ $status -ne 0 ]; then
        echo "bench: $name ended with $status: $(tail -n 1 "$dir/err" | cut -c1-200)" >&2
        failed=$((failed + 1))
        return 1
    fi
    echo "$kind|$name|$n|$resources|$(tail -n 1 "$dir/time")" >>"$dir/results"
}

# per_thousand COMMAND...: how many resources 1000 rows become.
per_thousand() {
    "$@" 2>/dev/null | grep -o -e '"resourceType":"[A-Z][A-Za-z]*","id"' -e '<Observation>' | wc -l
}

# configure WEEKLY RECORDS FILE: the iptfhir configuration for these inputs.
configure() {
    sed -e "s|@DIR@|$dir|g" -e "s|@BENCH@|$here|g" -e "s|@MAPPINGS@|${MAPPINGS:-}|g" -e "s|@WEEKLY@|$1|g" \
        -e "s|@RECORDS@|$2|g" -e "s|@URL@|${url:-https://localhost:1/fhir/R4}|g" -e "s|@CA@|$dir/sink/ca/ca.pem|g" \
        "$here/iptfhir.yaml.in" >"$3"
}

rm -f "$dir/results"
cut_table 1000 "$dir/sample.csv"
cut_table "$rows" "$dir/weekly.csv"
cut_table "$jsonata_rows" "$dir/jsonata.csv"
rows=$(($(wc -l <"$dir/weekly.csv") - 1))
jsonata_rows=$(($(wc -l <"$dir/jsonata.csv") - 1))
node "$peers/repeat-record.mjs" "$RECORD" "$records" >"$dir/records.ndjson"
rm -rf "$dir/xml" "$dir/xml-sample"
node "$peers/rows-to-xml.mjs" "$dir/weekly.csv" "$dir/xml"
node "$peers/rows-to-xml.mjs" "$dir/sample.csv" "$dir/xml-sample"
head -n 1 "$dir/records.ndjson" >"$dir/one.ndjson"

# ---- mapping: weekly rows ----
each=$(per_thousand node "$peers/node-map.mjs" "$dir/sample.csv")
measure weekly "Node script" "$rows" $((rows * each / 1000)) node "$peers/node-map.mjs" "$dir/weekly.csv"
each=$(per_thousand node "$peers/jsonata-map.mjs" "$dir/sample.csv")
measure weekly "JSONata" "$jsonata_rows" $((jsonata_rows * each / 1000)) node "$peers/jsonata-map.mjs" "$dir/jsonata.csv"
each=$(per_thousand xsltproc "$peers/weekly.xsl" "$dir"/xml-sample/*.xml)
measure weekly "libxslt" "$rows" $((rows * each / 1000)) xsltproc "$peers/weekly.xsl" "$dir"/xml/*.xml
if [ "$only" != peers ]; then
    configure "$dir/sample.csv" "$dir/one.ndjson" "$dir/sample.yaml"
    configure "$dir/weekly.csv" "$dir/records.ndjson" "$dir/bench.yaml"
    each=$(per_thousand "$IPTFHIR" -c "$dir/sample.yaml" map --job weekly)
    measure weekly iptfhir "$rows" $((rows * each / 1000)) "$IPTFHIR" -c "$dir/bench.yaml" map --job weekly
    measure "weekly-1000" iptfhir 1000 "$each" "$IPTFHIR" -c "$dir/sample.yaml" map --job weekly
fi

# ---- mapping: full records ----
each=$(per_thousand node "$peers/node-map.mjs" "$dir/one.ndjson")
measure full "Node script" "$records" $((records * each)) node "$peers/node-map.mjs" "$dir/records.ndjson"
if [ "$only" != peers ]; then
    each=$(per_thousand "$IPTFHIR" -c "$dir/sample.yaml" map --job full)
    measure full iptfhir "$records" $((records * each)) "$IPTFHIR" -c "$dir/bench.yaml" map --job full
fi

# ---- syncing ----
cut_table "$sync_rows" "$dir/sync.csv"
sync_rows=$(($(wc -l <"$dir/sync.csv") - 1))
url=$("$here/sink.sh" start "$dir/sink" "$dir/sync.csv") || fail "the sink did not start" 71
node "$peers/node-map.mjs" "$dir/sample.csv" 2>/dev/null >"$dir/bodies.ndjson"
if [ "$only" != peers ]; then
    "$IPTFHIR" -c "$dir/sample.yaml" map --job weekly 2>/dev/null >"$dir/bodies.ndjson"
fi
# The body of middle length stands for all: h2load posts one.
awk '{ print length($0) "\t" $0 }' "$dir/bodies.ndjson" | sort -n |
    awk -F '\t' '{ line[NR] = $2 } END { printf "%s", line[int((NR + 1) / 2)] }' >"$dir/body.json"

# How many requests the sink has had.
served() {
    curl -sS --max-time 10 --cacert "$dir/sink/ca/ca.pem" "${url%/fhir/R4}/status" | awk 'NR == 3 { print $3 }'
}

# load PROTOCOL NAME STREAMS: h2load with as many creates as the sync makes, over four connections.
load() {
    out=$dir/load measure sync "$2" "$sync_rows" $((sync_rows * 12)) h2load -n $((sync_rows * 12)) -c 4 -m "$3" --npn-list "$1" \
        -H 'Content-Type: application/fhir+json' -d "$dir/body.json" "$url/Observation"
    grep -q "status codes: $((sync_rows * 12)) 2xx" "$dir/load" || {
        echo "bench: $2: not every create was answered with 2xx" >&2
        failed=$((failed + 1))
    }
}
load http/1.1 "h2load HTTP/1.1" 1
load h2 "h2load HTTP/2" 10
if [ "$only" != peers ]; then
    configure "$dir/sync.csv" "$dir/one.ndjson" "$dir/sync.yaml"
    each=$(per_thousand "$IPTFHIR" -c "$dir/sample.yaml" map --job weekly)
    rm -f "$dir"/store.db*
    before=$(served)
    measure sync iptfhir "$sync_rows" $((sync_rows * each / 1000)) "$IPTFHIR" -c "$dir/sync.yaml" sync --job weekly
    if [ $(($(served) - before)) -lt $((sync_rows * each / 1000)) ]; then
        echo "bench: the sink had fewer requests from iptfhir than there are resources" >&2
        failed=$((failed + 1))
    fi
fi
"$here/sink.sh" stop "$dir/sink"

# ---- the table ----
awk -F '|' '
{
    split($5, t, " ")
    wall = t[1] > 0.01 ? t[1] : 0.01
    cpu = t[2] + t[3] > 0.01 ? t[2] + t[3] : 0.01
    kind[NR] = $1; name[NR] = $2
    rps[NR] = $4 / wall; rpc[NR] = $4 / cpu; recs[NR] = $3 / wall; mem[NR] = t[4] / 1024
    count[NR] = $4; secs[NR] = t[1]
    if ($2 == "iptfhir") { own_rps[$1] = rps[NR]; own_rpc[$1] = rpc[NR] }
}
END {
    printf "\n%-12s %-16s %9s %8s %11s %12s %14s %9s %9s %9s\n", "work", "who", "resources", "seconds",
        "records/s", "resources/s", "res/CPU second", "peak MiB", "iptfhir/s", "per CPU s"
    for (i = 1; i <= NR; i++) {
        ratio = (kind[i] in own_rps) ? sprintf("%.2fx", own_rps[kind[i]] / rps[i]) : "-"
        per_cpu = (kind[i] in own_rpc) ? sprintf("%.2fx", own_rpc[kind[i]] / rpc[i]) : "-"
        printf "%-12s %-16s %9d %8.2f %11.0f %12.0f %14.0f %9.1f %9s %9s\n", kind[i], name[i], count[i], secs[i],
            recs[i], rps[i], rpc[i], mem[i], ratio, per_cpu
    }
    print ""
    print "weekly: one PHQ-9 row to its resources; full: a whole record; sync: creates at an nginx TLS sink."
    print "The last two columns: how many times the line iptfhir does, per second and per CPU second of its own process."
}' "$dir/results"

[ $failed -eq 0 ] || fail "$failed measurements failed" 1
