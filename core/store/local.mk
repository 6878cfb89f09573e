# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/memory.c \
	%D%/memory_rows.c %D%/memory_rows.h \
	%D%/memory_table.c %D%/memory_table.h \
	%D%/store.c \
	%D%/store.h

store_conformance = \
	%D%/conformance.c %D%/conformance.h \
	%D%/conformance_work.c
check_PROGRAMS += %D%/memory_test
%C%_memory_test_SOURCES = %D%/memory_test.c $(store_conformance)
%C%_memory_test_LDADD = $(test_ldadd)
