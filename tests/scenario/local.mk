# SPDX-License-Identifier: Apache-2.0
# Scenarios against a real FHIR server that misbehaves on purpose.
scenario_tests += \
	%D%/same-twice.sh \
	%D%/one-changed-score.sh \
	%D%/server-down.sh \
	%D%/lost-answer.sh \
	%D%/killed.sh
EXTRA_DIST += $(scenario_tests) %D%/lib.sh %D%/data.mjs %D%/compare.mjs
