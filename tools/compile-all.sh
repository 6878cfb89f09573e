#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles every C file of the project with one command, and prints what the compiler says; nothing is linked or kept.
# usage: compile-all.sh all|own SOURCE-FOLDER COMMAND...   own: without tests and generated tables; JOBS from the environment
set -u
which=$1
cd "$2" || exit 99
shift 2

list() {
    if [ "$which" = own ]; then
        find core lib plugins -name '*.c' ! -name '*_test.c' ! -name r4_tables.c
    else
        # What is compiled several times, with different definitions, comes from check's own build.
        find core lib plugins tests -name '*.c' ! -name misbehave.c ! -name handshake.c ! -path '*/node_modules/*'
    fi | sort
}

# shellcheck disable=SC2016 # for the inner shell
list | xargs -P "${JOBS:-2}" -I '{}' sh -c '
    file=$1
    shift
    said=$(timeout 180 "$@" -c "$file" -o /dev/null 2>&1)
    code=$?
    [ "$code" != 124 ] || said="$file: took longer than three minutes"
    [ "$code" = 0 ] && [ -z "$said" ] && exit 0
    printf "%s\n" "$said"
    exit 1' sh '{}' "$@"
