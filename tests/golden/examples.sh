#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of mappings/ map to what they say, the sample configuration is right, and the expected output is byte-stable.
set -eu
: "${top_srcdir:=.}" "${top_builddir:=$top_srcdir/build}"
: "${IPTFHIR:=$top_builddir/iptfhir}" "${IPTFHIR_PLUGINDIR:=$top_builddir/plugins}" "${IPTFHIR_DATADIR:=$top_srcdir}"
export IPTFHIR_PLUGINDIR IPTFHIR_DATADIR
iptfhir() { "$IPTFHIR" -c "$top_srcdir/conf/iptfhir.yaml" "$@"; }
iptfhir check
iptfhir test "$top_srcdir/mappings/examples"
one=$(iptfhir map | sha256sum) two=$(iptfhir map | sha256sum)
[ "$one" = "$two" ] || { echo "two runs gave different output" >&2; exit 1; }
! iptfhir map | grep -q RESTRICTED || { echo "a restricted field reached the output" >&2; exit 1; }
