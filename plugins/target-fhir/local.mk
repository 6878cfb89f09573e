# SPDX-License-Identifier: Apache-2.0
target_fhir_sources = %D%/target_fhir.c %D%/fhir.h %D%/text.c %D%/text.h %D%/rewrite.c %D%/rewrite.h %D%/outcome.c %D%/capability.c \
	%D%/call.c %D%/search.c %D%/patient.c %D%/single.c %D%/bundle.c %D%/conflict.c
if TARGET_FHIR
plugin_LTLIBRARIES += plugins/target-fhir/target-fhir.la
plugins_target_fhir_target_fhir_la_SOURCES = $(target_fhir_sources)
plugins_target_fhir_target_fhir_la_LDFLAGS = $(plugin_ldflags)
plugins_target_fhir_target_fhir_la_LIBADD = $(JANSSON_LIBS)
endif
check_PROGRAMS += plugins/target-fhir/target_fhir_test plugins/target-fhir/bundle_test plugins/target-fhir/rewrite_test plugins/target-fhir/outcome_test
plugins_target_fhir_target_fhir_test_SOURCES = %D%/target_fhir_test.c %D%/fixture.h %D%/script_host.c %D%/script_host.h $(target_fhir_sources)
plugins_target_fhir_target_fhir_test_CFLAGS = $(AM_CFLAGS)
plugins_target_fhir_target_fhir_test_LDADD = $(test_ldadd)
plugins_target_fhir_bundle_test_SOURCES = %D%/bundle_test.c %D%/fixture.h %D%/script_host.c %D%/script_host.h $(target_fhir_sources)
plugins_target_fhir_bundle_test_CFLAGS = $(AM_CFLAGS)
plugins_target_fhir_bundle_test_LDADD = $(test_ldadd)
plugins_target_fhir_rewrite_test_SOURCES = %D%/rewrite_test.c %D%/rewrite.c %D%/text.c
plugins_target_fhir_rewrite_test_CFLAGS = $(AM_CFLAGS)
plugins_target_fhir_rewrite_test_LDADD = $(CHECK_LIBS)
plugins_target_fhir_outcome_test_SOURCES = %D%/outcome_test.c %D%/outcome.c %D%/capability.c
plugins_target_fhir_outcome_test_CFLAGS = $(AM_CFLAGS)
plugins_target_fhir_outcome_test_LDADD = $(test_ldadd)
EXTRA_DIST += %D%/README.md
