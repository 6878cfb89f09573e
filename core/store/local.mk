# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/store.h \
	%D%/sqlite.h \
	%D%/sqlite.c \
	%D%/sqlite_statements.c \
	%D%/sqlite_ingest.c \
	%D%/sqlite_delivery.c \
	%D%/sqlite_report.c

check_PROGRAMS += %D%/sqlite_test
%C%_sqlite_test_SOURCES = %D%/sqlite_test.c
%C%_sqlite_test_LDADD = $(test_ldadd)
