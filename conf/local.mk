# SPDX-License-Identifier: Apache-2.0
# The sample configuration, with the record that it points to, and the test that `check` accepts it.
nobase_dist_pkgdata_DATA += conf/iptfhir.yaml mappings/examples/full/record.json
check_PROGRAMS += core/command/check_test
core_command_check_test_SOURCES = core/command/check_test.c
core_command_check_test_LDADD = $(test_ldadd)
