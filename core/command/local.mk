# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/command.h \
	%D%/check.c \
	%D%/eval.c \
	%D%/exit.c %D%/exit.h \
	%D%/map.c \
	%D%/plugins.c \
	%D%/report.c \
	%D%/test.c
check_PROGRAMS += %D%/exit_test
%C%_exit_test_SOURCES = %D%/exit_test.c
%C%_exit_test_LDADD = $(test_ldadd)
