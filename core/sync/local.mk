# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/confine.c %D%/confine.h \
	%D%/delivery.h \
	%D%/intake.c %D%/intake.h %D%/intake_internal.h \
	%D%/intake_end.c %D%/intake_facts.c %D%/intake_holds.c \
	%D%/intake_resources.c %D%/intake_rows.c %D%/intake_take.c \
	%D%/lifecycle.c %D%/lifecycle.h \
	%D%/mapping_run.c %D%/mapping_run.h \
	%D%/pipe.c %D%/pipe.h \
	%D%/pipeline.c %D%/pipeline.h \
	%D%/progress.c %D%/progress.h \
	%D%/reader.c %D%/reader.h \
	%D%/references.c %D%/references.h \
	%D%/shared.c %D%/shared.h

check_PROGRAMS += %D%/intake_test
%C%_intake_test_SOURCES = %D%/intake_test.c
%C%_intake_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/lifecycle_test
%C%_lifecycle_test_SOURCES = %D%/lifecycle_test.c
%C%_lifecycle_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/pipe_test
%C%_pipe_test_SOURCES = %D%/pipe_test.c
%C%_pipe_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/progress_test
%C%_progress_test_SOURCES = %D%/progress_test.c
%C%_progress_test_LDADD = $(test_ldadd)
