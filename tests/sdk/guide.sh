#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cuts the plugins out of the plugin guide, builds them against what `make install` put in place, and runs them together.
# usage: guide.sh PLUGIN-GUIDE MAPPINGS; CC, CXX, IPTFHIR and PKG_CONFIG_PATH come from installcheck.sh
# shellcheck disable=SC2086 # flags and libraries are several words
set -eu
guide=$1 mappings=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/iptfhir-guide-XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "guide: $*" >&2; exit 1; }

# A block belongs to the file that the comment in front of it names.
awk -v dir="$work" '
    /^<!-- file: / { file = dir "/" $3; next }
    /^```/ && file != "" && !open { open = 1; next }
    /^```/ && open { close(file); file = ""; open = 0; next }
    open { print > file }' "$guide"
cp -R "$mappings" "$work/mappings"
chmod -R u+w "$work/mappings"
cd "$work"
mv weeks.yaml mappings/weeks.yaml

command -v "${CXX:-c++}" >/dev/null || fail "there is no C++ compiler for one of the plugins: set CXX, or install one (Debian: g++)"
libdir=$(pkg-config --variable=libdir iptfhir)
flags="-O2 -g -Wall -Wextra -Wshadow -Wconversion -pedantic -Werror -fvisibility=hidden $(pkg-config --cflags iptfhir)"
libs="$(pkg-config --libs iptfhir) -Wl,-rpath,$libdir"
for name in diary weeks folder; do
    ${CC:-cc} -std=c11 -D_DEFAULT_SOURCE $flags -fPIC -shared -Wl,-z,defs -o $name.so $name.c $libs || fail "$name.c doesn't build"
done
${CXX:-c++} -std=c++17 $flags -fPIC -shared -Wl,-z,defs -o daynames.so daynames.cpp $libs || fail "daynames.cpp doesn't build"
${CC:-cc} -std=c11 -D_GNU_SOURCE $flags -o weeks_test weeks_test.c -liptfhir-mock $libs || fail "weeks_test.c doesn't build"
test "$(./weeks_test)" = PASS || fail "the guide's unit test fails"

# An option row over a member of another type is refused by the compiler, and its like over the right one is not.
for type in int64_t int; do
    {
        echo '#include <iptfhir/plugin.h>'
        echo "struct mine { $type number; };"
        echo 'extern const struct iptfhir_option options[];'
        echo 'const struct iptfhir_option options[] = {'
        echo '    IPTFHIR_OPTION_INTEGER(struct mine, number, "number", 0, NULL, 0, 0, ""), IPTFHIR_OPTIONS_END };'
    } >"row_$type.c"
    cp "row_$type.c" "row_$type.cpp"
done
${CC:-cc} -std=c11 $flags -c -o row.o row_int64_t.c || fail "a good option row doesn't compile as C"
${CXX:-c++} -std=c++17 $flags -c -o row.o row_int64_t.cpp || fail "a good option row doesn't compile as C++"
! ${CC:-cc} -std=c11 $flags -c -o row.o row_int.c 2>/dev/null || fail "C takes an option row over a member of another type"
! ${CXX:-c++} -std=c++17 $flags -c -o row.o row_int.cpp 2>/dev/null || fail "C++ takes an option row over a member of another type"

mkdir out
printf 'P-1;2026-11-23;active\nP-2;2026-11-24;completed\nno course\n' >diary.txt
"$IPTFHIR" -c iptfhir.yaml check || fail "check finds faults in the guide's configuration"
"$IPTFHIR" -c iptfhir.yaml plugins --describe daynames | grep -q 'functions: \[daynames\]' || fail "--describe doesn't say how to use functions"
status=0
"$IPTFHIR" -c iptfhir.yaml map >resources 2>messages || status=$?
test "$status" = 1 || { cat messages >&2; fail "map ended with $status, not 1: one line of the diary is to be held"; }
grep -q '"text":"0 sessions, from a Monday"' resources || { cat resources messages >&2; fail "P-1 is missing"; }
grep -q '"text":"0 sessions, from a Tuesday"' resources || { cat resources messages >&2; fail "P-2 is missing"; }
grep -q 'diary.txt:3' messages || { cat messages >&2; fail "line 3 wasn't held under its number"; }
# sync WHAT: a sync, which ends with 1 each time: line 3 of the diary stays held.
sync() {
    status=0
    "$IPTFHIR" -c iptfhir.yaml sync >said 2>messages || status=$?
    test "$status" = 1 || { cat said messages >&2; fail "$1: sync ended with $status, not 1"; }
}
# file_of TEXT: the one file of the folder that holds it.
file_of() {
    grep -l "$1" out/*.json || { ls -l out >&2; cat said messages >&2; fail "no file holds '$1'"; }
}
sync "the first"
test "$(find out -type f | wc -l)" = 2 || { ls -l out >&2; fail "two resources, but not two files"; }
one=$(file_of 'from a Monday') two=$(file_of 'from a Tuesday')
before=$(ls -li out)
sync "the second"
test "$before" = "$(ls -li out)" || fail "what is in step was written again"

# A change goes out; what somebody changed there meanwhile is held, not overwritten.
sed -i 's/from a Tuesday/from a day that somebody knew better/' "$two"
printf 'P-1;2026-11-25;active\nP-2;2026-11-26;completed\nno course\n' >diary.txt
sync "the third"
grep -q 'from a Wednesday' "$one" || fail "the change of P-1 didn't reach its file"
grep -q 'somebody knew better' "$two" || fail "an edit in the folder was overwritten"
"$IPTFHIR" -c iptfhir.yaml outbox list >held || true
grep -q conflict held || { cat held >&2; fail "the edit isn't held as a conflict"; }
test "$(find out -type f | wc -l)" = 2 || fail "the target left a file behind"
echo "installcheck: the guide's plugins were built, tested and run"
