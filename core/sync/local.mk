# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/confine.c %D%/confine.h \
	%D%/delivery.h \
	%D%/intake.h \
	%D%/mapping_run.c %D%/mapping_run.h \
	%D%/pipeline.c %D%/pipeline.h \
	%D%/progress.c %D%/progress.h \
	%D%/reader.c %D%/reader.h \
	%D%/references.c %D%/references.h \
	%D%/shared.c %D%/shared.h

check_PROGRAMS += %D%/progress_test
%C%_progress_test_SOURCES = %D%/progress_test.c
%C%_progress_test_LDADD = $(test_ldadd)
