#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo: a real FHIR server behind HTTPS, the sample clinic synced to it, what arrived, and what a second sync does.
set -eu
top=${top_srcdir:?run through make demo}
build=${top_builddir:?}
dir=${DEMO_DIR:-$build/demo}
modules=${EHR_MODULES:-$build/ehr-modules}
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
server=
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; }; }
trap stop EXIT
trap 'exit 130' INT TERM

say "1. A FHIR R4 server behind HTTPS, with a certificate authority made on the spot"
rm -rf "$dir" && mkdir -p "$dir" && chmod 700 "$dir"
sh "$top/tests/ehr/install.sh" "$modules"
sh "$top/tests/ehr/make-ca.sh" "$dir/ca" >/dev/null
for f in records.ndjson redcap.csv columns.yaml; do cp "$top/conf/demo/$f" "$dir/"; chmod u+w "$dir/$f"; done
node "$top/tests/ehr/server.mjs" --cert "$dir/ca/server.pem" --key "$dir/ca/server.key" --modules "$modules" --patients "$top/conf/demo/patients.ndjson" \
    --port-file "$dir/port" >"$dir/server.log" 2>&1 &
server=$!
n=0
until [ -s "$dir/port" ]; do
    n=$((n + 1))
    [ $n -lt 150 ] && kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; echo "demo: the server did not start" >&2; exit 1; }
    sleep 0.2
done
root=https://localhost:$(cat "$dir/port")
url=$root/fhir/R4
sed "s#@URL@#$url#" "$top/conf/demo/iptfhir.yaml.in" >"$dir/iptfhir.yaml"
run() { echo "\$ iptfhir -c $dir/iptfhir.yaml $*"; "$IPTFHIR" -c "$dir/iptfhir.yaml" "$@"; }
run check --probe

say "2. The first sync: $(wc -l <"$dir/records.ndjson") JSON records and $(grep -c baseline "$dir/redcap.csv") people of a REDCap export become FHIR resources at the hospital"
if [ -t 2 ]; then # with the progress bar; the safety lines would cut it up, so they are only counted
    sed 's/^limits:/log: {level: error}\n&/' "$dir/iptfhir.yaml" >"$dir/quiet.yaml"
    echo "\$ iptfhir -c $dir/quiet.yaml sync"
    "$IPTFHIR" -c "$dir/quiet.yaml" sync || { [ -f "$dir/store.db" ] && run outbox list; exit 1; }
else
    run sync 2>"$dir/first.log" || { tail -5 "$dir/first.log"; [ -f "$dir/store.db" ] && run outbox list; exit 1; }
    grep -v -e safety: -e ' info: ' "$dir/first.log"
    printf '%s safety lines in %s: positive self-harm items are logged at once\n' "$(grep -c 'safety:' "$dir/first.log")" "$dir/first.log"
fi

say "3. What arrived, read back from the server"
NODE_EXTRA_CA_CERTS=$dir/ca/ca.pem node "$top/tests/demo/show.mjs" "$root" "$dir/ca/ca.pem" counts
node "$top/tests/demo/show.mjs" "$url" "$dir/ca/ca.pem" course "urn:oid:1.2.3.4.5.6.7|DEMO-R1"

say "4. A second sync sends nothing"
before=$(curl -s --cacert "$dir/ca/ca.pem" "$root/__control/stats" | sed 's/.*"mutations":\([0-9]*\).*/\1/')
run sync
after=$(curl -s --cacert "$dir/ca/ca.pem" "$root/__control/stats" | sed 's/.*"mutations":\([0-9]*\).*/\1/')
echo "changes at the server: $((after - before))"
[ "$before" = "$after" ]

say "5. One answer is corrected in the export: what a sync would send, and what it sends"
node -e '
const fs = require("fs"), f = process.argv[1], rows = fs.readFileSync(f, "utf8").split("\r\n"), h = rows[0].split(","), c = rows[5].split(",");
const item = h.indexOf("phq9_1"), total = h.indexOf("phq9_total");
c[total] = String(Number(c[total]) + (c[item] === "3" ? -1 : 1)); c[item] = String(Number(c[item]) + (c[item] === "3" ? -1 : 1));
rows[5] = c.join(","); fs.writeFileSync(f, rows.join("\r\n"));' "$dir/redcap.csv"
run sync --job export --dry-run
run sync --job export
third=$(curl -s --cacert "$dir/ca/ca.pem" "$root/__control/stats" | sed 's/.*"mutations":\([0-9]*\).*/\1/')
echo "changes at the server: $((third - after))"
node "$top/tests/demo/show.mjs" "$url" "$dir/ca/ca.pem" course "urn:oid:1.2.3.4.5.6.7|DEMO-R1"

say "6. Where everything stands"
run status
hits=$(curl -s --cacert "$dir/ca/ca.pem" "$root/__control/stats?contains=RESTRICTED" | sed 's/.*"contains":\([0-9]*\).*/\1/')
echo "resources at the server that contain the word of the restricted fields: $hits"
[ "$hits" = 0 ]
cat <<TEXT

Look next at
  $dir/iptfhir.yaml          the configuration of this demo
  $top/conf/iptfhir.yaml     the commented example; man iptfhir.yaml
  iptfhir -c ... outbox list   what waits, and why
  $top/mappings/goal.yaml    a mapping file; doc/mapping-guide.md
TEXT
