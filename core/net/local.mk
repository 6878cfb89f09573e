# SPDX-License-Identifier: Apache-2.0
core_sources += %D%/address.c %D%/address.h %D%/http.c %D%/http.h %D%/tls.c %D%/tls.h %D%/transfer.c %D%/transfer.h
check_PROGRAMS += %D%/address_test %D%/http_test %D%/tls_test
%C%_address_test_SOURCES = %D%/address_test.c
%C%_address_test_LDADD = $(test_ldadd)
%C%_tls_test_SOURCES = %D%/tls_test.c
%C%_tls_test_LDADD = $(test_ldadd)
%C%_http_test_SOURCES = %D%/http_test.c
%C%_http_test_LDADD = $(test_ldadd)
