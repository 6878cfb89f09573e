# SPDX-License-Identifier: Apache-2.0
if SOURCE_JSON
plugin_LTLIBRARIES += plugins/source-json/source-json.la
plugins_source_json_source_json_la_SOURCES = %D%/source_json.c %D%/scan.c %D%/scan.h
plugins_source_json_source_json_la_LDFLAGS = $(plugin_ldflags)
plugins_source_json_source_json_la_LIBADD = libiptfhir.la
check_PROGRAMS += %D%/source_json_test
%C%_source_json_test_SOURCES = %D%/source_json_test.c tests/mock_host.h
%C%_source_json_test_LDADD = $(test_ldadd)
endif
EXTRA_DIST += %D%/README.md
