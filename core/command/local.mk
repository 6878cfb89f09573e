# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/command.h \
	%D%/check.c \
	%D%/eval.c \
	%D%/exit.c %D%/exit.h \
	%D%/map.c \
	%D%/outbox.c %D%/outbox.h \
	%D%/outbox_act.c %D%/outbox_act.h \
	%D%/outbox_change.c \
	%D%/outbox_choose.c \
	%D%/outbox_discard.c \
	%D%/outbox_id.c \
	%D%/outbox_list.c \
	%D%/outbox_resolve.c \
	%D%/outbox_restore.c \
	%D%/outbox_retry.c \
	%D%/outbox_show.c \
	%D%/outbox_target.c \
	%D%/place.c %D%/place.h \
	%D%/plugins.c \
	%D%/report.c \
	%D%/samples.c %D%/samples.h \
	%D%/status.c %D%/status.h \
	%D%/sync.c \
	%D%/test.c \
	%D%/who.c
check_PROGRAMS += %D%/exit_test
%C%_exit_test_SOURCES = %D%/exit_test.c
%C%_exit_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/status_test
%C%_status_test_SOURCES = %D%/status_test.c
%C%_status_test_LDADD = $(test_ldadd)
outbox_fixture = %D%/outbox_fixture.c %D%/outbox_fixture.h
check_PROGRAMS += %D%/outbox_test %D%/outbox_resolve_test
%C%_outbox_test_SOURCES = %D%/outbox_test.c $(outbox_fixture)
%C%_outbox_test_LDADD = $(test_ldadd)
%C%_outbox_resolve_test_SOURCES = %D%/outbox_resolve_test.c $(outbox_fixture)
%C%_outbox_resolve_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/named_test
%C%_named_test_SOURCES = %D%/named_test.c
%C%_named_test_LDADD = $(test_ldadd)
