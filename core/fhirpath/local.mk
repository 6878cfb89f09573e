# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/fhirpath.h %D%/internal.h %D%/parser.h \
	%D%/compare.c %D%/decimal.c %D%/evaluate.c %D%/functions_collection.c %D%/functions_moment.c %D%/functions_number.c \
	%D%/functions_string.c %D%/functions_type.c %D%/lexer.c %D%/moment.c %D%/operators.c %D%/parser.c %D%/strict.c %D%/value.c

check_PROGRAMS += %D%/fhirpath_test
%C%_fhirpath_test_SOURCES = %D%/fhirpath_test.c
%C%_fhirpath_test_LDADD = $(test_ldadd)
