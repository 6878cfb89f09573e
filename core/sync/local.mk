# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/advance.c %D%/advance.h \
	%D%/ask.c %D%/ask.h \
	%D%/crew.c %D%/crew.h \
	%D%/body.c %D%/body.h \
	%D%/confine.c %D%/confine.h \
	%D%/courier.c %D%/courier.h \
	%D%/cycle.c %D%/cycle.h \
	%D%/delivery.c %D%/delivery.h \
	%D%/dry_run.c %D%/dry_run.h \
	%D%/belief.c %D%/belief.h \
	%D%/evidence.c %D%/evidence.h \
	%D%/facts.c %D%/facts.h \
	%D%/gate.c %D%/gate.h \
	%D%/lane.c %D%/lane.h \
	%D%/match.c %D%/match.h \
	%D%/identity_base.c %D%/identity_base.h \
	%D%/ingest.c %D%/ingest.h \
	%D%/intake.c %D%/intake.h %D%/intake_internal.h \
	%D%/intake_end.c %D%/intake_facts.c %D%/intake_holds.c \
	%D%/intake_refusals.c %D%/intake_resources.c %D%/intake_rows.c %D%/intake_take.c \
	%D%/lifecycle.c %D%/lifecycle.h \
	%D%/mapping_run.c %D%/mapping_run.h \
	%D%/pause.c %D%/pause.h \
	%D%/pipe.c %D%/pipe.h \
	%D%/pipeline.c %D%/pipeline.h \
	%D%/order.c %D%/order.h \
	%D%/privacy.c %D%/privacy.h \
	%D%/probe.c %D%/probe.h \
	%D%/progress.c %D%/progress.h \
	%D%/reach.c %D%/reach.h \
	%D%/settle.c %D%/settle.h \
	%D%/reader.c %D%/reader.h \
	%D%/reconcile.c %D%/reconcile.h \
	%D%/render.c %D%/render.h \
	%D%/safety.c %D%/safety.h \
	%D%/service.c %D%/service.h \
	%D%/shared.c %D%/shared.h \
	%D%/survey.c %D%/survey.h \
	%D%/witness.c %D%/witness.h

check_PROGRAMS += %D%/identity_base_test
%C%_identity_base_test_SOURCES = %D%/identity_base_test.c
%C%_identity_base_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/intake_test
%C%_intake_test_SOURCES = %D%/intake_test.c
%C%_intake_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/safety_test
%C%_safety_test_SOURCES = %D%/safety_test.c
%C%_safety_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/lifecycle_test
%C%_lifecycle_test_SOURCES = %D%/lifecycle_test.c
%C%_lifecycle_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/confine_test
%C%_confine_test_SOURCES = %D%/confine_test.c
%C%_confine_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/pipe_test
%C%_pipe_test_SOURCES = %D%/pipe_test.c
%C%_pipe_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/service_test
%C%_service_test_SOURCES = %D%/service_test.c
%C%_service_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/progress_test
%C%_progress_test_SOURCES = %D%/progress_test.c
%C%_progress_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/witness_test
%C%_witness_test_SOURCES = %D%/witness_test.c
%C%_witness_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/reconcile_test
%C%_reconcile_test_SOURCES = %D%/reconcile_test.c
%C%_reconcile_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/gate_test
%C%_gate_test_SOURCES = %D%/gate_test.c
%C%_gate_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/privacy_test
%C%_privacy_test_SOURCES = %D%/privacy_test.c
%C%_privacy_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/match_test
%C%_match_test_SOURCES = %D%/match_test.c
%C%_match_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/delivery_test
%C%_delivery_test_SOURCES = %D%/delivery_test.c
%C%_delivery_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/body_test
%C%_body_test_SOURCES = %D%/body_test.c
%C%_body_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/reach_test
%C%_reach_test_SOURCES = %D%/reach_test.c
%C%_reach_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/survey_test
%C%_survey_test_SOURCES = %D%/survey_test.c
%C%_survey_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/lane_test
%C%_lane_test_SOURCES = %D%/lane_test.c
%C%_lane_test_LDADD = $(test_ldadd)

check_PROGRAMS += %D%/render_test
%C%_render_test_SOURCES = %D%/render_test.c
%C%_render_test_LDADD = $(test_ldadd)
