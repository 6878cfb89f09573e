# SPDX-License-Identifier: Apache-2.0
# make bench WEEKLY=FILE: iptfhir beside its peers.

EXTRA_DIST += \
	%D%/bench.sh \
	%D%/install.sh \
	%D%/iptfhir.yaml.in \
	%D%/make-patients.mjs \
	%D%/metadata.json \
	%D%/peers/jsonata-map.mjs \
	%D%/peers/node-map.mjs \
	%D%/peers/package-lock.json \
	%D%/peers/package.json \
	%D%/peers/phq9.mjs \
	%D%/peers/record.mjs \
	%D%/peers/repeat-record.mjs \
	%D%/peers/rows-to-xml.mjs \
	%D%/peers/rows.mjs \
	%D%/peers/weekly.jsonata \
	%D%/peers/weekly.xsl \
	%D%/sink.conf.in \
	%D%/sink.sh \
	%D%/table.awk

# Built for the bench alone: the sink that answers transactions, ingest by itself, and what measures a command.
bench_programs = %D%/sink$(EXEEXT) %D%/measure$(EXEEXT) %D%/ingest$(EXEEXT)
EXTRA_PROGRAMS += %D%/sink %D%/measure %D%/ingest
%C%_sink_SOURCES = %D%/sink.c
%C%_sink_LDADD = libcore.a $(core_libs)
%C%_measure_SOURCES = %D%/measure.c
%C%_ingest_SOURCES = %D%/ingest.c
%C%_ingest_LDADD = libcore.a $(core_libs)
CLEANFILES += $(bench_programs)
