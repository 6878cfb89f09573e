# SPDX-License-Identifier: Apache-2.0
# Instruments and facts are read alike by three mappers: each links its own copy.
instrument_sources = plugins/map-observation/facts.c plugins/map-observation/facts.h \
	plugins/map-observation/instrument.c plugins/map-observation/instrument.h plugins/map-observation/score.c
if MAP_OBSERVATION
plugin_LTLIBRARIES += plugins/map-observation/map-observation.la
plugins_map_observation_map_observation_la_SOURCES = %D%/map_observation.c $(instrument_sources)
plugins_map_observation_map_observation_la_LDFLAGS = $(plugin_ldflags)
plugins_map_observation_map_observation_la_LIBADD = $(JANSSON_LIBS) -lm
endif
check_PROGRAMS += plugins/map-observation/map_observation_test
plugins_map_observation_map_observation_test_SOURCES = %D%/map_observation_test.c plugins/map-observation/mapper_test.h $(instrument_sources)
plugins_map_observation_map_observation_test_LDADD = $(test_ldadd)
plugins_map_observation_map_observation_test_CFLAGS = $(AM_CFLAGS)
EXTRA_DIST += %D%/README.md
