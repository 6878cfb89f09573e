#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the time stamp of all files of a release, in seconds: SOURCE_DATE_EPOCH; in a checkout the last commit's; else configure.ac's,
# which in an unpacked release is again that.
# usage: dist-epoch.sh SOURCE-FOLDER
set -eu
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
    echo "$SOURCE_DATE_EPOCH"
elif [ -e "$1/.git" ] && command -v git >/dev/null 2>&1; then
    git -C "$1" log -1 --format=%ct
else
    stat -c %Y "$1/configure.ac"
fi
