# SPDX-License-Identifier: Apache-2.0
# The simulation: EHRs, a world and a clinic from a seed, and the laws that always hold.
ehr_sources = %D%/ehr.h %D%/ehr_room.h %D%/ehr_store.c %D%/ehr_search.c %D%/ehr_http.c %D%/ehr_bundle.c

check_PROGRAMS += %D%/ehr_test
%C%_ehr_test_SOURCES = %D%/ehr_test.c $(ehr_sources)
%C%_ehr_test_LDADD = $(test_ldadd)
