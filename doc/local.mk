# SPDX-License-Identifier: Apache-2.0
dist_man_MANS += %D%/iptfhir.1 %D%/iptfhir.yaml.5
dist_doc_DATA = %D%/architecture.md %D%/mapping-guide.md %D%/plugin-guide.md
EXTRA_DIST += %D%/tests.md
