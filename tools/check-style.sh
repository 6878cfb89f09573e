#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Layout of C (clang-format), shell scripts (shellcheck), spelling (codespell), and whether the tests that doc/tests.md names are there. A tool that is absent is skipped with a word.
# usage: check-style.sh [SOURCE-FOLDER]
set -u
cd "${1:-.}" || exit 99
failed=0
layout_version=14 # the clang-format that decides; others lay out some things differently

# files PATTERN...: the project's files of these names; those of git in a checkout, those of the tarball elsewhere.
files() {
    if [ -e .git ] && command -v git >/dev/null 2>&1; then
        git ls-files -- "$@"
    else
        for pattern in "$@"; do
            find autogen.sh core lib plugins include tests tools conf doc mappings ./*.md -name "${pattern##*/}" -type f
        done
    fi | grep -Ev '(^|/)(r4_tables\.c|package-lock\.json)$|^(build|autom4te|m4/l)'
}

has() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "SKIP: $1 is not installed: $2 not checked"
    return 1
}

if has clang-format "the layout is"; then
    version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
    if [ "$version" != "$layout_version" ]; then
        echo "SKIP: clang-format is of version $version, the layout is that of $layout_version: not checked"
    elif ! files '*.c' '*.h' | xargs clang-format --dry-run -Werror; then
        echo "FAIL: run clang-format -i on the files above"
        failed=1
    fi
fi

if has shellcheck "scripts are"; then
    # SC1007: "NAME= other" empties a variable on purpose. SC3013, SC3043, SC3045: -nt, local and ulimit -v, which dash and bash have.
    if ! { files '*.sh'; ls .ci/run; } | xargs shellcheck --external-sources --severity=warning --exclude=SC1007,SC3013,SC3043,SC3045; then
        echo "FAIL: mend the scripts above"
        failed=1
    fi
fi

if has codespell "the spelling is"; then
    # Wrong on purpose in tests, or words of the trade.
    words=ehr,ehrs,iif,inflight,optin,identifer,nin,levle,nd,nam,whre,propertys,resorce,therapie,sinc,recrod,whem,ue,eror
    if ! files '*.c' '*.h' '*.md' '*.sh' '*.yaml' '*.1' '*.5' '*.mk' '*.am' '*.ac' | xargs codespell --ignore-words-list="$words"; then
        echo "FAIL: mend the words above, or add them to tools/check-style.sh"
        failed=1
    fi
fi
sh tools/check-tests.sh . || failed=1
[ "$failed" = 0 ] && echo "style: right"
exit "$failed"
