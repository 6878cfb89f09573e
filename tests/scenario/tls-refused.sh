#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "wrong CA, wrong host name, expired certificate, TLS 1.1 only, plain http: refused with a clear message, nothing sent"
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

hospital expired --cert "$dir/ehr/ca/expired.pem" --key "$dir/ehr/ca/expired.key"
refused "expired certificate" 'certificate.*(expired|ended)'

hospital old-tls --tls-max 1.1
refused "TLS 1.1 only" 'TLS 1\.2|older than'

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

# The right certificate, after all that.
hospital right
config
settle
same "the right certificate" "$code" 0
arrived
scenario_end
