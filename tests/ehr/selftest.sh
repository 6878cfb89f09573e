#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks the test server itself, with curl: selftest.sh [DIR]; packages as for lib.sh. Non-zero on failure.
set -u

EHR_SRC=$(cd "$(dirname "$0")" && pwd)
EHR_DIR=${1:-$(mktemp -d)}
[ $# -gt 0 ] || own_dir=$EHR_DIR
. "$EHR_SRC/lib.sh"
failed=0

# Stops what runs and removes what was made here.
finish() {
    ehr_stop
    [ -z "${own_dir:-}" ] || rm -rf "$own_dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# same WHAT GOT WANTED
same() {
    if [ "$2" = "$3" ]; then
        echo "ok   $1"
    else
        echo "FAIL $1: got $2, wanted $3"
        failed=$((failed + 1))
    fi
}

# call METHOD PATH [curl arguments...]: prints the status; headers and body stay in $EHR_DIR/head and body.
call() {
    method=$1
    target=$2
    shift 2
    curl -sS --max-time 20 --cacert "$EHR_CA" -X "$method" -D "$EHR_DIR/head" -o "$EHR_DIR/body" \
        -H 'Content-Type: application/fhir+json' -w '%{http_code}' "$@" "$EHR_URL$target" 2>/dev/null
}

observation() {
    printf '{"resourceType":"Observation","status":"%s","identifier":[{"system":"urn:x","value":"%s"}],' "$2" "$1"
    printf '"code":{"text":"score"},"subject":{"reference":"Patient/p1"},"valueInteger":%s}' "$3"
}

header() {
    tr -d '\r' <"$EHR_DIR/head" | sed -n "s/^$1: //Ip"
}

body() {
    node -e 'const b = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
             console.log(String(Function("b", "return b" + process.argv[2])(b)))' "$EHR_DIR/body" "$1"
}

entry() {
    printf '{"resource":%s,"request":{"method":"POST","url":"Observation"}}' "$(observation "$1" "$2" 1)"
}

mkdir -p "$EHR_DIR"
cat >"$EHR_DIR/patients.ndjson" <<'EOF'
{"resourceType":"Patient","id":"p1","identifier":[{"system":"urn:mrn","value":"1"}],"name":[{"family":"Test"}],"birthDate":"1980-01-01"}
EOF

ehr_start self --patients "$EHR_DIR/patients.ndjson" --journal "$EHR_DIR/journal" || exit 1
same "metadata" "$(call GET /metadata)" 200
same "a patient by identifier" "$(call GET '/Patient?identifier=urn:mrn%7C1'; body .total)" 2001
same "a patient by POST _search" "$(call POST /Patient/_search -H 'Content-Type: application/x-www-form-urlencoded' \
    --data-urlencode 'identifier=urn:mrn|1'; body .total)" 2001
same "creating a Patient is refused" "$(call POST /Patient -d '{"resourceType":"Patient"}')" 405
same "create" "$(call POST /Observation -d "$(observation a final 1)")" 201
id=$(body .id)
etag=$(header ETag)
same "ETag is the version" "$etag" "W/\"$(body .meta.versionId)\""
same "Location" "$(header Location)" "$EHR_URL/Observation/$id/_history/$(body .meta.versionId)"
same "read" "$(call GET "/Observation/$id"; body .valueInteger)" 2001
same "conditional create finds it" "$(call POST /Observation -H 'If-None-Exist: identifier=urn:x|a' \
    -d "$(observation a final 1)"; body .id)" "200$id"
same "search by patient and identifier" "$(call GET '/Observation?patient=Patient/p1&identifier=urn:x%7Ca'; body .total)" 2001
changed=$(observation a final 2 | sed "s/{/{\"id\":\"$id\",/")
same "update with If-Match" "$(call PUT "/Observation/$id" -H "If-Match: $etag" -d "$changed")" 200
same "update with the old If-Match" "$(call PUT "/Observation/$id" -H "If-Match: $etag" -d "$changed")" 412
same "unquoted If-Match is understood" "$(call PUT "/Observation/$id" -H 'If-Match: nothing' -d "$changed")" 412
same "a code outside its value set" "$(call POST /Observation -d "$(observation b "done" 1)")" 422
same "a resource that breaks R4" "$(call POST /Observation -d '{"resourceType":"Observation","status":"final"}')" 422
same "no duplicates so far" "$(ehr_duplicates)" 0

ehr_faults '[{"match":{"method":"POST","times":1},"action":"drop-after"}]'
same "drop-after gives no answer" "$(call POST /Observation -d "$(observation c final 1)")" 000
same "but has stored it" "$(ehr_count Observation)" 2
same "a blind retry doubles it" "$(call POST /Observation -d "$(observation c final 1)"; ehr_duplicates)" 2011
ehr_faults '[{"match":{"method":"POST"},"action":"status","status":429,"headers":{"Retry-After":"2"}}]'
same "429" "$(call POST /Observation -d "$(observation d final 1)"; header Retry-After)" 4292
ehr_faults '[{"match":{},"action":"drop-mid-answer","bytes":10}]'
same "half an answer" "$(call GET "/Observation/$id"; wc -c <"$EHR_DIR/body" | tr -d ' ')" 20010
ehr_faults '[{"match":{},"action":"early-status","status":413}]'
head -c 3000000 /dev/zero | tr '\0' ' ' >"$EHR_DIR/blank"
same "an early 413" "$(call POST /Observation -H 'Expect:' --data-binary "@$EHR_DIR/blank")" 413
rm -f "$EHR_DIR/blank"
ehr_reset

transaction="{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[$(entry e final),$(entry f final)]}"
ehr_faults '[{"match":{"bundleEntry":"urn:x\",\"value\":\"f\""},"action":"entry-status","status":422}]'
same "a transaction with a refused entry" "$(call POST / -d "$transaction")" 422
same "is rolled back" "$(ehr_count Observation) $(call GET '/Observation?identifier=urn:x%7Ce'; body .total)" "3 2000"
same "a batch with a refused entry" "$(call POST / -d "$(echo "$transaction" | sed s/transaction/batch/)"
    body '.entry.map((it) => it.response.status)')" "200201,422"
ehr_reset
same "the transaction without the fault" "$(call POST / -d "$(echo "$transaction" | sed 's/"e"/"g"/')"; ehr_count Observation)" 2006
same "resources that contain a text" "$(ehr_contains urn:x)" 6
same "nothing dangling" "$(ehr_dangling)" 0
ehr_edit Observation "$id" '{"valueInteger":9}'
same "a clinician's edit" "$(call GET "/Observation/$id"; body .valueInteger)" 2009
same "the journal has the commits" "$(grep -c '"mutation":"create","by":"client"' "$EHR_DIR/journal")" 6
ehr_stop

ehr_start plain --no-transaction --no-conditional-create --http2 --state "$EHR_DIR/state" || exit 1
same "no transaction" "$(call POST / -d "$transaction")" 400
same "an ignored If-None-Exist" "$(call POST /Observation -d "$(observation a final 1)"
    call POST /Observation -H 'If-None-Exist: identifier=urn:x|a' -d "$(observation a final 1)")" 201201
same "doubles" "$(ehr_duplicates)" 1
same "HTTP/2" "$(call GET /metadata --http2 -w '%{http_version}')" 2
ehr_kill
ehr_start again --state "$EHR_DIR/state" || exit 1
same "kept over a crash" "$(ehr_count Observation)" 2

[ $failed -eq 0 ] || { echo "$failed checks failed"; exit 1; }
echo "all checks passed"
