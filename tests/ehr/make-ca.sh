#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a test CA and the server certificates of the scenario tests in DIR:
#   ca.pem + ca.key                    the CA that the tests trust
#   server.pem + server.key            localhost and 127.0.0.1, valid
#   wronghost.pem + wronghost.key      valid, but for another host
#   nameonly.pem + nameonly.key        localhost stands in the subject (CN) only
#   rsa.pem + rsa.key                  localhost and 127.0.0.1, valid, an RSA key
#   expired.pem + expired.key          localhost, ended yesterday
#   otherca.pem + otherca.key          a CA that nobody trusts
#   otherserver.pem + otherserver.key  localhost, signed by that other CA
# What is there already stays as it is, unless the CA or the valid certificate ends within two days.
set -eu

[ $# -eq 1 ] || { echo "usage: make-ca.sh DIR" >&2; exit 64; }
dir=$1
umask 077
mkdir -p "$dir"
cd "$dir"

# A new P-256 key in FILE.
new_key() {
    openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null |
        openssl pkcs8 -topk8 -nocrypt -out "$1"
}

# A new RSA key in FILE.
new_rsa_key() {
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null
}

# The files of `openssl ca`, which is the one openssl command of Debian 12 that takes an end date in the past.
ca_files() {
    rm -rf "$1.d"
    mkdir "$1.d"
    : >"$1.d/index.txt"
    openssl rand -hex 8 >"$1.d/serial"
    cat >"$1.d/ca.cnf" <<EOF
[ca]
default_ca = here
[here]
dir = $1.d
database = $1.d/index.txt
new_certs_dir = $1.d
serial = $1.d/serial
certificate = $1.pem
private_key = $1.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
EOF
}

# make_ca FILE NAME: a self-signed CA.
make_ca() {
    if [ ! -s "$1.pem" ] || [ ! -s "$1.key" ]; then
        new_key "$1.key"
        openssl req -x509 -new -key "$1.key" -sha256 -days 30 -subj "/CN=$2" \
            -addext "basicConstraints=critical,CA:TRUE" \
            -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$1.pem"
    fi
}

# make_server FILE CA SAN START END [CN [KEY-COMMAND]]: a server certificate signed by CA; dates as YYYYMMDDHHMMSSZ.
make_server() {
    if [ -s "$1.pem" ] && [ -s "$1.key" ]; then
        return 0
    fi
    [ -d "$2.d" ] || ca_files "$2"
    "${7:-new_key}" "$1.key"
    openssl req -new -key "$1.key" -sha256 -subj "/CN=${6:-iptfhir test EHR}" \
        -addext "subjectAltName=$3" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature,keyEncipherment" \
        -addext "extendedKeyUsage=serverAuth" -out "$1.csr"
    openssl ca -batch -notext -config "$2.d/ca.cnf" -startdate "$4" -enddate "$5" \
        -in "$1.csr" -out "$1.pem" 2>"$2.d/log" || { cat "$2.d/log" >&2; exit 1; }
    rm -f "$1.csr"
}

# A day as openssl writes it, N days from now (GNU date, or the date of the BSDs).
day() {
    date -u -d "$1 days" +%Y%m%d%H%M%SZ 2>/dev/null || date -u -v"$1"d +%Y%m%d%H%M%SZ
}

for file in ca server; do
    if [ -s $file.pem ] && ! openssl x509 -in $file.pem -noout -checkend 172800 >/dev/null; then
        rm -f ./*.pem ./*.key
    fi
done

local_san="DNS:localhost,IP:127.0.0.1"
make_ca ca "iptfhir test CA"
make_ca otherca "unrelated test CA"
make_server server ca "$local_san" "$(day -1)" "$(day +29)"
make_server wronghost ca "DNS:ehr.invalid" "$(day -1)" "$(day +29)"
make_server nameonly ca "DNS:ehr.invalid" "$(day -1)" "$(day +29)" localhost
make_server rsa ca "$local_san" "$(day -1)" "$(day +29)" "iptfhir test EHR" new_rsa_key
make_server expired ca "$local_san" "$(day -20)" "$(day -1)"
make_server otherserver otherca "$local_san" "$(day -1)" "$(day +29)"
rm -rf ca.d otherca.d
chmod 0600 ./*.key
chmod 0644 ./*.pem
