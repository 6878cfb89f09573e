# SPDX-License-Identifier: Apache-2.0
core_sources += %D%/r4.c %D%/r4.h %D%/r4_tables.c %D%/r4_tables.h \
	%D%/references.c %D%/references.h \
	%D%/validate.c %D%/validate.h %D%/primitive.c %D%/invariants.c

check_PROGRAMS += %D%/r4_test %D%/references_test %D%/validate_test
%C%_references_test_SOURCES = %D%/references_test.c
%C%_references_test_LDADD = $(test_ldadd)
%C%_r4_test_SOURCES = %D%/r4_test.c
%C%_r4_test_LDADD = $(test_ldadd)
%C%_validate_test_SOURCES = %D%/validate_test.c
%C%_validate_test_LDADD = $(test_ldadd)
EXTRA_DIST += tools/r4-tables.mjs
