# SPDX-License-Identifier: Apache-2.0
if MAP_GOAL
plugin_LTLIBRARIES += plugins/map-goal/map-goal.la
plugins_map_goal_map_goal_la_SOURCES = %D%/map_goal.c
plugins_map_goal_map_goal_la_LDFLAGS = $(plugin_ldflags)
plugins_map_goal_map_goal_la_LIBADD = libinstrument.la
endif
check_PROGRAMS += plugins/map-goal/map_goal_test
plugins_map_goal_map_goal_test_SOURCES = %D%/map_goal_test.c lib/instrument/mapper_test.h
plugins_map_goal_map_goal_test_LDADD = libinstrument.la $(test_ldadd)
plugins_map_goal_map_goal_test_CFLAGS = $(AM_CFLAGS)
EXTRA_DIST += %D%/README.md
