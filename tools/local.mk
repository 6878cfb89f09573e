# SPDX-License-Identifier: Apache-2.0
# Tools that write files of the source tree; none is installed.
EXTRA_DIST += \
	%D%/r4-tables.mjs \
	%D%/store-dictionary.mjs \
	%D%/store-dictionary.sh
EXTRA_PROGRAMS += %D%/store-train
%C%_store_train_SOURCES = %D%/store-train.c
%C%_store_train_LDADD = libcore.a $(core_libs)
CLEANFILES += %D%/store-train$(EXEEXT)

# Trains core/store/store.dict anew.
store-dictionary: all %D%/store-train$(EXEEXT)
	@$(AM_TESTS_ENVIRONMENT) sh '$(srcdir)/%D%/store-dictionary.sh'

.PHONY: store-dictionary
