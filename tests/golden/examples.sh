#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of mappings/ map to what they say, the sample configuration is right, and the expected output is byte-stable.
set -eu
iptfhir() { "$IPTFHIR" -c "$top_srcdir/conf/iptfhir.yaml" "$@"; }
iptfhir check
iptfhir test "$top_srcdir/mappings/examples"
one=$(iptfhir map | sha256sum) two=$(iptfhir map | sha256sum)
[ "$one" = "$two" ] || { echo "two runs gave different output" >&2; exit 1; }
! iptfhir map | grep -q RESTRICTED || { echo "a restricted field reached the output" >&2; exit 1; }
