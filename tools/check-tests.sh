#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whether each test that doc/tests.md names exists: files, and names within the file that stands before them.
# usage: check-tests.sh [SOURCE-FOLDER]
cd "${1:-.}" || exit 99
awk '
    function fault(text) { print "FAIL: doc/tests.md:" NR ": " text; faults++ }
    /^\|/ {
        file = ""
        count = split($0, parts, "`")
        for (i = 2; i <= count; i += 2) {
            word = parts[i]
            if (word ~ /^(core|plugins|tests|lib|tools)\//) {
                file = word
                if ((getline line < file) < 0) fault(file " is not there")
                close(file)
                named++
            } else if (word ~ /^[a-z0-9]+(_[a-z0-9]+)+_[a-z0-9_]+$/) {
                found = 0
                while (file != "" && (getline line < file) > 0)
                    if (index(line, word)) found = 1
                if (file != "") close(file)
                if (!found) fault("there is no " word " in " (file != "" ? file : "a file before it"))
                named++
            }
        }
    }
    END {
        if (named < 50) { print "FAIL: doc/tests.md names only " named + 0 " tests"; faults++ }
        exit faults > 0
    }' doc/tests.md
