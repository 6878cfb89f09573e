#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libiptfhir exports what its headers declare and its list names, and nothing else.
set -eu
: "${top_builddir:?}" "${top_srcdir:?}"
library=$top_builddir/.libs/libiptfhir.so
list=$top_srcdir/tests/sdk/libiptfhir.symbols
command -v nm >/dev/null || { echo "nm is not installed (Debian: binutils)"; exit 77; }
test -f "$library" || { echo "there is no $library: this build has static libraries only"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/iptfhir-symbols-XXXXXX")
trap 'rm -rf "$work"' EXIT

nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort >"$work/exported"
grep -v '^#' "$list" | LC_ALL=C sort >"$work/listed"
diff -u "$work/listed" "$work/exported" || {
    echo "symbols: the library and tests/sdk/libiptfhir.symbols differ: a symbol that is gone breaks plugins (raise" \
        "-version-info in core/base/local.mk), a new one must be listed"
    exit 1
}
cat "$top_srcdir/include/iptfhir/date.h" "$top_srcdir/include/iptfhir/files.h" "$top_srcdir/include/iptfhir/text.h" |
    grep -o '\biptfhir_[a-z0-9_]*(' | tr -d '(' | grep -v '^iptfhir_text_putc$' | LC_ALL=C sort -u >"$work/declared"
diff -u "$work/declared" "$work/exported" || {
    echo "symbols: the library and its headers differ"
    exit 1
}
