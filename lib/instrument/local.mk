# SPDX-License-Identifier: Apache-2.0
# What measures are worth by the instrument files: no plugin, but a part of the mappers that score.
noinst_LTLIBRARIES += libinstrument.la
libinstrument_la_SOURCES = %D%/facts.c %D%/facts.h %D%/instrument.c %D%/instrument.h %D%/score.c
libinstrument_la_LIBADD = libiptfhir.la -lm
