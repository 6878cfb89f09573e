# SPDX-License-Identifier: Apache-2.0
if SOURCE_CSV
plugin_LTLIBRARIES += plugins/source-csv/source-csv.la
plugins_source_csv_source_csv_la_SOURCES = %D%/source_csv.c %D%/build.c %D%/build.h %D%/cells.c %D%/cells.h \
	%D%/columns.c %D%/columns.h %D%/compile.h %D%/dates.c %D%/dates.h %D%/fields.c %D%/header.c %D%/header.h \
	%D%/rows.c %D%/rows.h %D%/values.c
plugins_source_csv_source_csv_la_LDFLAGS = $(plugin_ldflags)
plugins_source_csv_source_csv_la_LIBADD = libiptfhir.la
check_PROGRAMS += %D%/source_csv_test
%C%_source_csv_test_SOURCES = %D%/source_csv_test.c tests/mock_host.h
%C%_source_csv_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/rows_test
%C%_rows_test_SOURCES = %D%/rows_test.c
%C%_rows_test_LDADD = $(test_ldadd)
endif
nobase_dist_pkgdata_DATA += mappings/columns/redcap-ipt.yaml mappings/columns/clinic-spreadsheet.yaml \
	mappings/columns/weekly-phq9.yaml mappings/columns/phq9-items-chiu.yaml
EXTRA_DIST += %D%/README.md
