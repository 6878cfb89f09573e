#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the server's npm packages in DEST, once per lock file.
set -eu

[ $# -eq 1 ] || { echo "usage: install.sh DEST" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
want=$(cksum <"$here/package-lock.json")

if [ -f "$dest/.installed" ] && [ "$(cat "$dest/.installed")" = "$want" ]; then
    exit 0
fi
command -v npm >/dev/null 2>&1 || { echo "install.sh: npm is not installed (Debian: apt-get install npm)" >&2; exit 69; }
mkdir -p "$dest"
rm -f "$dest/.installed"
cp "$here/package.json" "$here/package-lock.json" "$dest/"
chmod u+w "$dest/package.json" "$dest/package-lock.json"
(cd "$dest" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
echo "$want" >"$dest/.installed"
