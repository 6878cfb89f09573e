# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/real.c %D%/world.h

check_PROGRAMS += %D%/real_test
%C%_real_test_SOURCES = %D%/real_test.c
%C%_real_test_LDADD = $(test_ldadd)
