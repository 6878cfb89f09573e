# SPDX-License-Identifier: Apache-2.0
# The fuzzing of answers: its corpus in `make check`; `make fuzz-answers FUZZ_SECONDS=N` with clang's fuzzer.
EXTRA_DIST += \
	%D%/answers/find-batch \
	%D%/answers/find-oracle \
	%D%/answers/find-single \
	%D%/answers/learn-hapi \
	%D%/answers/learn-page \
	%D%/answers/match-elsewhere \
	%D%/answers/match-oauth \
	%D%/answers/match-two \
	%D%/answers/read-batch \
	%D%/answers/read-hapi-0960 \
	%D%/answers/read-single \
	%D%/answers/write-busy \
	%D%/answers/write-created \
	%D%/answers/write-google \
	%D%/answers/write-lost \
	%D%/answers/write-named \
	%D%/answers/write-refused \
	%D%/answers/write-transaction
check_PROGRAMS += %D%/corpus
%C%_corpus_SOURCES = %D%/corpus.c %D%/answers.c %D%/answers.h plugins/target-fhir/target_fhir.c
%C%_corpus_CFLAGS = $(AM_CFLAGS)
%C%_corpus_LDADD = plugins/target-fhir/libparts.a libiptfhir.la $(JANSSON_LIBS)

FUZZ_SECONDS = 60
fuzz-answers:
	@command -v clang >/dev/null || { echo "fuzz-answers: it needs clang with its fuzzer"; exit 1; }
	@mkdir -p fuzz-answers-found
	parts=''; for f in $(target_fhir_parts) $(base_shared); do case $$f in *.c) parts="$$parts $(srcdir)/$$f" ;; esac; done; \
	clang $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined $(JANSSON_CFLAGS) \
		-o fuzz-answers.bin '$(srcdir)/tests/fuzz/answers.c' '$(srcdir)/plugins/target-fhir/target_fhir.c' $$parts $(JANSSON_LIBS)
	./fuzz-answers.bin -max_total_time=$(FUZZ_SECONDS) -max_len=8192 fuzz-answers-found '$(srcdir)/tests/fuzz/answers'
CLEANFILES += fuzz-answers.bin
.PHONY: fuzz-answers
