# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/compile.h %D%/internal.h %D%/template.h \
	%D%/compile.c %D%/concept_map.c %D%/coverage.c %D%/declare.c %D%/functions.c %D%/holes.c %D%/render.c %D%/set.c

check_PROGRAMS += %D%/template_test
%C%_template_test_SOURCES = %D%/template_test.c
%C%_template_test_LDADD = $(test_ldadd)
