# SPDX-License-Identifier: Apache-2.0
# Memory that runs out: in histories of the simulation, and in the built program (scenario out-of-memory.sh).
refusing_sources = %D%/refusing.h %D%/refusing.c
check_PROGRAMS += %D%/whole_syncs
%C%_whole_syncs_SOURCES = %D%/whole_syncs.c %D%/refusing.h
%C%_whole_syncs_CPPFLAGS = $(AM_CPPFLAGS)
%C%_whole_syncs_LDADD = tests/world/libsim.a $(sim_ldadd)
%C%_whole_syncs_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=delivery_open,--wrap=delivery_step -Wl,--wrap=sim_world_init,--wrap=sim_between_calls,--wrap=sim_calm \
	-Wl,--wrap=intake_abandon,--wrap=intake_begin,--wrap=intake_record,--wrap=intake_hold,--wrap=intake_unchanged,--wrap=intake_flush,--wrap=intake_end
if SANITIZED
%C%_whole_syncs_CPPFLAGS += -DREFUSES_THROUGH_BASE
else
%C%_whole_syncs_SOURCES += %D%/refusing.c
check_LTLIBRARIES += %D%/refuse-memory.la
endif
%C%_refuse_memory_la_SOURCES = %D%/preload.c $(refusing_sources)
%C%_refuse_memory_la_LDFLAGS = -module -avoid-version -shared -rpath '$(abs_builddir)/%D%'
EXTRA_DIST += %D%/preload.c $(refusing_sources)
