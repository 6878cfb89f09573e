# SPDX-License-Identifier: Apache-2.0
if MAP_OBSERVATION
plugin_LTLIBRARIES += plugins/map-observation/map-observation.la
plugins_map_observation_map_observation_la_SOURCES = %D%/map_observation.c
plugins_map_observation_map_observation_la_LDFLAGS = $(plugin_ldflags)
plugins_map_observation_map_observation_la_LIBADD = libinstrument.la
endif
check_PROGRAMS += plugins/map-observation/map_observation_test
plugins_map_observation_map_observation_test_SOURCES = %D%/map_observation_test.c lib/instrument/mapper_test.h
plugins_map_observation_map_observation_test_LDADD = libinstrument.la $(test_ldadd)
plugins_map_observation_map_observation_test_CFLAGS = $(AM_CFLAGS)
EXTRA_DIST += %D%/README.md
