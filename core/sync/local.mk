# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/batch.c %D%/batch.h \
	%D%/change_set.c %D%/change_set.h \
	%D%/confine.c %D%/confine.h \
	%D%/delivery.c %D%/delivery.h \
	%D%/dry_run.c %D%/dry_run.h \
	%D%/ingest.c %D%/ingest.h \
	%D%/mapping_run.c %D%/mapping_run.h \
	%D%/pipeline.c %D%/pipeline.h \
	%D%/policy.c %D%/policy.h \
	%D%/progress.c %D%/progress.h \
	%D%/reader.c %D%/reader.h \
	%D%/references.c %D%/references.h \
	%D%/service.c %D%/service.h \
	%D%/shared.c %D%/shared.h \
	%D%/worker.c %D%/worker.h

check_PROGRAMS += %D%/policy_test %D%/references_test %D%/progress_test
%C%_policy_test_SOURCES = %D%/policy_test.c
%C%_policy_test_LDADD = $(test_ldadd)
%C%_references_test_SOURCES = %D%/references_test.c
%C%_references_test_LDADD = $(test_ldadd)
%C%_progress_test_SOURCES = %D%/progress_test.c
%C%_progress_test_LDADD = $(test_ldadd)
