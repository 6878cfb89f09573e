# SPDX-License-Identifier: Apache-2.0
if TARGET_FILE
plugin_LTLIBRARIES += plugins/target-file/target-file.la
plugins_target_file_target_file_la_SOURCES = %D%/target_file.c %D%/lines.c %D%/lines.h
plugins_target_file_target_file_la_LDFLAGS = $(plugin_ldflags)
endif
check_PROGRAMS += %D%/target_file_test %D%/lines_test
%C%_target_file_test_SOURCES = %D%/target_file_test.c %D%/target_file.c %D%/lines.c %D%/lines.h tests/mock_host.h
%C%_target_file_test_CFLAGS = $(AM_CFLAGS)
%C%_target_file_test_LDADD = $(test_ldadd)
%C%_lines_test_SOURCES = %D%/lines_test.c
%C%_lines_test_LDADD = $(CHECK_LIBS)
EXTRA_DIST += %D%/README.md
