# SPDX-License-Identifier: Apache-2.0
core_sources += %D%/arena.c %D%/arena.h %D%/compare.c %D%/json_read.c %D%/json_write.c \
	%D%/node.c %D%/node.h %D%/number.c %D%/number.h \
	%D%/symbol.c %D%/symbol.h %D%/tree.c %D%/tree.h %D%/unicode.c %D%/unicode.h %D%/xml.c %D%/xml.h
check_PROGRAMS += %D%/tree_test %D%/json_test %D%/compare_test %D%/xml_test %D%/memory_test %D%/node_test %D%/number_test %D%/unicode_test
%C%_number_test_SOURCES = %D%/number_test.c
%C%_number_test_LDADD = $(test_ldadd)
%C%_unicode_test_SOURCES = %D%/unicode_test.c
%C%_unicode_test_LDADD = $(test_ldadd)
%C%_node_test_SOURCES = %D%/node_test.c
%C%_node_test_LDADD = $(test_ldadd)
%C%_tree_test_SOURCES = %D%/tree_test.c
%C%_tree_test_LDADD = $(test_ldadd)
%C%_json_test_SOURCES = %D%/json_test.c
%C%_json_test_LDADD = $(test_ldadd)
%C%_compare_test_SOURCES = %D%/compare_test.c
%C%_compare_test_LDADD = $(test_ldadd)
%C%_xml_test_SOURCES = %D%/xml_test.c
%C%_xml_test_LDADD = $(test_ldadd)
%C%_memory_test_SOURCES = %D%/memory_test.c
%C%_memory_test_LDADD = $(test_ldadd)
