# SPDX-License-Identifier: Apache-2.0
if MAP_TEMPLATE
plugin_LTLIBRARIES += plugins/map-template/map-template.la
plugins_map_template_map_template_la_SOURCES = %D%/map_template.c
plugins_map_template_map_template_la_LDFLAGS = $(plugin_ldflags)
endif
check_PROGRAMS += plugins/map-template/map_template_test
plugins_map_template_map_template_test_SOURCES = %D%/map_template_test.c
plugins_map_template_map_template_test_LDADD = $(test_ldadd)
EXTRA_DIST += %D%/README.md
