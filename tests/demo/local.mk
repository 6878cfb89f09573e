# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/demo.sh %D%/make-data.mjs %D%/show.mjs conf/demo/SOURCES.md conf/demo/columns.yaml conf/demo/iptfhir.yaml.in \
	conf/demo/patients.ndjson conf/demo/records.ndjson conf/demo/redcap.csv
