# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/command.h \
	%D%/check.c \
	%D%/eval.c \
	%D%/map.c \
	%D%/plugins.c \
	%D%/report.c \
	%D%/test.c
