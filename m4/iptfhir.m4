dnl SPDX-License-Identifier: Apache-2.0
dnl The project's own configure macros.

dnl IPTFHIR_PLUGIN(NAME, WHAT, [LIBRARY]): --disable-NAME leaves a plugin out; asked for, its library must have been found.
AC_DEFUN([IPTFHIR_PLUGIN], [
AC_ARG_ENABLE([$1], [AS_HELP_STRING([--disable-$1], [leave out the plugin for $2])], [], [AS_VAR_SET([enable_]m4_translit([$1], [-], [_]), [yes])])
m4_ifval([$3], [AS_IF([test "x$enable_[]m4_translit([$1], [-], [_])" != xno && test -z "$[]$3_LIBS"],
    [AC_MSG_ERROR([the plugin $1 needs $3, which was not found; install it or say --disable-$1])])])
AM_CONDITIONAL(m4_toupper(m4_translit([$1], [-], [_])), [test "x$enable_[]m4_translit([$1], [-], [_])" != xno])
])

dnl IPTFHIR_CFLAGS(VARIABLE, FLAGS): appends the flags that the compiler takes.
AC_DEFUN([IPTFHIR_CFLAGS], [
for iptfhir_flag in $2; do
    iptfhir_saved=$CFLAGS
    CFLAGS="$CFLAGS -Werror $iptfhir_flag"
    AC_MSG_CHECKING([whether $CC takes $iptfhir_flag])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes]); $1="$$1 $iptfhir_flag"], [AC_MSG_RESULT([no])])
    CFLAGS=$iptfhir_saved
done
])
