#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the release twice, in two folders of other names, under another umask, time zone and locale, and from the release itself once
# more; all three must be byte-identical.
# usage: check-dist.sh SOURCE-FOLDER (a git checkout)
set -eu
source=$(cd "$1" && pwd)
[ -e "$source/.git" ] || { echo "SKIP: $source is no git checkout"; exit 0; }
work=$(mktemp -d "${TMPDIR:-/tmp}/iptfhir-dist.XXXXXX")
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM

# dist NAME: unpacks what is committed into NAME and makes the release there.
dist() {
    mkdir -p "$work/$1/source" "$work/$1/build"
    git -C "$source" archive HEAD | tar -xf - -C "$work/$1/source"
    (cd "$work/$1/source" && ./autogen.sh --no-deps >../autogen.log 2>&1)
    make_dist "$1" "$work/$1/source"
}

# make_dist NAME SOURCE: configures SOURCE in NAME/build and makes the release.
make_dist() {
    (
        cd "$work/$1/build"
        "$2/configure" --silent >configure.log 2>&1 || { cat configure.log; exit 1; }
        make -s dist >dist.log 2>&1 || { cat dist.log; exit 1; }
    )
}

(umask 022 && TZ=UTC LC_ALL=C dist one)
sleep 1.1 # another second, should one leak in
(umask 077 && TZ=Pacific/Auckland LC_ALL=C.UTF-8 dist another-name)
one=$(ls "$work"/one/build/*.tar.xz)
other=$(ls "$work"/another-name/build/*.tar.xz)
cmp "$one" "$other" || { echo "FAIL: two releases of one commit differ"; exit 1; }
mkdir -p "$work/again/build"
tar -xf "$one" -C "$work/again"
make_dist again "$(ls -d "$work"/again/iptfhir-*)"
cmp "$one" "$(ls "$work"/again/build/*.tar.xz)" || { echo "FAIL: a release made from the release differs"; exit 1; }
echo "$(basename "$one"): byte-identical, three times: $(sha256sum <"$one" | cut -c1-16)"
