# SPDX-License-Identifier: Apache-2.0
# Plugins that the tests of core/plugin load, and the example that is built against the installed header.
sdk_ldflags = $(plugin_ldflags) -rpath '$(abs_builddir)/tests/sdk'
check_LTLIBRARIES += %D%/options.la \
	%D%/abi-1.la \
	%D%/good.la \
	%D%/bad-magic.la \
	%D%/bad-abi.la \
	%D%/bad-short.la \
	%D%/older.la \
	%D%/bad-part.la \
	%D%/bad-name.la \
	%D%/bad-empty.la \
	%D%/bad-symbol.la \
	%D%/bad-options.la \
	%D%/bad-poll.la
%C%_options_la_SOURCES = %D%/options.c %D%/options.h
%C%_options_la_LDFLAGS = $(sdk_ldflags)
%C%_abi_1_la_SOURCES = %D%/abi1.c
%C%_abi_1_la_LDFLAGS = $(sdk_ldflags)
%C%_good_la_SOURCES = %D%/handshake.c
%C%_good_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_NONE -DNAME='"good"'
%C%_good_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_magic_la_SOURCES = %D%/handshake.c
%C%_bad_magic_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_MAGIC -DNAME='"bad-magic"'
%C%_bad_magic_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_abi_la_SOURCES = %D%/handshake.c
%C%_bad_abi_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_ABI -DNAME='"bad-abi"'
%C%_bad_abi_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_short_la_SOURCES = %D%/handshake.c
%C%_bad_short_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_SHORT -DNAME='"bad-short"'
%C%_bad_short_la_LDFLAGS = $(sdk_ldflags)
%C%_older_la_SOURCES = %D%/handshake.c
%C%_older_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_OLDER -DNAME='"older"'
%C%_older_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_part_la_SOURCES = %D%/handshake.c
%C%_bad_part_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_PART -DNAME='"bad-part"'
%C%_bad_part_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_name_la_SOURCES = %D%/handshake.c
%C%_bad_name_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_NAME -DNAME='"bad-name"'
%C%_bad_name_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_empty_la_SOURCES = %D%/handshake.c
%C%_bad_empty_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_EMPTY -DNAME='"bad-empty"'
%C%_bad_empty_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_symbol_la_SOURCES = %D%/handshake.c
%C%_bad_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_SYMBOL -DNAME='"bad-symbol"'
%C%_bad_symbol_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_options_la_SOURCES = %D%/handshake.c
%C%_bad_options_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_OPTIONS -DNAME='"bad-options"'
%C%_bad_options_la_LDFLAGS = $(sdk_ldflags)
%C%_bad_poll_la_SOURCES = %D%/handshake.c
%C%_bad_poll_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=FAULT_POLL -DNAME='"bad-poll"'
%C%_bad_poll_la_LDFLAGS = $(sdk_ldflags)

# The mock host for the tests of plugins, ours and others': nodes are real ones.
check_LIBRARIES += libmock.a
libmock_a_SOURCES = tests/mock_nodes.c tests/mock_yaml.c tests/mock_yaml.h tests/mock_host.h
lib_LTLIBRARIES += libiptfhir-mock.la
libiptfhir_mock_la_SOURCES = tests/mock_nodes.c tests/mock_host.h core/base/alloc.c core/base/error.c core/base/text.c \
	core/tree/arena.c core/tree/json_read.c core/tree/json_write.c core/tree/node.c core/tree/number.c core/tree/symbol.c core/tree/tree.c core/tree/unicode.c
libiptfhir_mock_la_CFLAGS = $(AM_CFLAGS)
libiptfhir_mock_la_LDFLAGS = -version-info 0:0:0 -no-undefined -export-symbols-regex '^mock_' $(HARD_LDFLAGS)
mockdir = $(pkgincludedir)/testing
mock_HEADERS = tests/mock_host.h
exampledir = $(pkgdatadir)/example
dist_example_DATA = %D%/example/example_roster.c %D%/example/Makefile %D%/example/README.md %D%/example/iptfhir.yaml \
	%D%/example/roster.txt

# Builds the example outside the tree, with pkg-config, against what was installed, and loads it.
installcheck-sdk:
	@DESTDIR='$(DESTDIR)' LIBDIR='$(libdir)' CC='$(CC)' IPTFHIR='$(DESTDIR)$(bindir)/iptfhir' \
		PKG_CONFIG_PATH='$(DESTDIR)$(pkgconfigdir)'"$${PKG_CONFIG_PATH:+:$$PKG_CONFIG_PATH}" \
		IPTFHIR_DATADIR='$(DESTDIR)$(pkgdatadir)' IPTFHIR_PLUGINDIR='$(DESTDIR)$(plugindir)' \
		sh '$(srcdir)/tests/sdk/installcheck.sh' '$(DESTDIR)$(exampledir)' '$(srcdir)/doc/plugin-guide.md'
.PHONY: installcheck-sdk

scenario_tests += %D%/symbols.sh
EXTRA_DIST += %D%/guide.sh %D%/symbols.sh %D%/libiptfhir.symbols %D%/installcheck.sh
