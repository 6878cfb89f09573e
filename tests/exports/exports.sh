#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What shared objects export: a plugin its description and nothing else; libiptfhir the names of its list, if there is one.
# usage: exports.sh, with top_srcdir and top_builddir in the environment
set -u
: "${top_srcdir:=.}" "${top_builddir:=$top_srcdir/build}"
command -v nm >/dev/null 2>&1 || { echo "SKIP: nm is not installed"; exit 77; }
failed=0 checked=0

# exports FILE: the names that it defines for others, sorted. Sanitizers and the linker add some of their own.
exports() {
    nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' |
        grep -Ev '^(_init|_fini|_edata|_end|__bss_start|__odr_asan\.?.*|__(a|ub|l)san_.*)$' | sort
}

# same FILE WANTED: it exports exactly these names, one a line.
same() {
    got=$(exports "$1")
    checked=$((checked + 1))
    [ "$got" = "$2" ] && return
    failed=$((failed + 1))
    echo "FAIL: $1 exports:" "${got:-nothing}"
    echo "      wanted:" "$2"
}

for plugin in "$top_builddir"/plugins/*/.libs/*.so; do
    [ -e "$plugin" ] && same "$plugin" iptfhir_plugin
done
[ "$checked" -gt 0 ] || { echo "FAIL: there are no plugins in $top_builddir/plugins"; exit 1; }

for library in "$top_builddir"/.libs/libiptfhir.so "$top_builddir"/*/.libs/libiptfhir.so "$top_builddir"/*/*/.libs/libiptfhir.so; do
    [ -e "$library" ] && same "$library" "$(sed "/^#/d; /^$/d" "$top_srcdir/tests/sdk/libiptfhir.symbols" | sort)"
done

if [ "$failed" -gt 0 ]; then
    echo "$failed of $checked shared objects export something else: make it static, or add it to the list"
    exit 1
fi
echo "$checked shared objects export what they should"
