# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# POSIX sh functions around the test server, for the scenario tests and the demo. Set before sourcing:
#   EHR_SRC  the folder tests/ehr                     (needed)
#   EHR_DIR  where certificates, logs and ports go    (needed)
#   IPTFHIR_EHR_MODULES  where install.sh put the packages (default: $EHR_SRC)

EHR_MODULES=${IPTFHIR_EHR_MODULES:-$EHR_SRC}
# shellcheck disable=SC2034 # for those who source this
EHR_CA=$EHR_DIR/ca/ca.pem

# ehr_start NAME [option...]: starts a server; sets EHR_URL, EHR_CTL, EHR_PID and EHR_PORT.
# Its output is in $EHR_DIR/NAME.log; EHR_FIXED_PORT asks for that port. A --cert/--key given wins.
ehr_start() {
    _ehr_name=$1
    shift
    mkdir -p "$EHR_DIR"
    "$EHR_SRC/make-ca.sh" "$EHR_DIR/ca" || return 1
    rm -f "$EHR_DIR/$_ehr_name.port"
    node "$EHR_SRC/server.mjs" --modules "$EHR_MODULES" \
        --cert "$EHR_DIR/ca/server.pem" --key "$EHR_DIR/ca/server.key" \
        --port "${EHR_FIXED_PORT:-0}" --port-file "$EHR_DIR/$_ehr_name.port" "$@" \
        >"$EHR_DIR/$_ehr_name.log" 2>&1 &
    EHR_PID=$!
    _ehr_left=200
    while [ ! -s "$EHR_DIR/$_ehr_name.port" ]; do
        _ehr_left=$((_ehr_left - 1))
        if [ $_ehr_left -le 0 ] || ! kill -0 "$EHR_PID" 2>/dev/null; then
            echo "ehr_start: the test server did not start:" >&2
            cat "$EHR_DIR/$_ehr_name.log" >&2
            ehr_stop
            return 1
        fi
        sleep 0.1
    done
    EHR_PORT=$(cat "$EHR_DIR/$_ehr_name.port")
    _ehr_scheme=https
    case " $* " in
    *" --http "*) _ehr_scheme=http ;;
    esac
    EHR_URL=$_ehr_scheme://localhost:$EHR_PORT/fhir/R4
    EHR_CTL=$_ehr_scheme://localhost:$EHR_PORT/__control
    export EHR_URL EHR_CTL EHR_PORT
}

# ehr_stop: stops the server that ehr_start started and waits for its end.
ehr_stop() {
    [ -n "${EHR_PID:-}" ] || return 0
    kill "$EHR_PID" 2>/dev/null
    wait "$EHR_PID" 2>/dev/null
    EHR_PID=
    return 0
}

# ehr_kill: as a power cut would, without a goodbye.
ehr_kill() {
    [ -n "${EHR_PID:-}" ] || return 0
    kill -9 "$EHR_PID" 2>/dev/null
    wait "$EHR_PID" 2>/dev/null
    EHR_PID=
    return 0
}

# ehr_control METHOD NAME [JSON]: one call of the control interface (verification off: it is about control,
# and the server may have a certificate that is wrong on purpose).
ehr_control() {
    if [ $# -gt 2 ]; then
        curl -sS -k --max-time 60 -X "$1" -H 'Content-Type: application/json' --data-binary "$3" "$EHR_CTL/$2"
    else
        curl -sS -k --max-time 60 -X "$1" "$EHR_CTL/$2"
    fi
}

# ehr_faults JSON: sets the list of faults.
ehr_faults() {
    ehr_control POST faults "$1" >/dev/null
}

# ehr_reset: no faults, and every counter back at zero; resources stay.
ehr_reset() {
    ehr_control POST reset >/dev/null
}

# ehr_edit TYPE ID JSON: changes a resource as a clinician would.
ehr_edit() {
    ehr_control POST edit "{\"type\":\"$1\",\"id\":\"$2\",\"patch\":$3}" >/dev/null
}

# ehr_stat PATH [QUERY]: a value of the statistics, e.g. .mutations, '.requests["POST /Goal"]', .duplicates.length;
# 0 when there is none.
ehr_stat() {
    ehr_control GET "stats${2:+?$2}" | node -e '
        const stats = JSON.parse(require("fs").readFileSync(0, "utf8"));
        const value = Function("stats", "return stats" + process.argv[1])(stats) ?? 0;
        console.log(typeof value === "object" ? JSON.stringify(value) : String(value));
    ' "$1"
}

# ehr_count TYPE: how many resources of a type are stored.
ehr_count() {
    ehr_stat ".resources[\"$1\"]"
}

# ehr_duplicates: how many identities are carried by more than one resource.
ehr_duplicates() {
    ehr_stat .duplicates.length
}

# ehr_contains TEXT: in how many stored resources a text (without characters special in URLs) stands.
ehr_contains() {
    ehr_stat .contains "contains=$1"
}

# ehr_dangling: how many references lead nowhere.
ehr_dangling() {
    ehr_stat .dangling.length dangling=1
}

# ehr_resources TYPE: the stored resources of a type as NDJSON.
ehr_resources() {
    ehr_control GET "resources?type=$1"
}
