# SPDX-License-Identifier: Apache-2.0
if MAP_CAREPLAN
plugin_LTLIBRARIES += plugins/map-careplan/map-careplan.la
plugins_map_careplan_map_careplan_la_SOURCES = %D%/map_careplan.c %D%/careplan.h %D%/derive.c
plugins_map_careplan_map_careplan_la_LDFLAGS = $(plugin_ldflags)
plugins_map_careplan_map_careplan_la_LIBADD = libinstrument.la
endif
check_PROGRAMS += plugins/map-careplan/map_careplan_test
plugins_map_careplan_map_careplan_test_SOURCES = %D%/map_careplan_test.c lib/instrument/mapper_test.h %D%/derive.c
plugins_map_careplan_map_careplan_test_LDADD = libinstrument.la $(test_ldadd)
plugins_map_careplan_map_careplan_test_CFLAGS = $(AM_CFLAGS)
EXTRA_DIST += %D%/README.md
