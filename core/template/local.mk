# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/template.h %D%/internal.h \
	%D%/compile.c %D%/concept_map.c %D%/functions.c %D%/render.c %D%/set.c

check_PROGRAMS += %D%/template_test
%C%_template_test_SOURCES = %D%/template_test.c
%C%_template_test_LDADD = $(test_ldadd)
