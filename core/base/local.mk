# SPDX-License-Identifier: Apache-2.0
# What plugins may link, and core links too: text, dates, lists of files; nothing in it has state.
base_shared = %D%/alloc.c %D%/alloc.h %D%/date.c %D%/date.h %D%/file.c %D%/file.h %D%/file_open.c %D%/files.c %D%/text.c
core_sources += $(base_shared) %D%/clock.c %D%/clock.h %D%/codes.c %D%/codes.h %D%/crypt.c %D%/crypt.h %D%/error.c %D%/error.h %D%/key.c %D%/key.h \
	%D%/log.c %D%/log.h %D%/numbers.c %D%/numbers.h %D%/str.h %D%/uuid.c %D%/uuid.h
lib_LTLIBRARIES += libiptfhir.la
libiptfhir_la_SOURCES = $(base_shared) include/iptfhir/date.h include/iptfhir/files.h include/iptfhir/text.h
libiptfhir_la_LDFLAGS = -version-info 0:0:0 -no-undefined -export-symbols-regex '^iptfhir_' $(HARD_LDFLAGS)
check_PROGRAMS += %D%/base_test %D%/crypt_test %D%/file_test %D%/files_test %D%/codes_test
%C%_base_test_SOURCES = %D%/base_test.c
%C%_base_test_LDADD = $(test_ldadd)
%C%_crypt_test_SOURCES = %D%/crypt_test.c
%C%_crypt_test_LDADD = $(test_ldadd)
%C%_file_test_SOURCES = %D%/file_test.c
%C%_file_test_LDADD = $(test_ldadd)
%C%_files_test_SOURCES = %D%/files_test.c
%C%_files_test_LDADD = $(test_ldadd)
%C%_codes_test_SOURCES = %D%/codes_test.c
%C%_codes_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/uuid_test
%C%_uuid_test_SOURCES = %D%/uuid_test.c
%C%_uuid_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/key_test
%C%_key_test_SOURCES = %D%/key_test.c
%C%_key_test_LDADD = $(test_ldadd)
