#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a make target: ./autogen.sh alone regenerates configure; ./autogen.sh TARGET... also installs what is missing
# from Debian, configures in build/ and makes the targets.
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<TEXT
usage: ./autogen.sh [--no-deps] [TARGET...]
  no TARGET    regenerate configure
  TARGET       install what is missing (as root or through sudo), configure in build/, make TARGET
               (check, demo, all, install, distcheck, check-style, check-analyzer, check-compilers, check-dist, check-valgrind, bench ...)
  --no-deps    install nothing: list what is missing and stop
Variables: CONFIGURE_FLAGS for configure, BUILD_DIR instead of build
TEXT
}

deps=yes
while [ $# -gt 0 ]; do
    case $1 in
    --no-deps) deps=no ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 64 ;;
    *) break ;;
    esac
    shift
done

# Each line: Debian package, then a test that is true when it is there. Programs may come from elsewhere, so commands are asked.
missing() {
    while read -r package test; do
        sh -c "$test" >/dev/null 2>&1 || echo "$package"
    done <<TEXT
gcc command -v gcc
g++ command -v g++
make command -v make
autoconf command -v autoconf
automake command -v automake
libtool command -v libtoolize
pkg-config command -v pkg-config
check pkg-config --exists check
libcurl4-openssl-dev pkg-config --exists libcurl
libssl-dev pkg-config --exists libcrypto
libjansson-dev pkg-config --exists jansson
libxml2-dev pkg-config --exists libxml-2.0
libsqlite3-dev pkg-config --exists sqlite3
libyaml-dev pkg-config --exists yaml-0.1
libpcre2-dev pkg-config --exists libpcre2-8
libzstd-dev pkg-config --exists libzstd
openssl command -v openssl
curl command -v curl
nodejs command -v node
npm command -v npm
TEXT
    for target in "$@"; do
        case $target in
        check-valgrind) command -v valgrind >/dev/null 2>&1 || echo valgrind ;;
        distcheck | check-dist) command -v xz >/dev/null 2>&1 || echo xz-utils ;;
        check-style)
            for tool in clang-format shellcheck codespell; do
                command -v "$tool" >/dev/null 2>&1 || echo "$tool"
            done
            ;;
        check-compilers) command -v clang >/dev/null 2>&1 || echo clang ;;
        bench)
            for pair in nginx:nginx-light h2load:nghttp2-client xsltproc:xsltproc; do
                command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || echo "${pair#*:}"
            done
            [ -x /usr/bin/time ] || echo time
            ;;
        esac
    done
}

install_missing() {
    list=$(missing "$@" | tr '\n' ' ')
    [ -n "$list" ] || return 0
    if [ "$deps" = no ]; then
        echo "autogen.sh: missing Debian packages: $list" >&2
        echo "autogen.sh: install them (apt-get install $list) and run this again, or leave out --no-deps" >&2
        exit 1
    fi
    command -v apt-get >/dev/null 2>&1 || { echo "autogen.sh: missing: $list; this is not Debian, install their like yourself" >&2; exit 1; }
    if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
    if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
        echo "autogen.sh: missing Debian packages: $list; run as root: apt-get install $list" >&2
        exit 1
    fi
    echo "autogen.sh: installing from Debian what building, testing and the demo need: $list"
    $as_root apt-get update -qq || { sleep 5; $as_root apt-get update -qq; }
    # shellcheck disable=SC2086 # a list of package names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $list >/dev/null
}

# Makes configure and Makefile.in. libtool's macros are put in place first: when they arrive between two runs of aclocal, it depends on
# the second whether Makefile.in names them, and the release with it.
generate() {
    libtoolize --copy --install --quiet
    autoreconf --install "$@" --warnings=all,no-obsolete,no-override,no-portability
}

regenerate() {
    if [ ! -x configure ] || [ configure.ac -nt configure ] || [ m4/iptfhir.m4 -nt configure ] || [ Makefile.am -nt Makefile.in ] ||
        [ -n "$(find core plugins tests mappings conf doc -name local.mk -newer Makefile.in 2>/dev/null)" ]; then
        generate
    fi
}

if [ $# -eq 0 ]; then
    install_missing
    generate --force
    echo "autogen.sh: configure is ready; next: ./autogen.sh demo, or mkdir build && cd build && ../configure"
    exit 0
fi
install_missing "$@"
regenerate
dir=${BUILD_DIR:-build}
mkdir -p "$dir"
top=$(pwd)
cd "$dir"
# shellcheck disable=SC2086 # a list of flags
[ -f config.status ] && [ config.status -nt "$top/configure" ] || "$top/configure" --silent --prefix="${PREFIX:-/usr/local}" ${CONFIGURE_FLAGS:-}
exec make -j"$(nproc 2>/dev/null || echo 2)" "$@"
