# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/config.c %D%/config.h \
	%D%/instances.c %D%/jobs.c %D%/reading.h %D%/targets.c %D%/where.c \
	%D%/yaml.c %D%/yaml.h

check_PROGRAMS += %D%/config_test %D%/yaml_test
%C%_config_test_SOURCES = %D%/config_test.c
%C%_config_test_LDADD = $(test_ldadd)
%C%_yaml_test_SOURCES = %D%/yaml_test.c
%C%_yaml_test_LDADD = $(test_ldadd)
