# SPDX-License-Identifier: Apache-2.0
core_sources += \
	%D%/world.h
