# SPDX-License-Identifier: Apache-2.0
core_sources += %D%/alloc.c %D%/alloc.h %D%/clock.c %D%/clock.h %D%/codes.c %D%/codes.h %D%/crypt.c %D%/crypt.h %D%/error.c %D%/error.h \
	%D%/file.c %D%/file.h %D%/file_open.c \
	%D%/log.c %D%/log.h %D%/str.c %D%/str.h
check_PROGRAMS += %D%/base_test %D%/crypt_test %D%/file_test %D%/codes_test
%C%_base_test_SOURCES = %D%/base_test.c
%C%_base_test_LDADD = $(test_ldadd)
%C%_crypt_test_SOURCES = %D%/crypt_test.c
%C%_crypt_test_LDADD = $(test_ldadd)
%C%_file_test_SOURCES = %D%/file_test.c
%C%_file_test_LDADD = $(test_ldadd)
%C%_codes_test_SOURCES = %D%/codes_test.c
%C%_codes_test_LDADD = $(test_ldadd)
