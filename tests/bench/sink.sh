#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The nginx sink of the bench: sink.sh start DIR [TABLE.csv] | stop DIR. SINK_HTTP2=0 leaves HTTP/2 out.
# After the start DIR/port has the port and DIR/ca/ca.pem the CA; the patients of TABLE.csv are served.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { echo "usage: sink.sh start DIR [TABLE.csv] | stop DIR" >&2; exit 64; }
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
nginx=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx) ||
    { echo "sink.sh: nginx is not installed (Debian: apt-get install nginx-light)" >&2; exit 69; }

# Ends the nginx that start left running.
stop() {
    [ -f "$dir/pid" ] || return 0
    pid=$(cat "$dir/pid")
    kill "$pid" 2>/dev/null || true
    left=50
    while kill -0 "$pid" 2>/dev/null && [ $left -gt 0 ]; do
        left=$((left - 1))
        sleep 0.1
    done
    rm -f "$dir/pid" "$dir/port"
}

# Runs nginx on a port; fails when it ends at once, as it does when the port is taken.
try_port() {
    http2=" http2"
    [ "${SINK_HTTP2:-1}" = 1 ] || http2=
    sed -e "s|@DIR@|$dir|g" -e "s|@PORT@|$1|" -e "s|@HTTP2@|$http2|" \
        -e "s|@CERT@|$dir/ca/server.pem|" -e "s|@KEY@|$dir/ca/server.key|" \
        "$here/sink.conf.in" >"$dir/nginx.conf"
    "$nginx" -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf" </dev/null >"$dir/out.log" 2>&1 &
    pid=$!
    left=50
    while [ $left -gt 0 ]; do
        kill -0 "$pid" 2>/dev/null || return 1
        if [ -s "$dir/nginx.pid" ]; then
            echo "$pid" >"$dir/pid"
            echo "$1" >"$dir/port"
            return 0
        fi
        left=$((left - 1))
        sleep 0.1
    done
    kill "$pid" 2>/dev/null || true
    return 1
}

start() {
    stop
    "$here/../ehr/make-ca.sh" "$dir/ca"
    mkdir -p "$dir/files/patients"
    cp "$here/metadata.json" "$dir/files/metadata.json"
    chmod u+w "$dir/files/metadata.json"
    echo '{"resourceType":"Bundle","type":"searchset","total":0}' >"$dir/files/empty.json"
    echo '{}' >"$dir/files/create.json"
    [ -z "${1:-}" ] || node "$here/make-patients.mjs" "$1" "$dir/files/patients"
    chmod -R a+rX "$dir" # nginx's worker is another user when root starts it
    chmod 0600 "$dir"/ca/*.key
    rm -f "$dir/nginx.pid"
    for port in 18443 18444 18445 18446 18447 18448; do
        if try_port $port; then
            echo "https://localhost:$port/fhir/R4"
            return 0
        fi
    done
    echo "sink.sh: nginx did not start:" >&2
    tail -5 "$dir/error.log" "$dir/out.log" >&2
    return 1
}

case $command in
start) start "${3:-}" ;;
stop) stop ;;
*) echo "sink.sh: start or stop, not $command" >&2; exit 64 ;;
esac
