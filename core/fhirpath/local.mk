# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/decimal.h %D%/fhirpath.h %D%/internal.h %D%/moment.h %D%/parser.h %D%/quantity.h \
	%D%/call.c %D%/compare.c %D%/decimal.c %D%/evaluate.c %D%/functions_boundary.c %D%/functions_collection.c \
	%D%/functions_conversion.c %D%/functions_encoding.c %D%/functions_moment.c %D%/functions_number.c %D%/functions_regex.c \
	%D%/functions_string.c %D%/functions_type.c %D%/lexer.c %D%/moment.c %D%/names.c %D%/operators.c %D%/parser.c \
	%D%/quantity.c %D%/reads.c %D%/strict.c %D%/value.c

check_PROGRAMS += %D%/decimal_test %D%/fhirpath_test %D%/moment_test
%C%_decimal_test_SOURCES = %D%/decimal_test.c
%C%_decimal_test_LDADD = $(test_ldadd)
%C%_moment_test_SOURCES = %D%/moment_test.c
%C%_moment_test_LDADD = $(test_ldadd)
%C%_fhirpath_test_SOURCES = %D%/fhirpath_test.c
%C%_fhirpath_test_LDADD = $(test_ldadd)
