# SPDX-License-Identifier: Apache-2.0
# What measures are worth by the instrument files: no plugin, but a part of the mappers that score.
noinst_LTLIBRARIES += libinstrument.la
libinstrument_la_SOURCES = %D%/facts.c %D%/facts.h %D%/instrument.c %D%/instrument.h %D%/score.c
libinstrument_la_LIBADD = libiptfhir.la -lm
check_PROGRAMS += %D%/instrument_test
%C%_instrument_test_SOURCES = %D%/instrument_test.c tests/mock_host.h
%C%_instrument_test_LDADD = libinstrument.la $(test_ldadd)
