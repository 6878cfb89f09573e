#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the example plugin against what `make install` put in place, loads it, and maps its roster.
# usage: installcheck.sh EXAMPLE-DIR PLUGIN-GUIDE, with CC, IPTFHIR, LIBDIR and PKG_CONFIG_PATH in the environment
set -eu
example=$1 guide=$2
here=$(cd "$(dirname "$0")" && pwd)
guide=$(cd "$(dirname "$guide")" && pwd)/$(basename "$guide")
work=$(mktemp -d "${TMPDIR:-/tmp}/iptfhir-sdk-XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "installcheck: $*" >&2; exit 1; }

for file in example_roster.c Makefile iptfhir.yaml roster.txt; do
    cat "$example/$file" >"$work/$file" # not cp: the tree may be read-only, its copy must not be
done
cd "$work"
if [ -n "${DESTDIR:-}" ]; then # what is installed there doesn't stand where it will
    PKG_CONFIG_SYSROOT_DIR=$DESTDIR
    LD_LIBRARY_PATH=$DESTDIR$LIBDIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH
fi
unset MAKEFLAGS MFLAGS MAKELEVEL
make CC="${CC:-cc} -Werror" || fail "the example doesn't build against the installed header"

"$IPTFHIR" -c iptfhir.yaml plugins >list || fail "a plugin isn't loaded"
grep '^example-roster  *1  *source,mapper,functions' list || fail "example-roster isn't in the list"
grep '^target-file ' list || fail "the installed plugins aren't in the list"
"$IPTFHIR" -c iptfhir.yaml plugins --describe example-roster >description
grep -q 'patient_system (text; default urn:oid:1.2.3.4)' description || fail "--describe doesn't show the option"
"$IPTFHIR" -c iptfhir.yaml check || fail "check finds faults in the example's configuration"

status=0
"$IPTFHIR" -c iptfhir.yaml map >resources 2>messages || status=$?
test "$status" = 1 || { cat messages >&2; fail "map ended with $status, not 1: one line of the roster is to be held"; }
test "$(grep -c '"resourceType":"EpisodeOfCare"' resources)" = 3 || fail "map didn't make three EpisodeOfCare"
grep -q 'roster.txt:3' messages || { cat messages >&2; fail "line 3 wasn't held under its number"; }
echo "installcheck: the example plugin was built, loaded and run"
sh "$here/guide.sh" "$guide" "$IPTFHIR_DATADIR/mappings"
