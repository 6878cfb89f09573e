# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/checksum.c %D%/checksum.h \
	%D%/dictionary.h \
	%D%/memory.c %D%/memory.h \
	%D%/memory_rows.c %D%/memory_rows.h \
	%D%/memory_small.c \
	%D%/memory_states.c \
	%D%/memory_table.c %D%/memory_table.h \
	%D%/memory_wanted.c \
	%D%/memory_whose.c \
	%D%/pack.c %D%/pack.h \
	%D%/sqlite.c %D%/sqlite.h \
	%D%/sqlite_batch.c \
	%D%/sqlite_bodies.c \
	%D%/sqlite_calls.h \
	%D%/sqlite_run.c \
	%D%/sqlite_small.c \
	%D%/sqlite_statements.c \
	%D%/sqlite_states.c \
	%D%/sqlite_vfs.c %D%/sqlite_vfs.h \
	%D%/sqlite_wanted.c \
	%D%/sqlite_whose.c \
	%D%/sqlite_words.c \
	%D%/store.c \
	%D%/store.h

# The dictionary is data; the program carries it as a table of bytes.
EXTRA_DIST += %D%/store.dict
nodist_libcore_a_SOURCES = %D%/dictionary.c
CLEANFILES += %D%/dictionary.c
%D%/dictionary.c: %D%/store.dict
	@$(MKDIR_P) %D%
	$(AM_V_GEN)LC_ALL=C; export LC_ALL; { \
		echo '/* Made from core/store/store.dict. */'; echo '#include "core/store/dictionary.h"'; \
		echo 'const unsigned char store_dictionary[] = {'; od -An -v -tu1 '$(srcdir)/%D%/store.dict' | sed 's/[0-9][0-9]*/&,/g'; \
		echo '};'; echo 'const size_t store_dictionary_length = sizeof store_dictionary;'; } >$@.new && mv $@.new $@

store_conformance = \
	%D%/conformance.c %D%/conformance.h %D%/conformance_at.h \
	%D%/conformance_states.c \
	%D%/conformance_wanted.c \
	%D%/conformance_whose.c \
	%D%/conformance_work.c
check_PROGRAMS += %D%/memory_test
%C%_memory_test_SOURCES = %D%/memory_test.c $(store_conformance)
%C%_memory_test_LDADD = $(test_ldadd)
check_PROGRAMS += %D%/sqlite_test
%C%_sqlite_test_SOURCES = %D%/sqlite_test.c $(store_conformance)
%C%_sqlite_test_LDADD = $(test_ldadd)

# make store-bench RESOURCES=FILE [RECORDS=N]: not part of check.
EXTRA_PROGRAMS += %D%/store_bench
%C%_store_bench_SOURCES = %D%/store_bench.c $(store_conformance)
%C%_store_bench_LDADD = $(test_ldadd)
CLEANFILES += %D%/store_bench$(EXEEXT)
store-bench: %D%/store_bench$(EXEEXT)
	@test -n '$(RESOURCES)' || { echo "usage: make store-bench RESOURCES=FILE.ndjson [RECORDS=N]"; exit 64; }
	@d=$$(mktemp -d) && { %D%/store_bench$(EXEEXT) "$$d" '$(RESOURCES)' $(RECORDS); code=$$?; rm -rf "$$d"; exit $$code; }
.PHONY: store-bench
check_PROGRAMS += %D%/crash_test
%C%_crash_test_SOURCES = %D%/crash_test.c %D%/crash_vfs.c %D%/crash_vfs.h $(store_conformance)
%C%_crash_test_LDADD = $(test_ldadd)
