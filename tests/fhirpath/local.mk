# SPDX-License-Identifier: Apache-2.0
# The runner of official FHIRPath suite files (make fhirpath-suite SUITE=FILE INPUTS=DIR).
noinst_PROGRAMS += tests/fhirpath/fhirpath-suite
tests_fhirpath_fhirpath_suite_SOURCES = %D%/suite.c
tests_fhirpath_fhirpath_suite_LDADD = libcore.a $(core_libs)
