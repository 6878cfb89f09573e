# SPDX-License-Identifier: Apache-2.0
# The simulation: EHRs, a world and a clinic from a seed, and the laws that always hold.
ehr_sources = %D%/ehr.h %D%/ehr_room.h %D%/ehr_store.c %D%/ehr_search.c %D%/ehr_http.c %D%/ehr_bundle.c
sim_sources = $(ehr_sources) %D%/clinic.h %D%/clinic.c %D%/clinic_poll.c %D%/laws.h %D%/laws.c %D%/laws_rest.c \
	%D%/sim_world.h %D%/sim_world.c %D%/sim_store.h %D%/sim_store.c %D%/sim_target.h %D%/sim_target.c \
	%D%/sim_room.h %D%/sim_run.h %D%/sim_run.c %D%/sim_events.c %D%/sim_command.c %D%/sim_life.c %D%/sim_script.c
sim_ldadd = plugins/target-fhir/libparts.a $(test_ldadd) $(JANSSON_LIBS)

check_LIBRARIES += %D%/libsim.a
%C%_libsim_a_SOURCES = $(sim_sources) plugins/target-fhir/target_fhir.c
%C%_libsim_a_CFLAGS = $(AM_CFLAGS)

check_PROGRAMS += %D%/ehr_test %D%/histories %D%/simulate
%C%_ehr_test_SOURCES = %D%/ehr_test.c
%C%_ehr_test_LDADD = %D%/libsim.a $(test_ldadd)
%C%_histories_SOURCES = %D%/histories.c
%C%_histories_LDADD = %D%/libsim.a $(sim_ldadd)
%C%_simulate_SOURCES = %D%/simulate.c
%C%_simulate_LDADD = %D%/libsim.a $(sim_ldadd)
