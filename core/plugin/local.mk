# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/host.c %D%/host.h \
	%D%/instance.c %D%/instance.h \
	%D%/loader.c %D%/loader.h

check_PROGRAMS += %D%/host_test %D%/instance_test %D%/loader_test
%C%_host_test_SOURCES = %D%/host_test.c
%C%_host_test_LDADD = $(test_ldadd)
%C%_instance_test_SOURCES = %D%/instance_test.c
%C%_instance_test_LDADD = $(test_ldadd)
%C%_loader_test_SOURCES = %D%/loader_test.c
%C%_loader_test_LDADD = $(test_ldadd)
