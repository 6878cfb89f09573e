# SPDX-License-Identifier: Apache-2.0
if TARGET_FILE
plugin_LTLIBRARIES += plugins/target-file/target-file.la
plugins_target_file_target_file_la_SOURCES = %D%/target_file.c
plugins_target_file_target_file_la_LDFLAGS = $(plugin_ldflags)
endif
check_PROGRAMS += plugins/target-file/target_file_test
plugins_target_file_target_file_test_SOURCES = %D%/target_file_test.c
plugins_target_file_target_file_test_LDADD = $(test_ldadd)
EXTRA_DIST += %D%/README.md
