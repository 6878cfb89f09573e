#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "wrong CA, wrong host name, a name in CN only, expired certificate, TLS 1.1, no forward secrecy, plain http: refused with a clear message, nothing sent"
clinic 1
PATIENCE=1

# refused NAME MESSAGE: the sync waits with this message, and the server saw no request.
refused() {
    config
    new_store
    run 75 sync
    says "$1" "$2" "$dir/err"
    says "$1: the target is named" 'target hospital waits: .*target-unreachable' "$dir/err"
    same "$1: requests" "$(grep -c '"method"' "$dir/journal")" 0
    same "$1: everything waits" "$(status_of waiting)" "$(status_of resources)"
    law
    run 78 check --probe
    says "$1: also said by check --probe" "$2" "$dir/err"
    ehr_stop
}

hospital other-ca
ehr_stop
CA=$dir/ehr/ca/otherca.pem
hospital known-to-others
refused "wrong CA" 'certificate.*(CA|issuer|authority)'
CA=

hospital wrong-host --cert "$dir/ehr/ca/wronghost.pem" --key "$dir/ehr/ca/wronghost.key"
refused "wrong host name" 'certificate.*(host|name)'

hospital name-only --cert "$dir/ehr/ca/nameonly.pem" --key "$dir/ehr/ca/nameonly.key"
refused "the host name in CN only" 'certificate.*another host name.*CN'

hospital expired --cert "$dir/ehr/ca/expired.pem" --key "$dir/ehr/ca/expired.key"
refused "expired certificate" 'certificate.*(expired|ended)'

hospital old-tls --tls-max 1.1
refused "TLS 1.1 only" 'TLS 1\.2|older than'

rsa="--cert $dir/ehr/ca/rsa.pem --key $dir/ehr/ca/rsa.key"
# shellcheck disable=SC2086 # options
hospital no-forward-secrecy $rsa --tls-max 1.2 --ciphers AES256-GCM-SHA384:AES128-GCM-SHA256:AES128-SHA
refused "RSA key exchange only" 'TLS 1\.2 with ECDHE'

# Plain http is refused before anything starts, on this machine too.
hospital plain --http
config
run 78 check
says "plain http" 'https' "$dir/err"
new_store
run 78 sync
says "plain http, in a sync" 'https' "$dir/err"
same "plain http: requests" "$(grep -c '"method"' "$dir/journal")" 0
ehr_stop

# The right certificate, after all that; whoever sets SSLKEYLOGFILE reads nothing along.
hospital right
config
SSLKEYLOGFILE=$dir/keys.log
export SSLKEYLOGFILE
settle
same "the right certificate" "$code" 0
run 0 check --probe
unset SSLKEYLOGFILE
if [ -e "$dir/keys.log" ]; then bad "session keys were written"; else ok; fi
arrived
ehr_stop
# shellcheck disable=SC2086
hospital forward-secrecy $rsa --tls-max 1.2 --ciphers ECDHE-RSA-AES128-GCM-SHA256
new_store
config
settle
same "TLS 1.2 with forward secrecy" "$code" 0
arrived
scenario_end
