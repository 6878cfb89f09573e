# SPDX-License-Identifier: Apache-2.0
# Mappers that crash, hang and swallow memory, for tests/scenario/mapper-dies.sh.
check_LTLIBRARIES += tests/plugins/mapper-crash.la tests/plugins/mapper-hang.la tests/plugins/mapper-hog.la
misbehave_ldflags = $(plugin_ldflags) -rpath '$(abs_builddir)/tests/plugins'
tests_plugins_mapper_crash_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_crash_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=1 -DNAME='"mapper-crash"'
tests_plugins_mapper_crash_la_LDFLAGS = $(misbehave_ldflags)
tests_plugins_mapper_hang_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_hang_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=2 -DNAME='"mapper-hang"'
tests_plugins_mapper_hang_la_LDFLAGS = $(misbehave_ldflags)
tests_plugins_mapper_hog_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_hog_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=3 -DNAME='"mapper-hog"'
tests_plugins_mapper_hog_la_LDFLAGS = $(misbehave_ldflags)
# The same that end ingest as if all were well, leave a child behind, never begin or begin late: tests/scenario/plugins-misbehave.sh and
# read-before-sent.sh.
check_LTLIBRARIES += tests/plugins/mapper-quits.la tests/plugins/mapper-forks.la tests/plugins/mapper-sleeps.la \
	tests/plugins/mapper-lingers.la
tests_plugins_mapper_quits_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_quits_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=4 -DNAME='"mapper-quits"'
tests_plugins_mapper_quits_la_LDFLAGS = $(misbehave_ldflags)
tests_plugins_mapper_forks_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_forks_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=5 -DNAME='"mapper-forks"'
tests_plugins_mapper_forks_la_LDFLAGS = $(misbehave_ldflags)
tests_plugins_mapper_sleeps_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_sleeps_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=6 -DNAME='"mapper-sleeps"'
tests_plugins_mapper_sleeps_la_LDFLAGS = $(misbehave_ldflags)
tests_plugins_mapper_lingers_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_lingers_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=7 -DNAME='"mapper-lingers"'
tests_plugins_mapper_lingers_la_LDFLAGS = $(misbehave_ldflags)
# One that crashes when it hears that the service stops: tests/input/stopping.sh.
check_LTLIBRARIES += tests/plugins/mapper-spites.la
tests_plugins_mapper_spites_la_SOURCES = %D%/misbehave.c
tests_plugins_mapper_spites_la_CPPFLAGS = $(AM_CPPFLAGS) -DHOW=8 -DNAME='"mapper-spites"'
tests_plugins_mapper_spites_la_LDFLAGS = $(misbehave_ldflags)
# A source and a mapper that wait, for tests/input/stopping.sh.
check_LTLIBRARIES += tests/plugins/source-waits.la
tests_plugins_source_waits_la_SOURCES = %D%/source_waits.c
tests_plugins_source_waits_la_LDFLAGS = $(misbehave_ldflags)
check_LTLIBRARIES += tests/plugins/mapper-waits.la
tests_plugins_mapper_waits_la_SOURCES = %D%/mapper_waits.c
tests_plugins_mapper_waits_la_LDFLAGS = $(misbehave_ldflags)
# A source that doesn't hear what its sink says, for core/sync/service_test.c.
check_LTLIBRARIES += tests/plugins/source-deaf.la
tests_plugins_source_deaf_la_SOURCES = %D%/source_deaf.c
tests_plugins_source_deaf_la_LDFLAGS = $(misbehave_ldflags)
