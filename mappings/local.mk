# SPDX-License-Identifier: Apache-2.0
# Data: mapping files, instruments, terminology; the schema has a fragment of its own, and source-csv lists the column files.
nobase_dist_pkgdata_DATA += \
	mappings/lifecycle.yaml mappings/privacy/classes.yaml mappings/privacy/part2.yaml \
	mappings/careplan.yaml mappings/careteam.yaml mappings/condition.yaml mappings/consent.yaml mappings/encounter.yaml \
	mappings/flag.yaml mappings/goal.yaml mappings/medicationstatement.yaml mappings/observation-communication.yaml \
	mappings/observation-panel.yaml mappings/observation-relationship.yaml mappings/procedure.yaml mappings/provenance.yaml \
	mappings/questionnaireresponse.yaml mappings/relatedperson.yaml mappings/servicerequest.yaml \
	mappings/instruments/phq-9.yaml mappings/instruments/gad-7.yaml \
	mappings/terminology/codesystem-ipt.json mappings/terminology/conceptmap-assessment-status.json \
	mappings/terminology/conceptmap-consent-status.json mappings/terminology/conceptmap-course-activity-status.json \
	mappings/terminology/conceptmap-course-careplan-status.json mappings/terminology/conceptmap-course-careteam-status.json \
	mappings/terminology/conceptmap-course-request-status.json mappings/terminology/conceptmap-goal-category.json \
	mappings/terminology/conceptmap-goal-priority.json mappings/terminology/conceptmap-relationship-role.json \
	mappings/terminology/conceptmap-relationship-type-role.json mappings/terminology/conceptmap-session-mode.json \
	mappings/terminology/conceptmap-session-status.json mappings/terminology/conceptmap-session-therapy.json
EXTRA_DIST += \
	mappings/examples/full/record.json mappings/examples/full/expected.ndjson \
	mappings/examples/gad-7/record.json mappings/examples/gad-7/expected.ndjson \
	mappings/examples/goals-only/record.json mappings/examples/goals-only/expected.ndjson \
	mappings/examples/minimal/record.json mappings/examples/minimal/expected.ndjson \
	mappings/examples/missing-item/record.json mappings/examples/missing-item/expected.ndjson \
	mappings/examples/total-mismatch/record.json mappings/examples/total-mismatch/expected.ndjson
