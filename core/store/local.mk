# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/memory.c \
	%D%/memory_rows.c %D%/memory_rows.h \
	%D%/memory_table.c %D%/memory_table.h \
	%D%/store.c \
	%D%/store.h
