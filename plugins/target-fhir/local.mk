# SPDX-License-Identifier: Apache-2.0
target_fhir_parts = %D%/answer.c %D%/answer.h %D%/bundle.c %D%/bundle.h %D%/candidate.c %D%/candidate.h \
	%D%/capability.c %D%/capability.h %D%/find.c %D%/find.h %D%/link.c %D%/link.h %D%/location.c %D%/location.h \
	%D%/match.c %D%/match.h %D%/names.c %D%/names.h %D%/read.c %D%/read.h %D%/request.c %D%/request.h \
	%D%/searches.c %D%/searches.h %D%/slices.c %D%/slices.h \
	%D%/text.c %D%/text.h %D%/verdict.c %D%/verdict.h %D%/write.c %D%/write.h
if TARGET_FHIR
plugin_LTLIBRARIES += plugins/target-fhir/target-fhir.la
plugins_target_fhir_target_fhir_la_SOURCES = %D%/target_fhir.c $(target_fhir_parts)
plugins_target_fhir_target_fhir_la_LDFLAGS = $(plugin_ldflags)
plugins_target_fhir_target_fhir_la_LIBADD = libiptfhir.la $(JANSSON_LIBS)
endif
EXTRA_DIST += %D%/README.md

# The parts as one archive for the tests.
check_LIBRARIES += plugins/target-fhir/libparts.a
plugins_target_fhir_libparts_a_SOURCES = $(target_fhir_parts)
plugins_target_fhir_libparts_a_CFLAGS = $(AM_CFLAGS)
target_fhir_test_ldadd = plugins/target-fhir/libparts.a $(test_ldadd) $(JANSSON_LIBS)
check_PROGRAMS += %D%/parts_test %D%/verdict_test %D%/target_fhir_test %D%/search_test %D%/write_test
%C%_parts_test_SOURCES = %D%/parts_test.c
%C%_parts_test_LDADD = $(target_fhir_test_ldadd)
%C%_verdict_test_SOURCES = %D%/verdict_test.c
%C%_verdict_test_LDADD = $(target_fhir_test_ldadd)
order_test_sources = %D%/target_fhir.c %D%/fixture.h tests/mock_host.h
%C%_target_fhir_test_SOURCES = %D%/target_fhir_test.c $(order_test_sources)
%C%_target_fhir_test_CFLAGS = $(AM_CFLAGS)
%C%_target_fhir_test_LDADD = $(target_fhir_test_ldadd)
%C%_search_test_SOURCES = %D%/search_test.c $(order_test_sources)
%C%_search_test_CFLAGS = $(AM_CFLAGS)
%C%_search_test_LDADD = $(target_fhir_test_ldadd)
%C%_write_test_SOURCES = %D%/write_test.c $(order_test_sources)
%C%_write_test_CFLAGS = $(AM_CFLAGS)
%C%_write_test_LDADD = $(target_fhir_test_ldadd)
