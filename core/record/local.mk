# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/check.c \
	%D%/egress.c \
	%D%/formats.c \
	%D%/record.c %D%/record.h \
	%D%/schema.c %D%/schema.h \
	%D%/where.c

check_PROGRAMS += %D%/record_test %D%/egress_test %D%/formats_test
%C%_record_test_SOURCES = %D%/record_test.c
%C%_record_test_LDADD = $(test_ldadd)
%C%_egress_test_SOURCES = %D%/egress_test.c
%C%_egress_test_LDADD = $(test_ldadd)
%C%_formats_test_SOURCES = %D%/formats_test.c
%C%_formats_test_LDADD = $(test_ldadd)
