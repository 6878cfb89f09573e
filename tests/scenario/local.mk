# SPDX-License-Identifier: Apache-2.0
# Scenarios against a real FHIR server that misbehaves on purpose.
scenarios = \
	%D%/same-twice.sh \
	%D%/one-changed-score.sh \
	%D%/server-down.sh \
	%D%/lost-answer.sh \
	%D%/killed.sh \
	%D%/busy-server.sh \
	%D%/refused-entry.sh \
	%D%/without-transaction.sh \
	%D%/capability.sh \
	%D%/conflict.sh \
	%D%/patient-match.sh \
	%D%/bad-input.sh \
	%D%/mapper-dies.sh \
	%D%/mappers-at-once.sh \
	%D%/contract.sh \
	%D%/restricted.sh \
	%D%/tls-refused.sh \
	%D%/back-again.sh \
	%D%/corrected-while-waiting.sh \
	%D%/revoked.sh \
	%D%/safety-heard.sh \
	%D%/patient-changed.sh \
	%D%/no-fhir.sh \
	%D%/one-resource-fails.sh \
	%D%/one-bad-patient.sh \
	%D%/second-target.sh \
	%D%/shared-condition.sh \
	%D%/two-jobs.sh \
	%D%/truncated-export.sh \
	%D%/mapper-left-out.sh \
	%D%/many-resources.sh \
	%D%/out-of-memory.sh \
	%D%/delivery-dies.sh \
	%D%/search-forbidden.sh \
	%D%/commands-meanwhile.sh \
	%D%/plugins-misbehave.sh \
	%D%/read-before-sent.sh \
	%D%/pause-ended.sh \
	%D%/mistaken-config.sh
scenario_tests += $(scenarios)
EXTRA_DIST += $(scenarios) %D%/lib.sh %D%/data.mjs %D%/compare.mjs
