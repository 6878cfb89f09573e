# SPDX-License-Identifier: Apache-2.0
schemadir = $(pkgdatadir)/mappings/schema
dist_schema_DATA = %D%/ipt-record.schema.json
