# SPDX-License-Identifier: Apache-2.0
# The FHIR server of the demo and the scenario tests.

EXTRA_DIST += \
	%D%/README.md \
	%D%/answer.mjs \
	%D%/bindings.mjs \
	%D%/capability.mjs \
	%D%/control.mjs \
	%D%/faults.mjs \
	%D%/fhir.mjs \
	%D%/install.sh \
	%D%/lib.sh \
	%D%/make-ca.sh \
	%D%/options.mjs \
	%D%/package-lock.json \
	%D%/package.json \
	%D%/repository.mjs \
	%D%/selftest.sh \
	%D%/server.mjs
